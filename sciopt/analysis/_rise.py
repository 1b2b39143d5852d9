"""The rise of chi2 when entries of theta are held and all others follow."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from sciopt._errors import DataError, OptionError
from sciopt._types import Array
from sciopt.linearise import Work
from sciopt.linearise.held import Held
from sciopt.methods.trust_region import TrustRegion
from sciopt.solve import solve

__all__ = ["Rise", "crossing", "quantile"]


class Rise:
    """Rise of chi2 above its minimum with some entries held; warm-started from the last point.

    Parameters
    ----------
    solution
        A converged `Solution`.
    names
        Entries of theta to hold.
    """

    def __init__(self, solution: Any, names: tuple[str, ...]) -> None:
        if solution.errors_kind == "scaled" and solution.dof <= 0:
            raise DataError("a profile needs sigma= or more data than parameters: the scale of chi2 is not known")
        layout = solution.problem.layout
        self.solution, self.places = solution, [layout.index(n) for n in names]
        self.theta, self.lin = np.array(solution.theta), solution._lin
        self.scale = 1.0 if solution.errors_kind == "absolute" else solution.chi2 / solution.dof
        self.work = Work()
        self.limits = [(layout.lower[i], layout.upper[i]) for i in self.places]
        self._last = self.theta
        self.known: list[tuple[tuple[float, ...], float]] = [(tuple(self.theta[self.places]), 0.0)]

    def __call__(self, *values: float) -> float:
        """Return the rise of chi2 with the entries held at the values."""
        theta = self._last.copy()
        theta[self.places] = values
        if len(self.places) < theta.size:
            held = Held(self.solution.problem, theta, self.lin.frame, self.places)
            found = solve(held, TrustRegion(factor=1.0), key=self.solution.key)
            theta = held.whole(found.theta)
        end = self.lin.at(theta)
        rise = math.inf if end.failed else -2.0 * self.lin.reduction(end) / self.scale
        if math.isfinite(rise):
            self._last = theta
        self.known.append((tuple(values), rise))
        return rise


def quantile(level: float, dof: int) -> float:
    """Return the rise of chi2 that holds a probability: the chi-squared quantile."""
    from scipy.special import gammaincinv

    if not 0.0 < level < 1.0:
        raise OptionError(f"level must lie between 0 and 1, got {level!r}")
    return 2.0 * float(gammaincinv(0.5 * dof, level))


def crossing(rise: Callable[[float], float], first: float, limit: float, target: float) -> tuple[float | None, str]:
    """Find s > 0 with rise(s) = target, or None with the reason.

    sqrt(rise) is nearly linear in s, so the secant rule is applied to it, kept inside a bracket.

    Parameters
    ----------
    rise
        Rise of chi2 at distance s from the minimum.
    first
        Expected crossing.
    limit
        Largest s allowed (a bound); may be infinite.
    target
        Rise looked for.
    """
    root = math.sqrt(target)
    low, f_low, high, f_high = 0.0, 0.0, min(first, limit), math.inf
    for _ in range(60):
        f_high = math.sqrt(max(rise(high), 0.0))
        if f_high >= root:
            break
        if high >= limit:
            return None, "the bound comes first"
        low, f_low = high, f_high
        high = min(high * max(1.3, min(3.0, 1.1 * root / f_high if f_high > 0 else 3.0)), limit)
    else:
        return None, "chi2 does not rise that far"
    for k in range(60):
        guess = (
            low + (high - low) * ((root - f_low) / (f_high - f_low)) if math.isfinite(f_high) else 0.5 * (low + high)
        )
        margin = 1e-3 * (high - low)
        guess = min(max(guess, low + margin), high - margin) if k % 3 < 2 else 0.5 * (low + high)
        value = math.sqrt(max(rise(guess), 0.0))
        if abs(value - root) <= 1e-8 * root or high - low <= 1e-9 * high:
            return guess, ""
        if value < root:
            low, f_low = guess, value
        else:
            high, f_high = guess, value
    return 0.5 * (low + high), ""


def spread(solution: Any, place: int) -> float:
    """Return the error bar of an entry, or a tenth of its size where there is none."""
    variance = float(solution.covariance[place, place])
    if math.isfinite(variance) and variance > 0.0:
        return math.sqrt(variance)
    return 0.1 * (abs(float(solution.theta[place])) or float(solution.problem.layout.scale[place]))


def entries(known: list[tuple[tuple[float, ...], float]]) -> tuple[Array, Array]:
    """Return the scanned values of one entry and the rises, sorted."""
    pairs = sorted((v[0], d) for v, d in known if math.isfinite(d))
    return np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])
