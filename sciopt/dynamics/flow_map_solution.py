"""The answer of a flow-map fit: steps, compositions, and how well the map keeps what the exact one keeps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sciopt._errors import DataError
from sciopt._types import Array
from sciopt.dynamics.flow_maps import FlowMap
from sciopt.solution import Solution

__all__ = ["FlowSolution"]


class FlowSolution(Solution):
    """A `Solution` whose ``params`` are the fitted `FlowMap`."""

    region: Array | None
    times: tuple[float, float]

    @classmethod
    def of(cls, solution: Solution, region: Array | None, times: tuple[float, float]) -> FlowSolution:
        """Return the solution with what a flow map can do besides."""
        other = object.__new__(cls)
        other.__dict__.update(solution.__dict__)
        other.region, other.times = region, times
        return other

    @property
    def map(self) -> FlowMap:
        """The fitted map."""
        return self.params

    def step(self, x: Any, s: Any, t: Any) -> Array:
        """Return the states at t of the paths through x at s; see `FlowMap`."""
        return self.map(x, s, t)

    def compose(self, x: Any, step: float, count: int, s: float = 0.0) -> Array:
        """Return the states after 0, 1, ..., count steps, shape (count + 1, n, d)."""
        return self.map.compose(x, step, count, s)

    def semigroup_error(self, x: Any = None, *, count: int = 2000, key: int = 0) -> dict[str, float]:
        """Return how far :math:`X_{u,t}(X_{s,u}(x))` is from :math:`X_{s,t}(x)` at random s < u < t.

        Parameters
        ----------
        x
            States to begin from, shape (n, d); random ones in the region of the fit by default.
        count
            Number of random states and times.

        Returns
        -------
        dict
            ``rms`` and ``max`` of the Euclidean distance.
        """
        rng = np.random.default_rng([key, 17])
        if x is None:
            if self.region is None:
                raise DataError("semigroup_error needs states x: a fit to samples has no region")
            rows = self.region[:, 0] + rng.uniform(size=(count, self.map.d)) * np.diff(self.region, axis=1).T
        else:
            rows = np.atleast_2d(np.asarray(x, float))
            rows = rows[rng.integers(len(rows), size=count)]
        low, high = self.times
        s, u, t = low + (high - low) * np.sort(rng.uniform(size=(3, count)), axis=0)
        gap = np.linalg.norm(self.map(self.map(rows, s, u), u, t) - self.map(rows, s, t), axis=1)
        return {"rms": float(np.sqrt(np.mean(gap**2))), "max": float(gap.max())}

    def energy_drift(self, energy: Callable[[Array], Array], x: Any, step: float, count: int) -> dict[str, Any]:
        """Return how far an invariant drifts over composed steps.

        Parameters
        ----------
        energy
            ``energy(states (..., d)) -> (...)``, constant along exact paths.
        x
            States to begin from, shape (n, d).
        step, count
            Length and number of steps.

        Returns
        -------
        dict
            ``history``: |E - E(0)| / |E(0)|, shape (count + 1, n); ``max`` and ``final``: its largest value, and the
            largest one after the last step. NaN where a path leaves what can be computed.
        """
        E = np.asarray(energy(self.compose(x, step, count)))
        if E.shape[:1] != (count + 1,):
            raise DataError(f"energy returned shape {E.shape} for {count + 1} times; return one number a state")
        drift = np.abs(E - E[0]) / np.abs(E[0])
        return {"history": drift, "max": float(np.max(drift)), "final": float(np.max(drift[-1]))}
