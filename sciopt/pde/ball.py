"""Balls in any dimension, and what they share with disks and shells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sciopt._errors import OptionError
from sciopt._types import Array
from sciopt.pde._domain import Domain, names_of
from sciopt.pde._patch import Axis, Patch

__all__ = ["Ball"]


class Ball(Domain):
    """All points at most a radius away from a centre, in two or three dimensions.

    Parameters
    ----------
    centre
        Two or three coordinates.
    radius
        Radius.
    hole
        Radius of a concentric hole; 0 for none.
    names
        Names of the coordinates; x, y, z by default.

    Notes
    -----
    The face is called ``"outer"``; that of the hole ``"inner"``, with the normal pointing into the hole.

    Examples
    --------
    >>> round(Ball((0, 0, 0), 1.0).measure, 6)
    4.18879
    """

    def __init__(
        self, centre: Sequence[float] = (0.0, 0.0, 0.0), radius: float = 1.0, *, hole: float = 0.0,
        names: Sequence[str] | None = None,
    ) -> None:  # fmt: skip
        kind = type(self).__name__
        c = np.asarray(centre, float)
        if c.ndim != 1 or c.size not in (2, 3) or not np.isfinite(c).all():
            raise OptionError(f"{kind}: centre must be two or three finite numbers, got {centre!r}")
        if not (np.isfinite(radius) and np.isfinite(hole) and 0 <= hole < radius):
            raise OptionError(f"{kind}: needs 0 <= hole < radius, got hole={hole!r} and radius={radius!r}")
        self.centre, self.radius, self.hole = tuple(c.tolist()), float(radius), float(hole)
        self.names = names_of(c.size) if names is None else tuple(names)
        if len(self.names) != c.size:
            raise OptionError(f"{kind}: {len(self.names)} names for {c.size} coordinates")
        self.periodic = (False,) * c.size

    @property
    def bounds(self) -> Array:
        """Lower and upper end of each coordinate, shape (d, 2)."""
        c = np.array(self.centre)
        return np.stack([c - self.radius, c + self.radius], axis=1)

    def _inside(self, x: Array, slack: float) -> Any:
        r = np.linalg.norm(x - np.array(self.centre), axis=1)
        margin = slack * self.radius
        return (r <= self.radius + margin) & (r >= self.hole - margin)

    def _patches(self) -> tuple[Patch, ...]:
        d, c = self.dim, np.array(self.centre)
        low, high = self.hole**d, self.radius**d
        depth = self.radius - self.hole
        # s[0] is the share of the volume: r^d is uniform in it; around a full centre functions are smooth in r^2
        kind = Axis(depth, "line" if self.hole else "power", d)

        def place(s: Array) -> Array:
            r = (low + s[:, :1] * (high - low)) ** (1.0 / d)
            return c + r * _sphere(s[:, 1:])

        mean = 0.5 * (self.radius + self.hole)
        return (Patch((high - low) * _unit_ball(d), (kind, *_angles(d, mean)), place),)

    def _faces(self) -> dict[str, tuple[Patch, ...]]:
        out = {"outer": (self._sphere_of(self.radius, 1.0),)}
        if self.hole:
            out["inner"] = (self._sphere_of(self.hole, -1.0),)
        return out

    def _sphere_of(self, radius: float, sign: float) -> Patch:
        d, c = self.dim, np.array(self.centre)
        area = d * _unit_ball(d) * radius ** (d - 1)
        return Patch(area, _angles(d, radius), lambda s: c + radius * _sphere(s), lambda s: sign * _sphere(s))

    def _key(self) -> tuple[Any, ...]:
        return (type(self), self.names, self.centre, self.radius, self.hole)

    def __eq__(self, other: object) -> bool:
        """Balls are equal if centre, radius and hole are."""
        return isinstance(other, Ball) and self._key() == other._key()

    def __hash__(self) -> int:
        """Hash of centre, radius and hole."""
        return hash(self._key())

    def __repr__(self) -> str:
        """Centre and radius."""
        hole = f", hole={self.hole:g}" if self.hole else ""
        return f"{type(self).__name__}(({', '.join(f'{c:g}' for c in self.centre)}), {self.radius:g}{hole})"


def _unit_ball(d: int) -> float:
    return np.pi if d == 2 else 4.0 * np.pi / 3.0


def _angles(d: int, radius: float) -> tuple[Axis, ...]:
    if d == 2:
        return (Axis(2 * np.pi * radius, "circle"),)
    return (Axis(2.0 * radius), Axis(2 * np.pi * radius, "circle"))


def _sphere(s: Array) -> Array:
    """Uniform density on the unit circle (one coordinate) or sphere (cosine and longitude)."""
    if s.shape[1] == 1:
        a = 2 * np.pi * s[:, 0]
        return np.stack([np.cos(a), np.sin(a)], axis=1)
    z, a = 2.0 * s[:, 0] - 1.0, 2 * np.pi * s[:, 1]
    rho = np.sqrt(np.maximum(1.0 - z * z, 0.0))
    return np.stack([rho * np.cos(a), rho * np.sin(a), z], axis=1)
