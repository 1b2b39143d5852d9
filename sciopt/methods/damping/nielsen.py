"""Nielsen's damping: a smooth function of the gain ratio, ever faster growth after failures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sciopt.methods._options import positive

__all__ = ["Nielsen", "nielsen"]


def nielsen(xp: Any, damping: Any, growth: Any, ratio: Any) -> tuple[Any, Any]:
    """Return (damping, growth) after a trial of gain ratio ``ratio``.

    Accepted (ratio > 0): damping times max(1/3, 1 - (2 ratio - 1)^3), growth back to 2. Failed: damping times growth,
    growth doubled, both capped so that long failures stay finite. Nielsen, IMM-REP-1999-05; Madsen, Nielsen and
    Tingleff (2004).

    Examples
    --------
    >>> import numpy as np
    >>> damping, growth = nielsen(np, 3.0, 2.0, 1.0)
    >>> float(damping), float(growth)
    (1.0, 2.0)
    """
    accepted = ratio > 0
    bounded = xp.clip(xp.where(accepted, ratio, 0.5), 0.0, 1e3)
    change = xp.where(accepted, xp.maximum(1.0 / 3.0, 1.0 - (2.0 * bounded - 1.0) ** 3), growth)
    return damping * change, xp.where(accepted, 2.0, xp.minimum(2.0 * growth, 1e6))


@dataclass(frozen=True)
class Nielsen:
    """Policy of `nielsen`; starts from a fraction of the largest diagonal entry of J^T J.

    Parameters
    ----------
    begin
        Damping of the first step relative to max diag J^T J; 1e-6 for a good start, 1 for a poor one.
    least_ratio
        Gain ratio above which a trial is accepted.
    """

    begin: float = 1e-3
    least_ratio: float = 0.0

    def __post_init__(self) -> None:
        positive(self, "begin")
        positive(self, "least_ratio", zero=True, below=1.0)

    def start(self, largest: float) -> tuple[float, float]:
        """Return (damping, growth) at the start."""
        return self.begin * (largest or 1.0), 2.0

    def update(self, xp: Any, damping: Any, memory: Any, ratio: Any) -> tuple[Any, Any]:
        """Return (damping, growth) after a trial."""
        return nielsen(xp, damping, memory, ratio)
