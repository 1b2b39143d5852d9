"""The plan between two large clouds: optimal between clusters, independent inside them; never stored pair by pair."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from sciopt._errors import OptionError
from sciopt._types import Array
from sciopt.transport.clusters import Clusters, Tree
from sciopt.transport.exact_paths import Integers
from sciopt.transport.large_levels import Level

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["ClusterPlan"]

ENTRIES = 50_000_000


class ClusterPlan:
    r"""The plan :math:`P_{ij} = a_i b_j P_{IJ} / (a_I b_J)` for i in cluster I, j in cluster J, shape (n, m).

    Its marginals are a and b, exactly up to rounding.

    Parameters
    ----------
    level
        Plan between clusters.
    trees
        Trees of both clouds.
    weights
        Masses of the points in the order of the trees.
    """

    def __init__(self, level: Level, trees: tuple[Tree, Tree], weights: tuple[Array, Array]) -> None:
        self.level, self.trees, self.weights = level, trees, weights
        self.shape = (len(weights[0]), len(weights[1]))

    @cached_property
    def coarse(self) -> csr_matrix:
        """Mass between clusters, a sparse matrix (k, l)."""
        from scipy.sparse import csr_matrix

        level = self.level
        mass = level.mass * (float(self.weights[0].sum()) / float(level.mass.sum()))
        return csr_matrix((mass, (level.rows, level.columns)), shape=(len(level.f), len(level.g)))

    @cached_property
    def cluster_of(self) -> tuple[Integers, Integers]:
        """Cluster of each point of x (n,) and of y (m,), in the order of the input."""
        out = []
        for tree, clusters in zip(self.trees, (self.level.x, self.level.y), strict=True):
            own = np.empty(len(tree.order), np.int64)
            own[tree.order] = np.repeat(np.arange(len(clusters.masses)), np.diff(clusters.begin))
            out.append(own)
        return out[0], out[1]

    def _point_masses(self, side: int) -> Array:
        out = np.empty(self.shape[side])
        out[self.trees[side].order] = self.weights[side]
        return out

    def _apply(self, values: Array, side: int) -> Array:
        """Multiply by the plan (side 0) or its transpose (side 1)."""
        here = (self.level.x, self.level.y)[side]
        there: Clusters = (self.level.y, self.level.x)[side]
        v = np.asarray(values, dtype=float)
        flat = v.reshape(len(v), -1)[self.trees[1 - side].order]
        means = np.add.reduceat(self.weights[1 - side][:, None] * flat, there.begin[:-1]) / there.masses[:, None]
        coarse = self.coarse if side == 0 else self.coarse.T
        per_mass = np.asarray(coarse @ means) / here.masses[:, None]
        out = self._point_masses(side)[:, None] * per_mass[self.cluster_of[side]]
        return out.reshape(self.shape[side], *v.shape[1:])

    def __matmul__(self, values: Array) -> Array:
        """Return P v for v (m,) or (m, k)."""
        return self._apply(values, 0)

    @property
    def T(self) -> ClusterPlan:
        """The transpose."""
        level = self.level
        turned = level.transposed()
        return ClusterPlan(turned, (self.trees[1], self.trees[0]), (self.weights[1], self.weights[0]))

    def sum(self, axis: int) -> Array:
        """Return row sums (axis 1) or column sums (axis 0)."""
        side = 1 - axis
        return self._apply(np.ones(self.shape[1 - side]), side)

    def sparse(self) -> csr_matrix:
        """Return all entries as a sparse matrix; refuses where clusters make it too dense."""
        from scipy.sparse import csr_matrix

        level = self.level
        sizes = np.diff(level.x.begin)[level.rows] * np.diff(level.y.begin)[level.columns]
        if sizes.sum() > ENTRIES:
            raise OptionError(f"the plan has {int(sizes.sum())} entries; use plan @ v, plan.sample, or more clusters")
        within = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        width = np.repeat(np.diff(level.y.begin)[level.columns], sizes)
        i = np.repeat(level.x.begin[level.rows], sizes) + within // width
        j = np.repeat(level.y.begin[level.columns], sizes) + within % width
        coarse = level.mass * (float(self.weights[0].sum()) / float(level.mass.sum()))
        share = np.repeat(coarse / (level.x.masses[level.rows] * level.y.masses[level.columns]), sizes)
        values = share * self.weights[0][i] * self.weights[1][j]
        return csr_matrix((values, (self.trees[0].order[i], self.trees[1].order[j])), shape=self.shape)

    def sample(self, key: int, k: int) -> tuple[Integers, Integers]:
        """Draw k pairs (i, j) of points with probability P_ij; the same ``key`` gives the same pairs."""
        rng, level = np.random.default_rng(key), self.level
        chosen = rng.choice(len(level.mass), size=k, p=level.mass / level.mass.sum())
        i = _inside(rng, level.x.begin, level.rows[chosen], self.weights[0])
        j = _inside(rng, level.y.begin, level.columns[chosen], self.weights[1])
        return self.trees[0].order[i], self.trees[1].order[j]


def _inside(rng: np.random.Generator, begin: Integers, cluster: Integers, weights: Array) -> Integers:
    """Draw a point of each cluster in proportion to the weights."""
    total = np.concatenate([[0.0], np.cumsum(weights)])
    at = total[begin[cluster]] + rng.random(len(cluster)) * (total[begin[cluster + 1]] - total[begin[cluster]])
    return np.clip(np.searchsorted(total, at, side="right") - 1, begin[cluster], begin[cluster + 1] - 1)
