"""Linear interpolation between a tensor grid and one with half the points along some of its axes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["Axis", "interpolation"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Axis:
    """Positions of the unknowns along one axis and what closes it at either end.

    Parameters
    ----------
    positions
        Coordinates (n,), ascending.
    left, right
        Position of a wall at which corrections vanish (Dirichlet); None where they go on flat (Neumann).
    period
        Length of a periodic axis; None otherwise.
    """

    positions: Array
    left: float | None = None
    right: float | None = None
    period: float | None = None

    @property
    def size(self) -> int:
        """Number of unknowns along the axis."""
        return len(self.positions)

    def halved(self) -> "Axis":
        """Return the axis with every other position."""
        return Axis(self.positions[1::2], self.left, self.right, self.period)


def _along(axis: Axis) -> "csr_matrix":
    """Return the matrix (n, n // 2) that interpolates values at the odd positions to all."""
    from scipy.sparse import csr_matrix

    x, n = axis.positions, axis.size
    coarse = np.arange(1, n, 2)
    known = x[coarse]
    place = np.searchsorted(known, x, side="left")
    m = len(coarse)
    rows: list[Any] = []
    columns: list[Any] = []
    weights: list[Array] = []

    def put(which: Any, column: Any, weight: Array) -> None:
        rows.append(which)
        columns.append(column)
        weights.append(weight)

    every = np.arange(n)
    put(coarse, np.arange(m), np.ones(m))
    rest = np.setdiff1d(every, coarse)
    after, before = place[rest], place[rest] - 1
    right = np.where(after < m, known[np.minimum(after, m - 1)], np.inf)
    left = np.where(before >= 0, known[np.maximum(before, 0)], -np.inf)
    after_column, before_column = np.minimum(after, m - 1), np.maximum(before, 0)
    if axis.period is not None:
        right = np.where(after < m, right, known[0] + axis.period)
        after_column = np.where(after < m, after, 0)
        left = np.where(before >= 0, left, known[-1] - axis.period)
        before_column = np.where(before >= 0, before, m - 1)
    has_left, has_right = np.isfinite(left), np.isfinite(right)
    wall_left = np.where(has_left, left, np.nan if axis.left is None else axis.left)
    wall_right = np.where(has_right, right, np.nan if axis.right is None else axis.right)
    with np.errstate(invalid="ignore"):
        share = (x[rest] - wall_left) / (wall_right - wall_left)
    share = np.where(np.isnan(wall_left), 1.0, np.where(np.isnan(wall_right), 0.0, share))
    put(rest[has_right], after_column[has_right], share[has_right])
    put(rest[has_left], before_column[has_left], 1.0 - share[has_left])
    triple = (np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns)))
    return csr_matrix(triple, shape=(n, m))


def interpolation(axes: tuple[Axis, ...], halve: tuple[bool, ...], fields: int = 1) -> "csr_matrix":
    """Return the tensor-product interpolation from the coarser grid, shape (fields * fine, fields * coarse).

    Parameters
    ----------
    axes
        The axes of the finer grid, the last one running fastest.
    halve
        Which axes are coarsened.
    fields
        Unknowns a point, stored one field after another.
    """
    from scipy.sparse import csr_matrix, identity, kron

    out: Any = None
    for axis, half in zip(axes, halve, strict=True):
        part = _along(axis) if half else identity(axis.size, format="csr")
        out = part if out is None else kron(out, part, format="csr")
    if fields > 1:
        out = kron(identity(fields, format="csr"), out, format="csr")
    return csr_matrix(out)
