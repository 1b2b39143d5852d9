"""A lean QR + SVD factorisation for few parameters: direct LAPACK calls, a few microseconds each."""

from __future__ import annotations

import numpy as np
from scipy.linalg.lapack import dgeqrf, dgesdd

from sciopt._types import Array

__all__ = ["CompactFactor"]

EPS = float(np.finfo(float).eps)
_masks: dict[int, Array] = {}


def _upper(P: int) -> Array:
    mask = _masks.get(P)
    if mask is None:
        mask = _masks[P] = np.triu(np.ones((P, P)))
    return mask


class CompactFactor:
    """Singular values of J/D and the rotated residual, for trust-region steps in the metric D.

    With J D^-1 = U S V^T and g = U^T r, the damped step is -D^-1 V (S g / (S^2 + lambda)). J is reduced to its
    triangle by Householder QR first, so that neither J^T J nor U is formed.

    Parameters
    ----------
    J
        Jacobian, shape (n, P), finite.
    r
        Residual, shape (n,).
    D
        Column scale, shape (P,), positive.
    """

    __slots__ = ("D", "S", "Vt", "g", "gS", "rank", "rtol")

    def __init__(self, J: Array, r: Array, D: Array) -> None:
        n, P = J.shape
        if n > P:
            A = np.empty((n, P + 1), order="F")
            np.divide(J, D, out=A[:, :P])
            A[:, P] = r
            qr, _, _, info = dgeqrf(A, lwork=32 * (P + 1), overwrite_a=True)
            u, S, Vt, bad = dgesdd(qr[:P, :P] * _upper(P))
            g = qr[:P, P] @ u
        else:
            u, S, Vt, bad = dgesdd(J / D, full_matrices=False)
            g, info = r @ u, 0
        if info or bad:  # gesdd can fail to converge; gesvd does not
            from scipy.linalg import svd

            u, S, Vt = svd(J / D, full_matrices=False, lapack_driver="gesvd")
            g = r @ u
        self.D, self.S, self.Vt, self.g = D, S, Vt, g
        self.rtol = max(n, P) * EPS
        self.rank = int(np.count_nonzero(self.rtol * S[0] < S)) if S[0] > 0 else 0
        self.gS = S * g

    def damped(self, lam: float) -> tuple[Array, float, float]:
        """Return (step, its length in the metric D, predicted reduction of half the sum of squares)."""
        S = self.S
        if lam == 0.0:
            k = self.rank
            p = np.zeros_like(S)
            p[:k] = self.g[:k] / S[:k]
            predicted = 0.5 * float(self.g[:k] @ self.g[:k])
        else:
            S2 = S * S
            p = self.gS / (S2 + lam)
            predicted = 0.5 * float(p @ (p * (S2 + 2 * lam)))
        return -(p @ self.Vt) / self.D, float(np.sqrt(p @ p)), predicted

    def within(self, radius: float, guess: float = 0.0) -> tuple[Array, float, float, float]:
        """Return (step, length, predicted, lambda) of the longest damped step with length <= radius (to 10 %)."""
        step, length, predicted = self.damped(0.0)
        if length <= 1.1 * radius:
            return step, length, predicted, 0.0
        lam = self.damping_for(radius, guess)
        step, length, predicted = self.damped(lam)
        return step, length, predicted, lam

    def damping_for(self, radius: float, guess: float = 0.0) -> float:
        """Return lambda with step length = radius to 10 %, by safeguarded Newton on 1/length (More 1978)."""
        S2, gS = self.S * self.S, self.gS
        upper = float(np.sqrt(gS @ gS)) / radius
        lower, lam = 0.0, guess if 0.0 < guess < upper else 1e-3 * upper
        for _ in range(60):
            q = gS / (S2 + lam)
            length = float(np.sqrt(q @ q))
            if abs(length - radius) <= 0.1 * radius:
                break
            if length > radius:
                lower = max(lower, lam)
            else:
                upper = min(upper, lam)
            slope = float(q @ (q / (S2 + lam))) / length
            lam = lam + (length / radius) * (length - radius) / slope if slope > 0 else 0.0
            if not lower < lam < upper:
                lam = max(np.sqrt(lower * upper), 1e-3 * upper)
        return float(lam)

    def solve(self, rhs: Array, J: Array, lam: float) -> Array:
        """Return -(J^T J + lam D^2)^-1 J^T rhs with the same factors."""
        b = self.Vt @ ((J.T @ rhs) / self.D)
        S2 = self.S * self.S
        if lam == 0.0:
            k = self.rank
            q = np.zeros_like(S2)
            q[:k] = b[:k] / S2[:k]
        else:
            q = b / (S2 + lam)
        return -(q @ self.Vt) / self.D
