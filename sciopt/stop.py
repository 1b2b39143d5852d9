"""Stop rules, each of which can be set or switched off."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from sciopt._errors import OptionError
from sciopt.methods._contract import Step

__all__ = ["Stop"]


@dataclass(frozen=True)
class Stop:
    """When a solve has converged, besides what the method itself knows.

    Parameters
    ----------
    gradient
        Largest cosine between the residual and a column of J (free of units); None = off.
    step
        Largest accepted change of a parameter relative to its value; None = off.
    reduction
        Decrease of the merit relative to the merit, predicted and actual, on an accepted step; None = off.
    merit
        Absolute value of the merit; None = off.
    stalls
        Rejected steps in a row that end the solve as stalled.

    Examples
    --------
    >>> Stop(step=1e-6).step
    1e-06
    """

    gradient: float | None = None
    step: float | None = None
    reduction: float | None = None
    merit: float | None = None
    stalls: int = 8

    def __post_init__(self) -> None:
        for name in ("gradient", "step", "reduction", "merit"):
            value = getattr(self, name)
            if value is not None and not value >= 0:
                raise OptionError(f"Stop: {name} must be None or >= 0, got {value!r}")

    @cached_property
    def rules(self) -> bool:
        """Whether any rule besides ``stalls`` is on."""
        return any(v is not None for v in (self.gradient, self.step, self.reduction, self.merit))

    def judge(self, step: Step, f: float) -> tuple[str, str] | None:
        """Return (status, which test fired) for an accepted step, or None."""
        info = step.info
        if self.merit is not None and f <= self.merit:
            return "converged", f"merit {f:.3g} <= merit tolerance {self.merit:g}"
        if self.gradient is not None and info.get("gradient", 1.0) <= self.gradient:
            return "converged", f"gradient cosine {info['gradient']:.1e} <= gradient tolerance {self.gradient:g}"
        if not step.accepted:
            return None
        if self.step is not None and info.get("step", 1.0) <= self.step:
            return "converged", f"relative step {info['step']:.1e} <= step tolerance {self.step:g}"
        small = (
            self.reduction is not None
            and max(info.get("reduction", f), info.get("predicted", 0.0)) <= self.reduction * f
        )
        if small and "reduction" in info:
            return "converged", f"the merit falls by less than {self.reduction:g} of its value"
        return None
