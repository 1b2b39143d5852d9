"""Certified intervals of the unregularised cost from any potentials, converged or not; floating point is accounted for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sciopt._types import Array
from sciopt.transport._threads import over_rows
from sciopt.transport.cost import FUNCTION, MATRIX, SQUARED
from sciopt.transport.pairs import Pairs

__all__ = ["DualBound", "PlanBound", "c_transform", "dual_bound", "dual_value", "plan_bound", "sparse_bound"]

UNIT = 2.0**-53
TREE_ABOVE = 2_000_000  # pairs above which a tree beats visiting all


class DualBound(NamedTuple):
    """A lower bound and the feasible potentials that prove it."""

    value: float
    f: Array
    g: Array


class PlanBound(NamedTuple):
    """An upper bound and the feasible plan that proves it: ``x P y`` plus ``e k^T / sum(e)``."""

    value: float
    x: Array
    y: Array
    e: Array
    k: Array


def relative_error(pairs: Pairs) -> float:
    """Return a bound of the relative rounding error of one evaluated cost."""
    if pairs.cost.kind in (MATRIX, FUNCTION):
        return 0.0
    dimension = len(pairs.YT)
    return (4.0 * dimension + 24.0) * UNIT * max(1.0, pairs.cost.exponent)


def c_transform(pairs: Pairs, g: Array, *, columns: bool = False, threads: int | None = None) -> Array:
    r"""Return :math:`f_i = \min_j c_{ij} - g_j` (n,), rounded so that :math:`f_i + g_j \le c_{ij}` holds exactly.

    Parameters
    ----------
    pairs
        Costs (n, m).
    g
        Potential (m,), finite; with ``columns``, the potential f (n,) of the rows.
    columns
        Return :math:`g_j = \min_i c_{ij} - f_i` (m,) instead.
    threads
        None = one a core.

    Notes
    -----
    A rounded difference is at most half a unit in the last place above the exact one; costs of positions carry a few
    more units. Where costs are relative to rounding error r, ``min`` is lowered by r (\|min\| + max \|g\|).
    """
    n, m = pairs.shape
    positions = not pairs.stored and pairs.cost.kind not in (MATRIX, FUNCTION)
    if positions and n * m > TREE_ABOVE and pairs.X.shape[1] <= 8:
        from sciopt.transport.clusters import Cone, Tree

        here, there = np.ascontiguousarray(pairs.YT.T), pairs.X
        tree = Tree(there if columns else here)
        cone = Cone(tree, g[tree.order], pairs.cost)
        way = Tree(here if columns else there)  # neighbours one after the other
        low = np.empty(len(way.order))
        low[way.order] = cone.minima(way.points, threads)[0]
        return np.nextafter(cone.lowered(low), -np.inf)
    from sciopt.transport.bounds_kernels import column_minima, row_minima

    whole = pairs.store() if pairs.cost.kind == FUNCTION else pairs
    if columns:
        parts = over_rows(lambda i, k: column_minima(*whole.arguments, g, i, k), n, threads)
        low = np.minimum.reduce(parts)
    else:
        low = np.empty(n)
        over_rows(lambda i, k: row_minima(*whole.arguments, g, i, k, low), n, threads)
    r = relative_error(pairs)
    with np.errstate(invalid="ignore"):
        return np.nextafter(low - r * (np.abs(low) + np.abs(g).max()), -np.inf)


def dual_value(a: Array, b: Array, f: Array, g: Array) -> float:
    """Return a.f + b.g rounded down, less what a mismatch of the masses by rounding could be worth."""
    with np.errstate(invalid="ignore"):
        af, bg = np.where(a > 0, a * f, 0.0), np.where(b > 0, b * g, 0.0)
    if not (np.isfinite(af).all() and np.isfinite(bg).all()):
        return -math.inf
    size = float(np.abs(af).sum() + np.abs(bg).sum())
    mismatch = abs(math.fsum(a) - math.fsum(b)) * 0.5 * float(np.abs(f[a > 0]).max() + np.abs(g[b > 0]).max())
    return math.fsum(af) + math.fsum(bg) - 4.0 * UNIT * size - mismatch


def dual_bound(pairs: Pairs, a: Array, b: Array, starts: Sequence[Array], threads: int | None = None) -> DualBound:
    r"""Return the best lower bound that some potentials prove.

    Any g gives feasible potentials by two c-transforms, :math:`f_i = \min_j c_{ij} - g_j` and
    :math:`g_j = \min_i c_{ij} - f_i`; then :math:`a\cdot f + b\cdot g` is at most the cost.

    Parameters
    ----------
    pairs, a, b
        Costs (n, m) and masses of one sum.
    starts
        Potentials g (m,): the last one, and perhaps one extrapolated in the temperature, 2 g(e) - g(2 e).
    threads
        None = one a core.
    """
    best: DualBound | None = None
    for start in starts:
        if not np.isfinite(start).all():
            start = np.where(np.isfinite(start), start, np.min(start[np.isfinite(start)], initial=0.0))
        f = c_transform(pairs, start, threads=threads)
        if not np.isfinite(f).all():  # a row of forbidden pairs only
            f = np.where(np.isfinite(f), f, 0.0)
        g = c_transform(pairs, f, columns=True, threads=threads)
        value = dual_value(a, b, f, g)
        if best is None or value > best.value:
            best = DualBound(value, f, g)
    assert best is not None, "starts is empty"
    return best


def plan_bound(
    pairs: Pairs, a: Array, b: Array, f: Array, g: Array, epsilon: float, threads: int | None = None
) -> PlanBound:
    r"""Return the upper bound of the entropic plan, made feasible.

    The plan is :math:`P_{ij} = a_i b_j e^{(f_i+g_j-c_{ij})/\epsilon} / M`. Rows, then columns, that exceed their mass
    are scaled down, and the missing mass e, k is coupled as :math:`e k^T/\sum e` (Altschuler, Niles-Weed and Rigollet
    2017, Advances in Neural Information Processing Systems 30). No n x m array is formed.
    """
    from sciopt.transport.bounds_kernels import round_columns, round_rows

    n, m = pairs.shape
    mass = float(a.sum())
    whole = pairs.store() if pairs.cost.kind == FUNCTION else pairs
    with np.errstate(divide="ignore"):
        alpha, beta = f / epsilon + np.log(a) - math.log(mass), g / epsilon + np.log(b)
    inverse, safe = 1.0 / epsilon, 1.0 - 4.0 * (n + m + 8) * UNIT
    x, row = np.zeros(n), np.zeros(n)
    arguments = (*whole.arguments, alpha, beta, inverse)
    parts = over_rows(lambda i, k: round_rows(*arguments, a, safe, i, k, x), n, threads)
    column = np.sum(parts, axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        y = np.where(column > 0, np.minimum(b / column, 1.0), 0.0) * safe
    found = over_rows(lambda i, k: round_columns(*arguments, x, y, i, k, row), n, threads)
    e = np.maximum(a - row, 0.0)
    k = np.maximum(b - np.sum([p[0] for p in found], axis=0), 0.0)
    spent = math.fsum(p[1] for p in found)
    value = spent + _remainder(whole, e, k)
    error = 4.0 * (n + m + 32) * UNIT + relative_error(pairs)
    return PlanBound(value + error * (abs(value) + mass * pairs.scale), x, y, e, k)


def _remainder(pairs: Pairs, e: Array, k: Array) -> float:
    """Return the cost of coupling e and k independently; infinite where that meets a forbidden pair."""
    total = max(float(e.sum()), float(k.sum()))
    if total == 0.0:
        return 0.0
    rows, columns = np.flatnonzero(e), np.flatnonzero(k)
    if not (len(rows) and len(columns)):
        return total * pairs.scale
    e, k = e[rows], k[columns]
    if pairs.cost.kind == SQUARED and not pairs.stored:
        x, y = pairs.X[rows], pairs.YT.T[columns]
        anchor = x[0]
        u, v = (e @ (x - anchor)) / e.sum(), (k @ (y - anchor)) / k.sum()
        spread = e @ ((x - anchor - u) ** 2).sum(1) / e.sum() + k @ ((y - anchor - v) ** 2).sum(1) / k.sum()
        return total * float(spread + ((u - v) ** 2).sum())
    part = pairs.restricted(rows, columns)
    step = max(1, (1 << 22) // len(columns))
    sums = [e[i : i + step] @ (part.rows(i, min(i + step, len(rows))) @ k) for i in range(0, len(rows), step)]
    return math.fsum(sums) * total / (float(e.sum()) * float(k.sum()))


def sparse_bound(costs: Array, masses: Array, total: float, largest: float, error: float = 0.0) -> float:
    """Return the cost of a plan given by its entries, rounded up.

    Parameters
    ----------
    costs, masses
        Cost and mass (pairs,) of each entry.
    total
        Mass to be moved; what the entries leave of it, rounding, counts at the largest cost.
    largest
        Largest cost in size.
    error
        Relative rounding error of one cost.
    """
    moved = costs * masses
    size = float(np.abs(moved).sum())
    missing = abs(total - math.fsum(masses)) + 4.0 * UNIT * total
    return math.fsum(moved) + (4.0 * UNIT + error) * size + missing * largest
