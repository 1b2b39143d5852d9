"""Replay with tangents: exact derivatives of states, local errors and stiffness, without a tape."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from sciopt.dynamics.flow import Flow
from sciopt.dynamics.lanes import (
    Lanes,
    Replayed,
    Sensitivities,
    Steps,
    begin,
    bind,
    clock_of,
    heuristics,
    norm,
    slot,
    steps_at,
)
from sciopt.dynamics.stepping import Taken, take_with_tangent

__all__ = ["sensitivities"]


@partial(jax.jit, static_argnums=(0, 9, 10))
def sensitivities(
    flow: Flow,
    theta: Any,
    fixed: Any,
    y0: Any,
    seed: Any,
    lanes: Lanes,
    steps: Steps,
    rtol: Any,
    atol: Any,
    shared: bool = False,
    record: bool = False,
) -> Sensitivities:
    """Run over the live steps with tangents.

    Parameters
    ----------
    seed
        Tangent of ``y0`` in s seeded columns, shape (B, d, s); the identity gives block Jacobians in the lane's own start.
    record
        Also record the derivatives of E and of S (where the pair shows stiffness by its own stages).

    The other parameters are those of `replay`. Columns of the result: the s seeded ones, then those of the field's
    parameters; where ``y0`` depends on theta the two parts add up.
    """
    B, d = y0.shape
    K, S, C = lanes.stops.shape[1] - 1, steps.interval.shape[1], seed.shape[2] + flow.columns
    rows, keep = jnp.arange(B), flow.tableau.fsal and not flow.jumps
    stiffly = record and flow.tableau.pair is not None

    def one(lane: Any, atol: Any, y: Any, dy: Any, k: Any, dk: Any, now: Any) -> Any:
        at, bound = slot(lane, *now), bind(flow, theta, fixed, lane.control)
        first = (k, dk) if keep else None
        taken = take_with_tangent(flow.tableau, bound, at.clock, at.h, y, dy, first, (atol, rtol))
        y1, dy1 = jnp.where(at.live, taken.y, y), jnp.where(at.live, taken.dy, dy)
        if keep:
            k, dk = jnp.where(at.live, taken.rate, k), jnp.where(at.live, taken.drate, dk)
        E, stiff = heuristics(flow, taken, y, y1, at.live, rtol, atol)
        dE = dS = jnp.zeros(C)
        if record:
            dE = _derror(taken, y, dy, y1, dy1, at.live, rtol, atol, E)
        if stiffly:
            dS = _dratio(taken, at.live, stiff)
        return (y1 + at.dose, dy1, k, dk), (y1, dy1, jnp.where(at.live, at.h, 0.0), E, stiff, dE, dS, at.stop)

    def body(j: Any, carry: Any) -> Any:
        inner, out = carry
        y, dy, k, dk = inner
        inner, (y, dy, *numbers, stop) = jax.vmap(one)(lanes, atol, y, dy, k, dk, steps_at(steps, j))
        states, dstates, *kept = out
        states, dstates = states.at[rows, stop].set(y), dstates.at[rows, stop].set(dy)
        kept = [old if old.size == 0 else old.at[:, j].set(new) for old, new in zip(kept, numbers, strict=True)]
        return inner, (states, dstates, *kept)

    dy0 = jnp.concatenate([seed, jnp.zeros((B, d, flow.columns))], axis=2)

    def start(lane: Any, y0: Any, dy0: Any) -> Any:
        y, k = begin(flow, theta, fixed, y0, lane)
        if not keep:
            return y, dy0, k, jnp.zeros_like(dy0)
        clock = clock_of(lane.origin, lane.stops[0], 0.0, lane.stops[0], 0.0, lane.jump[0], False)
        _, Fy, Fp = flow.derivatives(clock(0.0), y, theta, fixed, lane.control)
        return y, dy0, k, Fy @ dy0 + jnp.pad(Fp, ((0, 0), (seed.shape[2], 0)))

    inner = jax.vmap(start)(lanes, y0, dy0)
    none = jnp.zeros((B, S))
    out = (
        jnp.zeros((B, K + 2, d)).at[:, 0].set(y0),
        jnp.zeros((B, K + 2, d, C)).at[:, 0].set(dy0),
        none,
        none,
        none,
        jnp.zeros((B, S if record else 0, C)),
        jnp.zeros((B, S if stiffly else 0, C)),
    )
    _, out = jax.lax.fori_loop(0, jnp.max(steps.count), body, (inner, out))
    states, dstates, h, E, stiff, dE, dS = out
    if shared:
        whole = jax.vmap(lambda e: norm(e, 1.0), 1)(E)[None]
        if record:
            safe = jnp.where(whole > 0, whole, 1.0)
            dE = dE * (E / (B * safe))[:, :, None]  # each lane's share of the derivative of the common E
        E = jnp.broadcast_to(whole, E.shape)
    return Sensitivities(
        Replayed(states[:, : K + 1], h, E, stiff),
        dstates[:, : K + 1],
        dE if record else None,
        dS if stiffly else None,
    )


def _derror(taken: Taken, y: Any, dy: Any, y1: Any, dy1: Any, live: Any, rtol: Any, atol: Any, E: Any) -> Any:
    """Return the derivative of the scaled local error, shape (C,)."""
    larger = jnp.abs(y1) > jnp.abs(y)
    scale = atol + rtol * jnp.where(larger, jnp.abs(y1), jnp.abs(y))
    dscale = rtol * jnp.where(larger, jnp.sign(y1), jnp.sign(y))[:, None] * jnp.where(larger[:, None], dy1, dy)
    x = taken.error / scale
    dx = (taken.derror - x[:, None] * dscale) / scale[:, None]
    live = live & (E > 0)
    return jnp.where(live, (x @ dx) / (x.size * jnp.where(live, E, 1.0)), 0.0)


def _dratio(taken: Taken, live: Any, S: Any) -> Any:
    """Return the derivative of the stiffness estimate, shape (C,)."""
    (top, bottom), (dtop, dbottom) = taken.stiffness, taken.dstiffness
    a, b = jnp.sum(top**2), jnp.sum(bottom**2)
    live = live & (S > 0)
    share = (top @ dtop) / jnp.where(live, a, 1.0) - (bottom @ dbottom) / jnp.where(live, b, 1.0)
    return jnp.where(live, S * share, 0.0)
