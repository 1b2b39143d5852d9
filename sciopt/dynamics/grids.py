"""Step grids of a problem: adaptive solves, whether an old grid still serves, evaluations and why they fail."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import jax.numpy as jnp
import numpy as np

from sciopt._types import Array
from sciopt.dynamics.lanes import Steps
from sciopt.dynamics.plan import lanes_at, predictions, starts
from sciopt.dynamics.walk import REASONS, floor_of, walk
from sciopt.frames import Frame
from sciopt.linearise.autodiff import double

__all__ = ["Evaluation", "GridState", "adaptive", "evaluate", "follow"]

TIERS = (512, 8192)  # capacities tried before max_steps: buffers, and compiled functions, of few sizes
LOOSE = 20.0  # a grid whose local errors exceed the tolerance so many times does not resolve the trajectory
REFRESH = 2.0
KEPT = 6


@dataclass(frozen=True, eq=False)
class GridState:
    """A frozen grid with what belongs to it.

    Attributes
    ----------
    steps
        Padded steps, numpy arrays (B, S).
    atol
        Absolute tolerance of each entry of the state, shape (B, d).
    rejected
        Rejected steps of the walk, shape (B,).
    failed
        Why there is no grid, or None.
    share
        Mean of E^(1/q) over the steps when the grid was made: how well it is used.
    """

    steps: Steps
    atol: Array
    rejected: Array
    failed: str | None = None
    share: float = 1.0

    @property
    def accepted(self) -> int:
        """Number of accepted steps of all lanes."""
        return int(self.steps.count.sum())


@dataclass(eq=False)
class Evaluation:
    """Predictions at theta, the grid that they were computed on, and E of each step."""

    grid: GridState
    outputs: list[Array] = field(default_factory=list)
    error: Any = None
    failed: str | None = None


def adaptive(problem: Any, theta: Array, least: int = 0) -> GridState:
    """Solve adaptively at theta.

    Parameters
    ----------
    problem
        A `TrajectoryProblem`.
    theta
        Point (P,).
    least
        Capacity below which not to start.
    """
    plan, arrays, setting = problem.program, problem.arrays, problem.setting
    sizes = sorted({min(c, setting.max_steps) for c in TIERS if c >= least} | {setting.max_steps})
    with double():
        point = jnp.asarray(theta)
        y0 = starts(plan, point, arrays)
        lanes = lanes_at(plan, point, arrays)
        B = y0.shape[0]
        atol = jnp.broadcast_to(jnp.asarray(setting.atol), y0.shape)
        walked = None
        for capacity in sizes:
            walked = walk(plan.flow, capacity, point, arrays.fixed, y0, lanes, arrays.rtol, atol, plan.shared)
            status = np.asarray(walked.status)
            if not (status == 2).any():
                break
        assert walked is not None
        count = np.asarray(walked.steps.count)
        largest = np.asarray(walked.largest)
        tolerance = (
            np.where(np.isnan(np.asarray(atol)), setting.rtol * floor_of(np, largest), np.asarray(atol)) + 1e-290
        )
        S = bucket(int(count.max(initial=1)), int(walked.steps.interval.shape[1]))
        interval, lo, hi = (np.asarray(a)[:, :S] for a in walked.steps[:3])
        steps = Steps(interval, lo, hi, count)
    status = np.asarray(walked.status)
    failed = None
    if (status != 1).any():
        failed = _why(problem, walked, int(np.argmax(status != 1)))
    return GridState(steps, tolerance, np.asarray(walked.rejected).reshape(B), failed)


def bucket(n: int, most: int) -> int:
    """Return the padded number of slots: powers of four from 32."""
    size = 32
    while size < n:
        size *= 4
    return min(size, max(most, n))


def _why(problem: Any, walked: Any, lane: int) -> str:
    status = int(walked.status[lane])
    run = int(problem.table.run[lane])
    time = float(walked.time[lane]) + float(problem.arrays.lanes.origin[lane])
    names = problem.program.flow.state.entry_names()
    state = ", ".join(f"{n}={v:.4g}" for n, v in list(zip(names, np.asarray(walked.state[lane]), strict=True))[:4])
    which = f"trajectory {run}" if problem.program.runs > 1 else "the trajectory"
    said = REASONS[status]
    if status == 2:
        said = f"{said} (max_steps={problem.setting.max_steps}, solver {problem.solver})"
    return f"{which} {said}; it got to time {time:.10g} with {state}"


def evaluate(problem: Any, theta: Array, frame: Frame) -> Evaluation:
    """Return the predictions at theta, on the frame's grid if it resolves them, else on a grid of their own."""
    cache: OrderedDict[bytes, Evaluation] = frame.cache.setdefault("evaluations", OrderedDict())
    key = np.asarray(theta).tobytes()
    found = cache.get(key)
    if found is None:
        grid = frame.extra
        found = Evaluation(grid, failed=grid.failed) if grid.failed else _on(problem, theta, grid)
        if not grid.failed and (found.failed or _worst(found) > LOOSE):
            own = adaptive(problem, theta, len(grid.steps.interval[0]) if grid.accepted else 0)
            found = Evaluation(own, failed=own.failed) if own.failed else _on(problem, theta, own)
        cache[key] = found
        while len(cache) > KEPT:
            cache.popitem(last=False)
    return found


def _worst(found: Evaluation) -> float:
    worst = float(np.max(found.error, initial=0.0))
    return worst if np.isfinite(worst) else np.inf


def _on(problem: Any, theta: Array, grid: GridState) -> Evaluation:
    with double():
        seen, gaps, error = predictions(problem.program, jnp.asarray(theta), problem.arrays, grid.steps, grid.atol)
        outputs = [np.asarray(leaf) for leaf in seen]
        if problem.program.nodes:
            outputs.append(np.asarray(gaps))
        error = np.asarray(error)
    failed = None
    if not all(np.isfinite(z).all() for z in outputs):
        failed = "the trajectory is not finite on the step grid"
    return Evaluation(grid, outputs, error, failed)


def follow(problem: Any, theta: Array, previous: Frame) -> GridState:
    """Return the grid for theta: the previous one while its errors stay near the tolerance and its steps are used."""
    grid: GridState = previous.extra
    found = evaluate(problem, theta, previous)
    if found.failed:
        return grid
    if found.grid is not grid:
        return marked(problem, found.grid, found.error)
    share = used(problem, grid, found.error)
    reference = grid.share if grid.share < 1.0 else share
    if _worst(found) <= REFRESH and share >= 0.5 * reference:
        return grid
    new = adaptive(problem, theta)
    if new.failed or (_worst(found) <= REFRESH and new.accepted > 0.8 * grid.accepted):
        return grid
    return marked(problem, new, _on(problem, theta, new).error)


def used(problem: Any, grid: GridState, error: Any) -> float:
    """Return the mean of E^(1/q) over the steps."""
    return float(np.sum(error ** (1.0 / problem.program.flow.tableau.order)) / max(grid.accepted, 1))


def marked(problem: Any, grid: GridState, error: Any) -> GridState:
    """Return the grid with its share noted."""
    return GridState(grid.steps, grid.atol, grid.rejected, grid.failed, min(used(problem, grid, error), 0.999))
