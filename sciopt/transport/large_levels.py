"""Exact transport between two clouds, level by level of their trees: coarse potentials start the next finer level."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sciopt._types import Array
from sciopt.transport.clusters import Clusters, Cone, Tree
from sciopt.transport.cost import SPHERE, Cost
from sciopt.transport.exact_paths import Candidates, Integers, PathFlow, balanced, optimal_flow

__all__ = ["Level", "exact_levels"]

FIRST = 6  # 2^6 clusters are matched from nothing
NONE = np.zeros((0, 0))
FEW = 12  # candidates of each point, both ways


@dataclass(frozen=True, eq=False)
class Level:
    """An optimal plan between clusters.

    Attributes
    ----------
    x, y
        Clusters of both clouds.
    f, g
        Optimal potentials of the clusters (k,), (l,).
    rows, columns, mass
        Pairs that carry mass, and how much in integer units.
    cost
        Cost (pairs,) of each of them.
    optimal
        Whether pricing over all pairs found nothing to gain.
    """

    x: Clusters
    y: Clusters
    f: Array
    g: Array
    rows: Integers
    columns: Integers
    mass: Integers
    cost: Array
    optimal: bool

    def transposed(self) -> Level:
        """Return the plan with x and y exchanged."""
        return Level(self.y, self.x, self.g, self.f, self.columns, self.rows, self.mass, self.cost, self.optimal)


def spread_cost(clusters: Clusters, cost: Cost) -> float:
    """Return the cost by which points of one cluster differ: the mean squared radius of an axis pair, in units of the cost."""
    radius2 = clusters.variance * 2.0 / clusters.means.shape[1]
    p = cost.exponent
    factor = cost.parameters[1] ** p if cost.kind == SPHERE else 1.0
    return factor * radius2 ** (0.5 * p)


def exact_levels(
    x: Tree,
    y: Tree,
    masses: tuple[Array, Array],
    integers: tuple[Integers, Integers],
    cost: Cost,
    last: int,
    threads: int | None = None,
) -> Iterator[Level]:
    """Yield optimal plans between clusters, four times as many each time, to level ``last``; deeper than a tree, its points.

    Parameters
    ----------
    x, y
        Trees of the clouds.
    masses, integers
        Positive masses in the order of the trees, and the same as integers of one sum.
    cost
        A cost of positions.
    last
        Finest level.
    threads
        See `over_rows`.
    """
    known: Level | None = None
    deepest = min(x.levels, y.levels)
    levels = list(range(min(last, deepest), FIRST - 1, -2))[::-1] or [min(last, deepest)]
    for level in levels if last <= deepest else [*levels, last]:
        cx, cy = _centres(x, level, masses[0], cost), _centres(y, level, masses[1], cost)
        s, t = np.add.reduceat(integers[0], cx.begin[:-1]), np.add.reduceat(integers[1], cy.begin[:-1])
        known = _first(cx, cy, s, t, cost) if known is None else _next(known, cx, cy, s, t, cost, threads)
        yield known


def _centres(tree: Tree, level: int, masses: Array, cost: Cost) -> Clusters:
    clusters = tree.clusters(level, masses)
    if cost.kind != SPHERE:
        return clusters
    length = np.linalg.norm(clusters.means, axis=1, keepdims=True)
    means = np.where(length > 1e-3, clusters.means / np.maximum(length, 1e-300), tree.points[clusters.begin[:-1]])
    moved2 = ((means - clusters.means) ** 2).sum(1)  # mean squared distance to another centre: Steiner
    return Clusters(means, clusters.masses, clusters.spread + moved2, clusters.reach + np.sqrt(moved2), clusters.begin)


def _first(x: Clusters, y: Clusters, s: Integers, t: Integers, cost: Cost) -> Level:
    k, m = len(s), len(t)
    cone = Cone(Tree(y.means), np.zeros(m), cost)
    columns, costs = cone.few(x.means, m)
    rows = np.repeat(np.arange(k), m)
    flow = PathFlow(s, t, Candidates.of(rows, cone.tree.order[columns.ravel()], costs.ravel(), k, m), np.zeros(m))
    return _level(x, y, flow, cost, len(flow.solve()) == 0)


def _level(x: Clusters, y: Clusters, flow: PathFlow, cost: Cost, optimal: bool) -> Level:
    rows, columns, mass = flow.entries
    costs = listed(cost, x.means, y.means, rows, columns)
    return Level(x, y, flow.f, flow.g, rows, columns, mass, costs, optimal)


def _next(known: Level, x: Clusters, y: Clusters, s: Integers, t: Integers, cost: Cost, threads: int | None) -> Level:
    n, m = len(s), len(t)
    epsilon = spread_cost(known.x, cost)
    tree_x, tree_y = Tree(x.means), Tree(y.means)
    f, g = _lifted(known, (x, y), (tree_x, tree_y), cost, epsilon, threads)
    to_x = Cone(tree_x, f[tree_x.order], cost)
    to_y = Cone(tree_y, g[tree_y.order], cost)
    near_y, cost_y = to_y.few(x.means, FEW, threads)
    near_x, cost_x = to_x.few(y.means, FEW, threads)
    candidates = Candidates.of(
        np.concatenate([np.repeat(np.arange(n), near_y.shape[1]), tree_x.order[near_x.ravel()]]),
        np.concatenate([tree_y.order[near_y.ravel()], np.repeat(np.arange(m), near_x.shape[1])]),
        np.concatenate([cost_y.ravel(), cost_x.ravel()]),
        n,
        m,
    )
    if epsilon > 0.0:
        total = float(s.sum())
        g = balanced(candidates, s / total, t / total, g, (epsilon, 0.3 * epsilon))
    flow = PathFlow(s, t, candidates, g)

    def price(f_less: Array, g: Array) -> Candidates:
        cone = Cone(tree_y, g[tree_y.order], cost)
        low, _ = cone.minima(x.means, threads)
        rows = np.flatnonzero(low < f_less)
        pointers, columns, costs = cone.below(x.means[rows], f_less[rows], threads)
        return Candidates.of(np.repeat(rows, np.diff(pointers)), tree_y.order[columns], costs, n, m)

    def widen(rows: Integers, g: Array, k: int) -> Candidates:
        columns, costs = Cone(tree_y, g[tree_y.order], cost).few(x.means[rows], k, threads)
        repeated = np.repeat(rows, columns.shape[1])
        return Candidates.of(repeated, tree_y.order[columns.ravel()], costs.ravel(), n, m)

    optimal = optimal_flow(flow, price, widen, float(np.abs(candidates.costs).max()))
    return _level(x, y, flow, cost, optimal)


def _lifted(
    known: Level,
    clusters: tuple[Clusters, Clusters],
    trees: tuple[Tree, Tree],
    cost: Cost,
    epsilon: float,
    threads: int | None,
) -> tuple[Array, Array]:
    """Return feasible potentials of finer clusters, the better of two ways by their dual value.

    Extending the coarse potential smoothly serves dense parts, following the mean over partners serves wide ones.
    """
    (x, y), (tree_x, tree_y) = clusters, trees
    coarse = Tree(known.x.means)
    smooth = Cone(coarse, known.f[coarse.order], cost).smoothed(y.means, epsilon, threads=threads)
    following = _followed(known, x, cost)
    followed, _ = Cone(tree_x, following[tree_x.order], cost).minima(y.means, threads)
    best: tuple[float, Array, Array] | None = None
    for g in (smooth, followed):
        f, _ = Cone(tree_y, g[tree_y.order], cost).minima(x.means, threads)
        g, _ = Cone(tree_x, f[tree_x.order], cost).minima(y.means, threads)
        value = float(x.masses @ f + y.masses @ g)
        if best is None or value > best[0]:
            best = value, f, g
    assert best is not None
    return best[1], best[2]


def _followed(known: Level, x: Clusters, cost: Cost) -> Array:
    """Return the potential at finer clusters: that of the parent, and what the mean over its partners changes in cost."""
    parent = np.searchsorted(known.x.begin, x.begin[:-1], side="right") - 1
    by = np.argsort(known.rows, kind="stable")
    begin = np.searchsorted(known.rows[by], np.arange(len(known.f) + 1))
    partners = np.diff(begin)[parent]
    child = np.repeat(np.arange(len(parent)), partners)
    entry = by[begin[parent[child]] + np.arange(len(child)) - np.repeat(np.cumsum(partners) - partners, partners)]
    here = listed(cost, x.means, known.y.means, child, known.columns[entry])
    weight = known.mass[entry].astype(float)
    rise = np.bincount(child, weight * (here - known.cost[entry]), len(parent)) / np.bincount(
        child, weight, len(parent)
    )
    return known.f[parent] + rise


def listed(cost: Cost, x: Array, y: Array, rows: Integers, columns: Integers) -> Array:
    """Return the costs of listed pairs of positions."""
    from sciopt.transport.candidate_kernels import listed_costs

    out = np.empty(len(rows))
    listed_costs(cost.kind, cost.parameters, x, np.ascontiguousarray(y.T), NONE, rows, columns, out)
    return out
