"""Compiled functions of a trajectory problem: starts, predictions, gaps and their Jacobians, with all data as arguments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from sciopt.dynamics.flow import Flow
from sciopt.dynamics.lanes import Lanes, Replayed, Steps
from sciopt.dynamics.replay import replay_forward
from sciopt.dynamics.sensitivities import sensitivities
from sciopt.dynamics.state import named

__all__ = ["Arrays", "Plan", "arity", "initial_states", "lanes_at", "linear", "predictions", "starts", "whole"]


@dataclass(frozen=True)
class Plan:
    """What the compiled functions of a problem depend on statically.

    Attributes
    ----------
    flow
        Field, state, unknown, pair.
    observe
        ``observe(t, y, p)`` or ``observe(y)``, or None for the state (or the entries named by the data).
    picked
        Without ``observe``: keys of the state that were measured; None = all of it.
    initial
        ``("tree",)``, ``("same",)`` (one tree for all trajectories), or ``("call", functions)``.
    runs
        Number of trajectories.
    nodes
        Number of inner nodes, the last leaf of the unknown.
    timed
        Whether start times are unknown.
    shared
        Whether all lanes use one grid.
    """

    flow: Flow
    observe: Callable[..., Any] | None
    picked: tuple[str, ...] | None
    initial: tuple[Any, ...]
    runs: int
    nodes: int = 0
    timed: bool = False
    shared: bool = False

    def observed(self, t: Any, y: Any, theta: Any, fixed: Any) -> Any:
        """Return what is measured of a state vector at time t, as a tuple of leaves."""
        state = named(self.flow.state.unravel(y))
        if self.observe is None:
            seen = state if self.picked is None else {k: state[k] for k in self.picked}
        elif arity(self.observe) == 1:
            seen = self.observe(state)
        else:
            seen = self.observe(t, state, self.flow.parameters(theta, fixed))
        return tuple(jnp.asarray(leaf) for leaf in jax.tree_util.tree_leaves(named(seen)))


def arity(function: Any) -> int:
    """Return the number of arguments that a function cannot do without."""
    import inspect

    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 3
    return sum(p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)


class Arrays(NamedTuple):
    """Array arguments: fixed leaves, lanes, where lanes start, where data sit, tolerances."""

    fixed: Any
    lanes: Lanes
    run: Any
    source: Any
    lane: Any
    stop: Any
    time: Any
    rtol: Any
    gap_scale: Any


def initial_states(plan: Plan, theta: Any, fixed: Any) -> Any:
    """Return the initial states of all trajectories, shape (T, d)."""
    tree, flow = plan.flow.spec.tree(theta, fixed), plan.flow
    kind = plan.initial[0]
    if kind == "call":
        p = flow.of_tree(tree)
        return jnp.stack([flow.state.ravel(named(f(p))) for f in plan.initial[1]])
    if kind == "same":
        return jnp.broadcast_to(flow.state.ravel(named(tree["initial"])), (plan.runs, flow.state.size))
    return jnp.stack([flow.state.ravel(named(part)) for part in tree["initial"]])


def _starts(plan: Plan, theta: Any, fixed: Any, source: Any) -> Any:
    first = initial_states(plan, theta, fixed)
    if plan.nodes:
        first = jnp.concatenate([first, plan.flow.spec.tree(theta, fixed)["nodes"]])
    return first[source]


@partial(jax.jit, static_argnums=0)
def starts(plan: Plan, theta: Any, arrays: Arrays) -> Any:
    """Return the state at the start of each lane, shape (B, d)."""
    return _starts(plan, theta, arrays.fixed, arrays.source)


def lanes_at(plan: Plan, theta: Any, arrays: Arrays) -> Lanes:
    """Return the lanes, with unknown start times put in."""
    lanes = arrays.lanes
    if not plan.timed:
        return lanes
    begun = plan.flow.spec.tree(theta, arrays.fixed)["start"]
    begun = jnp.stack([jnp.asarray(b, float) for b in begun]) if isinstance(begun, (list, tuple)) else begun
    begun = jnp.broadcast_to(jnp.asarray(begun, float), (plan.runs,))[arrays.run] - lanes.origin
    first = arrays.source < plan.runs
    stops = jnp.asarray(lanes.stops)
    return lanes._replace(stops=stops.at[:, 0].set(jnp.where(first, begun, stops[:, 0])))


def _read(plan: Plan, theta: Any, arrays: Arrays, y0: Any, played: Replayed) -> tuple[tuple[Any, ...], Any]:
    """Return (leaves of the predictions (N, ...), gaps at the nodes (n, d))."""
    rows = played.states[arrays.lane, arrays.stop]
    seen = jax.vmap(lambda t, y: plan.observed(t, y, theta, arrays.fixed))(arrays.time, rows)
    return seen, _gaps(plan, arrays, y0, played.states)


def _ends(arrays: Arrays, values: Any) -> Any:
    return values[jnp.arange(values.shape[0]), arrays.lanes.number]


def _gaps(plan: Plan, arrays: Arrays, y0: Any, states: Any) -> Any:
    """Return end of the segment before minus the node, in units of the state's size."""
    if not plan.nodes:
        return jnp.zeros((0, y0.shape[1]))
    inner = jnp.nonzero(arrays.source >= plan.runs, size=plan.nodes)[0]
    return (_ends(arrays, states)[inner - 1] - y0[inner]) / arrays.gap_scale


@partial(jax.jit, static_argnums=0)
def predictions(plan: Plan, theta: Any, arrays: Arrays, steps: Steps, atol: Any) -> Any:
    """Return (predictions, gaps, local error E of each step) on a grid."""
    y0 = _starts(plan, theta, arrays.fixed, arrays.source)
    lanes = lanes_at(plan, theta, arrays)
    played = replay_forward(plan.flow, 0, theta, arrays.fixed, y0, lanes, steps, arrays.rtol, atol, plan.shared)
    return (*_read(plan, theta, arrays, y0, played), played.error)


class Linear(NamedTuple):
    """Jacobian of predictions and gaps in the lane's own start (``own``) and in the field's parameters (``field``).

    ``own`` has shapes (N, m, s) and (n, d, s), ``field`` (N, m, p) and (n, d, p); ``initial`` is (T, d, P').
    """

    own: Any
    field: Any
    gap_own: Any
    gap_field: Any
    initial: Any


@partial(jax.jit, static_argnums=(0, 5))
def linear(plan: Plan, theta: Any, arrays: Arrays, steps: Steps, atol: Any, head: int) -> Linear:
    """Return the block Jacobian on a grid; ``head`` entries of theta come before the nodes."""
    flow = plan.flow
    p = flow.columns
    y0 = _starts(plan, theta, arrays.fixed, arrays.source)
    lanes = lanes_at(plan, theta, arrays)

    def first(part: Any) -> Any:
        return initial_states(plan, jnp.concatenate([part, theta[head:]]), arrays.fixed)

    initial = jax.jacfwd(first)(theta[:head])
    d = flow.state.size
    if plan.nodes or d <= head:
        seed = jnp.broadcast_to(jnp.eye(d), (y0.shape[0], d, d))
    else:
        seed = initial[arrays.run]
    result = sensitivities(flow, theta, arrays.fixed, y0, seed, lanes, steps, arrays.rtol, atol, plan.shared)
    rows, drows = result.replayed.states[arrays.lane, arrays.stop], result.dstates[arrays.lane, arrays.stop]

    def seen(t: Any, y: Any, head: Any) -> Any:
        leaves = plan.observed(t, y, jnp.concatenate([head, theta[p:]]), arrays.fixed)
        return jnp.concatenate([jnp.ravel(leaf) for leaf in leaves])

    if plan.observe is None:
        Oy = jax.vmap(jax.jacfwd(seen, argnums=1), (0, 0, None))(arrays.time, rows, theta[:p])
        J = jnp.einsum("nmd,ndc->nmc", Oy, drows)
    else:
        Oy, Op = jax.vmap(jax.jacrev(seen, argnums=(1, 2)), (0, 0, None))(arrays.time, rows, theta[:p])
        J = jnp.einsum("nmd,ndc->nmc", Oy, drows).at[:, :, seed.shape[2] :].add(Op)
    s = seed.shape[2]
    if plan.nodes:
        inner = jnp.nonzero(arrays.source >= plan.runs, size=plan.nodes)[0]
        G = _ends(arrays, result.dstates)[inner - 1] / arrays.gap_scale[:, None]
    else:
        G = jnp.zeros((0, d, s + p))
    return Linear(J[:, :, :s], J[:, :, s:], G[:, :, :s], G[:, :, s:], initial)


@partial(jax.jit, static_argnums=(0, 5))
def whole(plan: Plan, theta: Any, arrays: Arrays, steps: Steps, atol: Any, mode: str) -> Any:
    """Return the dense Jacobian of (predictions, gaps) by plain forward or reverse mode; reverse needs exact slots."""

    def outputs(theta: Any) -> Any:
        y0 = _starts(plan, theta, arrays.fixed, arrays.source)
        lanes = lanes_at(plan, theta, arrays)
        if mode == "forward":
            played = replay_forward(plan.flow, 0, theta, arrays.fixed, y0, lanes, steps, arrays.rtol, atol, plan.shared)
        else:
            from sciopt.dynamics.replay import replay

            slots = steps.interval.shape[1]
            played = replay(plan.flow, slots, theta, arrays.fixed, y0, lanes, steps, arrays.rtol, atol, plan.shared)
        seen, gaps = _read(plan, theta, arrays, y0, played)
        flat = [leaf.reshape(leaf.shape[0], -1) for leaf in seen]
        return jnp.concatenate([jnp.ravel(jnp.concatenate(flat, axis=1)), jnp.ravel(gaps)])

    return (jax.jacfwd if mode == "forward" else jax.jacrev)(outputs)(theta)
