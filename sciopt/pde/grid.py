"""Grid: unknowns on a box with uniform spacing, and the finite differences that a residual is written with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from sciopt._errors import DataError, OptionError
from sciopt._types import Array
from sciopt.pde.grid_walls import read_walls

__all__ = ["Grid"]


class Grid:
    r"""A box in one to three dimensions with uniformly spaced unknowns and second-order differences.

    A Dirichlet wall lies one spacing from the outermost unknown, a Neumann or Robin wall half a spacing, and a periodic
    axis closes on itself, so that the Laplacian is symmetric with any of them. The operators take arrays whose last
    axes are the grid (leading axes are components), in numpy (complex too) or JAX.

    Parameters
    ----------
    *spans
        One pair ``(low, high)`` for each axis.
    shape
        Unknowns along each axis; an int for the same number on all.
    boundary
        ``"dirichlet"`` (u = 0), ``"neumann"`` (du/dn = 0), ``"periodic"``, ``("dirichlet", g)``, ``("neumann", g)`` with the
        outward derivative g, or ``("robin", a, b, g)`` for a u + b du/dn = g; for all walls, or a list with one entry an
        axis, each a wall or a pair (left, right). Values are numbers, arrays on the face, or functions of all
        coordinates.

    Raises
    ------
    OptionError
        Naming the axis or wall at fault.

    Examples
    --------
    >>> grid = Grid((0, 1), (0, 1), shape=63)
    >>> u = grid.sample(lambda x, y: x * (1 - x) * y * (1 - y))
    >>> bool(abs(grid.laplacian(u)[31, 31] + 1.0) < 1e-10)
    True
    """

    def __init__(self, *spans: Sequence[float], shape: int | Sequence[int], boundary: Any = "dirichlet") -> None:
        if not 1 <= len(spans) <= 3:
            raise OptionError(f"Grid: {len(spans)} spans given; a grid has one to three axes")
        for axis, span in enumerate(spans):
            ends = np.asarray(span, dtype=np.float64) if np.ndim(span) == 1 and len(span) == 2 else None
            if ends is None or not np.isfinite(ends).all() or not ends[0] < ends[1]:
                raise OptionError(f"Grid: span of axis {axis} is {span!r}; give (low, high) with low < high")
        self.spans = tuple((float(a), float(b)) for a, b in spans)
        sizes = (shape,) * len(spans) if isinstance(shape, (int, np.integer)) else tuple(shape)
        if len(sizes) != len(spans) or any(not isinstance(n, (int, np.integer)) or n < 3 for n in sizes):
            raise OptionError(f"Grid: shape={shape!r}; give a whole number >= 3 for each of the {len(spans)} axes")
        self.shape = tuple(int(n) for n in sizes)
        raw = read_walls(boundary, len(spans))
        self.spacing = tuple(
            (b - a) / (n - 1 + left.distance + right.distance) if left.kind != "periodic" else (b - a) / n
            for (a, b), n, (left, right) in zip(self.spans, self.shape, raw, strict=True)
        )
        self.axes: tuple[Any, ...] = tuple(
            a + spacing * (left.distance + np.arange(n))
            for (a, _), n, spacing, (left, _) in zip(self.spans, self.shape, self.spacing, raw, strict=True)
        )
        self.walls = tuple(
            tuple(
                wall.sampled(*self._face(k, end), f"the {end} end of axis {k}")
                for wall, end in zip(pair, ENDS, strict=True)
            )
            for k, pair in enumerate(raw)
        )

    def _face(self, axis: int, end: str) -> tuple[tuple[Any, ...], tuple[int, ...]]:
        lines = list(self.axes)
        lines[axis] = np.array([self.spans[axis][ENDS.index(end)]])
        mesh = np.meshgrid(*lines, indexing="ij")
        return tuple(mesh), mesh[0].shape

    # ---- places ---------------------------------------------------------------------------------------------------
    @property
    def dimension(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of points."""
        return int(np.prod(self.shape))

    @cached_property
    def coordinates(self) -> tuple[Any, ...]:
        """Coordinates of all points, one array of the grid's shape for each axis."""
        return tuple(np.meshgrid(*self.axes, indexing="ij"))

    def sample(self, function: Callable[..., Any]) -> Array:
        """Return ``function(x, y, ...)`` at all points."""
        return np.broadcast_to(np.asarray(function(*self.coordinates), dtype=np.float64), self.shape).copy()

    def zeros(self) -> Array:
        """Return zeros of the grid's shape."""
        return np.zeros(self.shape)

    def integral(self, u: Any) -> Any:
        """Return the sum of u times the volume of a cell; exact to second order where u vanishes on Dirichlet walls."""
        return u.sum(axis=tuple(range(-self.dimension, 0))) * float(np.prod(self.spacing))

    def interpolate(self, u: Any, points: Any) -> Array:
        """Return u at points (m, dimension) or (m,) by linear interpolation, walls included.

        Raises
        ------
        DataError
            A point lies outside the grid, or u has another shape.
        """
        from scipy.interpolate import RegularGridInterpolator

        x = np.asarray(points, dtype=np.float64)
        x = x[:, None] if x.ndim == 1 and self.dimension == 1 else np.atleast_2d(x)
        if x.shape[1] != self.dimension:
            raise DataError(f"points have shape {np.shape(points)}; expected (m, {self.dimension})")
        low, high = np.array(self.spans).T
        outside = ((x < low) | (x > high)).any(axis=1)
        if outside.any():
            raise DataError(f"point {x[int(np.argmax(outside))]} lies outside the grid {self.spans}")
        values, lines = np.asarray(u, dtype=np.float64), []
        if values.shape != self.shape:
            raise DataError(f"u has shape {values.shape}; the grid has shape {self.shape}")
        for axis, (line, (a, b)) in enumerate(zip(self.axes, self.spans, strict=True)):
            values = self._closed(values, axis)
            lines.append(np.concatenate([line, [b]] if self._periodic(axis) else [[a], line, [b]]))
        return np.asarray(RegularGridInterpolator(tuple(lines), values)(x))

    def _closed(self, u: Array, axis: int) -> Array:
        """Return u with its values on the walls of one axis; earlier axes are closed already."""
        if self._periodic(axis):
            return np.concatenate([u, u.take([0], axis)], axis)
        ends = []
        for wall, place in zip(self.walls[axis], (0, -1), strict=True):
            edge = u.take([place], axis)
            inner = edge[tuple(_inside(self, k) if k < axis else slice(None) for k in range(u.ndim))]
            on = wall.on(inner, self.spacing[axis])
            for k in range(axis):  # corners take the nearest value of the face
                if on.shape[k] != u.shape[k]:
                    before = 0 if self._periodic(k) else 1
                    on = np.pad(on, [(before, 1) if j == k else (0, 0) for j in range(u.ndim)], mode="edge")
            ends.append(on)
        return np.concatenate([ends[0], u, ends[1]], axis)

    def _periodic(self, axis: int) -> bool:
        return self.walls[axis][0].kind == "periodic"

    # ---- differences ----------------------------------------------------------------------------------------------
    def shifted(self, u: Any, axis: int, by: int) -> Any:
        """Return the neighbours' values: entry i holds u at i + by along an axis, ``by`` = 1 or -1, walls included."""
        xp, k = _module(u), self._place(u, axis)
        n, spacing = self.shape[axis], self.spacing[axis]
        if by not in (1, -1):
            raise OptionError(f"Grid.shifted: by={by!r}; neighbours are one place away, 1 or -1")
        edge = u[_cut(k, slice(n - 1, n) if by == 1 else slice(0, 1), u.ndim)]
        if self._periodic(axis):
            beyond = u[_cut(k, slice(0, 1) if by == 1 else slice(n - 1, n), u.ndim)]
        else:
            beyond = self.walls[axis][1 if by == 1 else 0].ghost(edge, spacing)
        rest = u[_cut(k, slice(1, n) if by == 1 else slice(0, n - 1), u.ndim)]
        return xp.concatenate([rest, beyond] if by == 1 else [beyond, rest], axis=k)

    def d(self, u: Any, axis: int = 0) -> Any:
        r"""Return the first derivative along an axis by central differences, :math:`(u_{i+1} - u_{i-1}) / 2h`."""
        return (self.shifted(u, axis, 1) - self.shifted(u, axis, -1)) / (2.0 * self.spacing[axis])

    def dd(self, u: Any, axis: int = 0) -> Any:
        r"""Return the second derivative along an axis, :math:`(u_{i+1} - 2 u_i + u_{i-1}) / h^2`."""
        return (self.shifted(u, axis, 1) - 2.0 * u + self.shifted(u, axis, -1)) / self.spacing[axis] ** 2

    def laplacian(self, u: Any) -> Any:
        """Return the sum of the second derivatives along all axes."""
        return sum(self.dd(u, axis) for axis in range(self.dimension))

    def grad(self, u: Any) -> tuple[Any, ...]:
        """Return the first derivatives along all axes."""
        return tuple(self.d(u, axis) for axis in range(self.dimension))

    def diffusion(self, k: Any, u: Any) -> Any:
        r"""Return :math:`\nabla\cdot(k\,\nabla u)` in conservative form.

        The coefficient on a face is the harmonic mean of its two cells, which keeps the flux continuous where k jumps;
        on a wall it is that of the outermost cell.

        Parameters
        ----------
        k
            Positive coefficient: a number or an array of the grid's shape.
        u
            Values on the grid.
        """
        xp = _module(u)
        k = xp.broadcast_to(xp.asarray(k), self.shape)
        total = 0.0
        for axis in range(self.dimension):
            n, place = self.shape[axis], self._place(k, axis)
            low, high = k[_cut(place, slice(0, n - 1), k.ndim)], k[_cut(place, slice(1, n), k.ndim)]
            inner = 2.0 * low * high / (low + high)
            first, last = k[_cut(place, slice(0, 1), k.ndim)], k[_cut(place, slice(n - 1, n), k.ndim)]
            if self._periodic(axis):
                first = last = 2.0 * first * last / (first + last)
            right = xp.concatenate([inner, last], axis=place)
            left = xp.concatenate([first, inner], axis=place)
            ahead, behind = self.shifted(u, axis, 1) - u, u - self.shifted(u, axis, -1)
            total = total + (right * ahead - left * behind) / self.spacing[axis] ** 2
        return total

    def upwind(self, velocity: Any, u: Any, axis: int = 0) -> Any:
        """Return ``velocity * du/dx`` with the difference taken against the stream (first order, no oscillations)."""
        xp, h = _module(u), self.spacing[axis]
        behind = (u - self.shifted(u, axis, -1)) / h
        ahead = (self.shifted(u, axis, 1) - u) / h
        return velocity * xp.where(xp.real(velocity) > 0, behind, ahead)

    def _place(self, u: Any, axis: int) -> int:
        """Return the array axis of a grid axis, after a look at the shape."""
        if not 0 <= axis < self.dimension:
            raise OptionError(f"Grid: axis={axis!r}; this grid has axes 0 to {self.dimension - 1}")
        if tuple(u.shape[u.ndim - self.dimension :]) != self.shape:
            raise DataError(f"Grid: an array of shape {tuple(u.shape)} is not on this grid of shape {self.shape}")
        return u.ndim - self.dimension + axis

    def __repr__(self) -> str:
        """Show spans, shape and walls."""
        walls = ", ".join("/".join(dict.fromkeys(w.kind for w in pair)) for pair in self.walls)
        return f"Grid({' x '.join(map(str, self.spans))}, shape={self.shape}, boundary: {walls})"


ENDS = ("left", "right")


def _cut(place: int, part: slice, ndim: int) -> tuple[slice, ...]:
    return tuple(part if k == place else slice(None) for k in range(ndim))


def _inside(grid: Grid, axis: int) -> slice:
    """Slice of the grid's own points on an axis that has its walls attached."""
    first = 0 if grid.walls[axis][0].kind == "periodic" else 1
    return slice(first, first + grid.shape[axis])


def _module(u: Any) -> Any:
    """Return numpy or jax.numpy, whichever an array belongs to."""
    if isinstance(u, np.ndarray) or not type(u).__module__.startswith(("jax", "jaxlib")):
        return np
    import jax.numpy as jnp

    return jnp
