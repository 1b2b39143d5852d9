r"""Sums of the solver's own heuristics over a frozen step grid, and their exact gradients.

With the scaled local error :math:`E_j`, the length :math:`h_j` and the stiffness estimate :math:`S_j` of step j:

===============  ==========================================  ==========================================
``"steps"``      :math:`R_N = \sum_j E_j^{1/q}`              a smooth number of steps, q the order of the error
``"error"``      :math:`R_E = \sum_j E_j h_j`                accumulated error
``"error2"``     :math:`R_{E^2} = \sum_j E_j^2 h_j`          accumulated squared error
``"stiffness"``  :math:`R_S = \sum_j S_j`                    accumulated stiffness
===============  ==========================================  ==========================================

Several trajectories: the mean over them. A step-size controller pins E near its tolerance, so that the value of
R_E says little about the work; R_N does not depend on the grid to leading order. In R_N a step fades out where its
error falls below 1e-4 of the tolerance (a short last step, a stage at rounding): the root is steep at zero.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sciopt._types import Array
from sciopt.dynamics.grids import GridState
from sciopt.dynamics.lanes import Steps, begin, bind, heuristics, norm, slot, steps_at
from sciopt.dynamics.plan import Plan, lanes_at, starts
from sciopt.dynamics.replay import replay
from sciopt.dynamics.stepping import take
from sciopt.linearise.autodiff import double

__all__ = ["KINDS", "contribution", "local_value_and_gradient", "value", "value_and_gradient"]

NEGLIGIBLE = 1e-4  # steps whose error is below this share of the tolerance do not count: E^(1/q) is steep at zero

KINDS = ("steps", "error", "error2", "stiffness")


def contribution(chosen: Any, order: int, E: Any, h: Any, S: Any) -> Any:
    """Return what a step adds to the sum; its derivative is zero where E is.

    ``chosen`` holds a one at the place of the kind in `KINDS`: an argument, so that all kinds share compiled code.
    """
    positive = E > 0
    safe = jnp.where(positive, E, 1.0)
    smooth = jnp.where(positive, safe ** (1.0 / order) * safe * safe / (safe * safe + NEGLIGIBLE**2), 0.0)
    return chosen[0] * smooth + chosen[1] * E * h + chosen[2] * E * E * h + chosen[3] * S


def one_hot(kind: str) -> Array:
    """Return the weights of a kind, shape (4,)."""
    return np.array([float(k == kind) for k in KINDS])


def slots_of(count: int, most: int) -> int:
    """Return the length of a reverse sweep over so many steps, which pays for padding: powers of 1.3."""
    size = 8.0
    while size < count:
        size *= 1.3
    return min(int(size), most)


def _total(plan: Plan, slots: int, chosen: Any, theta: Any, arrays: Any, steps: Steps, atol: Any) -> Any:
    y0, lanes = starts(plan, theta, arrays), lanes_at(plan, theta, arrays)
    played = replay(plan.flow, slots, theta, arrays.fixed, y0, lanes, steps, arrays.rtol, atol, plan.shared)
    each = contribution(chosen, plan.flow.tableau.order, played.error, played.h, played.stiffness)
    live = jnp.arange(slots) < steps.count[:, None]
    return jnp.sum(jnp.where(live, each, 0.0)) / y0.shape[0]


_value = partial(jax.jit, static_argnums=(0, 1))(_total)


@partial(jax.jit, static_argnums=(0, 1))
def _value_and_grad(
    plan: Plan, slots: int, chosen: Any, theta: Any, arrays: Any, steps: Steps, atol: Any
) -> tuple[Any, Any]:
    return jax.value_and_grad(lambda point: _total(plan, slots, chosen, point, arrays, steps, atol))(theta)


def _cut(problem: Any, grid: GridState) -> tuple[int, Steps]:
    slots = slots_of(int(grid.steps.count.max(initial=1)), grid.steps.interval.shape[1])
    interval, lo, hi = (a[:, :slots] for a in grid.steps[:3])
    return slots, Steps(interval, lo, hi, grid.steps.count)


def value(problem: Any, kind: str, theta: Array, grid: GridState) -> float:
    """Return the sum at theta on a grid; see `value_and_gradient`."""
    slots, steps = _cut(problem, grid)
    with double():
        return float(
            _value(problem.program, slots, one_hot(kind), jnp.asarray(theta), problem.arrays, steps, grid.atol)
        )


def value_and_gradient(problem: Any, kind: str, theta: Array, grid: GridState) -> tuple[float, Array]:
    """Return (sum, gradient (P,)) on a grid, by one reverse sweep through the steps.

    Parameters
    ----------
    problem
        A `TrajectoryProblem`.
    kind
        One of the kinds of this module.
    theta, grid
        Point (P,) and frozen grid.

    Notes
    -----
    The gradient is that of the sum over the recorded steps: their lengths are held. R_S of pairs without two stages
    at the end of the step is the derivative along the error vector, which is held too.
    """
    slots, steps = _cut(problem, grid)
    with double():
        total, g = _value_and_grad(
            problem.program, slots, one_hot(kind), jnp.asarray(theta), problem.arrays, steps, jnp.asarray(grid.atol)
        )
        return float(total), np.asarray(g)


def _one(plan: Plan, theta: Any, arrays: Any, lane: Any, atol: Any, y: Any, now: Any) -> Any:
    """Take one step of one lane from y; return (state after, E, h, S)."""
    flow = plan.flow
    at, bound = slot(lane, *now), bind(flow, theta, arrays.fixed, lane.control)
    taken = take(flow.tableau, bound, at.clock, at.h, y, None, atol + arrays.rtol * jnp.abs(y))
    y1 = jnp.where(at.live, taken.y, y)
    E, S = heuristics(flow, taken, y, y1, at.live, arrays.rtol, atol)
    return y1 + at.dose, E, jnp.where(at.live, at.h, 0.0), S


@partial(jax.jit, static_argnums=(0, 1))
def _visited(plan: Plan, slots: int, theta: Any, arrays: Any, steps: Steps, atol: Any) -> Any:
    """Return the states from which the steps begin, shape (slots, B, d)."""
    y0, lanes = starts(plan, theta, arrays), lanes_at(plan, theta, arrays)

    def body(y: Any, j: Any) -> Any:
        new = jax.vmap(lambda *a: _one(plan, theta, arrays, *a)[0])(lanes, atol, y, steps_at(steps, j))
        return new, y

    first = jax.vmap(lambda y, lane: begin(plan.flow, theta, arrays.fixed, y, lane)[0])(y0, lanes)
    return jax.lax.scan(body, first, jnp.arange(slots))[1]


@partial(jax.jit, static_argnums=0)
def _local(plan: Plan, chosen: Any, theta: Any, arrays: Any, steps: Steps, atol: Any, states: Any, picked: Any) -> Any:
    """Return (value, gradient) of the picked steps (n, B), each from its own state (n, B, d), which is constant."""
    lanes = lanes_at(plan, jax.lax.stop_gradient(theta), arrays)
    rows = jnp.arange(steps.count.shape[0])

    def total(theta: Any) -> Any:
        def one(y: Any, j: Any) -> Any:
            now = (steps.interval[rows, j], steps.lo[rows, j], steps.hi[rows, j], j < steps.count)
            _, E, h, S = jax.vmap(lambda *a: _one(plan, theta, arrays, *a))(lanes, atol, y, now)
            if plan.shared:
                E = jnp.broadcast_to(norm(E, 1.0), E.shape)
            return jnp.mean(steps.count * contribution(chosen, plan.flow.tableau.order, E, h, S))

        return jnp.mean(jax.vmap(one)(states, picked))

    return jax.value_and_grad(total)(theta)


def local_value_and_gradient(
    problem: Any, kind: str, theta: Array, grid: GridState, rng: np.random.Generator, count: int = 1
) -> tuple[float, Array]:
    """Return an estimate of the sum from a few steps, and its gradient with the states that they begin from held.

    Each of ``count`` steps of a trajectory is drawn uniformly from its accepted ones (all trajectories of a shared grid
    take the same) and counts for all; the gradient costs that of one step.

    Parameters
    ----------
    problem, kind, theta, grid
        As in `value_and_gradient`.
    rng
        Generator of the draws.
    count
        Steps drawn.

    Notes
    -----
    Pal, Edelman and Rackauckas, ICML (2023), PMLR 202:26809 penalise one step of a solve in this way.
    """
    slots, steps = _cut(problem, grid)
    B = len(grid.steps.count)
    most = np.maximum(grid.steps.count, 1)
    unit = rng.uniform(size=(count, 1)) if problem.program.shared else rng.uniform(size=(count, B))
    picked = np.minimum((unit * most).astype(int), most - 1)
    with double():
        point, atol = jnp.asarray(theta), jnp.asarray(grid.atol)
        states = _visited(problem.program, slots, point, problem.arrays, steps, atol)
        chosen = states[picked, np.arange(B)]
        total, g = _local(
            problem.program, one_hot(kind), point, problem.arrays, steps, atol, chosen, jnp.asarray(picked)
        )
        return float(total), np.asarray(g)
