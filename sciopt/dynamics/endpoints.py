"""Jacobian of trajectories with few data each: one reverse sweep a datum and lane."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from sciopt.dynamics.lanes import Steps, slot
from sciopt.dynamics.plan import Arrays, Plan, starts
from sciopt.dynamics.stepping import Bound, take

__all__ = ["endpoint_jacobian"]


@partial(jax.jit, static_argnums=(0, 1))
def endpoint_jacobian(
    plan: Plan, slots: int, theta: Any, arrays: Arrays, steps: Steps, atol: Any, stop: Any, time: Any
) -> tuple[Any, Any]:
    """Return the Jacobian of the predictions of each lane in its own start and in the field's parameters.

    Parameters
    ----------
    plan
        The static part.
    slots
        Number of steps of the sweep, at least ``max(steps.count)``.
    theta, arrays, steps, atol
        As in `sciopt.dynamics.plan.linear`.
    stop, time
        Stop and time of each of the R data of a lane, shape (B, R).

    Returns
    -------
    own, field
        Shapes (B, R m, d) and (B, R m, p).

    Notes
    -----
    Stage tangents cost d sweeps through the field and a d x p matrix at every stage; reverse mode costs a sweep over the
    steps for each of the R m rows. With one or two rows a lane the latter is cheaper.
    """
    flow, p = plan.flow, plan.flow.columns
    keep = flow.tableau.fsal and not flow.jumps
    y0 = starts(plan, theta, arrays)

    def one(lane: Any, interval: Any, lo: Any, hi: Any, count: Any, atol: Any, y0: Any, stop: Any, time: Any) -> Any:
        def outputs(y0: Any, head: Any) -> Any:
            whole = jnp.concatenate([head, theta[p:]])
            parameters = flow.parameters(whole, arrays.fixed)  # once: the sweep adds up leaves, not vectors of length P
            still = jax.lax.stop_gradient(parameters)
            bound = Bound(
                lambda t, y: flow.rate(t, y, parameters, lane.control),
                lambda t, y: flow.rate(t, y, still, lane.control),
                _no_derivatives,
            )

            def advance(carry: Any, step: Any) -> Any:
                y, k = carry
                j, interval, lo, hi = step
                at = slot(lane, interval, lo, hi, j < count)
                taken = take(flow.tableau, bound, at.clock, at.h, y, k if keep else None, (atol, arrays.rtol))
                y = jnp.where(at.live, taken.y, y)
                return (y + at.dose, jnp.where(at.live, taken.rate, k) if keep else k), (y, at.stop)

            y = y0 + lane.dose[0]
            first = slot(lane, 0, 0.0, 1.0, True)
            k = bound.rate(first.clock(0.0), y)
            moves = (jnp.arange(slots), interval[:slots], lo[:slots], hi[:slots])
            _, (ys, reached) = jax.lax.scan(advance, (y, k), moves)
            states = jnp.zeros((lane.stops.shape[0] + 1, y0.size)).at[0].set(y0).at[reached].set(ys)
            seen = jax.vmap(lambda t, y: _flat(plan.observed(t, y, whole, arrays.fixed)))(time, states[stop])
            return jnp.ravel(seen)

        return jax.jacrev(outputs, argnums=(0, 1))(y0, theta[:p])

    return jax.vmap(one)(arrays.lanes, *steps, atol, y0, stop, time)


def _flat(leaves: tuple[Any, ...]) -> Any:
    return jnp.concatenate([jnp.ravel(leaf) for leaf in leaves])


def _no_derivatives(t: Any, y: Any) -> Any:
    raise NotImplementedError
