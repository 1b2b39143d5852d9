"""Neural fields fitted to trajectories: the spiral, and a Lotka-Volterra system of which half is a net."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

import sciopt as so

__all__ = ["NeuralCase", "spiral", "universal_lotka_volterra"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class NeuralCase:
    """A field with a net, its data, and the truth.

    Attributes
    ----------
    rate
        ``f(t, y, p)`` in JAX.
    unknown
        Start values.
    t, data, truth
        Times (n,), measured and noise-free states (n, d).
    initial
        Known state at t[0].
    sigma
        Noise, None if there is none.
    """

    name: str
    rate: Callable[..., Any]
    unknown: dict[str, Any]
    t: Array
    data: Array
    truth: Array
    initial: Array
    sigma: float | None = None

    def fit(self, **options: Any) -> Any:
        """Fit with `sciopt.dynamics.fit_ode`."""
        given = {"unknown": self.unknown, "initial": self.initial, "sigma": self.sigma, **options}
        return so.dynamics.fit_ode(self.rate, self.t, self.data, **given)

    def rmse(self, fit: Any) -> float:
        """Return the root mean square distance of the fitted trajectory from the noise-free one."""
        return float(np.sqrt(np.mean((fit.predict(self.t) - self.truth) ** 2)))


def _layers(rng: np.random.Generator, sizes: tuple[int, ...], last: float = 1.0) -> dict[str, Array]:
    out: dict[str, Array] = {}
    for i, (n, m) in enumerate(pairwise(sizes)):
        limit = np.sqrt(6.0 / (n + m)) * (last if i == len(sizes) - 2 else 1.0)
        out[f"W{i}"] = rng.uniform(-limit, limit, (n, m))
        out[f"b{i}"] = np.zeros(m)
    return out


def _net(p: Any, z: Any, depth: int) -> Any:
    import jax.numpy as jnp

    for i in range(depth):
        z = z @ p[f"W{i}"] + p[f"b{i}"]
        z = jnp.tanh(z) if i < depth - 1 else z
    return z


def _spiral_rate(t: Any, y: Any, p: Any) -> Any:
    return _net(p, y**3, 2)


def spiral(seed: int = 0, end: float = 1.5, points: int = 30) -> NeuralCase:
    """Return the cubic spiral y' = A y^3 from (2, 0), fitted by a net 2-50-2 of y^3 (252 unknowns), without noise.

    References
    ----------
    R. T. Q. Chen et al., Neural ordinary differential equations, NeurIPS (2018); the field is that of its spiral example.
    """
    A = np.array([[-0.1, 2.0], [-2.0, -0.1]])
    t, start = np.linspace(0.0, end, points), np.array([2.0, 0.0])
    truth = solve_ivp(lambda t, y: A @ y**3, (0.0, end), start, "DOP853", t, rtol=1e-12, atol=1e-12).y.T
    unknown = _layers(np.random.default_rng([seed, 3]), (2, 50, 2))
    return NeuralCase(f"spiral_{end:g}", _spiral_rate, unknown, t, truth, truth, start)


def _universal_rate(t: Any, y: Any, p: Any) -> Any:
    import jax.numpy as jnp

    u = _net(p["net"], y, 3)
    return jnp.stack([p["alpha"] * y[0] + u[0], -p["delta"] * y[1] + u[1]])


def universal_lotka_volterra(seed: int = 0) -> NeuralCase:
    """Return x' = alpha x + u1(x, y), y' = -delta y + u2(x, y) with a net 2-8-8-2 for the interaction (116 unknowns).

    The rates alone cannot be told from the net: a fit must say so.

    References
    ----------
    C. Rackauckas et al., Universal differential equations for scientific machine learning, arXiv 2001.04385.
    """
    t, start = np.linspace(0.0, 6.0, 31), np.array([0.44249296, 4.6495848])

    def exact(t: float, y: Array) -> list[float]:
        return [1.3 * y[0] - 0.9 * y[0] * y[1], 0.8 * y[0] * y[1] - 1.8 * y[1]]

    truth = solve_ivp(exact, (0.0, 6.0), start, "DOP853", t, rtol=1e-12, atol=1e-12).y.T
    sigma = 9.2e-3
    data = truth + sigma * np.random.default_rng([seed, 5]).standard_normal(truth.shape)
    unknown = {
        "alpha": 1.0,
        "delta": 1.0,
        "net": _layers(np.random.default_rng([seed, 3]), (2, 8, 8, 2), last=0.1),
    }
    return NeuralCase("universal_lotka_volterra", _universal_rate, unknown, t, data, truth, start, sigma)
