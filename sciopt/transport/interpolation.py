"""Displacement interpolation: the geodesic between two measures."""

from __future__ import annotations

from typing import Any

import numpy as np

from sciopt._errors import DataError, OptionError
from sciopt._types import Array
from sciopt.transport.cost import CITYBLOCK, EUCLIDEAN, PERIODIC, POWER, SPHERE, SQUARED, Cost
from sciopt.transport.distances import distance
from sciopt.transport.measure import Measure
from sciopt.transport.solution import TransportSolution

__all__ = ["interpolate"]

MOST = 2_000_000  # pairs of a plan that become points


def interpolate(
    x: Any,
    y: Any = None,
    t: float = 0.5,
    *,
    weights: Any = None,
    cost: Any = "sqeuclidean",
    keep: float = 1e-6,
    **options: Any,
) -> Measure:
    r"""Return the measure at time t on the way from x to y: mass :math:`P_{ij}` sits at :math:`(1-t)x_i + t y_j`.

    In a periodic box the way is the shortest one round, on the sphere an arc of a great circle. For exact plans and
    costs :math:`|x-y|^p`, p > 1, this is the geodesic: W_p(x, mu_t) = t W_p(x, y).

    Parameters
    ----------
    x, y
        Measures as in `sciopt.transport.distance`; or x is a solution of it, and y is left out.
    t
        Time, 0 <= t <= 1.
    weights, cost, options
        As in `sciopt.transport.distance`, if the plan is to be made here.
    keep
        Pairs with less than this part of the smaller of their masses are left out; the rest is rescaled.

    Returns
    -------
    Measure
        As many points as the plan has pairs: n + m - 1 at most for exact plans.

    Raises
    ------
    OptionError
        t outside [0, 1].
    DataError
        The cost has no ways between points (matrix, function).

    References
    ----------
    McCann 1997, Adv. Math. 128, 153.

    Examples
    --------
    >>> interpolate([0.0, 1.0], [4.0, 5.0], 0.25).points.ravel().tolist()
    [1.0, 2.0]
    """
    if not (isinstance(t, int | float | np.floating) and 0.0 <= t <= 1.0):
        raise OptionError(f"t={t!r}: give a time between 0 and 1")
    if isinstance(x, TransportSolution):
        if y is not None or weights is not None or options:
            raise OptionError("interpolate(solution, t=...): measures and options belong to the solution already")
        solution = x
    else:
        solution = distance(x, y, weights=weights, cost=cost, **options)
    s = solution.setting
    if s.cost.kind not in (SQUARED, EUCLIDEAN, POWER, CITYBLOCK, PERIODIC, SPHERE):
        raise DataError(f"interpolate: the cost {s.cost.name} has no ways between points; use a cost of positions")
    plan = solution.plan
    P: Any = plan.sparse(keep) if solution.epsilon > 0 else plan.sparse() if hasattr(plan, "sparse") else plan
    P = P.tocoo()
    if len(P.data) > MOST:
        raise DataError(f"interpolate: the plan has {len(P.data)} pairs; raise keep, or lower epsilon")
    points = _between(s.cost, s.x.points[P.row], s.y.points[P.col], float(t))
    return Measure.of(points, P.data * (s.mass / float(P.data.sum())))


def _between(cost: Cost, x: Array, y: Array, t: float) -> Array:
    if cost.kind == SPHERE:
        return _arc(cost, x, y, t)
    step = y - x
    if cost.kind != PERIODIC:
        return x + t * step
    period = cost.parameters[1:]
    step = step - period * np.floor(step / period + 0.5)
    moved = x + t * step
    wrapped = moved - period * np.floor(moved / period)
    return np.where(period < 1e299, wrapped, moved)


def _arc(cost: Cost, x: Array, y: Array, t: float) -> Array:
    """Return points on great circles, in the coordinates that were given."""
    u, v = cost.prepare(Measure.of(x)), cost.prepare(Measure.of(y))
    angle = 2.0 * np.arctan2(np.linalg.norm(u - v, axis=1), np.linalg.norm(u + v, axis=1))[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        w = np.where(angle > 1e-9, (np.sin((1 - t) * angle) * u + np.sin(t * angle) * v) / np.sin(angle), u)
    if cost.degrees is None:
        return w
    out = np.stack([np.arctan2(w[:, 1], w[:, 0]), np.arcsin(np.clip(w[:, 2], -1.0, 1.0))], axis=1)
    return np.degrees(out) if cost.degrees else out
