"""A named scalar (or array) unknown with unit, bounds, ties and prior."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from sciopt._errors import ParameterError

__all__ = ["Parameter"]

Bound = float | None


@dataclass(frozen=True)
class Parameter:
    """One unknown of a problem, with what a physicist knows about it.

    Parameters
    ----------
    value
        Start value: a real or complex number, or an array of them (all entries share the options).
        ``None`` asks for an automatic start (ready line shapes) or for the prior's mean.
    name
        Name in tables; by default the place in the unknown (dict key, attribute path).
    unit
        A label such as ``"s"``; shown in tables and axes, never converted.
    bounds
        ``(lower, upper)``, either may be None. Bounds are held by an active set: the start is never moved.
    fixed
        Keep the value; the parameter has no error and no column in the Jacobian.
    tied
        Function of the other parameters, ``lambda p: 2 * p.tau``; the value then follows them.
    prior
        `Normal(mean, sigma)` adds a residual row, `Uniform(lower, upper)` adds bounds.
    scale
        Typical size in the parameter's unit. Only used for finite-difference steps of a parameter at zero
        and as the metric in which null directions are measured.

    Raises
    ------
    ParameterError
        Contradictory bounds, a start outside the bounds, a non-finite value, both fixed and tied.

    Examples
    --------
    >>> Parameter(1.0, unit="s", bounds=(0, None)).bounds
    (0, None)
    """

    value: Any = None
    name: str | None = None
    unit: str = ""
    bounds: tuple[Bound, Bound] = (None, None)
    fixed: bool = False
    tied: Callable[[Any], Any] | None = None
    prior: Any = None
    scale: float = 1.0

    def __post_init__(self) -> None:
        self.check(self.name)

    def check(self, name: str | None) -> None:
        """Raise `ParameterError` naming the parameter (if it has a name yet) if its options contradict each other."""
        who = "parameter" if name is None else f"parameter {name!r}"
        self._check_kinds(who)
        try:
            lower, upper = self.limits
        except (TypeError, ValueError):
            uniform = "" if self.prior is None else f" and of a uniform prior two numbers, got {self.prior!r}"
            raise ParameterError(
                f"{who}: bounds must be a pair of numbers (lower, upper){uniform}, got {self.bounds!r}"
            ) from None
        if np.isnan(lower) or np.isnan(upper) or not lower < upper:
            raise ParameterError(
                f"{who}: contradictory bounds, lower {lower:g} is not below upper {upper:g}; "
                "to keep a parameter constant use fixed=True"
            )
        if self.fixed and self.tied is not None:
            raise ParameterError(f"{who} is both fixed and tied; choose one")
        if self.fixed and self.value is None:
            raise ParameterError(f"{who} is fixed but has no value")
        if self.tied is not None and (np.isfinite(lower) or np.isfinite(upper)):
            raise ParameterError(f"{who} is tied and cannot have bounds; bound the parameters that it follows")
        if self.value is None:
            return
        value = np.asarray(self.value)
        if value.dtype.kind not in "iufc":
            raise ParameterError(f"{who}: value must be a number or an array, got {type(self.value).__name__}")
        if not np.all(np.isfinite(value)):
            raise ParameterError(f"{who}: start value {self.value!r} is not finite")
        bounded = np.isfinite(lower) or np.isfinite(upper)
        if bounded and value.dtype.kind == "c":
            raise ParameterError(f"{who} is complex: bounds have no meaning; use two real parameters")
        if bounded and not self.fixed and self.tied is None and np.any((value < lower) | (value > upper)):
            raise ParameterError(
                f"{who}: start {self.value!r} lies outside its bounds [{lower:g}, {upper:g}]; "
                "move the start or widen the bounds"
            )

    def _check_kinds(self, who: str) -> None:
        if not (self.name is None or isinstance(self.name, str)) or not isinstance(self.unit, str):
            raise ParameterError(f"{who}: name and unit must be strings, got {self.name!r} and {self.unit!r}")
        if not isinstance(self.fixed, (bool, np.bool_)):
            raise ParameterError(f"{who}: fixed must be True or False, got {self.fixed!r}")
        if self.tied is not None and not callable(self.tied):
            raise ParameterError(f"{who}: tied must be a function such as lambda p: 2 * p.tau, got {self.tied!r}")
        if self.prior is not None and not (hasattr(self.prior, "rows") or hasattr(self.prior, "upper")):
            raise ParameterError(
                f"{who}: prior must be Normal(mean, sigma) or Uniform(lower, upper), got {self.prior!r}"
            )
        number = isinstance(self.scale, (int, float, np.integer, np.floating)) and not isinstance(self.scale, bool)
        if not (number and np.isfinite(self.scale) and self.scale > 0):
            raise ParameterError(f"{who}: scale must be a positive number, got {self.scale!r}")

    @staticmethod
    def plain(value: float, name: str) -> Parameter:
        """Return a free parameter from a finite number, without the checks of the constructor."""
        parameter = object.__new__(Parameter)
        parameter.__dict__.update(_DEFAULTS, value=value, name=name)
        return parameter

    @property
    def limits(self) -> tuple[float, float]:
        """Lower and upper bound as floats (infinite where open), the uniform prior included."""
        lower, upper = self.bounds
        low = -np.inf if lower is None else float(lower)
        high = np.inf if upper is None else float(upper)
        if self.prior is not None and hasattr(self.prior, "upper"):
            low, high = max(low, float(self.prior.lower)), min(high, float(self.prior.upper))
        return low, high

    @property
    def free(self) -> bool:
        """Whether the parameter is fitted (neither fixed nor tied)."""
        return not self.fixed and self.tied is None

    def started(self, value: Any) -> Parameter:
        """Return a copy that starts at ``value``."""
        return replace(self, value=value)


_DEFAULTS = {f.name: f.default for f in fields(Parameter)}
