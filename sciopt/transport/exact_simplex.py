"""Network simplex: an optimal basis for any costs and masses, from nothing."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from sciopt._types import Array
from sciopt.transport.exact_paths import Integers
from sciopt.transport.pairs import Pairs

__all__ = ["Basis", "network_simplex"]

PIVOTS = 20_000  # in one compiled call: a fraction of a second, so that Ctrl-C is heard


class Basis(NamedTuple):
    """Pairs of an optimal basis with integer masses, potentials, pivots, and whether all mass goes over real pairs."""

    rows: Integers
    columns: Integers
    masses: Integers
    f: Array
    g: Array
    pivots: int
    feasible: bool


def network_simplex(pairs: Pairs, supply: Integers, demand: Integers) -> Basis:
    """Solve a transportation problem by the network simplex method.

    Memory is O(n + m) where the costs are evaluated on the fly. Flows are integers, so that bases stay feasible exactly
    and the method ends; potentials are worked out of the final tree afresh and pivoting goes on if that changes signs.

    Parameters
    ----------
    pairs
        Costs (n, m); ``inf`` for forbidden pairs.
    supply, demand
        Positive integer masses (n,) and (m,) of one sum.

    References
    ----------
    Cunningham 1976, Math. Program. 11, 105 (strongly feasible trees); Kiraly and Kovacs 2012, Acta Univ. Sapientiae
    Inform. 4, 67 (block search).
    """
    from sciopt.transport.exact_simplex_kernels import pivot, start_tree, tree_potentials

    n, m = pairs.shape
    nodes = n + m + 1
    scale = pairs.scale or 1.0
    forbidden = pairs.stored and not math.isfinite(float(pairs.C.max()))
    dear = scale * (nodes if forbidden else 1.0) * 1.001
    parent, child, older, younger, depth, flow = (np.empty(nodes, np.int64) for _ in range(6))
    potential = np.empty(nodes)
    start_tree(supply, demand, dear, parent, child, older, younger, depth, flow, potential)
    costs = *pairs.arguments, n, m
    block = max(256, int(math.sqrt(n * m)))
    cursor, total = 0, 0
    for _ in range(5):
        while True:
            cursor, done = pivot(
                *costs, 1e-15 * scale, block, PIVOTS, cursor, parent, child, older, younger, depth, flow, potential
            )
            total += done
            if done < PIVOTS:
                break
        if done == 0 and _ > 0:
            break
        tree_potentials(*costs, dear, parent, child, younger, potential)
    inside = (parent[: n + m] < n + m) & (flow[: n + m] > 0)
    v = np.flatnonzero(inside)
    rows, columns = np.where(v < n, v, parent[v]), np.where(v < n, parent[v], v) - n
    stray = (parent[: n + m] == n + m) & (flow[: n + m] > 0)
    return Basis(rows, columns, flow[v], potential[:n].copy(), potential[n : n + m].copy(), total, not stray.any())
