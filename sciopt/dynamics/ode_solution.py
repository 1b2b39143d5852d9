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
from sciopt.dynamics.state import named
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
        """Return the fitted dy/dt at a time and state, in the form of the state."""
        plan = self.problem.program
        with double():
            control = jax.tree_util.tree_map(lambda c: c[run], self.problem.arrays.lanes.control)
            p = plan.flow.parameters(jnp.asarray(self.theta), self.problem.arrays.fixed)
            rate = plan.flow.rate(t, plan.flow.state.ravel(named(y)), p, control)
            return jax.tree_util.tree_map(np.asarray, plan.flow.state.unravel(rate))
