"""Transport on a line by sorting: optimal for every cost that is a convex function of x - y."""

from __future__ import annotations

import numpy as np

from sciopt._errors import DataError, OptionError
from sciopt._types import Array
from sciopt.transport.bounds import UNIT, dual_value, sparse_bound
from sciopt.transport.cost import CITYBLOCK, EUCLIDEAN, POWER, SQUARED, Cost
from sciopt.transport.exact import ExactPlan
from sciopt.transport.exact_paths import Integers

__all__ = ["exact_line", "is_convex_on_line"]


def is_convex_on_line(cost: Cost, dimension: int) -> bool:
    """Whether a cost is a convex function of x - y on a line, so that sorting solves it."""
    return dimension == 1 and cost.kind in (SQUARED, EUCLIDEAN, POWER, CITYBLOCK) and cost.exponent >= 1.0


def exact_line(x: Array, y: Array, a: Array, b: Array, cost: Cost) -> ExactPlan:
    r"""Return the optimal plan on a line: the quantiles of x go to the quantiles of y.

    .. math:: W_p^p = \int_0^1 |F^{-1}(u) - G^{-1}(u)|^p\, du

    Potentials follow the plan from pair to pair; the lower bound is that of their c-transform, found by divide and
    conquer, and holds in floating point. O((n + m) log(n + m)) time, O(n + m) memory.

    Parameters
    ----------
    x, y
        Positions (n,) and (m,), in any order.
    a, b
        Masses (n,) and (m,) of one sum; zeros are allowed.
    cost
        ``sqeuclidean``, ``euclidean``, ``power(p)`` or ``cityblock(p)`` with p >= 1.

    Raises
    ------
    OptionError
        The cost is not convex in x - y.
    DataError
        Shapes that do not fit.

    Examples
    --------
    >>> from sciopt.transport.cost import power
    >>> third = np.full(3, 1 / 3)
    >>> round(exact_line(np.array([3.0, 0.0, 1.0]), np.array([5.0, 6.0, 8.0]), third, third, power(1)).cost, 12)
    5.0
    """
    x, y = np.ravel(np.asarray(x, float)), np.ravel(np.asarray(y, float))
    if not is_convex_on_line(cost, 1):
        raise OptionError(f"sorting solves costs convex in x - y on a line; {cost.name} is none")
    for name, points, masses in (("x", x, a), ("y", y, b)):
        if points.shape != masses.shape:
            raise DataError(f"{name} has {len(points)} positions and {len(masses)} masses; give one mass a position")
    from sciopt.transport.line_kernels import line_minima

    p = cost.exponent
    by_x, by_y = np.argsort(x, kind="stable"), np.argsort(y, kind="stable")
    xs, ys, n, m = x[by_x], y[by_y], len(x), len(y)
    i, j, masses = _staircase(a[by_x], b[by_y])
    costs = _power(xs[i] - ys[j], p)
    f, g = np.zeros(n), np.zeros(m)
    rises = np.diff(costs)  # from one pair to the next either the row or the column changes
    down = np.diff(i) > 0
    f[i[1:][down]], g[j[1:][~down]] = rises[down], rises[~down]
    f, g = np.cumsum(f), np.cumsum(g) + costs[0]
    error = (8.0 + np.log2(n + m + 2.0)) * 4.0 * p * UNIT
    span = max(xs[-1], ys[-1]) - min(xs[0], ys[0])
    largest = float(_power(span, p))
    f = _lowered(line_minima(xs, ys, g, p), g, error, largest)
    g = _lowered(line_minima(ys, xs, f, p), f, error, largest)
    lower = dual_value(a[by_x], b[by_y], f, g)
    carrying = masses > 0.0
    i, j, masses, costs = i[carrying], j[carrying], masses[carrying], costs[carrying]
    upper = sparse_bound(costs, masses, float(a.sum()), largest, error)
    upper += (
        2.0 * (n + m) * UNIT * float(a.sum()) * largest * min(1.0, float(costs.max(initial=0.0)) / max(largest, 1e-300))
    )
    potential_f, potential_g = np.empty(n), np.empty(m)
    potential_f[by_x], potential_g[by_y] = f, g
    return ExactPlan(by_x[i], by_y[j], masses, costs, potential_f, potential_g, lower, upper, True, (n, m))


def _power(u: Array, p: float) -> Array:
    u = np.abs(u)
    return u if p == 1.0 else u * u if p == 2.0 else u**p


def _lowered(low: Array, g: Array, error: float, largest: float) -> Array:
    return np.nextafter(low - error * (np.abs(low) + 2.0 * np.abs(g).max() + largest), -np.inf)


def _staircase(a: Array, b: Array) -> tuple[Integers, Integers, Array]:
    """Return the pairs of a monotone plan, n + m - 1 of them, each next to the one before; masses may be 0."""
    n = len(a)
    upto_a, upto_b = np.cumsum(a), np.cumsum(b)
    scale = upto_a[-1]
    upto_b *= scale / upto_b[-1]
    ends = np.concatenate([upto_a[:-1], upto_b[:-1]])
    by = np.argsort(ends, kind="stable")
    steps_row = by < n - 1
    i = np.concatenate([[0], np.cumsum(steps_row)])
    j = np.concatenate([[0], np.cumsum(~steps_row)])
    marks = np.concatenate([[0.0], ends[by], [scale]])
    return i, j, np.maximum(np.diff(marks), 0.0)
