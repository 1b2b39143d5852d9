"""Frames: all that is held fixed while trial points are compared; stages: the settings they pass through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sciopt.points import Batch

__all__ = ["BALANCE", "Frame", "Stage"]

BALANCE = "weight:*"  # settings of that beginning are factors found by balancing, which outlast stages


@dataclass(frozen=True)
class Stage:
    """One setting of a problem on the way to its last: a temperature, a continuity weight, a precision.

    Parameters
    ----------
    settings
        Values by name. A condition's function may take a setting as an argument of that name; the key
        ``"weight:NAME"`` multiplies the weight of condition NAME.
    steps
        Most steps in this stage; None = until the stop rules are met.
    name
        Shown in the history.
    """

    settings: Mapping[str, float] = field(default_factory=dict)
    steps: int | None = None
    name: str = ""


@dataclass(frozen=True, eq=False)
class Frame:
    """All that is held fixed while trial points are compared.

    Attributes
    ----------
    batches
        The `Batch` in force, one a condition.
    stage, step
        Index of the stage and of the step at which the frame was made.
    settings
        Values of the stage.
    extra
        What a problem kind adds: a step grid, noise, neighbour lists.
    final
        Whether this is the last stage, where a problem makes its stages as it goes; None = by the index.
    start
        Point at which the stage begins (extrapolated, or where a stage that failed had begun); None = where the
        previous frame ended.
    """

    batches: tuple[Batch, ...] = ()
    stage: int = 0
    step: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)
    extra: Any = None
    final: bool | None = None
    start: Any = None
    cache: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the cache (device arrays, whitening factors) out of pickles."""
        return {k: v for k, v in self.__dict__.items() if k != "cache"} | {"cache": {}}
