"""Solving a system of lines in time: explicit or implicit, whichever is cheaper."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sciopt._errors import OptionError
from sciopt._types import Array
from sciopt.linearise.autodiff import double
from sciopt.pde.lines import Lines
from sciopt.pde.lines_solution import LinesSolution, Path

__all__ = ["solve_lines"]

IMPLICIT_STEPS = 900  # steps of an implicit solver on a front, for the estimate of cost
INSTANTS = 257  # instants at which the state and its rate of change are kept


def solve_lines(
    lines: Lines,
    start: Array,
    p: Mapping[str, Any] | None = None,
    *,
    rtol: float = 1e-10,
    solver: str = "auto",
    most: int = 400_000,
) -> LinesSolution:
    """Integrate a system of lines over its span of time.

    Parameters
    ----------
    lines
        The system.
    start
        State at the first instant, from ``lines.state``.
    p
        Parameters of the equation by name.
    rtol
        Relative tolerance of a step; the absolute one is rtol times the largest start value.
    solver
        ``"explicit"`` (Tsitouras 5 where stability rules, else Dormand-Prince 8), ``"implicit"`` (ESDIRK of order 5) or ``"auto"``: the spectral radius of the
        system tells how many explicit steps stability would ask for.
    most
        Most steps.

    Returns
    -------
    LinesSolution
        ``success`` is False where the integrator gave up.
    """
    if solver not in ("auto", "explicit", "implicit"):
        raise OptionError(f"unknown solver={solver!r}; choose 'auto', 'explicit' or 'implicit'")
    t0, t1 = (float(t) for t in lines.domain.bounds[0])
    parameters = dict(p or {})
    reason = "as asked"
    with double():
        y = jnp.asarray(start)
        limited = True
        if solver == "auto":
            solver, reason, limited = _choice(lines, y, parameters, t0, t1)
        size = float(jnp.abs(y).max()) or 1.0
        method = "Kvaerno5" if solver == "implicit" else "Tsit5" if limited else "Dopri8"
        instants = jnp.linspace(t0, t1, INSTANTS)
        states, good, steps = _integrated(lines, method, most, lines.arrays, instants, y, parameters, rtol, size)
        success = bool(good) and bool(jnp.isfinite(states).all())
        path = Path(np.asarray(instants), np.asarray(states), _rates(lines, instants, states, parameters))
    return LinesSolution(lines, path, success, f"{method}: {reason}", int(steps))


@partial(jax.jit, static_argnums=(0, 1, 2))
def _integrated(
    lines: Lines, method: str, most: int, arrays: Any, instants: Any, y: Any, p: Any, rtol: Any, size: Any
) -> tuple[Any, Any, Any]:
    """Return states at the instants, whether the end was reached, and the number of steps."""
    import diffrax

    controller: Any = diffrax.PIDController(rtol=rtol, atol=rtol * size, pcoeff=0.3, icoeff=0.4)
    if method == "Kvaerno5":  # its own interpolation is of low order
        controller = diffrax.ClipStepSizeController(controller, step_ts=instants)
    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(lambda t, y, args: lines.rate(args[0], t, y, args[1])),
        {"Kvaerno5": diffrax.Kvaerno5, "Tsit5": diffrax.Tsit5, "Dopri8": diffrax.Dopri8}[method](),
        instants[0],
        instants[-1],
        None,
        y,
        (arrays, p),
        stepsize_controller=controller,
        saveat=diffrax.SaveAt(ts=instants),
        max_steps=most,
        throw=False,
    )
    return solution.ys, solution.result == diffrax.RESULTS.successful, solution.stats["num_steps"]


@partial(jax.jit, static_argnums=0)
def _tangent(lines: Lines, arrays: Any, t: Any, y: Any, s: Any, v: Any, p: Any) -> Any:
    """Return the rate of change and its derivative along (s, v)."""
    return jax.jvp(lambda a, b: lines.rate(arrays, a, b, p), (t, y), (s, v))


def _rates(lines: Lines, times: Any, states: Any, p: Any) -> Array:
    """Return the rates of change of the states, shape (k, size)."""
    zero, none, out = jnp.zeros(()), jnp.zeros(states.shape[1]), np.empty(states.shape)
    for k, (t, y) in enumerate(zip(times, states, strict=True)):
        out[k] = _tangent(lines, lines.arrays, t, y, zero, none, p)[0]
    return out


def _choice(lines: Lines, y: Any, p: Any, t0: float, t1: float) -> tuple[str, str, bool]:
    """Return the cheaper kind of solver, why, and whether stability would rule the steps of an explicit one."""
    t, zero = jnp.asarray(t0), jnp.zeros(())
    v = jnp.asarray(np.random.default_rng(0).standard_normal(y.shape))
    radius = 0.0
    _tangent(lines, lines.arrays, t, y, zero, v, p)[1].block_until_ready()
    begun = time.perf_counter()
    for _ in range(40):
        v = _tangent(lines, lines.arrays, t, y, zero, v / jnp.linalg.norm(v), p)[1]
        radius = float(jnp.linalg.norm(v))
        if not 0.0 < radius < np.inf:
            break
    one = (time.perf_counter() - begun) / 80  # a derivative costs about two evaluations
    n = y.size
    steps = radius * (t1 - t0) / 3.3 + 100.0
    explicit = 6.0 * steps * one
    implicit = IMPLICIT_STEPS * (7.0 * (1e-9 * n**3 + 0.5 * n * one) + 60.0 * one)
    kind = "explicit" if explicit <= implicit else "implicit"
    return kind, f"stability asks an explicit solver for about {steps:.0f} steps", steps > 1000.0
