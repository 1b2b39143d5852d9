r"""Adaptive steps for an ensemble of SDE paths, on Brownian paths that are known on a fine grid.

The stochastic Heun scheme carries its own error estimate, the distance to Euler-Heun,
:math:`e = \tfrac12 [(a^* - a) h + (g^* - g) \Delta W]`. Steps are whole multiples of the fine grid's spacing, so that
a rejected step costs no information about the path, and the accepted ones can be replayed with exact derivatives.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from sciopt._errors import OptionError
from sciopt._types import Array
from sciopt.dynamics.lanes import norm
from sciopt.dynamics.sde_ensemble import Ensemble
from sciopt.dynamics.sde_schemes import drift_shift
from sciopt.dynamics.state import named
from sciopt.linearise.autodiff import double

__all__ = ["Accepted", "adaptive_steps", "cost", "replayed"]

SAFETY, LEAST, MOST = 0.9, 0.2, 4.0
ORDER = 1.0  # the local error of the scheme falls like h


@dataclass(frozen=True, eq=False)
class Accepted:
    """Accepted steps of an adaptive solve: begins ``t`` and lengths ``h`` (S,), increments ``dW`` (S, paths, m).

    Attributes
    ----------
    rejected
        Number of rejected steps.
    failed
        Why the solve did not reach the end, or None.
    """

    t: Array
    h: Array
    dW: Array
    rejected: int
    failed: str | None = None


def _step(ensemble: Ensemble, p: Any, t: Any, h: Any, y: Any, dW: Any, rtol: Any, atol: Any) -> tuple[Any, Any]:
    """Return (state after, E) of one step of Heun's scheme; E is the rms of the scaled error over paths."""

    def a(t: Any, y: Any) -> Any:
        rate = jax.vmap(lambda x: ensemble.drift(t, x, p))(y)
        return rate - drift_shift(g, ensemble.noise, t, y) if ensemble.interpretation == "ito" else rate

    def g(t: Any, y: Any) -> Any:
        return jax.vmap(lambda x: ensemble.diffusion(t, x, p))(y)

    def product(b: Any) -> Any:
        return jnp.einsum("nij,nj->ni", b, dW) if ensemble.noise == "general" else b * dW

    a0, b0 = a(t, y), product(g(t, y))
    ahead = y + h * a0 + b0
    error = 0.5 * (h * (a(t + h, ahead) - a0) + product(g(t + h, ahead)) - b0)
    new = y + h * a0 + b0 + error
    E = norm(error, atol + rtol * jnp.maximum(jnp.abs(y), jnp.abs(new)))
    return new, jnp.where(jnp.isfinite(new).all(), E, jnp.inf)  # a norm of NaN must not pass for a small error


_jitted = eqx.filter_jit(_step)


def adaptive_steps(
    ensemble: Ensemble, p: Any, start: Array, t0: float, spacing: float, W: Array, rtol: float, atol: float
) -> Accepted:
    """Choose steps by the error estimate, common to all paths.

    Parameters
    ----------
    ensemble
        The equation.
    p, start
        Unknown, and states at ``t0`` (paths, d).
    spacing
        Spacing of the fine grid.
    W
        Brownian paths on the fine grid, shape (F + 1, paths, m).
    rtol, atol
        Tolerances of a step's error.

    Raises
    ------
    OptionError
        Tolerances that are not positive.
    """
    if not (rtol > 0 and atol > 0):
        raise OptionError(f"rtol and atol must be positive, got {rtol!r} and {atol!r}")
    F, place, k = len(W) - 1, 0, 1
    chosen: list[tuple[int, int]] = []
    rejected, failed = 0, None
    with double():
        p, y = named(p), jnp.asarray(start, dtype=float)
        while place < F:
            k = min(k, F - place)
            t, h = jnp.asarray(t0 + place * spacing), jnp.asarray(k * spacing)
            new, E = _jitted(ensemble, p, t, h, y, jnp.asarray(W[place + k] - W[place]), rtol, atol)
            E = float(E)
            if not np.isfinite(E) and k == 1:
                failed = f"the paths are not finite after t = {t0 + place * spacing:g}"
                break
            factor = LEAST if not np.isfinite(E) else SAFETY / max(E, 1e-10) ** (1.0 / ORDER)
            if np.isfinite(E) and (E <= 1.0 or k == 1):
                chosen.append((place, k))
                y, place = new, place + k
            else:
                rejected += 1
                factor = min(factor, 0.9)
            k = max(int(k * min(max(factor, LEAST), MOST)), 1)
    at, size = np.array(chosen, dtype=int).reshape(-1, 2).T
    return Accepted(t0 + at * spacing, size * spacing, W[at + size] - W[at], rejected, failed)


def replayed(ensemble: Ensemble, p: Any, start: Any, t: Any, h: Any, dW: Any, rtol: Any, atol: Any) -> tuple[Any, Any]:
    """Return (states (S + 1, paths, d), E (S,)) on given steps; traceable, steps of length zero change nothing."""

    def advance(y: Any, step: Any) -> Any:
        live = step[1] > 0
        new, E = _step(ensemble, p, step[0], jnp.where(live, step[1], 1e-9), y, step[2], rtol, atol)
        new = jnp.where(live, new, y)
        return new, (new, jnp.where(live, E, 0.0))

    _, (states, E) = jax.lax.scan(advance, start, (t, h, dW))
    return jnp.concatenate([start[None], states]), E


def cost(kind: str, E: Any, h: Any) -> Any:
    """Return the sum over steps: ``"steps"`` (E^(1/q), q = 1), ``"error"`` (E h) or ``"error2"`` (E^2 h)."""
    if kind == "steps":
        return jnp.sum(E ** (1.0 / ORDER))
    return jnp.sum(E * h) if kind == "error" else jnp.sum(E * E * h)
