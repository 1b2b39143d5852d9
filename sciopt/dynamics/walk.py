"""The adaptive walk that picks a step grid: an embedded pair, a PI controller, stops hit exactly."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from sciopt.dynamics.flow import Flow
from sciopt.dynamics.lanes import Lanes, Steps, begin, bind, clock_of, norm
from sciopt.dynamics.stepping import take

__all__ = ["REASONS", "Walked", "floor_of", "walk"]

SAFETY, SHRINK, GROW = 0.9, 0.2, 10.0
FLOOR = 1e-3  # automatic absolute tolerance, in units of rtol times the largest value so far

REASONS = {
    2: "needs more than the most steps allowed",
    3: "cannot go on: the state blows up, or the step falls below the rounding of the time",
}


def floor_of(np: Any, largest: Any) -> Any:
    """Return the automatic absolute tolerance in units of rtol, for largest values (B, d).

    A thousandth of each entry's own size; entries that are still zero get 1e-12 of the largest of all.
    """
    return np.maximum(FLOOR * largest, 1e-12 * np.max(largest, axis=-1, keepdims=True))


class Walked(NamedTuple):
    """Result of a walk over B lanes.

    Attributes
    ----------
    steps
        The grid.
    rejected
        Rejected steps, shape (B,).
    status
        1 = arrived, 2 = too many steps, 3 = blow-up or vanishing step, shape (B,).
    time, state
        Where each lane ended: relative time (B,), state (B, d).
    largest
        Largest absolute value of each entry on the way, shape (B, d).
    """

    steps: Steps
    rejected: Any
    status: Any
    time: Any
    state: Any
    largest: Any


class _Carry(NamedTuple):
    t: Any
    k: Any
    h: Any
    wanted: Any
    last: Any
    y: Any
    rate: Any
    largest: Any
    count: Any
    rejected: Any
    status: Any
    interval: Any
    lo: Any
    hi: Any


@partial(jax.jit, static_argnums=(0, 1, 8))
def walk(
    flow: Flow,
    capacity: int,
    theta: Any,
    fixed: Any,
    y0: Any,
    lanes: Lanes,
    rtol: Any,
    atol: Any,
    shared: bool = False,
) -> Walked:
    """Integrate all lanes to their last stops and return the accepted steps.

    Parameters
    ----------
    flow
        The static part.
    capacity
        Most accepted steps of a lane.
    theta, fixed, y0, lanes
        As in `sciopt.dynamics.replay.replay`.
    rtol
        Relative tolerance of a step's error, a number.
    atol
        Absolute one, shape (B, d); NaN = ``1e-3 rtol`` times the largest absolute value so far.
    shared
        One step size for all lanes, controlled by the root mean square of their errors; their stops must be equal.

    Notes
    -----
    The controller is that of G. Soderlind (PI 0.3/0.4 for implicit pairs, I for explicit ones); the first step follows
    Hairer, Norsett and Wanner, Solving Ordinary Differential Equations I, II.4.
    """
    B = y0.shape[0]
    rows, tableau = jnp.arange(B), flow.tableau
    keep = tableau.fsal and not flow.jumps
    proportional, integral = (0.4, 0.3) if tableau.implicit else (0.0, 1.0)
    automatic = jnp.isnan(atol)

    def tolerance(largest: Any) -> Any:
        return jnp.where(automatic, rtol * floor_of(jnp, largest), atol) + 1e-290

    def one(lane: Any, t: Any, h: Any, k: Any, y: Any, rate: Any, largest: Any, atol: Any) -> Any:
        a, b = lane.stops[k], lane.stops[k + 1]
        clock = clock_of(lane.origin, t, h, a, b, lane.jump[k], lane.jump[k + 1])
        bound = bind(flow, theta, fixed, lane.control)
        taken = take(tableau, bound, clock, h, y, rate if keep else None, (atol, rtol))
        E = norm(taken.error, atol + rtol * jnp.maximum(jnp.abs(y), jnp.abs(taken.y)))
        good = jnp.isfinite(E) & jnp.all(jnp.isfinite(taken.y)) & jnp.all(jnp.isfinite(taken.rate))
        return taken.y, taken.rate, jnp.where(good, E, jnp.inf)

    def unfinished(c: _Carry) -> Any:
        return jnp.any(c.status == 0)

    def advance(c: _Carry) -> _Carry:
        running = c.status == 0
        a, b = lanes.stops[rows, c.k], lanes.stops[rows, c.k + 1]
        left = b - c.t
        whole = c.h >= 0.999 * left
        h = jnp.where(whole, left, jnp.where(c.h > 0.5 * left, 0.5 * left, c.h))
        y1, rate, E = jax.vmap(one)(lanes, c.t, h, c.k, c.y, c.rate, c.largest, tolerance(c.largest))
        if shared:
            E = jnp.broadcast_to(jnp.sqrt(jnp.mean(E**2)), E.shape)
        accept = running & (E <= 1.0)
        q = tableau.order
        inverse = 1.0 / jnp.maximum(E, 1e-10)
        factor = SAFETY * inverse ** ((proportional + integral) / q) * c.last ** (-proportional / q)
        factor = jnp.clip(jnp.where(jnp.isfinite(E), factor, 0.0), SHRINK, jnp.where(accept, GROW, 1.0))
        wanted = jnp.where(
            accept, jnp.maximum(h * factor, jnp.where(h < c.h, c.h * jnp.minimum(factor, 1.0), 0.0)), h * factor
        )
        place = jnp.where(accept & (c.count < capacity), c.count, capacity)
        span = b - a
        lo, hi = (c.t - a) / span, jnp.where(whole, 1.0, (c.t + h - a) / span)
        arrived = accept & whole
        t = jnp.where(accept, jnp.where(whole, b, c.t + h), c.t)
        y = jnp.where(accept[:, None], y1, c.y)
        dose = lanes.dose[rows, c.k + 1]
        y = jnp.where(arrived[:, None], y + dose, y)
        k = jnp.where(arrived, c.k + 1, c.k)
        done = arrived & (k >= lanes.number)
        count = c.count + accept
        tiny = (c.t + 4.0 * wanted == c.t) | (wanted < 1e-14 * span) | ~(wanted > 0.0)
        vanishes = running & jnp.where(accept, t == c.t, tiny)
        status = jnp.where(done, 1, c.status)
        status = jnp.where(running & ~done & (count >= capacity), 2, status)
        status = jnp.where(vanishes | (running & (c.rejected > 10 * capacity)), 3, status)
        return _Carry(
            t,
            jnp.where(done, c.k, k),
            jnp.where(running, wanted, c.h),
            wanted,
            jnp.where(accept, inverse, c.last),
            y,
            jnp.where(accept[:, None], rate, c.rate),
            jnp.where(accept[:, None], jnp.maximum(c.largest, jnp.abs(y)), c.largest),
            count,
            c.rejected + (running & ~accept),
            status,
            c.interval.at[rows, place].set(c.k.astype(jnp.int32)),
            c.lo.at[rows, place].set(lo),
            c.hi.at[rows, place].set(hi),
        )

    y, rate = jax.vmap(partial(begin, flow, theta, fixed))(y0, lanes)
    largest = jnp.abs(y)
    h = jax.vmap(partial(_first, flow, theta, fixed, rtol))(lanes, y, rate, tolerance(largest))
    if shared:
        h = jnp.broadcast_to(jnp.min(h), h.shape)
    integer, none = jnp.zeros(B, int), jnp.zeros((B, capacity + 1))
    start = _Carry(
        lanes.stops[:, 0],
        integer,
        h,
        h,
        jnp.ones(B),
        y,
        rate,
        largest,
        integer,
        integer,
        jnp.where(lanes.number > 0, 0, 1),
        jnp.zeros((B, capacity + 1), jnp.int32),
        none,
        none,
    )
    c = jax.lax.while_loop(unfinished, advance, start)
    steps = Steps(c.interval[:, :capacity], c.lo[:, :capacity], c.hi[:, :capacity], c.count)
    return Walked(steps, c.rejected, c.status, c.t, c.y, c.largest)


def _first(flow: Flow, theta: Any, fixed: Any, rtol: Any, lane: Any, y: Any, rate: Any, atol: Any) -> Any:
    """Return the first step length of a lane."""
    span = lane.stops[1] - lane.stops[0]
    scale = atol + rtol * jnp.abs(y)
    scale = jnp.where(scale > 1e-280, scale, jnp.inf)  # an entry that starts at zero has no size yet
    d0, d1 = norm(y, scale), norm(rate, scale)
    usable = (d0 > 1e-5) & (d1 > 1e-5 * d0 / span)
    h0 = jnp.where(usable, 0.01 * d0 / jnp.where(usable, d1, 1.0), 1e-6 * span)
    h0 = jnp.minimum(h0, span)
    moved = bind(flow, theta, fixed, lane.control).rate(lane.origin + lane.stops[0] + h0, y + h0 * rate)
    d2 = norm(moved - rate, scale) / h0
    q = flow.tableau.order
    largest = jnp.maximum(d1, d2)
    h1 = jnp.where(largest > 0, (0.01 / jnp.where(largest > 0, largest, 1.0)) ** (1.0 / q), span)
    h1 = jnp.where(jnp.isfinite(h1), h1, h0)
    h = jnp.minimum(100.0 * h0, h1)
    return jnp.clip(jnp.where(h > 0, h, 1e-6 * span), 1e-12 * span, span)
