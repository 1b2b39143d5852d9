"""An interval of space."""

from __future__ import annotations

from sciopt._errors import OptionError
from sciopt.pde._domain import interval
from sciopt.pde.box import Box

__all__ = ["Interval"]


class Interval(Box):
    """An interval of one coordinate of space; its points have shape (n, 1).

    Parameters
    ----------
    low, high
        Ends.
    name
        Name of the coordinate.
    periodic
        Whether the ends are the same point.

    Examples
    --------
    >>> Interval(-1, 1).faces
    ('x-', 'x+')
    """

    def __init__(self, low: float, high: float, name: str = "x", *, periodic: bool = False) -> None:
        if not isinstance(name, str) or not name.isidentifier():
            raise OptionError(f"Interval: name must be an identifier such as 'x', got {name!r}")
        self.names, self.sides = (name,), (interval("Interval", low, high),)
        self.periodic = (bool(periodic),)
