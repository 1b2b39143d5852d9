"""Barycentres: the mean of measures in the geometry of transport, on a given support or on one that moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sciopt._errors import DataError, OptionError
from sciopt._types import Array
from sciopt.status import Status
from sciopt.transport.cost import Cost, as_cost
from sciopt.transport.exact import exact_plan
from sciopt.transport.measure import Measure, as_measure
from sciopt.transport.pairs import pairs
from sciopt.transport.setting import Relative

__all__ = ["Barycentre", "barycentre"]

ONE_PERMILLE = Relative(1e-3)


@dataclass(frozen=True, eq=False)
class Barycentre:
    """A barycentre and how it was found.

    Attributes
    ----------
    measure
        The barycentre.
    status, message, iterations
        How the iteration ended.
    error
        What the last iteration changed. Fixed support: masses, in L1 norm. Free support: positions, relative to the
        extent of the measures.
    """

    measure: Measure
    status: Status
    message: str
    iterations: int
    error: float


def barycentre(
    measures: Sequence[Any],
    *,
    weights: Any = None,
    support: Any = None,
    cost: Any = "sqeuclidean",
    epsilon: Any = ONE_PERMILLE,
    size: int | None = None,
    tol: float = 1e-7,
    most: int = 2000,
    key: int = 0,
) -> Barycentre:
    r"""Return the measure :math:`\mu` that minimises :math:`\sum_k w_k\, OT(\mu, \mu_k)`.

    With a support, masses are found on it: by debiased entropic iterations, which keep the width of the measures where
    plain ones blur it. Without, ``size`` points of equal mass move: each goes to the weighted mean of where the exact
    plans send it, until none moves.

    Parameters
    ----------
    measures
        Measures, or arrays of positions, of one mass each; masses are normalised to 1.
    weights
        Weights w (k,), not negative; normalised to 1. Equal by default.
    support
        Positions (n, d) or (n,), or a `Grid` (its masses are not used); None = free support.
    cost
        As in `distance`; free support needs "sqeuclidean".
    epsilon
        Weight of the entropy on a fixed support, absolute or relative to the largest cost.
    size
        Points of a free support; by default as many as the largest measure has.
    tol
        ``error`` at which to stop.
    most
        Most iterations.
    key
        Seed of the start of a free support, a sample of the measures.

    Raises
    ------
    DataError, OptionError
        No measures; weights that are negative or do not fit; a cost without positions.

    References
    ----------
    Benamou, Carlier, Cuturi, Nenna and Peyré 2015, SIAM J. Sci. Comput. 37, A1111; Janati, Cuturi and Gramfort 2020,
    ICML (debiased); Cuturi and Doucet 2014, ICML; Álvarez-Esteban et al. 2016, J. Math. Anal. Appl. 441, 744.

    Examples
    --------
    >>> b = barycentre([[0.0], [10.0]], weights=[0.3, 0.7], support=np.arange(11.0))
    >>> int(np.argmax(b.measure.weights))
    7
    """
    listed = [as_measure(m, None, f"measures[{k}]") for k, m in enumerate(measures)]
    if not listed:
        raise DataError("measures is empty; give at least one")
    w = np.full(len(listed), 1.0 / len(listed)) if weights is None else np.asarray(weights, dtype=float)
    if w.shape != (len(listed),) or not (w >= 0).all() or not w.sum() > 0:
        raise DataError(f"weights={weights!r}: give one weight, not negative, for each of the {len(listed)} measures")
    if not (isinstance(most, int) and most >= 1):
        raise OptionError(f"most={most!r}: give at least one iteration")
    w = w / w.sum()
    ground = as_cost(cost)
    used = [(m, v) for m, v in zip(listed, w, strict=True) if v > 0]
    if support is None:
        return _free(used, ground, size, tol, most, key)
    return _fixed(used, as_measure(support, None, "support"), ground, epsilon, tol, most)


def _fixed(used: list[Any], support: Measure, cost: Cost, epsilon: Any, tol: float, most: int) -> Barycentre:
    costs = [pairs(support, m, cost).dense() for m, _ in used]
    own = pairs(support, support, cost).dense()
    scale = max(float(np.max(C)) for C in (*costs, own)) or 1.0
    eps = epsilon.value * scale if isinstance(epsilon, Relative) else float(epsilon)
    if not (np.isfinite(eps) and eps > 0):
        raise OptionError(f"epsilon={epsilon!r}: must be positive")
    with np.errstate(divide="ignore"):
        logs = [np.log(m.weights / m.mass) for m, _ in used]
    n = support.size
    h = np.zeros(n)
    log_mu = np.full(n, -np.log(n))
    stages = [eps]
    while stages[-1] < 0.2 * scale:
        stages.append(min(4.0 * stages[-1], 0.2 * scale))
    duals = [np.zeros(C.shape[1]) for C in costs]
    error, done = np.inf, 0
    for stage in stages[::-1]:
        final = stage == eps
        for _ in range(most if final else 30):
            done += 1
            images = []
            for k, C in enumerate(costs):
                f = -_soft(duals[k][None, :] - C, stage, 1)  # rows: the support
                images.append(f)
            log_new = h / stage - sum(v * f for (_, v), f in zip(used, images, strict=True)) / stage
            log_new = log_new - _log_sum(log_new)
            error = float(sum(v * np.abs(np.exp(log_new) - np.exp(log_mu)).sum() for _, v in used))
            log_mu = log_new
            for k, C in enumerate(costs):
                potential = images[k] + stage * log_mu
                duals[k] = stage * logs[k] - _soft(potential[:, None] - C, stage, 0)
            h = 0.5 * (h + stage * log_mu - _soft(h[None, :] - own, stage, 1))
            h -= h.max()
            if error <= (tol if final else 1e-3):
                break
    status = Status.converged if error <= tol else Status.budget
    weights = np.exp(log_mu)
    found = Measure(weights / weights.sum(), support.points, support.axes)
    message = f"masses change by {error:.2g} an iteration, {'below' if error <= tol else 'above'} tol={tol:g}"
    return Barycentre(found, status, message, done, error)


def _soft(values: Array, epsilon: float, axis: int) -> Array:
    """Return epsilon log sum exp(values / epsilon) over an axis."""
    top = values.max(axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        return np.squeeze(top, axis) + epsilon * np.log(np.exp((values - top) / epsilon).sum(axis=axis))


def _log_sum(values: Array) -> float:
    top = float(values.max())
    return top + float(np.log(np.exp(values - top).sum()))


def _free(used: list[Any], cost: Cost, size: int | None, tol: float, most: int, key: int) -> Barycentre:
    if cost.name != "sqeuclidean":
        raise OptionError(f"a free support needs cost='sqeuclidean', got {cost.name}; give support= for other costs")
    d = used[0][0].points.shape[1]
    if d == 0 or any(m.points.shape[1] != d for m, _ in used):
        raise DataError("the measures of a free barycentre have positions of one dimension")
    n = max(m.size for m, _ in used) if size is None else int(size)
    if n < 1:
        raise OptionError(f"size={size!r}: give at least one point")
    rng = np.random.default_rng(key)
    largest = max(used, key=lambda mv: mv[1])[0]
    start = largest.points
    chosen = (
        np.arange(n)
        if n == len(start)
        else rng.choice(len(start), n, replace=n > len(start), p=largest.weights / largest.mass)
    )
    mass = np.full(n, 1.0 / n)
    extent = max(float(np.ptp(m.points, axis=0).max()) for m, _ in used)
    extent = max(extent, float(np.ptp(np.concatenate([m.points for m, _ in used]), axis=0).max())) or 1.0
    points = start[chosen].copy()
    if n != len(start):
        points += 1e-6 * extent * rng.standard_normal(points.shape)  # equal points would stay together
    moved, done = np.inf, 0
    while done < most:
        done += 1
        target = np.zeros_like(points)
        here = Measure.of(points, mass)
        for m, v in used:
            plan = exact_plan(pairs(here, m, cost), mass, m.weights / m.mass).plan
            target += v * np.asarray(plan @ m.points) / mass[:, None]
        moved = float(np.abs(target - points).max()) / extent
        points = target
        if moved <= tol:
            break
    status = Status.converged if moved <= tol else Status.budget
    message = f"points move by {moved:.2g} of the extent, {'below' if moved <= tol else 'above'} tol={tol:g}"
    return Barycentre(Measure.of(points, mass), status, message, done, moved)
