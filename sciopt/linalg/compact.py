"""A lean QR + SVD factorisation for few parameters: direct LAPACK calls, a few microseconds each."""

from __future__ import annotations

import functools
import math

import numpy as np
from scipy.linalg.lapack import dgeqrf, dgesdd  # pyright: ignore[reportAttributeAccessIssue]

from sciopt._types import Array

__all__ = ["CompactFactor"]

EPS = float(np.finfo(float).eps)


@functools.cache
def _upper(P: int) -> Array:
    return np.triu(np.ones((P, P)))


class CompactFactor:
    """Singular values of J/D and the rotated residual, for trust-region steps in the metric D.

    With J D^-1 = U S V^T and g = U^T r, the damped step is -D^-1 V (S g / (S^2 + lambda)). J is reduced to its
    triangle by Householder QR first, so that neither J^T J nor U is formed. The secular equation is solved in Python
    floats: for few parameters that is faster than any array.

    Parameters
    ----------
    J
        Jacobian, shape (n, P), finite.
    r
        Residual, shape (n,).
    D
        Column scale, shape (P,), positive.
    """

    __slots__ = ("D", "S", "Vt", "g", "rank", "rtol")

    def __init__(self, J: Array, r: Array, D: Array) -> None:
        n, P = J.shape
        if n > P:
            A = np.empty((n, P + 1), order="F")
            np.divide(J, D, out=A[:, :P])
            A[:, P] = r
            qr, _, _, info = dgeqrf(A, lwork=32 * (P + 1), overwrite_a=True)
            u, S, Vt, bad = dgesdd(qr[:P, :P] * _upper(P))
            g = qr[:P, P].dot(u)
        else:
            u, S, Vt, bad = dgesdd(J / D, full_matrices=False)
            g, info = r.dot(u), 0
        if info or bad:  # gesdd can fail to converge; gesvd does not
            from scipy.linalg import svd

            u, S, Vt = svd(J / D, full_matrices=False, lapack_driver="gesvd")
            g = r.dot(u)
        self.D, self.Vt = D, Vt
        self.S: list[float] = S.tolist()
        self.g: list[float] = g.tolist()
        self.rtol = max(n, P) * EPS
        cut = self.rtol * self.S[0]
        self.rank = sum(s > cut for s in self.S)

    def _coordinates(self, lam: float) -> tuple[list[float], float]:
        """Return the step's coordinates in V (sign apart) and its length."""
        if lam == 0.0:
            k = self.rank
            p = [g / s for s, g in zip(self.S[:k], self.g[:k], strict=True)] + [0.0] * (len(self.S) - k)
        else:
            p = [s * g / (s * s + lam) for s, g in zip(self.S, self.g, strict=True)]
        return p, math.sqrt(sum([q * q for q in p]))

    def _finished(self, p: list[float], length: float, lam: float) -> tuple[Array, float, float]:
        predicted = 0.5 * sum([q * q * (s * s + 2.0 * lam) for q, s in zip(p, self.S, strict=True)])
        return -np.array(p).dot(self.Vt) / self.D, length, predicted

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
