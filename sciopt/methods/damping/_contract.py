"""What Levenberg-Marquardt asks of a damping policy."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

__all__ = ["Damping"]


@runtime_checkable
class Damping(Protocol):
    """How the damping answers to the gain ratio (actual over predicted decrease) of the last trial.

    The state is two numbers, the damping and a ``memory`` whose meaning belongs to the policy, so that host loops and
    compiled batches share one rule.
    """

    @property
    def least_ratio(self) -> float:
        """Gain ratio above which a trial is accepted."""
        ...

    def start(self, largest: float) -> tuple[float, float]:
        """Return (damping, memory) at the start; ``largest`` is the greatest diagonal entry of the scaled J^T J."""
        ...

    def update(self, xp: Any, damping: Any, memory: Any, ratio: Any) -> tuple[Any, Any]:
        """Return (damping, memory) after a trial; ``xp`` is numpy or jax.numpy, nan ratios count as failures."""
        ...
