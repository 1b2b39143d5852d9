"""Polygons in the plane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sciopt._errors import OptionError
from sciopt._types import Array
from sciopt.pde._domain import Domain
from sciopt.pde._patch import Axis, Patch

__all__ = ["Polygon"]


class Polygon(Domain):
    """A region of the plane bounded by straight edges that do not cross.

    Parameters
    ----------
    corners
        Corners (m, 2) in order, either way round; the last is joined to the first.
    faces
        Name of each edge, the first from corner 0 to corner 1; equal names make one face. ``edge0``, ``edge1``, ... by
        default.
    names
        Names of the coordinates.

    Examples
    --------
    >>> Polygon([(0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2)]).measure
    3.0
    """

    def __init__(self, corners: Any, faces: Sequence[str] | None = None, *, names: Sequence[str] = ("x", "y")) -> None:
        c = np.asarray(corners, float)
        if c.ndim != 2 or c.shape[1] != 2 or len(c) < 3 or not np.isfinite(c).all():
            raise OptionError(f"Polygon: corners must be at least three finite points (m, 2), got shape {c.shape}")
        labels = tuple(f"edge{i}" for i in range(len(c))) if faces is None else tuple(faces)
        if len(labels) != len(c):
            raise OptionError(f"Polygon: {len(labels)} face names for {len(c)} edges")
        if _signed_area(c) < 0:  # anticlockwise; edge i then runs from corner i to i + 1 of the reversed order
            c = c[::-1]
            labels = (*labels[-2::-1], labels[-1])
        crossing = _crossing(c)
        if crossing is not None:
            raise OptionError(f"Polygon: edges {crossing[0]} and {crossing[1]} cross or touch")
        self.corners = tuple(map(tuple, c.tolist()))
        self.labels, self.names, self.periodic = labels, tuple(names), (False, False)
        if len(self.names) != 2:
            raise OptionError(f"Polygon: needs two names, got {names!r}")

    @property
    def bounds(self) -> Array:
        """Lower and upper end of each coordinate, shape (2, 2)."""
        c = np.array(self.corners)
        return np.stack([c.min(axis=0), c.max(axis=0)], axis=1)

    def _inside(self, x: Array, slack: float) -> Any:
        c = np.array(self.corners)
        d = np.roll(c, -1, axis=0)
        low, high = np.minimum(c[:, 1], d[:, 1]), np.maximum(c[:, 1], d[:, 1])
        y = x[:, 1:2]
        spans = (low <= y) & (y < high)
        with np.errstate(divide="ignore", invalid="ignore"):
            meet = c[:, 0] + (y - c[:, 1]) * (d[:, 0] - c[:, 0]) / (d[:, 1] - c[:, 1])
        inside = np.sum(spans & (x[:, :1] < meet), axis=1) % 2 == 1
        margin = slack * float(np.max(self.sizes))
        distance = self._distance(x)
        return inside & (distance >= -margin) if margin < 0 else inside | (distance <= margin)

    def _distance(self, x: Array) -> Array:
        """Distance to the nearest edge."""
        c = np.array(self.corners)
        e = np.roll(c, -1, axis=0) - c
        w = x[:, None, :] - c
        t = np.clip(np.sum(w * e, axis=2) / np.sum(e * e, axis=1), 0.0, 1.0)
        return np.min(np.linalg.norm(w - t[..., None] * e, axis=2), axis=1)

    def _patches(self) -> tuple[Patch, ...]:
        return tuple(_triangle(np.array(t)) for t in _triangulated(np.array(self.corners)))

    def _faces(self) -> dict[str, tuple[Patch, ...]]:
        c = np.array(self.corners)
        out: dict[str, tuple[Patch, ...]] = {}
        for i, label in enumerate(self.labels):
            out[label] = (*out.get(label, ()), _edge(c[i], c[(i + 1) % len(c)]))
        return out

    def _key(self) -> tuple[Any, ...]:
        return (type(self), self.corners, self.labels, self.names)

    def __eq__(self, other: object) -> bool:
        """Polygons are equal if corners and names are."""
        return isinstance(other, Polygon) and self._key() == other._key()

    def __hash__(self) -> int:
        """Hash of corners and names."""
        return hash(self._key())

    def __repr__(self) -> str:
        """The corners."""
        return f"Polygon({', '.join(f'({x:g}, {y:g})' for x, y in self.corners)})"


def _edge(a: Array, b: Array) -> Patch:
    e = b - a
    length = float(np.hypot(*e))
    outward = np.array([e[1], -e[0]]) / length
    return Patch(length, (Axis(length),), lambda s: a + s * e, lambda s: np.tile(outward, (len(s), 1)))


def _triangle(t: Array) -> Patch:
    a, b, c = t

    def place(s: Array) -> Array:
        r = np.sqrt(s[:, :1])  # the share of the area within a fraction r of the way from corner a is r^2
        return a + r * ((b - a) + s[:, 1:] * (c - b))

    height = abs(_signed_area(t)) * 2 / max(float(np.hypot(*(c - b))), 1e-300)
    return Patch(abs(_signed_area(t)), (Axis(height, "power", 4), Axis(float(np.hypot(*(c - b))))), place)


def _signed_area(c: Array) -> float:
    d = np.roll(c, -1, axis=0)
    return 0.5 * float(np.sum(c[:, 0] * d[:, 1] - c[:, 1] * d[:, 0]))


def _cross(a: Array, b: Array, p: Array) -> float:
    return float((b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0]))


def _crossing(c: Array) -> tuple[int, int] | None:
    """Return two edges that meet although they are not neighbours, if there are any."""
    m = len(c)
    for i in range(m):
        for j in range(i + 1, m):
            a, b, p, q = c[i], c[(i + 1) % m], c[j], c[(j + 1) % m]
            if not np.hypot(*(b - a)) > 0:
                return i, i
            if j == i + 1 or (i == 0 and j == m - 1):
                continue
            sides = (_cross(a, b, p) * _cross(a, b, q), _cross(p, q, a) * _cross(p, q, b))
            if sides[0] <= 0 and sides[1] <= 0 and not (sides[0] == sides[1] == 0 and _apart(a, b, p, q)):
                return i, j
    return None


def _apart(a: Array, b: Array, p: Array, q: Array) -> bool:
    return bool(np.any(np.maximum(a, b) < np.minimum(p, q)) or np.any(np.maximum(p, q) < np.minimum(a, b)))


def _triangulated(c: Array) -> list[Array]:
    """Cut ears off (Meisters 1975) until a triangle is left; corners in line give no triangle."""
    left, out = list(range(len(c))), []
    while len(left) > 3:
        for k in range(len(left)):
            i, j, m = left[k - 1], left[k], left[(k + 1) % len(left)]
            turn = _cross(c[i], c[j], c[m])
            others = [p for p in left if p not in (i, j, m)]
            if turn < 0 or (turn > 0 and any(_within(c[i], c[j], c[m], c[p]) for p in others)):
                continue
            if turn > 0:
                out.append(c[[i, j, m]])
            left.pop(k)
            break
        else:
            raise OptionError("Polygon: its corners cannot be cut into triangles; do edges touch?")
    out.append(c[left])
    return out


def _within(a: Array, b: Array, c: Array, p: Array) -> bool:
    return _cross(a, b, p) >= 0 and _cross(b, c, p) >= 0 and _cross(c, a, p) >= 0
