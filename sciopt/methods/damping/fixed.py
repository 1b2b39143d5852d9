"""A damping that stays as it is, apart from failures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sciopt.methods._options import positive

__all__ = ["Fixed"]


@dataclass(frozen=True)
class Fixed:
    """Constant damping; a failed trial multiplies it by four and the next success brings it back.

    Parameters
    ----------
    damping
        In units of the scaled J^T J.
    least_ratio
        Gain ratio above which a trial is accepted.
    """

    damping: float = 1e-3
    least_ratio: float = 0.0

    def __post_init__(self) -> None:
        positive(self, "damping")
        positive(self, "least_ratio", zero=True, below=1.0)

    def start(self, largest: float) -> tuple[float, float]:
        """Return (damping, memory) at the start."""
        return self.damping, 0.0

    def update(self, xp: Any, damping: Any, memory: Any, ratio: Any) -> tuple[Any, Any]:
        """Return (damping, memory) after a trial."""
        return xp.where(ratio > self.least_ratio, self.damping, 4.0 * damping), memory
