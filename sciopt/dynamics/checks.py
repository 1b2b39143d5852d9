"""What is looked at once a fit has ended: the solver's own error, and pulses that its steps may have skipped."""

from __future__ import annotations

import warnings
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sciopt._types import Array
from sciopt.dynamics.flow import Flow
from sciopt.dynamics.forecast import played
from sciopt.dynamics.grids import adaptive, evaluate
from sciopt.dynamics.plan import predictions
from sciopt.linearise.autodiff import double

__all__ = ["examined", "skipped_pulses", "solver_error"]

TIGHTER = 0.01  # factor between the two tolerances that are compared
SAMPLES = 4096
BEYOND = 0.1  # how far outside of what the stages saw a pulse must reach, in units of the range that they saw


def solver_error(solution: Any) -> float:
    """Return the largest change of a prediction when the trajectories are solved a hundred times more exactly.

    In units of sigma, or of the root mean square residual of each quantity if sigma is not known; NaN where the
    tighter solve fails.
    """
    problem, theta = solution.problem, solution.theta
    found = evaluate(problem, theta, solution.iterate.frame)
    data = problem.setting.data
    tight = _Tight(problem)
    grid = adaptive(tight, theta)
    if grid.failed or found.failed:
        return float("nan")
    with double():
        seen, _, _ = predictions(tight.program, jnp.asarray(theta), tight.arrays, grid.steps, grid.atol)
        better = [np.asarray(leaf) for leaf in seen]
    worst = 0.0
    for z, exact, values, spread, keep in zip(found.outputs, better, data.values, data.spread, data.keep, strict=False):
        good = np.ones(values.shape, bool) if keep is None else keep
        unit: Any = spread
        if unit is None:
            unit = np.full(values.shape, np.sqrt(np.mean((z - values)[good] ** 2)))
        change = np.abs(z - exact)[good]
        with np.errstate(all="ignore"):
            ratio = np.where(change > 0, change / unit[good], 0.0)
        worst = max(worst, float(np.max(ratio, initial=0.0)))
    return worst


class _Tight:
    """A problem with a hundredth of its tolerances: the same compiled functions, other numbers."""

    def __init__(self, problem: Any) -> None:
        rtol = max(TIGHTER * problem.setting.rtol, 1e-14)
        self.setting = replace(problem.setting, rtol=rtol, atol=TIGHTER * np.asarray(problem.setting.atol))
        self.program, self.table, self.solver = problem.program, problem.table, problem.solver
        self.arrays = problem.arrays._replace(rtol=np.asarray(rtol))


@partial(jax.jit, static_argnums=0)
def _rates(flow: Flow, theta: Any, fixed: Any, control: Any, times: Any, y: Any) -> Any:
    p = flow.parameters(theta, fixed)
    return jax.vmap(lambda t: flow.rate(t, y, p, control))(times)


def skipped_pulses(solution: Any) -> list[float]:
    """Return times at which the field, for a state held constant, leaves the range that the solver's stages saw.

    A pulse between two steps does not show in any error estimate. The field's explicit dependence on time is sampled at
    4,096 times of each trajectory and compared with its values at the times of the stages.
    """
    problem = solution.problem
    flow, arrays, table = problem.program.flow, problem.arrays, problem.table
    grid, result = played(solution)
    stops, origin = np.asarray(arrays.lanes.stops), np.asarray(arrays.lanes.origin)
    nodes = np.asarray(flow.tableau.c)
    out: list[float] = []
    for run in range(problem.program.runs):
        lanes = np.flatnonzero(table.run == run)
        visited = []
        for b in lanes:
            n = int(grid.steps.count[b])
            k = grid.steps.interval[b, :n]
            a, end = stops[b, k], stops[b, k + 1]
            t, h = a + grid.steps.lo[b, :n] * (end - a), (grid.steps.hi[b, :n] - grid.steps.lo[b, :n]) * (end - a)
            visited.append((origin[b] + t[:, None] + nodes * h[:, None]).ravel())
        seen = np.concatenate(visited)
        if not len(seen):
            continue
        seen = np.unique(seen)[:: max(1, len(np.unique(seen)) // SAMPLES)]
        first, last = seen[0], seen[-1]
        golden = (np.arange(SAMPLES) * 0.6180339887498949) % 1.0
        sampled = first + golden * (last - first)
        y = np.asarray(result.states)[lanes[0], 0]
        padded = np.concatenate([seen, np.full(-len(seen) % 1024, first)])
        with double():
            control = jax.tree_util.tree_map(lambda c, b=int(lanes[0]): c[b], arrays.lanes.control)
            rates = partial(_rates, flow, jnp.asarray(solution.theta), arrays.fixed, control)
            known, all_ = np.asarray(rates(padded, y))[: len(seen)], np.asarray(rates(sampled, y))
        out += _outside(known, all_, sampled)
    return out


def _outside(known: Array, sampled: Array, times: Array) -> list[float]:
    """Return the first time of each entry at which the samples leave the range of the known values."""
    low, high = known.min(0), known.max(0)
    margin = BEYOND * (high - low) + 1e-9 * (np.abs(known).max(0) + 1e-300)
    beyond = (sampled > high + margin) | (sampled < low - margin)
    where = np.flatnonzero(beyond.any(1))
    return [float(times[where].min())] if where.size else []


def examined(solution: Any) -> Any:
    """Note on a solution what the checks found; returns it."""
    error = solution.resolution = solver_error(solution)
    if error > 0.1:
        unit = "sigma" if solution.errors_kind == "absolute" else "the scatter of the residuals"
        solution.notes = [
            *solution.notes,
            f"the solver's error is {error:.2g} of {unit}: data are finer than rtol={solution.problem.setting.rtol:.1e} "
            "resolves; give a smaller rtol=",
        ]
    for time in skipped_pulses(solution):
        told = (
            f"the field changes near time {time:.6g} where no step of the solver looked; name such instants in jumps= "
            "(or doses=)"
        )
        solution.notes = [*solution.notes, told]
        warnings.warn(told, stacklevel=4)
    return solution
