"""Learnt flow maps: one step against the exact map of two peaks, and a pendulum's energy over a thousand steps."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from problems.dynamics.pendulum import energy, pendulum_flow
from problems.dynamics.two_peaks import exact_map, peaks
from sciopt import dynamics

__all__ = ["one_step_error", "pendulum_propagator", "report"]

BOX = [(-1.8, 1.8), (-1.6, 1.6)]


def _exact(g: Any) -> Any:
    """Exact map from t = 0 to t = 1 of normal numbers (n, 1)."""
    import jax

    with jax.enable_x64(True):
        return np.asarray(jax.vmap(lambda x: exact_map(0.0, 1.0, x))(jax.numpy.asarray(g)))


def one_step_error(loss: str, seed: int, steps: int = 3000, counts: tuple[int, ...] = (1,)) -> Any:
    """Return the rms distance of a learnt map, applied in so many steps, from the exact map of two peaks.

    A network 3 x 64 (gelu) by self-distillation, batches of 1,024, Adam.
    """
    model = dynamics.flow_map(
        1, region=[(-3, 3)], autonomous=False, width=64, depth=3, activation="gelu", start="glorot", key=seed
    )
    fit = dynamics.fit_flow_samples(model, peaks(20_000), loss=loss, steps=steps, key=seed)
    g = np.random.default_rng(5).standard_normal((2000, 1))
    truth, out = _exact(g), []
    for n in counts:
        y = g
        for k in range(n):
            y = fit.step(y, k / n, (k + 1) / n)
        out.append(float(np.sqrt(np.mean((y - truth) ** 2))))
    return out[0] if len(out) == 1 else out


def pendulum_field(t: Any, y: Any) -> Any:
    """Return (velocity, -sin(angle))."""
    import jax.numpy as jnp

    return jnp.stack([y[1], -jnp.sin(y[0])])


def pendulum_propagator(span: float = 0.5, points: int = 2500, steps: int = 120) -> dynamics.FlowSolution:
    """Fit the flow map of a pendulum for steps of length up to ``span`` to its field; a network 3-24-24-2."""
    model = dynamics.flow_map(2, region=BOX, times=(0.0, span), width=24, depth=2, key=0)
    return dynamics.fit_flow_map(model, pendulum_field, region=BOX, times=(0.0, span), points=points, steps=steps)


def report(seeds: int) -> str:
    """Table of both tasks."""
    lines = [
        f"{'two peaks':14s} {'seed':>4s} {'1 step':>8s} {'2 steps':>8s} {'4 steps':>8s} {'CPU s':>7s}   rms to the exact map"
    ]
    for seed in range(seeds):
        for loss in ("lagrangian", "progressive"):
            begun = time.process_time()
            found = one_step_error(loss, seed, counts=(1, 2, 4))
            spent = time.process_time() - begun
            lines.append(f"{loss:14s} {seed:4d} " + " ".join(f"{e:8.3f}" for e in found) + f" {spent:7.1f}")
    begun = time.process_time()
    fit = pendulum_propagator()
    spent = time.process_time() - begun
    rng = np.random.default_rng(1)
    x = rng.uniform(-1, 1, (500, 2)) * [1.5, 1.2]
    x = x[(energy(x) < 1.0) & (energy(x) > 0.1)][:50]
    off = np.abs(fit.step(x, 0.0, 0.5) - pendulum_flow(x, 0.5)).max()
    drift = fit.energy_drift(energy, x, 0.5, 1000)["max"]
    semigroup = fit.semigroup_error()["rms"]
    lines.append(
        f"pendulum, steps of 0.5: one step {off:.1e}, semigroup rms {semigroup:.1e}, "
        f"energy drift over 1,000 steps {100 * drift:.2f} %, {spent:.1f} CPU s with compilation"
    )
    return "\n".join(lines)
