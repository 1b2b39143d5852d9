"""Least squares by QR of column-scaled rows, pivoted where columns are nearly dependent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import get_lapack_funcs, solve_triangular

from sciopt._errors import DataError

__all__ = ["ScaledQR", "scaled_qr"]

Array = NDArray[np.float64]
SAFE = 1e-13  # reciprocal condition number of the scaled columns above which no pivoting is needed
PIVOTED = 300  # columns up to which pivoting, half of it matrix-vector products, is cheap
DAMPING = 1e-16  # relative to the norm of the triangle
WORK = 64  # columns of LAPACK's blocked updates
_DGEQP3, _DGEQRF, _DORMQR, _DTRCON = get_lapack_funcs(("geqp3", "geqrf", "ormqr", "trcon"), dtype=np.float64)


@dataclass(frozen=True)
class ScaledQR:
    """Solves ``min ||J x - y||`` for one J and many y; made by `scaled_qr`.

    Attributes
    ----------
    rank
        Number of columns that count as independent; with many columns an estimate.
    rcond
        Reciprocal condition number of the scaled columns: estimated, or the ratio of the last to the first diagonal
        entry of the pivoted triangle.
    """

    _reflectors: Array
    _tau: Array
    _norms: Array
    _order: NDArray[np.intp] | None
    _row_space: tuple[Array, Array] | None
    rank: int
    rcond: float
    _damped: tuple[Array, Array] | None = None

    def solve(self, y: Array) -> Array:
        """Return the least-squares solution (P,) for y (n,); where it is not unique, the shortest in scaled columns."""
        P, k = self._reflectors.shape[1], self.rank
        c = _DORMQR(
            "L", "T", self._reflectors[:, : len(self._tau)], self._tau, np.asfortranarray(y.reshape(-1, 1)), WORK
        )[0].ravel()
        if self._damped is not None:
            below, tau = self._damped
            c = np.concatenate([c[:P], np.zeros(P)]).reshape(-1, 1)
            c = _DORMQR("L", "T", below, tau, np.asfortranarray(c), WORK)[0].ravel()
            x = solve_triangular(below[:P], c[:P], check_finite=False)
        elif self._row_space is None:
            x = solve_triangular(self._reflectors[:k, :k], c[:k], check_finite=False)
        else:
            basis, triangle = self._row_space
            x = basis @ solve_triangular(triangle, c[:k], trans=1, check_finite=False)
        out = np.empty(P)
        out[slice(None) if self._order is None else self._order] = x
        return out / self._norms


def scaled_qr(J: Array, rtol: float = 1e-15) -> ScaledQR:
    """Factor J once for least-squares solutions, without squaring its condition number.

    Columns are scaled to length 1. Plain QR serves while the scaled columns are well separated. Otherwise, up to 300
    columns, a column-pivoted QR decides on the rank and the complete orthogonal decomposition gives the shortest
    solution; with more columns the triangle is damped at rounding level, by a second QR, which gives the same accuracy
    several times faster because all of it is matrix products.

    Parameters
    ----------
    J
        Matrix (n, P), finite.
    rtol
        Diagonal entries of the pivoted triangle under ``rtol`` times the first count as zero.

    Raises
    ------
    DataError
        An entry is not finite.

    Notes
    -----
    Golub and Van Loan, Matrix Computations, 4th ed. (2013), 5.4 and 5.5.

    Examples
    --------
    >>> scaled_qr(np.array([[1.0, 0.0], [0.0, 2.0], [0.0, 0.0]])).solve(np.array([1.0, 4.0, 7.0])).tolist()
    [1.0, 2.0]
    """
    A = np.array(J, dtype=np.float64, order="F")
    n, P = A.shape
    norms = np.sqrt(np.einsum("ij,ij->j", A, A))
    if not np.isfinite(norms).all():
        raise DataError(f"column {int(np.argmin(np.isfinite(norms)))} of J has entries that are not finite")
    norms[norms == 0.0] = 1.0
    A /= norms
    if n >= P:
        factored, tau, _, _ = _DGEQRF(A, lwork=WORK * P)
        rcond = float(_DTRCON(factored[:P], norm="1", uplo="U")[0])
        if rcond > SAFE:
            return ScaledQR(factored, tau, norms, None, None, P, rcond)
        if P > PIVOTED:
            return _damped(factored, tau, norms, rcond)
    factored, order, tau, _, _ = _DGEQP3(A, lwork=2 * P + (P + 1) * WORK, overwrite_a=True)
    diagonal = np.abs(np.diag(factored))
    rank = int(np.sum(diagonal > rtol * diagonal[0])) if diagonal.size and diagonal[0] > 0 else 0
    rcond = float(diagonal[min(rank, len(diagonal)) - 1] / diagonal[0]) if rank else 0.0
    row_space = None
    if rank < P:
        basis, triangle = np.linalg.qr(np.triu(factored[:rank]).T)
        row_space = basis, triangle
    return ScaledQR(factored, tau, norms, order - 1, row_space, rank, rcond)


def _damped(factored: Array, tau: Array, norms: Array, rcond: float) -> ScaledQR:
    """Finish by a QR of the triangle over a multiple of the identity."""
    P = factored.shape[1]
    damping = DAMPING * float(np.linalg.norm(np.triu(factored[:P])))
    stacked = np.zeros((2 * P, P), order="F")
    stacked[:P] = np.triu(factored[:P])
    stacked[np.arange(P, 2 * P), np.arange(P)] = damping
    below, tau_below, _, _ = _DGEQRF(stacked, lwork=WORK * P, overwrite_a=True)
    rank = int(np.sum(np.abs(np.diag(below)) > 10.0 * damping))
    return ScaledQR(factored, tau, norms, None, None, rank, rcond, (below, tau_below))
