"""The answer of a fit of trajectories: curves with bands, cost of solving, what the data left open."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sciopt._errors import DataError
from sciopt._types import Array
from sciopt.dynamics.grids import adaptive
from sciopt.linearise.autodiff import double
from sciopt.solution import Solution

__all__ = ["ODESolution"]


class ODESolution(Solution):
    """A `Solution` of a fit of trajectories.

    Attributes
    ----------
    shooting
        The multiple-shooting solution from which the last solve began, or None.
    """

    shooting: Solution | None = None
    resolution: float = np.nan

    @classmethod
    def of(cls, solution: Solution, shooting: Solution | None = None) -> ODESolution:
        """Return the solution with what a fit of trajectories can do besides."""
        other = object.__new__(cls)
        other.__dict__.update(solution.__dict__)
        other.shooting = shooting
        return other

    @property
    def dof(self) -> int:
        """Data rows minus identified parameters; the states at the cuts follow from the others, and do not count."""
        rows = sum(n for _, n in self.chi2_by_condition.values())
        program = self.problem.program
        return rows - max(self.rank - program.nodes * program.flow.state.size, 0) if rows else 0

    @property
    def solver(self) -> str:
        """Name of the Runge-Kutta pair."""
        return self.problem.solver

    @property
    def reason(self) -> str:
        """Why this pair."""
        return self.problem.reason

    def predict(
        self,
        x: Any,
        *,
        band: bool = False,
        condition: str | None = None,
        run: int = 0,
        observed: bool = False,
    ) -> Any:
        """Return the fitted trajectory at other times, also beyond the data.

        Parameters
        ----------
        x
            Times (n,), ascending, not before the start of the trajectory.
        band
            Also return the standard error, sqrt(diag(G C G^T)) with G the exact derivative along the trajectory: it grows
            where the data no longer hold the trajectory. NaN where it depends on what the data leave open.
        condition
            Name of one measured quantity, to get that alone; implies ``observed``.
        run
            Which trajectory.
        observed
            What is measured instead of the state.

        Returns
        -------
        tree or (tree, tree)
            In the form of the state (or of the data), with a leading axis n.
        """
        from sciopt.dynamics.forecast import forecast

        return forecast(self, x, band, run, observed or condition is not None, condition)

    @cached_property
    def steps(self) -> dict[str, Array]:
        """Accepted steps of the fitted trajectories: ``time`` (their ends), ``h``, ``error`` (E) and ``run``."""
        from sciopt.dynamics.forecast import played

        grid, result = played(self)
        arrays, table = self.problem.arrays, self.problem.table
        live = np.arange(grid.steps.interval.shape[1]) < grid.steps.count[:, None]
        lane, j = np.nonzero(live)
        stops = np.asarray(arrays.lanes.stops)
        a = stops[lane, grid.steps.interval[lane, j]]
        b = stops[lane, grid.steps.interval[lane, j] + 1]
        time = a + grid.steps.hi[lane, j] * (b - a) + np.asarray(arrays.lanes.origin)[lane]
        h, error = np.asarray(result.h)[lane, j], np.asarray(result.error)[lane, j]
        return {"time": time, "h": h, "error": error, "run": table.run[lane]}

    def evaluations(self, rtol: float | None = None) -> int:
        """Return how often the field is evaluated to solve the fitted trajectories once, at a tolerance.

        Parameters
        ----------
        rtol
            Tolerance; that of the fit by default.

        Notes
        -----
        For an implicit pair, stages count once, without their Newton steps.
        """
        from dataclasses import replace

        problem = self.problem
        if rtol is not None:
            nodes = self.params["nodes"] if problem.program.nodes else None
            problem = type(problem)(replace(problem.setting, rtol=float(rtol)), problem.cuts, nodes)
        grid = adaptive(problem, self.theta)
        if grid.failed:
            raise DataError(f"the fitted trajectories cannot be solved at rtol={rtol}: {grid.failed}")
        lanes = len(grid.steps.count)
        tableau = problem.program.flow.tableau
        return (grid.accepted + int(grid.rejected.sum())) * tableau.evaluations + lanes * (1 if tableau.fsal else 0)

    def field(self, t: float, y: Any, run: int = 0) -> Any:
        """Return the fitted dy/dt at a time and state, in the form of the state.

        Parameters
        ----------
        t
            Time.
        y
            State.
        run
            Trajectory whose controls apply.
        """
        state = self.problem.program.flow.state
        with double():
            vector = state.vector(y, "y")
            rate = self.field_at(t, np.asarray(vector)[None], run)[0]
            return jax.tree_util.tree_map(np.asarray, state.unravel(jnp.asarray(rate)))

    def field_at(self, t: float, vectors: Any, run: int = 0) -> Array:
        """Return the fitted rates at a time for many state vectors (n, d), as vectors (n, d)."""
        program = self.problem.program
        with double():
            control = jax.tree_util.tree_map(lambda c: c[run], self.problem.arrays.lanes.control)
            p = program.flow.parameters(jnp.asarray(self.theta), self.problem.arrays.fixed)
            return np.asarray(jax.vmap(lambda y: program.flow.rate(t, y, p, control))(jnp.asarray(vectors)))

    def data_of(self, name: str | None = None) -> dict[str, Any]:
        """Return ``x`` (times), ``y``, ``model``, ``sigma`` and ``pulls`` of a measured quantity (the first by default)."""
        data, lin = self.problem.setting.data, self._lin
        name = data.names[0] if name is None else name
        if name not in data.names:
            raise DataError(f"no measured quantity named {name!r}; there are: {', '.join(data.names)}")
        k = data.names.index(name)
        pulls = np.full(data.values[k].size, np.nan)
        keep = slice(None) if data.keep[k] is None else data.keep[k].ravel()
        pulls[keep] = lin.specs[k].pulls(lin._z[k])
        model = lin.evaluation.outputs[k]
        y = data.values[k] if data.keep[k] is None else np.where(data.keep[k], data.values[k], np.nan)
        return {"x": data.time, "y": y, "model": model, "sigma": data.spread[k], "sigma_x": None, "pulls": pulls}
