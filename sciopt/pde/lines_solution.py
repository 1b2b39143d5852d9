"""What the method of lines returns: the unknown as a function of any points in time and space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sciopt._errors import DataError
from sciopt._types import Array
from sciopt.linearise.autodiff import double
from sciopt.pde.lines import Lines

__all__ = ["LinesSolution", "Path"]


@dataclass(frozen=True, eq=False)
class Path:
    """States and their rates of change at equidistant instants (k,), k >= 4.

    Between them, the polynomial of degree 7 that has the states and rates of the four nearest instants. Rates, unlike
    second derivatives, are hardly touched by the rounding of stiff components.
    """

    instants: Array
    states: Any
    rates: Any

    def __call__(self, times: Array) -> Array:
        """Return the states at times (m,), shape (m, size)."""
        h = (self.instants[-1] - self.instants[0]) / (len(self.instants) - 1)
        place = (times - self.instants[0]) / h
        first = np.clip(np.floor(place).astype(int) - 1, 0, len(self.instants) - 4)
        powers = (place - first)[:, None] ** np.arange(8)
        weights = powers @ _HERMITE  # (m, 8): four states, four rates
        out = np.zeros((len(times), self.states.shape[1]))
        for k in range(4):
            out += weights[:, k, None] * self.states[first + k]
            out += h * weights[:, 4 + k, None] * self.rates[first + k]
        return out


def _hermite() -> Any:
    """Return the matrix (8, 8) from states and rates at 0, 1, 2, 3 to the coefficients of their polynomial."""
    nodes, k = np.arange(4.0)[:, None], np.arange(8)
    slopes = k * nodes ** np.maximum(k - 1, 0)
    return np.linalg.inv(np.concatenate([nodes**k, slopes]))


_HERMITE = _hermite()


class LinesSolution:
    """A solved system of lines: call it with points (m, 1 + d), first coordinate time.

    Attributes
    ----------
    lines
        The `Lines` solved.
    success
        Whether the integrator reached the end.
    solver
        Name of the integrator, with the reason for its choice.
    steps
        Steps taken.
    error
        Largest difference to the solution on fewer nodes, relative to the largest value; NaN if there was none.
    """

    def __init__(self, lines: Lines, path: Any, success: bool, solver: str, steps: int) -> None:
        self.lines, self._path, self.success, self.solver, self.steps = lines, path, success, solver, steps
        self.error = float("nan")

    def states(self, times: Array) -> Array:
        """Return the state at times (k,), shape (k, size)."""
        return self._path(np.atleast_1d(np.asarray(times, dtype=np.float64)))

    def on_nodes(self, times: Array) -> Array:
        """Return the unknown on all nodes at times (k,), shape ``(k, ..., *nodes)``."""
        states = self.states(np.atleast_1d(np.asarray(times, dtype=np.float64)))
        with double():
            unpacked = jax.vmap(lambda t, y: self.lines.unpacked(t, y)[0])
            return np.asarray(unpacked(jnp.asarray(times, dtype=float).reshape(-1), jnp.asarray(states)))

    def __call__(self, points: Any) -> Array:
        """Return the unknown at points.

        Parameters
        ----------
        points
            Shape (m, 1 + d): time, then space.

        Raises
        ------
        DataError
            A point lies outside the domain, or has another number of coordinates.
        """
        x = np.atleast_2d(np.asarray(points, dtype=np.float64))
        bounds = self.lines.domain.bounds
        if x.shape[1] != len(bounds):
            raise DataError(f"points have shape {np.shape(points)}; expected (m, {len(bounds)}): time, then space")
        slack = 1e-12 * (bounds[:, 1] - bounds[:, 0])
        outside = ((x < bounds[:, 0] - slack) | (x > bounds[:, 1] + slack)).any(axis=1)
        if outside.any():
            raise DataError(f"point {x[int(np.argmax(outside))]} lies outside {self.lines.domain!r}")
        x = np.clip(x, bounds[:, 0], bounds[:, 1])
        times, which = np.unique(x[:, 0], return_inverse=True)
        d = len(self.lines.axes)
        if d == 1:  # each place once, each time once: points are usually a product of both
            places, where = np.unique(x[:, 1], return_inverse=True)
            if len(places) * len(times) <= 4 * len(x):
                values = self.on_nodes(times) @ self.lines.axes[0].interpolation(places).T
                return np.moveaxis(values[which, ..., where], 0, 0)
        order = np.argsort(which, kind="stable")
        out: list[Array] = [np.empty(0)] * len(x)
        first = np.searchsorted(which[order], np.arange(len(times) + 1))
        for block in range(0, len(times), 64):
            values = self.on_nodes(times[block : block + 64])
            for k in range(values.shape[0]):
                rows = order[first[block + k] : first[block + k + 1]]
                for row, value in zip(rows, _at(self.lines, values[k], x[rows, 1:]), strict=True):
                    out[row] = value
        return np.array(out)


def _at(lines: Lines, values: Array, places: Array) -> Array:
    """Return values (..., *nodes) at places (m, d), shape (m, ...)."""
    matrices = [axis.interpolation(places[:, k]) for k, axis in enumerate(lines.axes)]
    if len(matrices) == 1:
        return np.moveaxis(values @ matrices[0].T, -1, 0)
    letters = "abc"[: len(matrices)]
    return np.einsum(f"...{letters},{','.join('m' + a for a in letters)}->m...", values, *matrices)
