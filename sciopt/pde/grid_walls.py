"""What closes a grid at the ends of an axis: Dirichlet, Neumann and Robin walls, and periodic axes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sciopt._errors import OptionError

__all__ = ["Wall", "read_walls"]

KINDS = ("dirichlet", "neumann", "robin", "periodic")
NUMBERS = {"dirichlet": 1, "neumann": 1, "robin": 3, "periodic": 0}


@dataclass(frozen=True, eq=False)
class Wall:
    """One end of an axis.

    Attributes
    ----------
    kind
        ``"dirichlet"`` (u = g), ``"neumann"`` (du/dn = g, n pointing out), ``"robin"`` (a u + b du/dn = g) or
        ``"periodic"``.
    values
        ``(g,)`` or ``(a, b, g)``: numbers, arrays of the shape of the face, or functions of all coordinates.
    """

    kind: str
    values: tuple[Any, ...] = ()

    @property
    def distance(self) -> float:
        """Distance from the wall to the outermost unknown, in spacings."""
        return {"dirichlet": 1.0, "periodic": 0.0}.get(self.kind, 0.5)

    def sampled(self, coordinates: tuple[Any, ...], shape: tuple[int, ...], told: str) -> Wall:
        """Return the wall with its values as numbers or arrays (face with one point along the axis)."""
        return Wall(self.kind, tuple(_sample(v, coordinates, shape, told) for v in self.values))

    def ghost(self, edge: Any, spacing: float) -> Any:
        """Return the values one spacing beyond the outermost unknowns ``edge``."""
        if self.kind == "dirichlet":
            return self.values[0] + 0.0 * edge
        if self.kind == "neumann":
            return edge + spacing * self.values[0]
        a, b, g = self.values
        return (g + (b / spacing - 0.5 * a) * edge) / (b / spacing + 0.5 * a)

    def on(self, edge: Any, spacing: float) -> Any:
        """Return the value on the wall itself."""
        return self.values[0] + 0.0 * edge if self.kind == "dirichlet" else 0.5 * (edge + self.ghost(edge, spacing))


def _sample(value: Any, coordinates: tuple[Any, ...], shape: tuple[int, ...], told: str) -> Any:
    if callable(value):
        value = value(*coordinates)
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise OptionError(f"Grid: boundary value at {told} has dtype {array.dtype}; real numbers are needed")
    array = array.astype(np.float64)
    if array.ndim == 0:
        found = array
    elif array.size == int(np.prod(shape)):
        found = array.reshape(shape)
    else:
        raise OptionError(f"Grid: boundary value at {told} has shape {array.shape}; the face has shape {shape}")
    if not np.isfinite(found).all():
        raise OptionError(f"Grid: boundary value at {told} is not finite")
    return float(found) if found.ndim == 0 else found


def read_walls(boundary: Any, axes: int) -> tuple[tuple[Wall, Wall], ...]:
    """Return (left, right) walls of each axis from what the user gave: one for all, one an axis, or a pair an axis."""
    if _is_wall(boundary):
        return ((_wall(boundary), _wall(boundary)),) * axes
    listed = list(boundary) if isinstance(boundary, (list, tuple)) else [boundary]
    if len(listed) != axes:
        raise OptionError(
            f"Grid: boundary has {len(listed)} entries for {axes} axes; give one for all, or one (or a pair) for each axis"
        )
    walls = []
    for axis, entry in enumerate(listed):
        pair = (entry, entry) if _is_wall(entry) else entry
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:
            raise OptionError(f"Grid: boundary of axis {axis} is {entry!r}; give a wall or a (left, right) pair")
        left, right = _wall(pair[0]), _wall(pair[1])
        if (left.kind == "periodic") != (right.kind == "periodic"):
            raise OptionError(f"Grid: axis {axis} is periodic at one end only; both ends are joined or none")
        walls.append((left, right))
    return tuple(walls)


def _is_wall(entry: Any) -> bool:
    return isinstance(entry, (str, Wall)) or (
        isinstance(entry, tuple)
        and bool(entry)
        and entry[0] in KINDS[:3]
        and all(not isinstance(v, (str, tuple)) for v in entry[1:])
    )


def _wall(entry: Any) -> Wall:
    if isinstance(entry, Wall):
        return entry
    kind, values = (entry, ()) if isinstance(entry, str) else (entry[0], tuple(entry[1:]))
    if kind not in KINDS:
        raise OptionError(f"Grid: unknown boundary {kind!r}; choose one of {KINDS}")
    if not values and kind in ("dirichlet", "neumann"):
        values = (0.0,)
    if len(values) != NUMBERS[kind]:
        form: Callable[[str], str] = {
            "dirichlet": "('dirichlet', g)",
            "neumann": "('neumann', g)",
            "robin": "('robin', a, b, g)",
            "periodic": "'periodic'",
        }.__getitem__
        raise OptionError(f"Grid: boundary {entry!r} has {len(values)} values; write {form(kind)}")
    return Wall(kind, values)
