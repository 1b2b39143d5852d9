"""Sparsity of a residual on a grid, found by where not-a-number spreads to."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np

from sciopt._errors import ConditionError
from sciopt._types import Array
from sciopt.pde.grid import Grid

__all__ = ["stencil_pattern"]

FARTHEST = 4  # neighbours farther away than that make no stencil


def stencil_pattern(residual: Callable[[Array], Array], grid: Grid, fields: int, theta: Array, name: str) -> Any:
    """Return the sparsity pattern (n, n) of a residual on a grid as a CSR matrix of ones.

    A NaN put at a point shows in exactly the rows that read it. Single points tell how far rows reach; then combs of
    points so far apart that no row reads two of them give every entry, stencils that differ near walls included.

    Parameters
    ----------
    residual
        Map from theta (n,) to rows (n,), field after field, the grid's last axis fastest.
    grid, fields
        n is the grid's size times the number of fields.
    theta
        Where to probe.
    name
        The condition, for errors.

    Raises
    ------
    ConditionError
        Rows read points more than four places away, or the rows are not finite at theta.
    """
    from scipy.sparse import csr_matrix

    clean = np.asarray(residual(theta))
    if not np.isfinite(clean).all():
        raise ConditionError(f"condition {name!r}: not finite at the start; choose another start")
    reach = _reach(residual, grid, fields, theta, name)
    while True:
        found = _entries(residual, grid, fields, theta, reach)
        if found is not None:
            return csr_matrix((np.ones(len(found[0])), found), shape=(fields * grid.size,) * 2)
        reach = [r + 1 for r in reach]  # a stencil near a wall that the single probes did not see
        if max(reach) > FARTHEST:
            raise ConditionError(f"condition {name!r}: {_nonlocal(FARTHEST)}")


def _entries(
    residual: Callable[[Array], Array], grid: Grid, fields: int, theta: Array, reach: list[int]
) -> tuple[Any, Any] | None:
    """Return rows and columns of all entries, or None where a row reads a point beyond the reach."""
    shape = (fields, *grid.shape)
    axes = [_comb(n, r, periodic) for n, r, periodic in zip(grid.shape, reach, _periodic(grid), strict=True)]
    rows, columns = [], []
    for field in range(fields):
        for colour in product(*(range(len(near)) for near in axes)):
            nearest = [near[c] for near, c in zip(axes, colour, strict=True)]
            probe = theta.reshape(shape).copy()
            marks = [np.unique(line[line >= 0]) for line in nearest]
            probe[(field, *np.ix_(*marks))] = np.nan
            hit = np.flatnonzero(np.isnan(np.asarray(residual(probe.ravel()))))
            place = np.unravel_index(hit, shape)[1:]
            source = [line[p] for line, p in zip(nearest, place, strict=True)]
            if source and min((int(s.min()) for s in source if len(s)), default=0) < 0:
                return None
            rows.append(hit)
            columns.append(field * grid.size + np.ravel_multi_index(tuple(source), grid.shape))
    return np.concatenate(rows), np.concatenate(columns)


def _periodic(grid: Grid) -> tuple[bool, ...]:
    return tuple(pair[0].kind == "periodic" for pair in grid.walls)


def _reach(residual: Callable[[Array], Array], grid: Grid, fields: int, theta: Array, name: str) -> list[int]:
    """Return how many places away along each axis a row reads, from single probes in the middle, corners and between."""
    rng = np.random.default_rng(0)
    drawn = [list(rng.integers(0, grid.shape)) for _ in range(2)]
    near = [[min(k, n - 1) for n in grid.shape] for k in range(FARTHEST)]
    far = [[max(n - 1 - k, 0) for n in grid.shape] for k in range(FARTHEST)]
    places = [[n // 2 for n in grid.shape], *near, *far, *drawn]
    shape, reach = (fields, *grid.shape), [0] * grid.dimension
    for field, place in product(range(fields), places):
        probe = theta.reshape(shape).copy()
        probe[(field, *place)] = np.nan
        found = np.unravel_index(np.flatnonzero(np.isnan(np.asarray(residual(probe.ravel())))), shape)[1:]
        for axis, (rows, n, wraps) in enumerate(zip(found, grid.shape, _periodic(grid), strict=True)):
            away = np.abs(rows - place[axis])
            away = np.minimum(away, n - away) if wraps else away
            reach[axis] = max(reach[axis], int(away.max(initial=0)))
    for axis, (r, n) in enumerate(zip(reach, grid.shape, strict=True)):
        if r > FARTHEST and r > (n - 1) // 4:
            raise ConditionError(f"condition {name!r}: along axis {axis} {_nonlocal(r)}")
    return reach


def _nonlocal(r: int) -> str:
    return (
        f"rows read points {r} or more places away, which is no stencil of differences (a sum over the grid, or a "
        "spectral derivative?); write local differences, or solve it as so.Problem with its own pattern= or dense Jacobian"
    )


def _comb(n: int, reach: int, wraps: bool) -> list[Any]:
    """Return for each comb the index of its tooth within reach of each place, -1 where there is none."""
    step = 2 * reach + 1
    whole = n - n % step if wraps else n
    label = np.arange(n) % step
    label[whole:] = step + np.arange(n - whole)  # what is left over at a seam gets combs of its own
    combs = []
    for colour in range(int(label.max()) + 1):
        near = np.full(n, -1)
        teeth = np.flatnonzero(label == colour)
        for offset in range(-reach, reach + 1):
            where = teeth + offset
            if wraps:
                near[where % n] = teeth
            else:
                good = (where >= 0) & (where < n)
                near[where[good]] = teeth[good]
        combs.append(near)
    return combs
