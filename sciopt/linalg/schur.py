r"""Schur complements :math:`S = D - P^T A^{-1} P`, solved without forming them: graph Laplacians of bipartite couplings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["BlockRows", "SchurComplement"]

Array = NDArray[np.float64]
WIDTH = 16
NO_INDEX, NO_VALUE = np.zeros(0, np.int32), np.zeros(0, np.float64)
SPARSE_SHARE = 0.35  # stored entries that matter, below which compressed rows beat blocks
SAMPLE = 48  # rows in which the entries that matter are counted
PLAIN = 16  # iterations with the diagonal alone before a coarse space is built


@dataclass(eq=False)
class BlockRows:
    """A matrix (n, m) stored by rows in blocks of 16 columns; the arrays are reused.

    Attributes
    ----------
    start, end
        First and last block of each row, (n,).
    block, data
        Column block and its 16 entries; room for ``room`` blocks.
    """

    n: int
    m: int
    room: int
    start: NDArray[np.int64] = field(init=False)
    end: NDArray[np.int64] = field(init=False)
    block: NDArray[np.int32] = field(init=False)
    data: NDArray[np.float64] = field(init=False)
    _room: tuple[NDArray[np.int32], Array] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self.start, self.end = np.zeros(self.n, np.int64), np.zeros(self.n, np.int64)
        self.block = np.empty(max(self.room, 1), np.int32)
        self.data = np.empty(max(self.room, 1) * WIDTH, np.float64)

    def compressed(self) -> tuple[NDArray[np.int32], Array]:
        """Return room for the entries in compressed rows; the same arrays as long as they suffice."""
        needed = self.entries + 1
        if self._room is None or len(self._room[0]) < needed:
            self._room = np.empty(needed + needed // 4, np.int32), np.empty(needed + needed // 4)
        return self._room

    @property
    def padded(self) -> int:
        """Columns rounded up to whole blocks."""
        return -(-self.m // WIDTH) * WIDTH

    @property
    def entries(self) -> int:
        """Number of stored entries."""
        return int((self.end - self.start).sum()) * WIDTH


class SchurComplement:
    r"""The operator :math:`S = D - P^T A^{-1} P` for P with row sums at most A and column sums at most D.

    S is then the Laplacian of a graph on the columns, grounded by what P leaves out; positive semidefinite.

    Parameters
    ----------
    rows
        P.
    a, b
        Diagonal of A (n,), positive, and sizes of the columns (m,), by which small entries are judged.
    diagonal
        Diagonal of D (m,).
    cut
        Entries below ``cut * min(a_i, b_j)`` may be left out.
    labels
        Aggregate of each column (m,), neighbours together, for the coarse space of the preconditioner; None: no
        coarse space.

    Notes
    -----
    Preconditioner: the diagonal of S and, once that alone has proved slow, the aggregates' Galerkin matrix, added
    (two-level additive Schwarz; Nicolaides 1987, SIAM J. Numer. Anal. 24, 355).
    """

    def __init__(
        self,
        rows: BlockRows,
        a: Array,
        b: Array,
        diagonal: Array,
        cut: float = 0.0,
        labels: NDArray[np.int64] | None = None,
    ) -> None:
        from sciopt.linalg import schur_kernels

        kernels: Any = schur_kernels
        self.rows, self.inverse_a, self.labels = rows, 1.0 / a, labels
        self._kernels = kernels
        self._start, self._end, self._index, self._value = rows.start, rows.end, NO_INDEX, NO_VALUE
        m, padded = rows.m, rows.padded
        wide_b = np.ones(padded)
        wide_b[:m] = b
        if cut > 0.0:
            self._compress(cut, a, wide_b)
        self.diagonal = np.ones(padded)
        self.diagonal[:m] = diagonal
        square = np.empty(padded)
        kernels.schur_diagonal(*self._P, self.inverse_a, square)
        self.jacobi = np.ones(padded)
        self.jacobi[:m] = np.maximum(self.diagonal[:m] - square[:m], 1e-14 * self.diagonal[:m])
        self._square = square

    @property
    def _P(self) -> Any:
        rows = self.rows
        return self._start, self._end, rows.block, rows.data, WIDTH, self._index, self._value

    def _compress(self, cut: float, a: Array, wide_b: Array) -> None:
        rows = self.rows
        if rows.entries == 0:
            return
        starts, ends = rows.start[:: max(1, rows.n // SAMPLE)], rows.end[:: max(1, rows.n // SAMPLE)]
        sizes = a[:: max(1, rows.n // SAMPLE)]
        blocks = np.concatenate([np.arange(s, e) for s, e in zip(starts, ends, strict=True)])
        limits = cut * np.minimum(
            np.repeat(sizes, ends - starts)[:, None], wide_b.reshape(-1, WIDTH)[rows.block[blocks]]
        )
        values = rows.data.reshape(-1, WIDTH)[blocks]
        if np.count_nonzero(values > limits) > SPARSE_SHARE * values.size:
            return
        start, end = np.empty(rows.n, np.int64), np.empty(rows.n, np.int64)
        index, value = rows.compressed()
        P = (rows.start, rows.end, rows.block, rows.data, WIDTH)
        count = self._kernels.csr_of_blocks(*P, cut, a, wide_b, start, end, index, value)
        self._start, self._end = start, end
        self._index, self._value = index[: max(count, 1)], value[: max(count, 1)]

    def apply(self, v: Array) -> Array:
        """Return ``S v`` for v (m,)."""
        wide, out = np.zeros(self.rows.padded), np.empty(self.rows.padded)
        wide[: self.rows.m] = v
        self._kernels.schur_product(*self._P, self.inverse_a, self.diagonal, wide, out)
        return out[: self.rows.m]

    def solve(self, rhs: Array, target: float, most: int = 2000, damping: float = 0.0) -> tuple[Array, int, float]:
        """Solve ``(S + damping D) x = rhs`` until the 1-norm of the residual is at most ``target``.

        Returns
        -------
        x (m,), iterations, residual
        """
        m, padded = self.rows.m, self.rows.padded
        diagonal, jacobi = self.diagonal, self.jacobi
        if damping > 0.0:
            diagonal = diagonal * (1.0 + damping)
            jacobi = np.maximum(diagonal - self._square, 1e-14 * diagonal)
            jacobi[m:] = 1.0
        wide, x = np.zeros(padded), np.zeros(padded)
        wide[:m] = rhs
        run = self._kernels.schur_cg
        none, nothing = np.zeros(0, np.int64), np.zeros((0, 0))
        first = most if self.labels is None else min(PLAIN, most)
        taken, residual = run(*self._P, self.inverse_a, diagonal, jacobi, none, nothing, wide, x, target, first)
        if residual > target and self.labels is not None and taken == first < most:
            coarse, labels = self._coarse(diagonal)
            more, residual = run(
                *self._P, self.inverse_a, diagonal, jacobi, labels, coarse, wide, x, target, most - first
            )
            taken += more
        return x[:m], taken, residual

    def _coarse(self, diagonal: Array) -> tuple[Array, NDArray[np.int64]]:
        """Return the inverse of Z^T S Z and the labels, padded."""
        assert self.labels is not None
        rows, k = self.rows, int(self.labels.max()) + 1
        labels = np.zeros(rows.padded, np.int64)
        labels[: rows.m] = self.labels
        gathered = np.empty((rows.n, k))
        self._kernels.aggregate_rows(*self._P, labels, gathered)
        gathered *= np.sqrt(self.inverse_a)[:, None]
        E = np.diag(np.bincount(self.labels, diagonal[: rows.m], k)) - gathered.T @ gathered
        size = np.diag(E).copy()
        size[size <= 0] = 1.0
        weight = np.bincount(self.labels, diagonal[: rows.m], k)
        E += (
            np.outer(weight, weight) / weight.sum()
        )  # constants, on which S is singular, are left to the diagonal's scale
        E[np.diag_indices(k)] += 1e-12 * weight
        scale = 1.0 / np.sqrt(size)
        try:
            from scipy.linalg import cho_factor, cho_solve

            factor = cho_factor(E * scale[:, None] * scale, check_finite=False)
            inverse = cho_solve(factor, np.eye(k), check_finite=False)
        except np.linalg.LinAlgError:
            return np.zeros((0, 0)), labels
        return np.ascontiguousarray(inverse * scale[:, None] * scale), labels
