r"""Compiled kernels for small dense fits: one damped step in tens of microseconds instead of hundreds.

Meant for at most about 20 parameters and 2000 rows. Importing this module imports Numba; machine code is cached next to
the file, so that only the first process ever compiles. No BLAS or LAPACK is called: the kernels are re-entrant, run
inside ``prange`` and inside other compiled functions, and give the same bits on any number of threads.

Convention as in the rest of the room: ``J / D = U S V^T``, ``g = U^T r``; a zero in ``D`` counts as 1.
"""

import math

import numpy as np
from numba import njit

__all__ = ["small_factor", "trust_step"]

EPS = float(np.finfo(np.float64).eps)
TINY = float(np.finfo(np.float64).tiny)


@njit(cache=True, error_model="numpy", fastmath={"contract", "reassoc"})
def _dot(a, b):  # pragma: no cover - compiled
    """Inner product; the leave to reassociate lets the compiler use vector instructions."""
    total = 0.0
    for i in range(a.shape[0]):
        total += a[i] * b[i]
    return total


@njit(cache=True, error_model="numpy")
def _triangularise(T, P):  # pragma: no cover - compiled
    """Householder QR of the first P of the P + 1 columns held as *rows* of T (P + 1, N), N >= P.

    Leaves R in T[j, :j+1] (row j of T is column j of R) and Q^T of the last column in T[P].
    """
    for k in range(P):
        # Slices, not offsets: a loop from 0 is one that the compiler can vectorise.
        x = T[k, k:]
        norm = math.sqrt(_dot(x, x))
        if norm == 0.0:
            continue
        alpha = -norm if x[0] >= 0.0 else norm
        x[0] -= alpha
        # With v = x - alpha e_k: v.v / 2 = -alpha v_k, so the reflector is I + v v^T / (alpha v_k).
        factor = 1.0 / (alpha * x[0])
        for j in range(k + 1, P + 1):
            y = T[j, k:]
            s = _dot(x, y) * factor
            for i in range(y.shape[0]):
                y[i] += s * x[i]
        x[0] = alpha


@njit(cache=True, error_model="numpy")
def _jacobi(W, V):  # pragma: no cover - compiled
    """One-sided Jacobi: rotate the rows of W (columns of R) until orthogonal, the same on the rows of V.

    Converges to W = S U^T, V = V^T with high relative accuracy of the small singular values (Demmel and Veselic 1992).
    """
    P = W.shape[0]
    tolerance = EPS * math.sqrt(P)
    for _ in range(40):
        rotated = False
        for p in range(P - 1):
            for q in range(p + 1, P):
                a, b = W[p], W[q]
                alpha, beta, gamma = 0.0, 0.0, 0.0
                for i in range(P):
                    alpha += a[i] * a[i]
                    beta += b[i] * b[i]
                    gamma += a[i] * b[i]
                if abs(gamma) <= tolerance * math.sqrt(alpha) * math.sqrt(beta) or abs(gamma) < TINY:
                    continue
                rotated = True
                zeta = (beta - alpha) / (2.0 * gamma)
                if abs(zeta) > 1e150:
                    t = 0.5 / zeta
                else:
                    t = math.copysign(1.0, zeta) / (abs(zeta) + math.sqrt(1.0 + zeta * zeta))
                c = 1.0 / math.sqrt(1.0 + t * t)
                s = c * t
                for i in range(P):
                    wp, wq = a[i], b[i]
                    a[i], b[i] = c * wp - s * wq, s * wp + c * wq
                    vp, vq = V[p, i], V[q, i]
                    V[p, i], V[q, i] = c * vp - s * vq, s * vp + c * vq
        if not rotated:
            break


@njit(cache=True, error_model="numpy")
def small_factor(J, r, D):  # pragma: no cover - compiled
    """Singular values and right vectors of ``J / D``, and ``U^T r``, by Householder QR and one-sided Jacobi.

    Parameters
    ----------
    J
        Jacobian (n, P), C-contiguous float64, finite; n < P is padded with zero rows.
    r
        Residual (n,), float64.
    D
        Column scale (P,), float64; zeros count as 1.

    Returns
    -------
    S (P,), Vt (P, P), g (P,)
        Descending singular values, right singular vectors as rows, and ``U^T r``. ``g`` is exactly 0 where
        ``S <= max(n, P) * eps * S[0]``: those directions are rounding, and so drop out of every step.
    """
    n, P = J.shape
    T = np.zeros((P + 1, max(n, P)))
    # Entries are divided by the largest one: squares then neither overflow nor vanish, whatever the units.
    largest = 0.0
    for j in range(P):
        inverse = 1.0 / D[j] if D[j] > 0.0 else 1.0
        for i in range(n):
            x = J[i, j] * inverse
            T[j, i] = x
            largest = max(largest, abs(x))
    for i in range(n):
        T[P, i] = r[i]
    unit = largest if largest > 0.0 and not 1e-100 < largest < 1e100 else 1.0
    if unit != 1.0:
        for j in range(P):
            for i in range(n):
                T[j, i] /= unit
    _triangularise(T, P)
    W, V = np.zeros((P, P)), np.zeros((P, P))
    for j in range(P):
        V[j, j] = 1.0
        for i in range(j + 1):
            W[j, i] = T[j, i]
    _jacobi(W, V)
    raw, order = np.empty(P), np.empty(P, dtype=np.int64)
    for k in range(P):
        raw[k] = math.sqrt(_dot(W[k], W[k]))
        # Insertion sort: P is small, and the sorting routines of Numba take seconds to compile.
        place = k
        while place > 0 and raw[order[place - 1]] < raw[k]:
            order[place] = order[place - 1]
            place -= 1
        order[place] = k
    S, Vt, g = np.empty(P), np.empty((P, P)), np.zeros(P)
    cut = max(n, P) * EPS * raw[order[0]]
    for k in range(P):
        source = order[k]
        S[k] = raw[source] * unit
        for i in range(P):
            Vt[k, i] = V[source, i]
        if raw[source] > cut:
            total = 0.0
            for i in range(P):
                total += W[source, i] * T[P, i]
            g[k] = total / raw[source]
    return S, Vt, g


@njit(cache=True, error_model="numpy")
def _length(S, g, damping):  # pragma: no cover - compiled
    """Scaled step length and ``-d(length^2 / 2)/d damping``."""
    square, slope = 0.0, 0.0
    for k in range(S.shape[0]):
        if g[k] != 0.0:  # where g is not 0, S is not
            below = S[k] * S[k] + damping
            p = S[k] * g[k] / below
            square += p * p
            slope += p * p / below
    return math.sqrt(square), slope


@njit(cache=True, error_model="numpy")
def trust_step(S, Vt, g, D, radius, lam0):  # pragma: no cover - compiled
    """Step of scaled length at most ``radius`` (to 10 %, as in MINPACK) that minimises the linear model.

    Parameters
    ----------
    S, Vt, g, D
        As returned by and passed to `small_factor`.
    radius
        Trust radius, > 0, in the metric of D.
    lam0
        First guess of the damping (the last one is a good guess); 0 if there is none.

    Returns
    -------
    step (P,), damping, predicted, norm
        Step in the units of the parameters; the damping, 0.0 when the full pseudoinverse step fits; the decrease of
        ``1/2 ||r + J step||^2``; the scaled length of the step.
    """
    P = S.shape[0]
    norm, slope = _length(S, g, 0.0)
    damping = 0.0
    if norm > 1.1 * radius:
        gradient = 0.0
        for k in range(P):
            gradient += (S[k] * g[k]) ** 2
        # Newton on 1/length from the left is monotone and gives the lower end of the bracket at once.
        high = math.sqrt(gradient) / radius
        low = (norm - radius) / radius * norm * norm / slope
        low = min(low, high)
        damping = lam0 if low < lam0 < high else low
        for _ in range(60):
            norm, slope = _length(S, g, damping)
            if abs(norm - radius) <= 0.1 * radius:
                break
            if norm > radius:
                low = max(low, damping)
            else:
                high = min(high, damping)
            newton = damping + (norm - radius) / radius * norm * norm / slope
            inside = low < newton < high
            damping = newton if inside else max(1e-3 * high, math.sqrt(low * high))
    step = np.zeros(P)
    predicted, square = 0.0, 0.0
    for k in range(P):
        if g[k] == 0.0:
            continue
        weight = S[k] / (S[k] * S[k] + damping)
        c, p = S[k] * weight, weight * g[k]
        predicted += 0.5 * g[k] * g[k] * c * (2.0 - c)
        square += p * p
        for j in range(P):
            step[j] -= Vt[k, j] * p
    for j in range(P):
        if D[j] > 0.0:
            step[j] /= D[j]
    return step, damping, predicted, math.sqrt(square)
