"""Walls of the method of lines: the nodes on them follow from the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sciopt._errors import OptionError
from sciopt._types import Array
from sciopt.pde._domain import Domain
from sciopt.pde.lines_axis import LineAxis

__all__ = ["LineWalls"]


class LineWalls:
    """What holds at the ends of each axis of space, and the elimination of the nodes there.

    Parameters
    ----------
    domain
        Product of time and space.
    walls
        As in `Lines`.
    name
        The condition, for errors.
    """

    def __init__(self, domain: Domain, walls: Mapping[str, Any], name: str) -> None:
        names = domain.names[1:]
        faces = {f"{axis}{side}" for axis in names for side in "-+"}
        for face, wall in walls.items():
            if face not in faces and face not in names:
                raise OptionError(f"Lines: there is no face {face!r}; faces: {', '.join(sorted(faces))}")
            if face in names and wall != "periodic":
                raise OptionError(
                    f"Lines: axis {face!r} can only be 'periodic'; name one of its faces, such as '{face}-'"
                )
        self.periodic = tuple(
            bool(own) or walls.get(axis) == "periodic" for axis, own in zip(names, domain.periodic[1:], strict=True)
        )
        self.rows: list[list[tuple[float, float, Any]]] = []
        for axis, per in zip(names, self.periodic, strict=True):
            pair = [walls.get(f"{axis}{side}", 0.0) for side in "-+"]
            if per and any(f"{axis}{side}" in walls for side in "-+"):
                raise OptionError(f"Lines: axis {axis!r} is periodic and has no walls")
            self.rows.append(
                [] if per else [_row(wall, f"{axis}{side}") for wall, side in zip(pair, "-+", strict=True)]
            )
        self.name = name

    def attach(self, axes: tuple[LineAxis, ...]) -> None:
        """Take the nodes."""
        self.axes = axes
        self.key = (self.periodic, tuple(tuple((a, b, _key(g)) for a, b, g in rows) for rows in self.rows))
        self.inner = tuple(axis.n if per else axis.n - 2 for axis, per in zip(axes, self.periodic, strict=True))
        self._solved: list[tuple[Array, Array] | None] = []
        for axis, rows in zip(axes, self.rows, strict=True):
            if not rows:
                self._solved.append(None)
                continue
            D, last = axis.matrix(1), axis.n - 1
            B = np.zeros((2, axis.n))
            for i, ((a, b, _), node, sign) in enumerate(zip(rows, (0, last), (-1.0, 1.0), strict=True)):
                B[i] = b * sign * D[node]
                B[i, node] += a
            inverse: Any = np.linalg.inv(B[:, [0, last]])
            self._solved.append((inverse, inverse @ B[:, 1:last]))  # walls = inverse g - second inner

    def free(self, values: Any) -> Any:
        """Return the values on nodes that are on no wall."""
        d = len(self.axes)
        cut = [slice(None)] * (values.ndim - d)
        cut += [slice(None) if per else slice(1, -1) for per in self.periodic]
        return values[tuple(cut)]

    @property
    def arrays(self) -> list[Any]:
        """What the elimination needs of the nodes, an argument of compiled functions."""
        return [{"solved": s, "nodes": axis.nodes} for s, axis in zip(self._solved, self.axes, strict=True)]

    def closed(self, arrays: list[Any], inner: Any, t: Any, order: int) -> Any:
        """Return the values with those on the walls put in place, of the order-th derivative in time."""
        d = len(self.axes)
        for k in range(d):
            solved = arrays[k]["solved"]
            if solved is None:
                continue
            place = inner.ndim - d + k
            inverse, rest = solved
            g = [self._value(arrays, k, side, t, order) for side in (0, 1)]
            from_inner = jnp.moveaxis(jnp.tensordot(jnp.asarray(rest), inner, axes=(1, place)), 0, place)
            ends = []
            for side in (0, 1):
                own = jnp.take(from_inner, jnp.array([side]), axis=place)
                ends.append(inverse[side, 0] * g[0] + inverse[side, 1] * g[1] - own)
            inner = jnp.concatenate([ends[0], inner, ends[1]], axis=place)
        return inner

    def _value(self, arrays: list[Any], axis: int, side: int, t: Any, order: int) -> Any:
        """Return g on a wall, or its derivative in time, shaped to stand beside the inner values."""
        g = self.rows[axis][side][2]
        if not callable(g):
            value = jnp.asarray(g if order == 0 else 0.0 * np.asarray(g), dtype=float)
            return value.reshape(value.shape + (1,) * len(self.axes)) if value.ndim else value
        lines = []
        for k, per in enumerate(self.periodic):
            nodes = jnp.asarray(arrays[k]["nodes"])
            if k == axis:
                lines.append(nodes[:1] if side == 0 else nodes[-1:])
            else:  # axes already closed have their end nodes back
                lines.append(nodes if per or k < axis else nodes[1:-1])
        mesh = jnp.stack([m.ravel() for m in jnp.meshgrid(*lines, indexing="ij")], axis=-1)

        def at(x: Any) -> Any:
            def of_time(s: Any) -> Any:
                return jnp.asarray(g(jnp.concatenate([jnp.reshape(s, (1,)), x])), dtype=float)

            return of_time(t) if order == 0 else jax.jvp(of_time, (t,), (jnp.ones_like(t),))[1]

        t = jnp.asarray(t, dtype=float)
        values = jnp.moveaxis(jax.vmap(at)(mesh), 0, -1)
        return values.reshape(*values.shape[:-1], *(len(line) for line in lines))


def _key(g: Any) -> Any:
    return g if callable(g) else (np.shape(g), np.asarray(g, dtype=float).tobytes())


def _row(wall: Any, face: str) -> tuple[float, float, Any]:
    """Return (a, b, g) of a u + b du/dn = g."""
    if isinstance(wall, tuple):
        if wall and wall[0] == "neumann" and len(wall) == 2:
            return 0.0, 1.0, wall[1]
        if wall and wall[0] == "robin" and len(wall) == 4:
            return float(wall[1]), float(wall[2]), wall[3]
        raise OptionError(f"Lines: wall {wall!r} at {face!r}; give a value, ('neumann', g) or ('robin', a, b, g)")
    if isinstance(wall, str):
        raise OptionError(f"Lines: wall {wall!r} at {face!r}; a face has a value, ('neumann', g) or ('robin', a, b, g)")
    return 1.0, 0.0, wall
