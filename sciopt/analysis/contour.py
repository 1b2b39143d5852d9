"""Joint regions of two parameters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from sciopt._errors import DataError, OptionError
from sciopt._types import Array
from sciopt.analysis._rise import BOUND, Rise, crossing, quantile

__all__ = ["contour"]


def contour(
    solution: Any, a: str, b: str, levels: Sequence[float] = (0.68, 0.95), *, points: int = 40
) -> list[tuple[float, Array]]:
    r"""Return closed curves on which chi2, minimised over the others, has risen to its level.

    Parameters
    ----------
    solution
        A converged `Solution`.
    a, b
        Two free parameters.
    levels
        Joint probability contents; the rise is the chi-squared quantile of two degrees of freedom.
    points
        Points of a curve.

    Returns
    -------
    list of (level, array of shape (points, 2))
        Values of a and b, in order around the best fit. Where a bound cuts the region the points lie on the bound.

    Raises
    ------
    ParameterError, OptionError
        Unknown or equal names.
    DataError
        The region is open.
    """
    if a == b:
        raise OptionError(f"contour needs two parameters, got {a!r} twice")
    rise = Rise(solution, (a, b))
    i, j = rise.places
    best = rise.theta[[i, j]]
    C = rise.information[np.ix_([i, j], [i, j])]
    if np.linalg.det(C) > 1e-12 * C[0, 0] * C[1, 1]:
        shape = np.linalg.cholesky(C)
    else:
        shape = np.diag([rise.spread(i), rise.spread(j)])
    low, high = np.array(rise.limits).T
    out = []
    for level in levels:
        target = quantile(level, 2)
        curve = []
        for angle in 2.0 * math.pi * np.arange(points) / points:
            direction = shape @ np.array([math.cos(angle), math.sin(angle)])
            direction[(best <= low) & (direction < 0) | (best >= high) & (direction > 0)] = 0.0  # along the bound
            if not direction.any():
                curve.append(best)
                continue
            with np.errstate(divide="ignore"):
                rooms = np.where(direction > 0, high - best, low - best)[direction != 0] / direction[direction != 0]
            room = float(rooms.min())
            rise.restart()
            found, why = crossing(lambda s, d=direction: rise(*(best + s * d)), math.sqrt(target), room, target)
            if found is None and why != BOUND:
                raise DataError(f"the {level:g} region of {a!r} and {b!r} is not closed: {why}")
            point = best + (room if found is None else found) * direction
            if found is None:
                k = np.flatnonzero(direction)[int(np.argmin(rooms))]
                point[k] = high[k] if direction[k] > 0 else low[k]
            curve.append(np.clip(point, low, high))
        out.append((float(level), np.array(curve)))
    return out
