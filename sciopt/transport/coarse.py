"""A start for large clouds: the warm part of the annealing is done on one point of sixteen."""

from __future__ import annotations

from typing import Any

import numpy as np

from sciopt._types import Array
from sciopt.solve import solve
from sciopt.transport.order import aggregates
from sciopt.transport.pairs import Pairs
from sciopt.transport.semi_dual import SemiDual
from sciopt.transport.sparse_newton import SparseNewton

__all__ = ["coarse_start"]

LEAF = 16
COSTS = 8.0  # coarsest epsilon that pays, over the mean cost between a point and the one that stands for it
TOLERANCE = 1e-3


def coarse_start(pairs: Pairs, a: Array, b: Array, epsilon: float) -> tuple[Array, float]:
    """Return potentials for the fine problem (absorbed, as `SemiDual` has them) and the epsilon that they belong to.

    Points are in spatial order; each sixteenth stands for its neighbours with their mass. Above the cost between
    neighbours, the entropic potentials of the coarse measure are close to those of the fine one, to which they are
    extended by a soft c-transform.

    Parameters
    ----------
    pairs, a, b
        Costs of positions, and masses of sum one.
    epsilon
        Target.
    """
    n, m = pairs.shape
    rows: Any = np.arange(n)[LEAF // 2 :: LEAF]
    columns: Any = np.arange(m)[LEAF // 2 :: LEAF]
    if min(len(rows), len(columns)) < 64:
        return np.zeros(m), epsilon
    of_x: Array = np.bincount(np.minimum(np.arange(n) // LEAF, len(rows) - 1), a, len(rows)).astype(float)
    of_y: Array = np.bincount(np.minimum(np.arange(m) // LEAF, len(columns) - 1), b, len(columns)).astype(float)
    warm = max(epsilon, COSTS * max(_near(pairs, rows, True), _near(pairs, columns, False)))
    coarse = pairs.restricted(rows, columns).store()
    problem = SemiDual(coarse, of_x, of_y, warm, tolerance=TOLERANCE, labels=aggregates(np.arange(len(columns))))
    method: Any = SparseNewton()
    lin: Any = solve(problem, method).iterate.lin
    f, _ = lin.potentials()
    from sciopt.transport.solution import soft_transform

    across = pairs.restricted(rows, np.arange(m)).transposed()
    return soft_transform(across, f, of_x, 1.0, warm) + warm * np.log(b), warm


def _near(pairs: Pairs, chosen: Any, of_rows: bool) -> float:
    """Return the mean cost between points and their representatives, from a few of the groups."""
    some = chosen[:: max(1, len(chosen) // 64)]
    points = pairs.X if of_rows else np.ascontiguousarray(pairs.YT.T)
    total = count = 0.0
    for c in some:
        group = points[c - LEAF // 2 : c + LEAF // 2]
        here = Pairs(pairs.cost, points[c : c + 1], np.ascontiguousarray(group.T), np.zeros((0, 0)))
        costs = here.rows(0, 1)[0]
        total, count = total + float(costs.sum()), count + len(costs)
    return total / count
