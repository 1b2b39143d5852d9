"""A lean QR + SVD factorisation for few parameters: direct LAPACK calls, a few microseconds each."""

from __future__ import annotations

import functools
import math

import numpy as np
from scipy.linalg.lapack import dgeqrf, dgesdd  # pyright: ignore[reportAttributeAccessIssue]

from sciopt._types import Array

__all__ = ["CompactFactor", "spectrum", "triangle"]

EPS = float(np.finfo(float).eps)


@functools.cache
def _upper(P: int) -> Array:
    return np.triu(np.ones((P, P)))


def triangle(A: Array) -> tuple[Array, Array]:
    """Return (R, q) with the same normal equations as A = [J, r], by Householder QR: R^T R = J^T J, R^T q = J^T r.

    Neither J^T J nor Q is formed. Scaling columns commutes with it, so that one reduction serves any metric.

    Parameters
    ----------
    A
        Jacobian with the residual as its last column, shape (n, P + 1), column-major.

    Returns
    -------
    R, q
        Shapes (k, P) and (k,), k = min(n, P).
    """
    n, P = A.shape[0], A.shape[1] - 1
    if n <= P:
        return A[:, :P], A[:, P]
    qr = dgeqrf(A, lwork=32 * (P + 1))[0]
    return qr[:P, :P] * _upper(P), qr[:P, P]


def spectrum(J: Array) -> tuple[Array, Array, Array]:
    """Return (norms, S, Vt): the columns' norms, and singular values and right vectors of J with columns of norm 1.

    Parameters
    ----------
    J
        Matrix of shape (n, P); a column of zeros is left as it is.

    Returns
    -------
    norms, S, Vt
        Shapes (P,), (min(n, P),) descending, and (P, P); S and Vt are empty where J is not finite.
    """
    n, P = J.shape
    R = dgeqrf(J)[0][:P] * _upper(P) if n > P else J
    norms = np.sqrt(np.add.reduce(R * R, 0))
    if not math.isfinite(np.add.reduce(norms)):
        return norms, np.zeros(0), np.zeros((0, P))
    scaled = R / (norms if norms.all() else np.where(norms > 0, norms, 1.0))
    _, S, Vt, bad = dgesdd(scaled)
    if bad:
        from scipy.linalg import svd

        _, S, Vt = svd(scaled, lapack_driver="gesvd")
    return norms, S, Vt


class CompactFactor:
    """Singular values of J/D and the rotated residual, for trust-region steps in the metric D.

    With J D^-1 = U S V^T and g = U^T r, the damped step is -D^-1 V (S g / (S^2 + lambda)). The secular equation is
    solved in Python floats: for few parameters that is faster than any array.

    Parameters
    ----------
    J
        Jacobian, or a matrix with the same normal equations as returned by `triangle`, shape (k, P), finite.
    r
        Residual that goes with it, shape (k,).
    D
        Column scale, shape (P,), positive.
    rows
        Number of rows of the Jacobian itself, for the numerical rank; by default k.
    """

    __slots__ = ("D", "S", "Vt", "g", "rank", "rtol")

    def __init__(self, J: Array, r: Array, D: Array, rows: int = 0) -> None:
        k, P = J.shape
        u, S, Vt, bad = dgesdd(J / D, full_matrices=False)
        if bad:  # gesdd can fail to converge; gesvd does not
            from scipy.linalg import svd

            u, S, Vt = svd(J / D, full_matrices=False, lapack_driver="gesvd")
        self.D, self.Vt = D, Vt
        self.S: list[float] = S.tolist()
        self.g: list[float] = r.dot(u).tolist()
        self.rtol = max(rows, k, P) * EPS
        cut = self.rtol * self.S[0]
        self.rank = len(self.S) if self.S[-1] > cut else sum([s > cut for s in self.S])

    def _coordinates(self, lam: float) -> tuple[list[float], float]:
        """Return the step's coordinates in V (sign apart) and its length."""
        if lam == 0.0:
            k = self.rank
            p = [g / s for s, g in zip(self.S[:k], self.g[:k], strict=True)]
            if k < len(self.S):
                p += [0.0] * (len(self.S) - k)
        else:
            p = [s * g / (s * s + lam) for s, g in zip(self.S, self.g, strict=True)]
        return p, math.sqrt(sum([q * q for q in p]))

    def _finished(self, p: list[float], length: float, lam: float) -> tuple[Array, float, float]:
        predicted = 0.0
        for q, s in zip(p, self.S, strict=True):
            predicted += q * q * (s * s + 2.0 * lam)
        return np.array(p).dot(self.Vt) / -self.D, length, 0.5 * predicted

    def damped(self, lam: float) -> tuple[Array, float, float]:
        """Return (step, its length in the metric D, predicted reduction of half the sum of squares)."""
        return self._finished(*self._coordinates(lam), lam)

    def within(self, radius: float, guess: float = 0.0) -> tuple[Array, float, float, float]:
        """Return (step, length, predicted, lambda) of the longest damped step with length <= radius (to 10 %)."""
        p, length = self._coordinates(0.0)
        lam = 0.0
        if length > 1.1 * radius:
            lam = self.damping_for(radius, guess)
            p, length = self._coordinates(lam)
        return *self._finished(p, length, lam), lam

    def damping_for(self, radius: float, guess: float = 0.0) -> float:
        """Return lambda with step length = radius to 10 %, by safeguarded Newton on 1/length (More 1978)."""
        pairs = [(s * s, s * g) for s, g in zip(self.S, self.g, strict=True)]
        upper = math.sqrt(sum([b * b for _, b in pairs])) / radius
        lower, lam = 0.0, guess if 0.0 < guess < upper else 1e-3 * upper
        for _ in range(60):
            if lam <= 0.0:
                break
            size = slope = 0.0
            for a, b in pairs:
                q = b / (a + lam)
                size += q * q
                slope += q * q / (a + lam)
            length = math.sqrt(size)
            if abs(length - radius) <= 0.1 * radius:
                break
            if length > radius:
                lower = max(lower, lam)
            else:
                upper = min(upper, lam)
            lam = lam + (length - radius) * size / (radius * slope) if slope > 0.0 else 0.0
            if not lower < lam < upper:
                lam = max(math.sqrt(lower * upper), 1e-3 * upper)
        return lam
