r"""Replay of a frozen step grid: states, local errors and stiffness of every step, and their exact derivatives.

An adaptive walk (`sciopt.dynamics.walk`) picks the steps once; the frame holds them. Everything that is compared on that
frame is a plain loop over these steps, so that it is a smooth function of theta with exact derivatives in both modes.
This module is the seam on which regularisers of the solver's own heuristics stand.

Arrays (`sciopt.dynamics.lanes`)
--------------------------------
``Lanes``
    B lanes (trajectories, or segments of them), each with a start, up to K stops (data times, jumps, ends), and
    its origin of time. Times inside are relative to the origin of the lane; the field sees absolute times.
``Steps``
    The grid: step j of lane b goes from the fraction ``lo`` to ``hi`` of interval ``interval`` (between two stops);
    steps from ``count[b]`` on are padding of length zero.

Functions
---------
``replay(flow, slots, theta, fixed, y0, lanes, steps, rtol, atol)`` -> `Replayed`
    Scan over ``slots`` steps; differentiable forward and reverse with respect to ``theta`` and ``y0``. ``h``,
    ``error`` (:math:`E_j`, the scaled local error the controller sees: rms of e / (atol + rtol max(abs y))), and
    ``stiffness`` (:math:`S_j`) have shape (B, slots), zeros in the padding. From them a regulariser is one line:
    :math:`R_E = \sum E_j h_j`, :math:`R_{E^2} = \sum E_j^2 h_j`, :math:`R_S = \sum S_j`, :math:`R_N = \sum E_j^{1/q}` with
    q = ``flow.tableau.order``.
``sensitivities(flow, theta, fixed, y0, seed, lanes, steps, rtol, atol, record=True)`` -> `Sensitivities`
    (In `sciopt.dynamics.sensitivities`.)
    The same with tangents carried along: no tape, cost independent of the number of data; ``dstates``, ``derror`` and
    ``dstiffness`` are derivatives with respect to the seeded columns and then the first ``flow.columns`` of theta, so that
    the gradient of every regulariser above is a contraction. This is what Jacobians of fits are made of.

With ``shared=True`` all lanes use the same steps and E is the root mean square over the lanes, as if they were one
system.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from sciopt.dynamics.flow import Flow
from sciopt.dynamics.lanes import Lanes, Replayed, Steps, begin, bind, heuristics, norm, slot, steps_at
from sciopt.dynamics.stepping import take

__all__ = ["replay", "replay_forward"]


def _advance(flow: Flow, theta: Any, fixed: Any, lanes: Any, rtol: Any, atol: Any, carry: Any, step: Any) -> Any:
    """Take step j of one lane; return (state, rate) and what is recorded."""
    y, k = carry
    at = slot(lanes, *step)
    bound = bind(flow, theta, fixed, lanes.control)
    keep = flow.tableau.fsal and not flow.jumps
    taken = take(flow.tableau, bound, at.clock, at.h, y, k if keep else None, (atol, rtol))
    y1 = jnp.where(at.live, taken.y, y)
    k1 = jnp.where(at.live, taken.rate, k) if keep else k
    E, S = heuristics(flow, taken, y, y1, at.live, rtol, atol)
    return (y1 + at.dose, k1), (y1, jnp.where(at.live, at.h, 0.0), E, S, at.stop)


@partial(jax.jit, static_argnums=(0, 1, 9))
def replay(
    flow: Flow,
    slots: int,
    theta: Any,
    fixed: Any,
    y0: Any,
    lanes: Lanes,
    steps: Steps,
    rtol: Any,
    atol: Any,
    shared: bool = False,
) -> Replayed:
    """Run over the frozen steps with a scan: differentiable forward and reverse in theta and y0.

    Parameters
    ----------
    flow
        The static part.
    slots
        Number of steps of the scan, at least ``max(steps.count)``.
    theta, fixed
        Unknown (P,) and the values of fixed leaves.
    y0
        States at the starts, shape (B, d).
    lanes, steps
        Stops and grid.
    rtol, atol
        Tolerances of the error norm: a number, and an array (B, d).
    shared
        E is the root mean square over the lanes.
    """
    B, K = y0.shape[0], lanes.stops.shape[1] - 1

    def body(carry: Any, j: Any) -> Any:
        now = steps_at(steps, j)
        advance = partial(_advance, flow, theta, fixed)
        return jax.vmap(lambda *a: advance(a[0], rtol, *a[1:]))(lanes, atol, carry, now)

    carry = jax.vmap(partial(begin, flow, theta, fixed))(y0, lanes)
    _, (ys, h, E, S, stop) = jax.lax.scan(body, carry, jnp.arange(slots))
    states = jnp.zeros((B, K + 2, y0.shape[1])).at[:, 0].set(y0)
    states = states.at[jnp.arange(B)[None], stop].set(ys)
    E = E.T
    if shared:
        E = jnp.broadcast_to(jax.vmap(lambda e: norm(e, 1.0), 1)(E)[None], E.shape)
    return Replayed(states[:, : K + 1], h.T, E, S.T)


@partial(jax.jit, static_argnums=(0, 1, 9))
def replay_forward(
    flow: Flow,
    slots: int,
    theta: Any,
    fixed: Any,
    y0: Any,
    lanes: Lanes,
    steps: Steps,
    rtol: Any,
    atol: Any,
    shared: bool = False,
) -> Replayed:
    """Run over the live steps only: like `replay`, for values and forward mode; not reverse."""
    B, d = y0.shape
    K, S = lanes.stops.shape[1] - 1, steps.interval.shape[1]
    rows = jnp.arange(B)

    def body(j: Any, carry: Any) -> Any:
        inner, states, h, E, stiff = carry
        advance = partial(_advance, flow, theta, fixed)
        inner, (y, hj, Ej, Sj, stop) = jax.vmap(lambda *a: advance(a[0], rtol, *a[1:]))(
            lanes, atol, inner, steps_at(steps, j)
        )
        if shared:
            Ej = jnp.broadcast_to(norm(Ej, 1.0), Ej.shape)
        return inner, states.at[rows, stop].set(y), h.at[:, j].set(hj), E.at[:, j].set(Ej), stiff.at[:, j].set(Sj)

    inner = jax.vmap(partial(begin, flow, theta, fixed))(y0, lanes)
    states = jnp.zeros((B, K + 2, d)).at[:, 0].set(y0)
    none = jnp.zeros((B, S))
    _, states, h, E, stiff = jax.lax.fori_loop(0, jnp.max(steps.count), body, (inner, states, none, none, none))
    return Replayed(states[:, : K + 1], h, E, stiff)
