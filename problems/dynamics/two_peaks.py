"""A flow between a normal distribution and two peaks, whose exact map is known: the test of learnt flow maps.

x1 is -2 or 2 plus 0.3 times a normal number; on straight lines between independent pairs the velocity is
b(t, x) = sum_k r_k(x) [mu_k + (t sigma^2 - (1 - t)) / v (x - t mu_k)], v = (1 - t)^2 + t^2 sigma^2, with the
responsibilities r_k of the two peaks.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["exact_map", "peaks", "velocity"]

Array = NDArray[np.float64]
MEANS = (-2.0, 2.0)
WIDTH = 0.3


def peaks(n: int, key: int = 0) -> Array:
    """Draw samples of the two peaks, shape (n, 1)."""
    rng = np.random.default_rng([key, 23])
    return (np.asarray(MEANS)[rng.integers(2, size=n)] + WIDTH * rng.standard_normal(n))[:, None]


def velocity(t: Any, x: Any) -> Any:
    """Return b(t, x), the mean of x1 - x0 over the lines through x at t; x of any shape, traceable."""
    import jax.numpy as jnp

    v = (1.0 - t) ** 2 + (t * WIDTH) ** 2
    logs = jnp.stack([-0.5 * (x - t * m) ** 2 / v for m in MEANS])
    weights = jnp.exp(logs - logs.max(0))
    parts = jnp.stack([m + (t * WIDTH**2 - (1.0 - t)) / v * (x - t * m) for m in MEANS])
    return (weights * parts).sum(0) / weights.sum(0)


def exact_map(s: Any, t: Any, x: Any, steps: int = 200) -> Any:
    """Return X_{s,t}(x) by classical Runge-Kutta steps; differentiable in s, t and x."""
    import jax

    h = (t - s) / steps

    def advance(k: Any, y: Any) -> Any:
        now = s + k * h
        a = velocity(now, y)
        b = velocity(now + 0.5 * h, y + 0.5 * h * a)
        c = velocity(now + 0.5 * h, y + 0.5 * h * b)
        d = velocity(now + h, y + h * c)
        return y + h * (a + 2 * b + 2 * c + d) / 6

    return jax.lax.fori_loop(0, steps, advance, x)
