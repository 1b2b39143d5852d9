"""Checks of numeric options that name the method and the option."""

from __future__ import annotations

from typing import Any

import numpy as np

from sciopt._errors import OptionError

__all__ = ["choice", "count", "positive"]


def positive(
    owner: Any, name: str, *, zero: bool = False, below: float | None = None, most: float | None = None
) -> None:
    """Refuse an option that is not a finite positive number (zero allowed on request) under its limit."""
    value = getattr(owner, name)
    kind = type(owner).__name__
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise OptionError(f"{kind}({name}={value!r}): {name} must be a number")
    good = np.isfinite(value) and (value >= 0 if zero else value > 0)
    good = good and (below is None or value < below) and (most is None or value <= most)
    if not good:
        limits = "0 <= x" if zero else "0 < x"
        limits += f" < {below:g}" if below is not None else f" <= {most:g}" if most is not None else ""
        raise OptionError(f"{kind}({name}={value!r}): give {limits}")


def count(owner: Any, name: str, least: int = 1) -> None:
    """Refuse an option that is not an integer of at least ``least``."""
    value = getattr(owner, name)
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise OptionError(f"{type(owner).__name__}({name}={value!r}): {name} must be an integer >= {least}")


def choice(owner: Any, name: str, allowed: tuple[Any, ...]) -> None:
    """Refuse an option that is not one of ``allowed``."""
    value = getattr(owner, name)
    if value not in allowed:
        raise OptionError(f"{type(owner).__name__}({name}={value!r}): choose from {', '.join(map(repr, allowed))}")
