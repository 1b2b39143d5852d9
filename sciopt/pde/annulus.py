"""A ring in the plane."""

from __future__ import annotations

from collections.abc import Sequence

from sciopt._errors import OptionError
from sciopt.pde.ball import Ball

__all__ = ["Annulus"]


class Annulus(Ball):
    """The part of the plane between two concentric circles; its faces are called ``"inner"`` and ``"outer"``.

    Parameters
    ----------
    inner, outer
        Radii, 0 < inner < outer.
    centre
        Two coordinates.
    names
        Names of the coordinates.

    Examples
    --------
    >>> Annulus(1.0, 2.0).faces
    ('outer', 'inner')
    """

    def __init__(
        self, inner: float, outer: float, centre: Sequence[float] = (0.0, 0.0), *, names: Sequence[str] | None = None
    ) -> None:
        if not inner > 0:
            raise OptionError(f"Annulus: the inner radius must be positive, got {inner!r}; so.pde.Disk has no hole")
        if len(centre) != 2:
            raise OptionError(f"Annulus: centre must be two numbers, got {centre!r}")
        super().__init__(centre, outer, hole=inner, names=names)
