"""Joint regions of two parameters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from sciopt._errors import DataError, OptionError
from sciopt._types import Array
from sciopt.analysis._rise import Rise, crossing, quantile, spread

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
        Values of a and b, in order around the best fit.

    Raises
    ------
    ParameterError, OptionError
        Unknown or equal names.
    DataError
        The region is open, or a bound cuts it.
    """
    if a == b:
        raise OptionError(f"contour needs two parameters, got {a!r} twice")
    rise = Rise(solution, (a, b))
    i, j = rise.places
    best = rise.theta[[i, j]]
    C = solution.covariance[np.ix_([i, j], [i, j])]
    if np.isfinite(C).all() and np.linalg.det(C) > 0.0:
        shape = np.linalg.cholesky(C)
    else:
        shape = np.diag([spread(solution, i), spread(solution, j)])
    out = []
    for level in levels:
        target = quantile(level, 2)
        curve = []
        for angle in 2.0 * math.pi * np.arange(points) / points:
            direction = shape @ np.array([math.cos(angle), math.sin(angle)])
            room = min(
                (bound - x) / d
                for x, d, (low, high) in zip(best, direction, rise.limits, strict=True)
                if d != 0.0
                for bound in (high if d > 0 else low,)
            )
            found, why = crossing(lambda s, d=direction: rise(*(best + s * d)), math.sqrt(target), room, target)
            if found is None:
                raise DataError(f"the {level:g} region of {a!r} and {b!r} is not closed: {why}")
            curve.append(best + found * direction)
        out.append((float(level), np.array(curve)))
    return out
