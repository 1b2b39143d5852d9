"""Boxes: intervals and rectangles in any dimension, with named coordinates, some of them periodic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sciopt._errors import OptionError
from sciopt._types import Array
from sciopt.pde._domain import Domain, interval, names_of
from sciopt.pde._patch import Axis, Patch

__all__ = ["Box"]


class Box(Domain):
    """A rectangle in any dimension.

    Parameters
    ----------
    *sides
        ``(lower, upper)`` of each coordinate; the coordinates are called x, y, z (x0, x1, ... beyond three).
    periodic
        Name or names of periodic coordinates; they have no faces.
    **named
        Sides by coordinate name instead: ``Box(r=(0, 1), z=(-1, 1))``.

    Notes
    -----
    Faces are called after the coordinate and its side: ``"x-"`` is the lower, ``"x+"`` the upper end of x, and ``"x"``
    stands for both.

    Examples
    --------
    >>> Box((0, 1), (0, 2)).faces
    ('x-', 'x+', 'y-', 'y+')
    """

    def __init__(self, *sides: Any, periodic: str | Sequence[str] = (), **named: Any) -> None:
        if bool(sides) == bool(named):
            raise OptionError("Box needs its sides either in order, Box((0, 1), (0, 1)), or by name, Box(x=(0, 1))")
        names = tuple(named) if named else names_of(len(sides))
        pairs = []
        for name, side in zip(names, named.values() if named else sides, strict=True):
            try:
                low, high = side
            except (TypeError, ValueError):
                raise OptionError(f"Box: side {name!r} must be a pair (lower, upper), got {side!r}") from None
            pairs.append(interval(f"Box side {name!r}", low, high))
        round_ = (periodic,) if isinstance(periodic, str) else tuple(periodic)
        for name in round_:
            if name not in names:
                raise OptionError(f"Box: periodic={name!r} is no coordinate; coordinates: {', '.join(names)}")
        self.names, self.sides = names, tuple(pairs)
        self.periodic = tuple(n in round_ for n in names)

    @property
    def bounds(self) -> Array:
        """Lower and upper end of each coordinate, shape (d, 2)."""
        return np.array(self.sides)

    def _inside(self, x: Array, slack: float) -> Any:
        low, high = self.bounds.T
        margin = slack * (high - low)
        ok = (x >= low - margin) & (x <= high + margin) | np.array(self.periodic)
        return ok.all(axis=1)

    def _patches(self) -> tuple[Patch, ...]:
        low, size = self.bounds[:, 0], self.sizes
        kinds = ["circle" if p else "line" for p in self.periodic]
        axes = tuple(Axis(float(s), k) for s, k in zip(size, kinds, strict=True))
        return (Patch(float(np.prod(size)), axes, lambda s: low + s * size),)

    def _faces(self) -> dict[str, tuple[Patch, ...]]:
        closed = [n for n, p in zip(self.names, self.periodic, strict=True) if not p]
        return {name: face for name, face in self._all_faces().items() if name[:-1] in closed}

    def _all_faces(self) -> dict[str, tuple[Patch, ...]]:
        return {
            f"{name}{sign}": (self._face(i, side),)
            for i, name in enumerate(self.names)
            for side, sign in ((0, "-"), (1, "+"))
        }

    def _face(self, i: int, side: int) -> Patch:
        low, size = self.bounds[:, 0], self.sizes
        others = [j for j in range(self.dim) if j != i]
        value = self.sides[i][side]

        def place(s: Array) -> Array:
            x = np.empty((len(s), self.dim))
            x[:, i] = value
            x[:, others] = low[others] + s * size[others]
            return x

        def normal(s: Array) -> Array:
            n = np.zeros((len(s), self.dim))
            n[:, i] = 2.0 * side - 1.0
            return n

        axes = tuple(Axis(float(size[j]), "circle" if self.periodic[j] else "line") for j in others)
        return Patch(float(np.prod(size[others])), axes, place, normal)

    def _key(self) -> tuple[Any, ...]:
        return (type(self), self.names, self.sides, self.periodic, self.has_time)

    def __eq__(self, other: object) -> bool:
        """Boxes are equal if their coordinates are."""
        return isinstance(other, Box) and self._key() == other._key()

    def __hash__(self) -> int:
        """Hash of the coordinates."""
        return hash(self._key())

    def __repr__(self) -> str:
        """Name and sides."""
        sides = ", ".join(
            f"{n}=({a:g}, {b:g}){' periodic' if p else ''}"
            for n, (a, b), p in zip(self.names, self.sides, self.periodic, strict=True)
        )
        return f"{type(self).__name__}({sides})"
