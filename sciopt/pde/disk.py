"""A disk in the plane."""

from __future__ import annotations

from collections.abc import Sequence

from sciopt._errors import OptionError
from sciopt.pde.ball import Ball

__all__ = ["Disk"]


class Disk(Ball):
    """All points of the plane at most a radius away from a centre; its face is called ``"outer"``.

    Parameters
    ----------
    centre
        Two coordinates.
    radius
        Radius.
    names
        Names of the coordinates.

    Examples
    --------
    >>> round(Disk((0, 0), 2.0).measure, 6)
    12.566371
    """

    def __init__(
        self, centre: Sequence[float] = (0.0, 0.0), radius: float = 1.0, *, names: Sequence[str] | None = None
    ) -> None:
        if len(centre) != 2:
            raise OptionError(f"Disk: centre must be two numbers, got {centre!r}; so.pde.Ball is for three dimensions")
        super().__init__(centre, radius, names=names)
