"""Golub-Kahan bidiagonalisation: one Krylov space of ``J / D`` serves every damping."""

import numpy as np
from numpy.typing import NDArray

from sciopt._errors import OptionError
from sciopt.linalg.bases import Explicit
from sciopt.linalg.decompositions import svd_ladder
from sciopt.linalg.operators import ScaledJacobian
from sciopt.linalg.spectral import SpectralFactor

__all__ = ["krylov_factor"]

Array = NDArray[np.float64]


def krylov_factor(jacobian: ScaledJacobian, k: int | None = None, rtol: float = 1e-14) -> SpectralFactor:
    r"""Bidiagonalise ``A = J / D`` from r, ``A V_k = U_{k+1} B_k``, then SVD of ``B_k`` (Golub and Kahan 1965).

    Both bases are fully reorthogonalised, so Ritz values have no ghosts. The steps are those of LSQR after k
    iterations, for all dampings at once; k grows like the condition number of the damped problem, hence it suits large
    dampings.

    Parameters
    ----------
    jacobian
        The scaled Jacobian, dense or as products; costs k products with J and k with J^T.
    k
        Most iterations; default ``min(n, P, 256)``.
    rtol
        Stop when the undamped gradient in the space, ``||A^T r_k||``, is below ``rtol * ||A^T r||``.
    """
    n, P = jacobian.shape
    most = min(n, P, 256) if k is None else min(k, n, P)
    if most < 1:
        raise OptionError(f"krylov: k={k!r}; at least one iteration is needed")
    eps = float(np.finfo(np.float64).eps)
    U, V = np.zeros((n, most + 1), order="F"), np.zeros((P, most), order="F")
    B = np.zeros((most + 1, most))
    start = float(np.linalg.norm(jacobian.r))
    U[:, 0] = jacobian.r / start if start > 0.0 else 0.0
    size, note = 0, ""
    # As in LSQR: the rotations that make B triangular give the residual norm and the gradient norm as they go.
    cosine, remaining, first, largest = 1.0, start, 0.0, 0.0
    while size < most:
        v = jacobian.adjoint(U[:, size])
        if size:
            v -= B[size, size - 1] * V[:, size - 1]
        alpha = _normalise(v, V[:, :size])
        gradient = remaining * alpha * abs(cosine)
        first, largest = (gradient, alpha) if size == 0 else (first, max(largest, alpha))
        if alpha <= eps * largest or gradient <= rtol * first:
            note = "invariant subspace"
            break
        u = jacobian.apply(v) - alpha * U[:, size]
        beta = _normalise(u, U[:, : size + 1])
        V[:, size], B[size, size] = v, alpha
        U[:, size + 1], B[size + 1, size] = u, beta
        size += 1
        pivot = alpha if size == 1 else -cosine * alpha
        rho = float(np.hypot(pivot, beta))
        cosine, remaining = pivot / rho, remaining * beta / rho
        largest = max(largest, beta)
        if beta <= eps * largest:
            note = "invariant subspace"
            break
    size = max(size, 1)
    W, S, Qt, extra = svd_ladder(B[: size + 1, :size])
    note = "; ".join(x for x in (f"{size} iterations", note, extra) if x)
    left, right = Explicit(U[:, : size + 1] @ W), Explicit(V[:, :size] @ Qt.T)
    rtol_s = max(n, P) * float(np.finfo(float).eps)
    return SpectralFactor("krylov", jacobian, S, left, right, rtol_s, note, complete=False, projected=start * W[0])


def _normalise(x: Array, basis: Array) -> float:
    """Orthogonalise x in place against the basis, twice, and scale it to length one; returns the length."""
    before = float(np.linalg.norm(x))
    for _ in range(2):
        x -= basis @ (basis.T @ x)
    length = float(np.linalg.norm(x))
    # What is left after losing sixteen digits is rounding, not a new direction.
    if length <= 8.0 * np.finfo(float).eps * before:
        x[:] = 0.0
        return 0.0
    x /= length
    return length
