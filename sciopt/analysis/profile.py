"""Profile intervals: how chi2 rises when one parameter is held and all others follow."""

from __future__ import annotations

from typing import Any

from sciopt.analysis._rise import Rise, crossing, entries, quantile
from sciopt.analysis.interval import Interval

__all__ = ["profile"]


def profile(solution: Any, name: str, level: float = 0.68) -> Interval:
    r"""Return the interval of one parameter in which the profile of chi2 stays below its level.

    Parameters
    ----------
    solution
        A converged `Solution`.
    name
        A free parameter (an entry of ``solution.names``).
    level
        Probability content; 0.6827 is the interval of the rise 1.

    Returns
    -------
    Interval

    Raises
    ------
    ParameterError
        The name is unknown.
    OptionError
        The level is not between 0 and 1.
    DataError
        The scale of chi2 is not known.

    Notes
    -----
    Solves :math:`\min_{\text{others}} \chi^2(\theta_i) - \chi^2_{\min} = q` with q the chi-squared quantile of one
    degree of freedom; chi2 is twice the merit (the deviance of counts), divided by chi2/dof where errors are scaled.

    References
    ----------
    Venzon and Moolgavkar (1988), Applied Statistics 37, 87; James and Roos (1975), Comput. Phys. Commun. 10, 343.
    """
    rise = Rise(solution, (name,))
    place, target = rise.places[0], quantile(level, 1)
    best, width = float(rise.theta[place]), rise.spread(place) * target**0.5
    ends: dict[str, float | None] = {}
    reasons = {}
    for side, sign, bound in (("lower", -1.0, rise.limits[0][0]), ("upper", 1.0, rise.limits[0][1])):
        rise.restart()
        room = abs(bound - best)
        if room == 0.0:
            ends[side], reasons[side] = None, "the parameter is at this bound"
            continue
        found, why = crossing(lambda s, sign=sign: rise(best + sign * s), width, room, target)
        ends[side] = None if found is None else best + sign * found
        if found is None:
            reasons[side] = why
            continue
        rise.restart()
        for share in (0.2, 0.4, 0.6, 0.8, 1.2):  # so that the profile can be drawn
            if share * found <= room:
                rise(best + sign * share * found)
    scan, delta = entries(rise.known)
    return Interval(best, ends["lower"], ends["upper"], level, scan, delta, reasons)
