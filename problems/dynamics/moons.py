"""Two half moons told apart by a neural ODE: the classes are separated by the flow, which may be cheap or dear.

The state (two coordinates) flows over t in [0, 1]; its end is read by a linear function whose value is the log odds.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sciopt import dynamics

__all__ = ["accuracy", "fit_moons", "moons"]

Array = NDArray[np.float64]


def moons(n: int, key: int = 0, noise: float = 0.15) -> tuple[Array, Array]:
    """Return n points (n, 2) of two interleaved half circles with noise, and their class (n,) 0 or 1."""
    rng = np.random.default_rng([key, 71])
    label = np.arange(n) % 2
    angle = np.pi * rng.uniform(size=n)
    upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    lower = np.stack([1.0 - np.cos(angle), 0.5 - np.sin(angle)], axis=1)
    return np.where(label[:, None] == 0, upper, lower) + noise * rng.standard_normal((n, 2)), label.astype(float)


def _field(t: Any, y: Any, p: Any) -> Any:
    import jax.numpy as jnp

    return p["V"] @ jnp.tanh(p["W"] @ jnp.concatenate([y, jnp.stack([t])]) + p["b"])


def _odds(t: Any, y: Any, p: Any) -> Any:
    return p["read"] @ y + p["level"]


def fit_moons(n: int = 128, seed: int = 0, width: int = 24, **options: Any) -> dynamics.ODESolution:
    """Fit n points with the logistic loss; options are those of `sciopt.dynamics.fit_ode`."""
    x, label = moons(n)
    rng = np.random.default_rng([seed, 72])
    unknown = {
        "W": rng.standard_normal((width, 3)),
        "b": rng.standard_normal(width),
        "V": rng.standard_normal((2, width)) / np.sqrt(width),
        "read": np.array([0.5, -0.5]),
        "level": 0.0,
    }
    return dynamics.fit_ode(
        _field,
        [np.array([1.0])] * n,
        list(label[:, None]),
        unknown=unknown,
        initial=list(x),
        start=0.0,
        observe=_odds,
        loss="logistic",
        grid="shared",
        solver="Tsit5",
        rtol=1e-6,
        atol=1e-6,
        shooting="single",
        **options,
    )


def accuracy(fit: dynamics.ODESolution, n: int = 1000) -> float:
    """Return the share of fresh points that are told apart."""
    x, label = moons(n, key=1)
    t = np.linspace(0.0, 1.0, 101)
    y, h, p = x, 0.01, fit.params

    def rate(t: float, y: Array) -> Array:
        return np.tanh(np.column_stack([y, np.full(len(y), t)]) @ p["W"].T + p["b"]) @ p["V"].T

    for now in t[:-1]:
        a = rate(now, y)
        b = rate(now + 0.5 * h, y + 0.5 * h * a)
        c = rate(now + 0.5 * h, y + 0.5 * h * b)
        d = rate(now + h, y + h * c)
        y = y + h * (a + 2 * b + 2 * c + d) / 6
    return float(np.mean((y @ p["read"] + p["level"] > 0) == (label > 0.5)))
