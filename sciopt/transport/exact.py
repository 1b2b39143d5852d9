"""Exact transport: an optimal plan as a list of pairs, its potentials, and the interval that proves it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sciopt._errors import DataError
from sciopt._types import Array
from sciopt.transport.bounds import c_transform, dual_bound, relative_error, sparse_bound
from sciopt.transport.cost import FUNCTION, MATRIX
from sciopt.transport.exact_paths import Integers, integer_masses
from sciopt.transport.pairs import Pairs

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["ExactPlan", "exact_plan"]

LEVELS_ABOVE = 3_000_000  # pairs above which clouds are solved level by level
STORED = 50_000_000  # pairs that the simplex keeps; more are evaluated whenever looked at


@dataclass(frozen=True, eq=False)
class ExactPlan:
    r"""An optimal plan with its certificate.

    Attributes
    ----------
    rows, columns, masses, costs
        Pairs (i, j) that carry mass, how much, and at which cost.
    f, g
        Potentials, :math:`f_i + g_j \le c_{ij}` for all pairs.
    lower, upper
        Certified interval of the cost; they differ by rounding if ``optimal``.
    optimal
        Whether pricing over all pairs found nothing to gain.
    shape
        (n, m).
    """

    rows: Integers
    columns: Integers
    masses: Array
    costs: Array
    f: Array
    g: Array
    lower: float
    upper: float
    optimal: bool
    shape: tuple[int, int]

    @property
    def cost(self) -> float:
        """Transport cost of the plan."""
        return float(self.masses @ self.costs)

    @property
    def plan(self) -> csr_matrix:
        """The plan as a sparse matrix (n, m)."""
        from scipy.sparse import csr_matrix

        return csr_matrix((self.masses, (self.rows, self.columns)), shape=self.shape)


def exact_plan(pairs: Pairs, a: Array, b: Array, *, threads: int | None = None) -> ExactPlan:
    """Find an optimal plan for any costs and masses.

    Costs convex in x - y on a line are solved by sorting, clouds of many points level by level of their k-d trees by
    shortest augmenting paths (`sciopt.transport.large_levels`), all else by the network simplex method.

    Parameters
    ----------
    pairs
        Costs (n, m), ``inf`` for forbidden pairs.
    a, b
        Masses (n,) and (m,) of one sum; zeros are allowed.
    threads
        None = one a core.

    Raises
    ------
    DataError
        No plan avoids the forbidden pairs.

    Examples
    --------
    >>> import numpy as np
    >>> from sciopt.transport.cost import as_cost
    >>> from sciopt.transport.measure import Measure
    >>> x, y = Measure.of([0.0, 1.0, 3.0]), Measure.of([5.0, 6.0, 8.0])
    >>> from sciopt.transport.pairs import pairs
    >>> round(exact_plan(pairs(x, y, as_cost("sqeuclidean")), x.weights, y.weights).cost, 12)
    25.0
    """
    whole = pairs.store() if pairs.cost.kind == FUNCTION else pairs
    n, m = whole.shape
    if whole.X.shape[1] == 1 and not whole.stored:
        from sciopt.transport.exact_line import exact_line, is_convex_on_line

        if is_convex_on_line(whole.cost, 1):
            return exact_line(whole.X, whole.YT, a, b, whole.cost)
    s, t = integer_masses(a, b)
    keep, hold = np.flatnonzero(s), np.flatnonzero(t)
    part = whole.restricted(keep, hold)
    positions = not whole.stored and whole.cost.kind != MATRIX and whole.X.shape[1] <= 8
    if positions and len(keep) * len(hold) > LEVELS_ABOVE:
        rows, columns, units, inner, optimal = _by_levels(part, a[keep], b[hold], s[keep], t[hold], threads)
    else:
        rows, columns, units, inner, optimal = _by_simplex(part, s[keep], t[hold])
    g = np.full(m, -np.inf)
    g[hold] = inner
    rows, columns = keep[rows], hold[columns]
    if len(hold) < m:
        f = c_transform(whole, np.where(np.isfinite(g), g, np.min(inner) - 2.0 * whole.scale), threads=threads)
        g = np.where(
            np.isfinite(g), g, c_transform(whole, np.where(np.isfinite(f), f, 0.0), columns=True, threads=threads)
        )
    unit = float(a.sum()) / float(s.sum())
    masses = np.asarray(units * unit, dtype=float)
    costs = _costs(whole, rows, columns)
    bound = dual_bound(whole, a, b, [g], threads)
    shifted = float(np.abs(s * unit - a).sum() + np.abs(t * unit - b).sum())
    upper = sparse_bound(costs, masses, float(a.sum()), whole.scale, relative_error(whole)) + shifted * whole.scale
    return ExactPlan(rows, columns, masses, costs, bound.f, bound.g, bound.value, upper, optimal, (n, m))


def _by_simplex(pairs: Pairs, s: Integers, t: Integers) -> tuple[Integers, Integers, Integers, Array, bool]:
    from sciopt.transport.exact_simplex import network_simplex

    n, m = pairs.shape
    basis = network_simplex(pairs.store() if n * m <= STORED else pairs, s, t)
    if not basis.feasible:
        raise DataError("cost forbids so many pairs that no plan has the given masses; allow more pairs")
    return basis.rows, basis.columns, basis.masses, basis.g, True


def _by_levels(
    pairs: Pairs, a: Array, b: Array, s: Integers, t: Integers, threads: int | None
) -> tuple[Integers, Integers, Integers, Array, bool]:
    from sciopt.transport.clusters import Tree
    from sciopt.transport.large_levels import exact_levels

    x, y = Tree(pairs.X), Tree(np.ascontiguousarray(pairs.YT.T))
    last = math.ceil(math.log2(max(pairs.shape))) + 1
    masses, integers = (a[x.order], b[y.order]), (s[x.order], t[y.order])
    *_, level = exact_levels(x, y, masses, integers, pairs.cost, last, threads)
    g = np.empty(len(b))
    g[y.order] = level.g
    return x.order[level.rows], y.order[level.columns], level.mass, g, level.optimal


def _costs(pairs: Pairs, rows: Integers, columns: Integers) -> Array:
    """Return the costs of some pairs."""
    if pairs.stored:
        return pairs.C[rows, columns]
    from sciopt.transport.candidate_kernels import listed_costs

    out = np.empty(len(rows))
    listed_costs(*pairs.arguments, rows, columns, out)
    return out
