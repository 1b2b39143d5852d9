"""Trajectories of a finished fit at other times, with their bands."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sciopt._errors import ConditionError, DataError
from sciopt.dynamics.grids import adaptive, evaluate
from sciopt.dynamics.plan import lanes_at, predictions, starts
from sciopt.dynamics.replay import replay_forward
from sciopt.linearise.autodiff import double

__all__ = ["forecast", "played"]


def played(solution: Any) -> tuple[Any, Any]:
    """Return (grid, replay) of the fitted trajectories on the grid in force."""
    problem, theta = solution.problem, solution.theta
    grid = evaluate(problem, theta, solution.iterate.frame).grid
    with double():
        point = jnp.asarray(theta)
        y0 = starts(problem.program, point, problem.arrays)
        lanes = lanes_at(problem.program, point, problem.arrays)
        result = replay_forward(
            problem.program.flow,
            0,
            point,
            problem.arrays.fixed,
            y0,
            lanes,
            grid.steps,
            problem.arrays.rtol,
            grid.atol,
            problem.program.shared,
        )
    return grid, result


def forecast(solution: Any, x: Any, band: bool, run: int, observed: bool, condition: str | None) -> Any:
    """Return the trajectory at times x; see `ODESolution.predict`."""
    problem = solution.problem
    names = problem.setting.data.names
    if condition is not None and condition not in names:
        raise ConditionError(f"no measured quantity named {condition!r}; there are: {', '.join(names)}")
    times = np.asarray(x, float)
    if times.ndim != 1 or not times.size or not np.isfinite(times).all():
        raise DataError(f"predict: times must be a row of finite numbers, got shape {times.shape}")
    if (np.diff(times) < 0).any():
        raise DataError("predict: times must be ascending")
    if not 0 <= run < problem.program.runs:
        raise DataError(f"predict: there is no trajectory {run}; the fit had {problem.program.runs}")
    other, rows = problem.elsewhere(times, run, observed)
    theta = solution.theta
    grid = adaptive(other, theta)
    if grid.failed:
        raise DataError(f"predict: {grid.failed}")
    with double():
        seen, _, _ = predictions(other.program, jnp.asarray(theta), other.arrays, grid.steps, grid.atol)
        leaves = [np.asarray(leaf)[rows] for leaf in seen]
    value = _tree(other, leaves, observed, condition, problem)
    if not band:
        return value
    known = solution.uncertainty
    scale = 1.0
    if solution.errors_kind == "scaled":
        scale = solution.chi2 / solution.dof if solution.dof > 0 else np.nan
    from sciopt.dynamics.block import TrajectoryBlock

    block = TrajectoryBlock(other, tuple(range(len(leaves))))
    if any(map(np.iscomplexobj, leaves)):
        raise ConditionError(
            "the band of a complex state is not available; give observe= with its parts, and observed=True"
        )
    with double():
        G, _ = block.jacobian(theta, grid)
    G = G[rows].reshape(-1, G.shape[-1])
    variance = np.einsum("ij,jk,ik->i", G, known.identified, G) * scale
    if known.null.size:
        null = known.null / np.linalg.norm(known.null, axis=0)
        loose = np.linalg.norm(G @ null, axis=1) > 1e-6 * np.linalg.norm(G, axis=1)
        variance = np.where(loose, np.nan, variance)
    error = np.sqrt(np.maximum(variance, 0.0)).reshape(len(times), -1)
    parts, place = [], 0
    for leaf in leaves:
        width = int(np.prod(leaf.shape[1:]))
        parts.append(error[:, place : place + width].reshape(leaf.shape))
        place += width
    return value, _tree(other, parts, observed, condition, problem)


def _tree(other: Any, leaves: Any, observed: bool, condition: str | None, problem: Any) -> Any:
    data = problem.setting.data
    if condition is not None:
        return leaves[data.names.index(condition)]
    treedef = data.treedef if observed else other.program.flow.state.treedef
    return jax.tree_util.tree_unflatten(treedef, leaves)
