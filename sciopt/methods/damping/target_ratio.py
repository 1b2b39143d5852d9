"""Damping steered to a wanted gain ratio: the longest steps that still bring a decrease."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sciopt.methods._options import positive

__all__ = ["TargetRatio", "target_ratio"]


def target_ratio(xp: Any, damping: Any, ratio: Any, target: float, least: float = 1e-3, grow: float = 6.0) -> Any:
    """Return the damping after a trial: times clip(target / ratio, 0.1, 4) if accepted, times ``grow`` if not.

    Parameters
    ----------
    xp
        numpy or jax.numpy.
    damping, ratio
        Damping of the trial and its gain ratio, scalars or arrays of one shape; a nan ratio is a failure.
    target
        Gain ratio aimed at, in (0, 1).
    least
        Ratio above which a trial counts as accepted.
    grow
        Factor after a failure.

    Examples
    --------
    >>> import numpy as np
    >>> float(target_ratio(np, 1.0, 0.05, 0.1)), float(target_ratio(np, 1.0, np.nan, 0.1))
    (2.0, 6.0)
    """
    accepted = ratio > least
    change = xp.clip(target / xp.where(accepted, ratio, 1.0), 0.1, 4.0)
    return damping * xp.where(accepted, change, grow)


@dataclass(frozen=True)
class TargetRatio:
    """Policy of `target_ratio`; takes any decrease and starts from an absolute damping.

    Parameters
    ----------
    target
        Gain ratio aimed at; 0.03 to 0.3 work alike.
    begin
        Damping of the first step, in units of the scaled J^T J (rows of equations scaled by 1 / sqrt(n)).
    least_ratio
        Gain ratio above which a trial is accepted.
    """

    target: float = 0.1
    begin: float = 1e-3
    least_ratio: float = 1e-3

    def __post_init__(self) -> None:
        positive(self, "target", below=1.0)
        positive(self, "begin")
        positive(self, "least_ratio", below=1.0)

    def start(self, largest: float) -> tuple[float, float]:
        """Return (damping, memory) at the start; the memory is not used."""
        return self.begin, 0.0

    def update(self, xp: Any, damping: Any, memory: Any, ratio: Any) -> tuple[Any, Any]:
        """Return (damping, memory) after a trial."""
        return target_ratio(xp, damping, ratio, self.target, self.least_ratio), memory
