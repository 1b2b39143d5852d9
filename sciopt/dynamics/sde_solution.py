"""The answer of an SDE fit: simulation, bands, and a judgement on fresh noise."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from sciopt._errors import OptionError
from sciopt._types import Array
from sciopt.dynamics.sde_adaptive import Accepted
from sciopt.dynamics.sde_cost import steps_of
from sciopt.dynamics.sde_ensemble import TimeGrid
from sciopt.dynamics.sde_moments import moments
from sciopt.dynamics.sde_rows import MomentRows, Noise, observed
from sciopt.solution import Solution

__all__ = ["SDESolution"]


class SDESolution(Solution):
    """A `Solution` of an SDE fit.

    The noise under which the moments were matched is one draw; `fresh` repeats the comparison with others.
    """

    @classmethod
    def of(cls, solution: Solution) -> SDESolution:
        """Return the solution with what an SDE fit can do besides."""
        other = object.__new__(cls)
        other.__dict__.update(solution.__dict__)
        return other

    @property
    def _rows(self) -> MomentRows:
        return self.problem.conditions[0].function

    @property
    def _noise(self) -> Noise:
        return self.problem.conditions[0].points

    def simulate(self, t: Any = None, *, paths: int = 1000, key: int = 1, dt: float | None = None) -> Array:
        """Return paths of the fitted process at increasing times, shape (paths, K, components measured).

        Parameters
        ----------
        t
            Times (K,) after the begin of the paths; those of the fit by default.
        paths
            Number of paths.
        key
            Integer; other keys give other noise.
        dt
            Longest step; that of the fit by default.
        """
        noise = self._noise
        if isinstance(paths, bool) or int(paths) != paths or paths < 1:
            raise OptionError(f"simulate: paths must be a whole number of at least 1, got {paths!r}")
        times = noise.times if t is None else np.atleast_1d(np.asarray(t, float))
        grid = noise.grid
        if t is not None or dt is not None:
            begin = grid.t[0]
            grid = TimeGrid.through(begin, times, float(np.max(grid.h)) if dt is None else dt)
        fresh = replace(noise, grid=grid, times=times, paths=int(paths))
        coords = fresh.first(np.random.default_rng([int(key), 7])).coords
        return observed(self._rows, self.params, coords)

    def predict_moments(
        self, t: Any = None, *, kinds: tuple[str, ...] = ("mean", "variance"), paths: int = 1000, key: int = 1
    ) -> dict[str, Array]:
        """Return simulated moments by kind, each (K, components)."""
        y = self.simulate(t, paths=paths, key=key)
        return {k: np.asarray(moments(np, y, (k,))).reshape(-1, y.shape[2]) for k in kinds}

    def fresh(self, *, paths: int = 3000, key: int = 1) -> dict[str, float]:
        """Compare with the data on noise that the fit has not seen.

        Returns
        -------
        dict
            ``rms``: rms of the rows, each in units of its standard error in this comparison (about 1 for a true model);
            ``fitted``: the same on the noise of the fit; one entry a kind of moment: mean squared difference to the data.
        """
        condition, noise = self.problem.conditions[0], self._noise
        y = self.simulate(paths=paths, key=key)
        kinds = self._rows.kinds
        plain = np.asarray(moments(np, y, kinds))
        scale = condition.sigma / np.sqrt(1.0 + self._n / noise.paths) * np.sqrt(1.0 + self._n / len(y))
        rows = plain if noise.mix is None else noise.mix @ plain
        out = {
            "rms": float(np.sqrt(np.mean(((rows - condition.target) / scale) ** 2))),
            "fitted": float(np.sqrt(np.mean(self.residual[: len(condition.target)] ** 2))),
        }
        if noise.mix is None:
            place = 0
            for kind in kinds:
                size = np.asarray(moments(np, y, (kind,))).size
                gap = plain[place : place + size] - condition.target[place : place + size]
                out[kind] = float(np.mean(gap**2))
                place += size
        return out

    @property
    def _n(self) -> int:
        return self.problem.conditions[0].scatter.n

    def adaptive_steps(self, *, rtol: float = 1e-2, atol: float = 1e-2, paths: int = 64, key: int = 1) -> Accepted:
        """Return the steps that an adaptive solve of fresh paths accepts at a tolerance: what solving it costs."""
        return steps_of(self._rows, self._noise, self.params, rtol, atol, paths, key)

    def step_error(self, *, factor: int = 2) -> float:
        """Return the largest change of a row, in standard errors, when every step is cut into ``factor`` parts.

        The same Brownian paths are used on both grids; a value well below 1 says that dt is small enough.
        """
        noise = self._noise
        fine = replace(noise, grid=noise.grid.refined(factor))
        coords = fine.first(np.random.default_rng([self.key, 11])).coords
        dW = coords["dW"]
        coarse = {**coords, "t": noise.grid.t, "h": noise.grid.h, "rows": np.asarray(noise.grid.rows)}
        coarse["dW"] = dW.reshape(-1, factor, *dW.shape[1:]).sum(1)
        values = []
        for c in (coarse, coords):
            rows = np.asarray(moments(np, observed(self._rows, self.params, c), self._rows.kinds))
            values.append(rows if noise.mix is None else noise.mix @ rows)
        return float(np.max(np.abs(values[1] - values[0]) / self.problem.conditions[0].sigma))
