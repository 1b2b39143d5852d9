"""One-sided limits, at a bound and for signals that may be zero."""

from __future__ import annotations

from typing import Any

from sciopt._errors import DataError, OptionError
from sciopt.analysis._rise import Rise, crossing, quantile

__all__ = ["limit"]


def limit(solution: Any, name: str, level: float = 0.95, side: str = "upper") -> float:
    r"""Return the one-sided profile-likelihood limit of a parameter.

    Parameters
    ----------
    solution
        A converged `Solution`; the parameter may sit at a bound (a signal of zero).
    name
        A free parameter.
    level
        Confidence level.
    side
        ``"upper"`` or ``"lower"``.

    Returns
    -------
    float
        The value beyond which the rise of chi2 from its minimum inside the bounds exceeds :math:`z^2`, with z the
        normal quantile of the level (2.706 at 95 %).

    Raises
    ------
    OptionError
        An unknown side or level.
    DataError
        The profile does not reach the level: the data set no limit.

    Notes
    -----
    The rise is half a chi-squared variable of one degree of freedom under the limit's hypothesis.

    References
    ----------
    Cowan, Cranmer, Gross and Vitells (2011), Eur. Phys. J. C 71, 1554 (test statistic with a bounded best fit).
    """
    if side not in ("upper", "lower"):
        raise OptionError(f"side must be 'upper' or 'lower', got {side!r}")
    if not 0.5 < level < 1.0:
        raise OptionError(f"level of a one-sided limit must lie between 0.5 and 1, got {level!r}")
    rise = Rise(solution, (name,))
    place, target = rise.places[0], quantile(2.0 * level - 1.0, 1)  # z^2 of the one-sided level
    sign = 1.0 if side == "upper" else -1.0
    best = float(rise.theta[place])
    room = abs(rise.limits[0][1 if side == "upper" else 0] - best)
    found, why = (
        (None, "the parameter is at this bound")
        if room == 0.0
        else crossing(lambda s: rise(best + sign * s), rise.spread(place) * target**0.5, room, target)
    )
    if found is None:
        raise DataError(f"no {side} limit for {name!r} at {level:g}: {why}")
    return best + sign * found
