"""What a replay runs over: lanes, their stops, and the frozen steps; and the arithmetic that all replays share."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from sciopt.dynamics.flow import Flow
from sciopt.dynamics.stepping import Bound, Taken

__all__ = [
    "Lanes",
    "Replayed",
    "Sensitivities",
    "Slot",
    "Steps",
    "begin",
    "bind",
    "clock_of",
    "heuristics",
    "norm",
    "slot",
    "steps_at",
]


class Lanes(NamedTuple):
    """Where B lanes start and stop, and what happens there.

    Attributes
    ----------
    origin
        Absolute time of the lane's zero, shape (B,).
    stops
        Start and stops relative to it, ascending, shape (B, K + 1).
    number
        Number of intervals in use, shape (B,).
    jump
        Whether the field is discontinuous at a stop: steps see the limit from their own side, shape (B, K + 1).
    dose
        Added to the state after the stop was recorded, shape (B, K + 1, d).
    control
        Controls, with a leading axis B; None without.
    """

    origin: Any
    stops: Any
    number: Any
    jump: Any
    dose: Any
    control: Any = None


class Steps(NamedTuple):
    """A frozen step grid: ``interval``, ``lo``, ``hi`` of shape (B, S) and ``count`` of shape (B,)."""

    interval: Any
    lo: Any
    hi: Any
    count: Any


class Replayed(NamedTuple):
    """States at the stops (B, K + 1, d), recorded before a dose; h, E and S of each step, shape (B, S)."""

    states: Any
    h: Any
    error: Any
    stiffness: Any


class Sensitivities(NamedTuple):
    """A `Replayed` and its derivatives, columns last: (B, K + 1, d, C), (B, S, C), (B, S, C) or None."""

    replayed: Replayed
    dstates: Any
    derror: Any
    dstiffness: Any


def bind(flow: Flow, theta: Any, fixed: Any, control: Any) -> Bound:
    """Return the field at theta for one lane."""
    p = flow.parameters(theta, fixed)
    still = flow.parameters(jax.lax.stop_gradient(theta), jax.lax.stop_gradient(fixed))
    return Bound(
        lambda t, y: flow.rate(t, y, p, control),
        lambda t, y: flow.rate(t, y, still, control),
        lambda t, y: flow.derivatives(t, y, theta, fixed, control),
    )


def clock_of(origin: Any, t: Any, h: Any, a: Any, b: Any, jump_a: Any, jump_b: Any) -> Any:
    """Return the absolute time at a node c of a step, on the step's own side of a jump."""
    earliest = jnp.where(jump_a, jnp.nextafter(jax.lax.stop_gradient(origin + a), jnp.inf), -jnp.inf)
    latest = jnp.where(jump_b, jnp.nextafter(jax.lax.stop_gradient(origin + b), -jnp.inf), jnp.inf)
    return lambda c: jnp.clip(origin + (t + c * h), earliest, latest)


def norm(error: Any, scale: Any) -> Any:
    """Return the root mean square of error / scale, with derivative zero at zero."""
    square = jnp.mean((error / scale) ** 2)
    positive = square > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, square, 1.0)), 0.0)


def ratio(numerator: Any, denominator: Any, axis: float) -> Any:
    """Return |numerator| / |denominator| / axis; zero where the denominator vanishes."""
    top, bottom = jnp.sum(numerator**2), jnp.sum(denominator**2)
    good = (bottom > 1e-280) & (top > 0)
    value = jnp.sqrt(jnp.where(good, top, 1.0) / jnp.where(good, bottom, 1.0))
    return jnp.where(good, value, 0.0) / axis


def limit(flow: Flow) -> float:
    """Return what stiffness is measured in: the pair's real stability interval, 1 if it is unlimited."""
    axis = flow.tableau.real_axis
    return axis if axis < jnp.inf else 1.0


class Slot(NamedTuple):
    """Step j of one lane."""

    t: Any
    h: Any
    clock: Any
    live: Any
    stop: Any  # the stop that it reaches, or K + 1 (nowhere)
    dose: Any


def slot(lanes: Any, interval: Any, lo: Any, hi: Any, live: Any) -> Slot:
    """Return the step of one lane; padding steps get a length at which the arithmetic stays finite."""
    a, b = lanes.stops[interval], lanes.stops[interval + 1]
    t, h = a + lo * (b - a), jnp.where(live, hi - lo, 1e-9) * (b - a)
    clock = clock_of(lanes.origin, t, h, a, b, lanes.jump[interval], lanes.jump[interval + 1])
    K = lanes.stops.shape[0] - 1
    arrives = live & (hi == 1.0)
    dose = jnp.where(arrives, lanes.dose[interval + 1], 0.0)
    return Slot(t, h, clock, live, jnp.where(arrives, interval + 1, K + 1), dose)


def heuristics(flow: Flow, taken: Taken, y: Any, y1: Any, live: Any, rtol: Any, atol: Any) -> tuple[Any, Any]:
    """Return the scaled local error and the stiffness estimate of a step, zero in the padding."""
    error = jnp.where(live, taken.error, 0.0)
    E = norm(error, atol + rtol * jnp.maximum(jnp.abs(y), jnp.abs(y1)))
    top, bottom = (jnp.where(live, v, 0.0) for v in taken.stiffness)
    return E, ratio(top, bottom, limit(flow))


def begin(flow: Flow, theta: Any, fixed: Any, y0: Any, lanes: Any) -> Any:
    """Return the state after the dose at the start, and the field there, for one lane."""
    y = y0 + lanes.dose[0]
    clock = clock_of(lanes.origin, lanes.stops[0], 0.0, lanes.stops[0], 0.0, lanes.jump[0], False)
    return y, bind(flow, theta, fixed, lanes.control).rate(clock(0.0), y)


def steps_at(steps: Steps, j: Any) -> tuple[Any, Any, Any, Any]:
    """Return interval, lo, hi and liveness of step j of all lanes."""
    return steps.interval[:, j], steps.lo[:, j], steps.hi[:, j], j < steps.count
