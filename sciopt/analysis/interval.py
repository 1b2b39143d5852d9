"""An interval from a profile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from sciopt._types import Array

__all__ = ["Interval"]


@dataclass(frozen=True, eq=False)
class Interval:
    """Where the profile of chi2 stays below its level.

    ``lower, upper = interval`` unpacks the ends.

    Attributes
    ----------
    value
        Best value.
    lower, upper
        Ends of the interval; None where the profile does not reach the level (see ``reasons``).
    level
        Probability content.
    scan, delta
        Values at which the others were minimised, ascending, and the rise of chi2 there.
    reasons
        Why an end is missing, by ``"lower"`` or ``"upper"``.
    """

    value: float
    lower: float | None
    upper: float | None
    level: float
    scan: Array = field(repr=False)
    delta: Array = field(repr=False)
    reasons: dict[str, str] = field(default_factory=dict)

    def __iter__(self) -> Iterator[float]:
        """Yield lower and upper end, infinite where missing."""
        yield -np.inf if self.lower is None else self.lower
        yield np.inf if self.upper is None else self.upper
