"""Choose a method from the shape and kind of the problem."""

from __future__ import annotations

from typing import Any

from sciopt.methods._contract import Method
from sciopt.methods.persistent import Persistent

__all__ = ["choose"]

FEW = 200  # up to that many parameters the scaled trust region is the default


def choose(problem: Any, lin: Any) -> Method:
    """Return the method for ``method="auto"``."""
    return Persistent()
