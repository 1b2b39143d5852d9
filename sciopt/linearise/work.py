"""What a solve counts and remembers about its evaluations."""

from __future__ import annotations

import time
from typing import Any

__all__ = ["OutOfBudget", "Work"]

MEMORY = 2**31  # bytes that a Jacobian may take unless the user says otherwise


class OutOfBudget(Exception):
    """The evaluations or the time of a solve are spent; the loop returns the best point."""


class Work:
    """Counters and choices of one solve, shared by all its linearisations.

    Attributes
    ----------
    nfev, njev, columns
        Residual evaluations, Jacobians, and residual evaluations spent inside Jacobians.
    modes
        Per condition, the differentiation that proved right (complex step or differences).
    notes
        Sentences for the report (promoted dtypes, fallbacks), each once.
    memory
        Bytes that a Jacobian may take; larger ones are streamed. Decides about blocks of parameters and points too.
    mesh
        JAX mesh of one axis over which rows are spread, or None.
    """

    __slots__ = ("columns", "deadline", "evaluations", "memory", "mesh", "modes", "nfev", "njev", "notes")

    def __init__(
        self,
        evaluations: int | None = None,
        seconds: float | None = None,
        memory: float | None = None,
        mesh: Any = None,
    ) -> None:
        self.nfev = 0
        self.njev = 0
        self.columns = 0
        self.modes: dict[Any, Any] = {}
        self.notes: list[str] = []
        self.evaluations = evaluations
        self.memory = float(MEMORY if memory is None else memory)
        self.mesh = mesh
        self.deadline = None if seconds is None else time.monotonic() + seconds

    def spend(self) -> None:
        """Count one residual evaluation; raise `OutOfBudget` when the limits are reached."""
        if self.evaluations is not None and self.nfev >= self.evaluations:
            raise OutOfBudget(f"the budget of {self.evaluations} residual evaluations is spent")
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise OutOfBudget("the time budget is spent")
        self.nfev += 1

    def note(self, text: str) -> None:
        """Remember a sentence for the report, once."""
        if text not in self.notes:
            self.notes.append(text)
