"""Clusters of a cloud by a balanced k-d tree, and exact minima over all its points by branch and bound."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sciopt._types import Array
from sciopt.transport._threads import over_rows
from sciopt.transport.cost import SQUARED, Cost

__all__ = ["Clusters", "Cone", "Tree"]

LEAF = 6
UNIT = 2.0**-53


@dataclass(frozen=True, eq=False)
class Clusters:
    """A cloud coarsened to the means of the nodes on one level of its tree.

    Attributes
    ----------
    means, masses
        Mean (k, d) and mass (k,) of each cluster.
    spread
        Mean squared distance (k,) of the points of a cluster to its mean, weighted by mass.
    reach
        Largest distance (k,) of a point of a cluster to its mean.
    begin
        First point (k + 1,) of each cluster in the order of the tree.
    """

    means: Array
    masses: Array
    spread: Array
    reach: Array
    begin: NDArray[np.int64]

    @property
    def variance(self) -> float:
        """Mean of ``spread`` over the mass."""
        return float(self.masses @ self.spread / self.masses.sum())


class Tree:
    """Balanced k-d tree: points sorted so that every node is a range, medians of the widest axis as splits.

    Parameters
    ----------
    points
        Positions (n, d), float64.
    leaf
        Most points of a leaf, about.

    Attributes
    ----------
    points
        Positions in the order of the tree.
    order
        ``points = given[order]``.
    levels
        Splits from the root to a leaf; level l has 2^l nodes.
    """

    def __init__(self, points: Array, leaf: int = LEAF) -> None:
        from sciopt.transport.tree_kernels import build_tree

        self.levels = max(0, math.ceil(math.log2(max(len(points), 1) / leaf)))
        self.order, self.begin, self.end = build_tree(points, self.levels)
        self.points = np.ascontiguousarray(points[self.order])

    @cached_property
    def radius(self) -> float:
        """Half the diagonal of the bounding box."""
        return 0.5 * float(np.linalg.norm(self.points.max(0) - self.points.min(0)))

    def clusters(self, level: int, weights: Array) -> Clusters:
        """Return the clusters of one level; ``weights`` (n,) are in the order of the tree, those of a cluster not all 0.

        Level l has min(2^l, n) clusters of nearly equal numbers of points.
        """
        if level > self.levels:
            begin = np.arange(len(self.points) + 1)
        else:
            first = 2**level - 1
            begin = np.append(self.begin[first : 2 * first + 1], len(self.points))
        masses = np.add.reduceat(weights, begin[:-1])
        own = np.repeat(np.arange(len(masses)), np.diff(begin))
        anchor = self.points[begin[:-1]]  # differences from a point of the cluster: coordinates may be far from 0
        local = self.points - anchor[own]
        shift = np.add.reduceat(weights[:, None] * local, begin[:-1]) / masses[:, None]
        local -= shift[own]
        squares = np.einsum("id,id->i", local, local)
        spread = np.add.reduceat(weights * squares, begin[:-1]) / masses
        return Clusters(anchor + shift, masses, spread, np.sqrt(np.maximum.reduceat(squares, begin[:-1])), begin)


class Cone:
    r"""The function :math:`x \mapsto \min_j c(x, y_j) - g_j` over all points of a tree, exactly.

    Nodes carry their box and, for the squared Euclidean cost, an affine majorant of g: what is left of a bound is the
    curvature of g over the box, and a search visits about a hundred pairs a point.

    Parameters
    ----------
    tree
        Tree over y.
    g
        Potential (m,), in the order of the tree.
    cost
        A cost of positions.
    """

    def __init__(self, tree: Tree, g: Array, cost: Cost) -> None:
        from sciopt.transport.tree_kernels import fit_majorants

        self.tree, self.cost, self.g = tree, cost, np.ascontiguousarray(g, dtype=float)
        self._record = np.empty((len(tree.begin), 1 + 4 * tree.points.shape[1]))
        self._scale = fit_majorants(tree.points, tree.begin, tree.end, self.g, cost.kind == SQUARED, self._record)
        self.visited = 0

    @property
    def _nodes(self) -> tuple[Array, NDArray[np.int64], NDArray[np.int64], Array]:
        return self.tree.points, self.tree.begin, self.tree.end, self._record

    def minima(self, x: Array, threads: int | None = None) -> tuple[Array, NDArray[np.int64]]:
        """Return the minima (n,) and their arguments (n,) for positions x (n, d); neighbours in x make it fast."""
        from sciopt.transport.tree_search import lowest_pairs

        low, arg = np.empty(len(x)), np.empty(len(x), np.int64)
        kind, q = self.cost.kind, self.cost.parameters
        counts = over_rows(
            lambda first, last: lowest_pairs(x, *self._nodes, self.g, kind, q, first, last, low, arg), len(x), threads
        )
        self.visited = sum(counts)
        return low, arg

    def lowered(self, low: Array) -> Array:
        """Return minima made rigorous: reduced by a bound of their rounding errors."""
        d = self.tree.points.shape[1]
        relative = (8.0 * d + 40.0) * UNIT * max(1.0, self.cost.exponent)
        return low - relative * (np.abs(low) + 2.0 * self._scale)

    def below(
        self, x: Array, level: Array, threads: int | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.int32], Array]:
        """List all pairs with ``c(x_i, y_j) - g_j <= level_i``: pointers (n + 1,), columns, costs."""
        from sciopt.transport.tree_search import list_below

        kind, q = self.cost.kind, self.cost.parameters
        parts = over_rows(
            lambda first, last: list_below(
                x, *self._nodes, self.g, kind, q, level, first, last, 16 * (last - first) + 64
            ),
            len(x),
            threads,
        )
        counts = np.concatenate([[0], *(np.diff(p[0]) for p in parts)])
        return np.cumsum(counts), np.concatenate([p[1] for p in parts]), np.concatenate([p[2] for p in parts])

    def few(self, x: Array, k: int, threads: int | None = None) -> tuple[NDArray[np.int32], Array]:
        """Return columns and costs (n, k) of the k pairs of lowest ``c(x_i, y_j) - g_j`` of each row."""
        from sciopt.transport.tree_search import lowest_few

        k = min(k, len(self.g))
        columns, costs = np.zeros((len(x), k), np.int32), np.empty((len(x), k))
        kind, q = self.cost.kind, self.cost.parameters
        over_rows(
            lambda first, last: lowest_few(x, *self._nodes, self.g, kind, q, first, last, columns, costs),
            len(x),
            threads,
        )
        return columns, costs

    def smoothed(self, x: Array, epsilon: float, reach: float = 12.0, threads: int | None = None) -> Array:
        """Return ``-epsilon log sum_j exp((g_j - c(x_i, y_j)) / epsilon)``, terms below e^-reach of the largest left out.

        At epsilon = 0 these are the minima.
        """
        from sciopt.transport.tree_search import smooth_extension

        low, _ = self.minima(x, threads)
        if epsilon == 0.0:
            return low
        out, kind, q = np.empty(len(x)), self.cost.kind, self.cost.parameters
        over_rows(
            lambda first, last: smooth_extension(
                x, *self._nodes, self.g, kind, q, epsilon, reach, low, first, last, out
            ),
            len(x),
            threads,
        )
        return out
