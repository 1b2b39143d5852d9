"""Strong Wolfe line search on the merit of a frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sciopt._types import Array
from sciopt.linearise.base import Linearisation
from sciopt.methods._second_order import project

__all__ = ["Found", "wolfe"]

LONGEST = 1e10


@dataclass(frozen=True, eq=False)
class Found:
    """A point on the line: length t, linearisation, decrease of the merit, gradient, and slope along the direction."""

    length: float
    lin: Linearisation
    reduction: float
    gradient: Array
    slope: float


def wolfe(
    lin: Linearisation,
    direction: Array,
    g: Array,
    *,
    first: float = 1.0,
    decrease: float = 1e-4,
    curvature: float = 0.9,
    most: int = 40,
) -> Found | None:
    """Return a point that meets the strong Wolfe conditions, else the lowest point tried, else None.

    Bracketing, then interpolation by cubics with safeguards (Nocedal and Wright, algorithms 3.5 and 3.6). Points that
    cannot be evaluated count as infinitely high.

    Parameters
    ----------
    lin, g
        Start of the line and the gradient there.
    direction
        Direction of descent, shape (P,).
    first
        First length tried.
    decrease, curvature
        Constants of the two conditions, 0 < decrease < curvature < 1.
    most
        Most evaluations.
    """
    slope = float(g @ direction)
    if not slope < 0:
        return None
    low, high = Found(0.0, lin, 0.0, g, slope), None
    best: Found | None = None
    t = first
    for _ in range(most):
        point = _at(lin, direction, t)
        if point.reduction > 0 and (best is None or point.reduction > best.reduction):
            best = point
        if point.reduction < -decrease * t * slope or point.reduction <= low.reduction:
            high = point
        elif abs(point.slope) <= -curvature * slope:
            return point
        else:
            if point.slope * ((LONGEST if high is None else high.length) - low.length) >= 0:
                high = low
            low = point
        t = _next(low, high)
        if t > LONGEST or (high is not None and abs(high.length - low.length) <= 1e-14 * max(high.length, low.length)):
            break
    return best


def _at(lin: Linearisation, direction: Array, t: float) -> Found:
    trial = lin.at(project(lin, lin.theta + t * direction))
    reduction = lin.reduction(trial)
    if trial.failed or not np.isfinite(reduction):
        return Found(t, trial, -np.inf, direction, np.inf)
    gradient = trial.gradient()
    slope = float(gradient @ direction)
    if not np.isfinite(slope):
        return Found(t, trial, -np.inf, direction, np.inf)
    return Found(t, trial, reduction, gradient, slope)


def _next(low: Found, high: Found | None) -> float:
    """Return the next length: beyond ``low`` while nothing brackets, else the minimum of a cubic between the two."""
    if high is None:
        return 2.0 * low.length if low.length > 0 else 1.0
    a, b = low.length, high.length
    middle = 0.5 * (a + b)
    if not np.isfinite(high.reduction):
        return a + 0.1 * (b - a)
    d1 = low.slope + high.slope - 3.0 * (high.reduction - low.reduction) / (a - b)
    square = d1 * d1 - low.slope * high.slope
    if not square >= 0:
        return middle
    d2 = np.copysign(np.sqrt(square), b - a)
    below = high.slope - low.slope + 2.0 * d2
    t = b - (b - a) * (high.slope + d2 - d1) / below if below != 0 else middle
    edge = 0.1 * abs(b - a)
    return float(t) if min(a, b) + edge <= t <= max(a, b) - edge else middle
