"""The rise of chi2 when entries of theta are held and all others follow."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from sciopt._errors import DataError, OptionError
from sciopt._types import Array
from sciopt.linearise.held import Held
from sciopt.methods.trust_region import TrustRegion
from sciopt.solve import solve
from sciopt.uncertainty import uncertainty

__all__ = ["BOUND", "Rise", "crossing", "entries", "quantile"]

BOUND = "the bound comes first"


class Rise:
    """Rise of chi2 above its minimum with some entries held; warm-started from the last point.

    Parameters
    ----------
    solution
        A converged `Solution`.
    names
        Entries of theta to hold.

    Raises
    ------
    DataError
        The solution has not converged, or the scale of chi2 is not known.
    """

    def __init__(self, solution: Any, names: tuple[str, ...]) -> None:
        if not solution.success:
            raise DataError(f"a profile needs a converged fit; this one ended as {solution.status.value}")
        if solution.errors_kind == "scaled" and solution.dof <= 0:
            raise DataError("a profile needs sigma= or more data than parameters: the scale of chi2 is not known")
        layout = solution.problem.layout
        self.names, self.all_names = names, layout.names
        self.solution, self.places = solution, [layout.index(n) for n in names]
        self.theta, self.lin = np.array(solution.theta), solution._lin
        if self.lin.failed:  # evaluates it, before others are compared with it
            raise DataError(f"a profile needs the merit at the fit: {self.lin.failed}")
        self.scale = 1.0 if solution.errors_kind == "absolute" else solution.chi2 / solution.dof
        self.limits = [(layout.lower[i], layout.upper[i]) for i in self.places]
        self._last = self.theta
        self.known: list[tuple[tuple[float, ...], float]] = [(tuple(self.theta[self.places]), 0.0)]

    def __call__(self, *values: float) -> float:
        """Return the rise of chi2 with the entries held at the values."""
        theta = self._start(np.array(values))
        if theta is None:
            self.known.append((tuple(values), math.inf))
            return math.inf
        if len(self.places) < theta.size:
            held = Held(self.solution.problem, theta, self.lin.frame, self.places)
            found = solve(held, TrustRegion(factor=1.0), key=self.solution.key)
            theta = held.whole(found.theta)
        end = self.lin.at(theta)
        rise = math.inf if end.failed else -2.0 * self.lin.reduction(end) / self.scale
        if rise < -1e-3:
            where = ", ".join(f"{self.names[k]}={v:.6g}" for k, v in enumerate(values))
            raise DataError(
                f"at {where} chi2 is lower by {-rise:.3g} than at the fit, which is a side minimum: fit again from there "
                f"(start={{{', '.join(f'{n!r}: {v:.6g}' for n, v in zip(self.all_names, theta, strict=True))}}})"
            )
        if math.isfinite(rise):
            self._last = theta
        self.known.append((tuple(values), rise))
        return rise

    def restart(self) -> None:
        """Let the next point start from the best fit."""
        self._last = self.theta

    def _start(self, values: Array) -> Array | None:
        """Return the best of the last point, the linear forecast and the fit with the values put in; None if undefined."""
        others: Array = self.information[:, self.places]
        block = self.information[np.ix_(self.places, self.places)]
        shift = others @ np.linalg.lstsq(block, values - self.theta[self.places], rcond=None)[0]
        layout = self.solution.problem.layout
        best, least = None, math.inf
        for point in (self._last, np.clip(self.theta + shift, layout.lower, layout.upper), self.theta):
            theta = point.copy()
            theta[self.places] = values
            f = self.lin.at(theta).f
            if f < least:
                best, least = theta, f
        return best

    @cached_property
    def information(self) -> Array:
        """Inverse of the information, parameters at a bound included, shape (P, P)."""
        layout, J = self.solution.problem.layout, self.lin.dense()
        return self.scale * uncertainty(J, np.zeros(J.shape[1], dtype=bool), layout.scale).identified

    def spread(self, place: int) -> float:
        """Return the error bar of an entry, or a tenth of its size where there is none."""
        variance = float(self.information[place, place])
        if math.isfinite(variance) and variance > 0.0:
            return math.sqrt(variance)
        return 0.1 * (abs(float(self.theta[place])) or float(self.solution.problem.layout.scale[place]))


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
            return None, BOUND
        low, f_low = high, f_high
        high = min(high * max(1.3, min(3.0, 1.1 * root / f_high if f_high > 0 else 3.0)), limit)
    else:
        return None, "chi2 does not rise that far"
    for k in range(80):
        if high - low <= 1e-10 * high:
            break
        guess = (
            low + (high - low) * ((root - f_low) / (f_high - f_low)) if math.isfinite(f_high) else 0.5 * (low + high)
        )
        margin = 1e-3 * (high - low)
        guess = min(max(guess, low + margin), high - margin) if k % 3 < 2 else 0.5 * (low + high)
        value = math.sqrt(max(rise(guess), 0.0))
        if abs(value - root) <= 1e-8 * root:
            return guess, ""
        if value < root:
            low, f_low = guess, value
        else:
            high, f_high = guess, value
    if not math.isfinite(f_high):
        return None, "the model is not defined beyond"
    return 0.5 * (low + high), ""


def entries(known: list[tuple[tuple[float, ...], float]]) -> tuple[Array, Array]:
    """Return the scanned values of one entry and the rises, sorted."""
    pairs = sorted((v[0], d) for v, d in known if math.isfinite(d))
    return np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])
