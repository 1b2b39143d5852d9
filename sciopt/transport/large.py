"""Very large clouds: solve between clusters, certify between points, and refine until the interval is narrow enough."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from sciopt._errors import DataError, OptionError
from sciopt._types import Array
from sciopt.transport.bounds import UNIT, dual_value
from sciopt.transport.clusters import Clusters, Cone, Tree
from sciopt.transport.cost import CITYBLOCK, EUCLIDEAN, FUNCTION, MATRIX, POWER, SPHERE, SQUARED, Cost
from sciopt.transport.exact_paths import integer_masses
from sciopt.transport.large_levels import Level, exact_levels, spread_cost
from sciopt.transport.large_plan import ClusterPlan

__all__ = ["CloudBounds", "cloud_bounds"]

COARSEST = 10  # level from which on certificates are made on the way


@dataclass(frozen=True, eq=False)
class CloudBounds:
    r"""What is proved about the transport cost between two clouds.

    Attributes
    ----------
    lower, upper
        Certified interval of the unregularised cost, floating point included.
    exact
        Whether the finest level were the points themselves and its plan optimal.
    level
        Plan between the clusters of the finest level.
    x, y
        Trees of the clouds; ``x.order`` are the rows of the given points.
    f, g
        Feasible potentials :math:`f_i + g_j \le c_{ij}` of all points, in the order of the input.
    history
        One dict a certificate: clusters, lower, upper, CPU seconds so far.
    """

    lower: float
    upper: float
    exact: bool
    level: Level
    x: Tree
    y: Tree
    f: Array
    g: Array
    exponent: float
    history: tuple[dict[str, Any], ...]

    @property
    def interval(self) -> tuple[float, float]:
        """The interval of the cost."""
        return self.lower, self.upper

    @property
    def distance_interval(self) -> tuple[float, float]:
        """The interval of the distance, the p-th root of the cost."""
        p = self.exponent
        return max(self.lower, 0.0) ** (1.0 / p), max(self.upper, 0.0) ** (1.0 / p)

    @cached_property
    def plan(self) -> ClusterPlan:
        """The feasible plan of the upper bound: an operator (n, m) that samples, sums and multiplies."""
        return ClusterPlan(self.level, (self.x, self.y), self._weights)

    @property
    def cost(self) -> float:
        """Cost of the plan, up to the allowance for rounding."""
        return self.upper

    @property
    def optimal(self) -> bool:
        """Whether the plan is proved optimal."""
        return self.exact

    _weights: tuple[Array, Array] = (np.zeros(0), np.zeros(0))


def cloud_bounds(
    x: Array,
    y: Array,
    a: Array,
    b: Array,
    cost: Cost,
    *,
    clusters: int | None = 4096,
    accuracy: float | None = None,
    seconds: float | None = None,
    threads: int | None = None,
) -> CloudBounds:
    r"""Bound the transport cost between two weighted clouds, however large.

    Both clouds are coarsened to clusters by balanced k-d trees, an optimal plan between the clusters is found level by
    level, and two facts of it hold for the points. Above: coupling each pair of clusters independently is a feasible
    plan; for the squared distance it costs exactly

    .. math:: \langle P, C\rangle + v_x + v_y,

    with v the mean squared distance to the own mean (other costs: Jensen's inequality for :math:`|x-y|^p`, p < 2, the
    triangle inequality of W_p else). Below: the potential is extended to all points and made feasible by two exact
    c-transforms, found by branch and bound on boxes.

    Parameters
    ----------
    x, y
        Positions (n, d) and (m, d).
    a, b
        Positive masses (n,) and (m,) of the same sum.
    cost
        A cost of positions: not a matrix, not a function.
    clusters
        About how many clusters the finest level has (a power of two; the points themselves where there are fewer).
        With ``accuracy``, the level to go to at most; None = the points themselves.
    accuracy
        Relative width of the interval of the cost at which refinement ends.
    seconds
        Wall time after which no finer level is begun.
    threads
        None = one a core.

    Returns
    -------
    CloudBounds
        An interval that holds however far the refinement went.

    Raises
    ------
    OptionError
        A cost without positions; clusters < 1; accuracy not positive.
    DataError
        Masses that are not positive.

    References
    ----------
    Schmitzer 2016, J. Math. Imaging Vis. 56, 238 (multiscale transport, sparse by potentials); Jonker and Volgenant
    1987, Computing 38, 325 (augmenting paths).
    """
    if cost.kind in (MATRIX, FUNCTION):
        raise OptionError(f"cloud_bounds needs a cost of positions, got {cost.name}; use the exact solver of matrices")
    if clusters is not None and clusters < 1:
        raise OptionError(f"clusters={clusters!r}; give at least 1")
    if accuracy is not None and not accuracy > 0:
        raise OptionError(f"accuracy={accuracy!r}; give a positive relative width")
    for name, masses in (("a", a), ("b", b)):
        if not (masses > 0).all():
            raise DataError(f"{name}: masses of a cloud must be positive here; drop points without mass")
    began, cpu = time.monotonic(), time.process_time()
    trees = Tree(np.ascontiguousarray(x, dtype=float)), Tree(np.ascontiguousarray(y, dtype=float))
    s, t = integer_masses(a, b)
    integers = s[trees[0].order], t[trees[1].order]
    points = math.ceil(math.log2(max(len(a), len(b)))) + 1
    last = points if clusters is None else min(points, max(0, round(math.log2(clusters))))
    if last < points and 2 ** (last + 1) >= max(len(a), len(b)):
        last = points  # as good as the points themselves
    masses = a[trees[0].order], b[trees[1].order]
    deepest = min(tree.levels for tree in trees)
    if last > deepest:
        last = points
    history: list[dict[str, Any]] = []
    best = None
    for level in exact_levels(*trees, masses, integers, cost, last, threads):
        size = max(len(level.f), len(level.g))
        final = level.x.begin[-1] == len(level.f) and level.y.begin[-1] == len(level.g)
        done = final or (last <= deepest and size >= 2**last)
        upper = _upper(level, masses, cost)
        late = seconds is not None and time.monotonic() - began > seconds
        hopeful = accuracy is not None and size >= 2**COARSEST and _excess(level, upper, cost) < 2.0 * accuracy
        if not (done or late or hopeful):
            continue
        lower, f, g = _lower(level, trees, masses, cost, final, threads)
        history.append({"clusters": size, "lower": lower, "upper": upper, "seconds": time.process_time() - cpu})
        if best is None or lower > best[0]:
            best = lower, f, g
        if done or late or (accuracy is not None and upper - best[0] <= accuracy * upper):
            f, g = np.empty(len(a)), np.empty(len(b))
            f[trees[0].order], g[trees[1].order] = best[1], best[2]
            return CloudBounds(
                best[0], upper, final and level.optimal, level, *trees, f, g, cost.exponent, tuple(history), masses
            )
    raise AssertionError("the finest level is certified")


def _excess(level: Level, upper: float, cost: Cost) -> float:
    """Return the part of the upper bound, relative, that coupling inside clusters costs."""
    coarse = float(level.mass @ level.cost) / float(level.mass.sum()) * float(level.x.masses.sum())
    return 1.0 - coarse / upper if upper > 0 else 0.0


def _upper(level: Level, masses: tuple[Array, Array], cost: Cost) -> float:
    """Return a certified upper bound from the plan between clusters."""
    mass = float(masses[0].sum())
    share = level.mass / float(level.mass.sum())
    vx, vy = level.x.spread, level.y.spread
    p = cost.exponent
    if not (vx.any() or vy.any()):
        value = math.fsum(share * level.cost)
    elif cost.kind == SQUARED:
        value = math.fsum(share * level.cost) + level.x.variance + level.y.variance
    elif cost.kind == EUCLIDEAN or (cost.kind == POWER and p < 2.0):
        squares = level.cost ** (2.0 / p) + vx[level.rows] + vy[level.columns]
        value = math.fsum(share * squares ** (0.5 * p))
    else:
        root = 1.0 / max(p, 1.0)
        own = sum(_own_cost(c, cost) for c in (level.x, level.y))
        value = (math.fsum(share * level.cost) ** root + own) ** (1.0 / root)
    largest = float(np.max(level.cost, initial=0.0)) + spread_cost(level.x, cost) + spread_cost(level.y, cost)
    terms = float(np.diff(level.x.begin).max() + np.diff(level.y.begin).max()) + 64.0
    if not all(v.min() == v.max() for v in masses):  # integers stand for masses up to half a unit each
        terms += float(len(masses[0]) + len(masses[1]))
    return mass * (value + 8.0 * terms * UNIT * (value + largest))


def _own_cost(clusters: Clusters, cost: Cost) -> float:
    """Return a bound of W_p between the points of a cloud and their cluster means (p < 1: of the cost itself)."""
    p, d = cost.exponent, clusters.means.shape[1]
    share = clusters.masses / clusters.masses.sum()
    if p <= 2.0:
        mean = float(share @ clusters.spread ** (0.5 * p))
    else:
        mean = float(share @ (clusters.reach ** (p - 2.0) * clusters.spread))
    if cost.kind == CITYBLOCK:  # sum_k |u_k|^p <= d^(1 - p/2) |u|^p for p <= 2, <= |u|^p above
        mean *= d ** max(0.0, 1.0 - 0.5 * p)
    if cost.kind == SPHERE:  # an angle is at most pi/2 times its chord
        mean *= (0.5 * np.pi * cost.parameters[1]) ** p
    return mean ** (1.0 / max(p, 1.0))


def _lower(
    level: Level, trees: tuple[Tree, Tree], masses: tuple[Array, Array], cost: Cost, final: bool, threads: int | None
) -> tuple[float, Array, Array]:
    """Return a certified lower bound and the feasible potentials of all points, in the order of the trees."""
    x, y = trees
    if final:
        g = level.g
    else:
        coarse = Tree(level.x.means)
        width = spread_cost(level.x, cost)
        g = Cone(coarse, level.f[coarse.order], cost).smoothed(y.points, width, threads=threads)
    cone = Cone(y, g, cost)
    f = cone.lowered(cone.minima(x.points, threads)[0])
    cone = Cone(x, f, cost)
    g = cone.lowered(cone.minima(y.points, threads)[0])
    return dual_value(*masses, f, g), f, g
