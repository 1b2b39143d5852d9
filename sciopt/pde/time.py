"""An interval of time, the first factor of a product with time."""

from __future__ import annotations

from sciopt.pde.interval import Interval

__all__ = ["Time"]


class Time(Interval):
    """An interval of time: ``Time(0, 1) * Interval(-1, 1)`` has points (t, x).

    Parameters
    ----------
    start, end
        First and last instant.
    name
        Name of the coordinate.

    Examples
    --------
    >>> domain = Time(0, 1) * Interval(-1, 1)
    >>> domain.names, domain.faces
    (('t', 'x'), ('x-', 'x+'))
    """

    has_time = True

    def __init__(self, start: float, end: float, name: str = "t") -> None:
        super().__init__(start, end, name)
