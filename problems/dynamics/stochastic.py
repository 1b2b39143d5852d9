"""Stochastic equations with known parameters: Ornstein-Uhlenbeck, spiral, double well.

Each case draws measured paths by an exact rule or on steps ten times finer than those of the fit, so that a fit that
forgets its own step error is found out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sciopt import dynamics

__all__ = ["SDE_CASES", "SDECase"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SDECase:
    """An equation dy = drift dt + diffusion dW with its true parameters.

    Attributes
    ----------
    drift, diffusion
        ``f(t, y, p)``.
    truth, start
        Parameters that made the data, and where a fit begins.
    t, initial
        Times (K,) and state at t[0] (d,).
    moments
        What identifies all parameters.
    dt
        Step of the fit.
    exact
        ``exact(case, rng, paths)`` where the law of the paths is known; simulated finely otherwise.
    """

    name: str
    drift: Callable[..., Any]
    diffusion: Callable[..., Any]
    truth: Mapping[str, float]
    start: Mapping[str, float]
    t: Array
    initial: tuple[float, ...]
    moments: tuple[str, ...] = ("mean", "covariance")
    dt: float | None = None
    exact: Callable[..., Array] | None = None
    source: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    def sample(self, key: int, paths: int = 1000) -> Array:
        """Draw measured paths, shape (paths, K, d)."""
        if self.exact is not None:
            return self.exact(self, np.random.default_rng([key, 99]), paths)
        step = 0.1 * (self.dt or float(self.t[-1] - self.t[0]) / 100.0)
        return dynamics.simulate_sde(
            self.drift, self.diffusion, self.t, self.initial, dict(self.truth), paths=paths, dt=step, key=1000 + key
        )

    def fit(self, y: Array, key: int = 0, **options: Any) -> dynamics.SDESolution:
        """Fit measured paths."""
        chosen = {"moments": self.moments, "dt": self.dt, **self.options, **options}
        data = dynamics.Paths(self.t, y)
        return dynamics.fit_sde(self.drift, self.diffusion, data, unknown=dict(self.start), key=key, **chosen)


def _ou_drift(t: Any, y: Any, p: Any) -> Any:
    return -p.k * (y - p.m)


def _ou_diffusion(t: Any, y: Any, p: Any) -> Any:
    return p.s + 0.0 * y


def _ou_paths(case: SDECase, rng: np.random.Generator, paths: int) -> Array:
    """Gaussian transitions: mean m + (y - m) e^(-k h), variance s^2 (1 - e^(-2 k h)) / (2 k)."""
    k, m, s = (case.truth[n] for n in ("k", "m", "s"))
    y = [np.full(paths, case.initial[0])]
    for h in np.diff(case.t):
        decay = np.exp(-k * h)
        y.append(m + (y[-1] - m) * decay + s * np.sqrt((1 - decay**2) / (2 * k)) * rng.standard_normal(paths))
    return np.array(y).T[:, :, None]


def _spiral_drift(t: Any, y: Any, p: Any) -> Any:
    import jax.numpy as jnp

    u, v = y[0] ** 3, y[1] ** 3
    return jnp.stack([p.alpha * u + p.beta * v, -p.beta * u + p.alpha * v])


def _spiral_diffusion(t: Any, y: Any, p: Any) -> Any:
    return p.gamma * y


def _well_drift(t: Any, y: Any, p: Any) -> Any:
    return p.a * y - p.b * y**3


def _well_diffusion(t: Any, y: Any, p: Any) -> Any:
    return p.s + 0.0 * y


SDE_CASES: dict[str, SDECase] = {
    case.name: case
    for case in (
        SDECase(
            "ornstein_uhlenbeck",
            _ou_drift,
            _ou_diffusion,
            {"k": 1.5, "m": 0.5, "s": 0.7},
            {"k": 1.0, "m": 0.0, "s": 0.3},
            np.linspace(0.0, 2.0, 11),
            (2.0,),
            dt=0.05,
            exact=_ou_paths,
            source="Uhlenbeck and Ornstein, Phys. Rev. 36 (1930) 823",
        ),
        SDECase(
            "spiral",
            _spiral_drift,
            _spiral_diffusion,
            {"alpha": -0.1, "beta": 2.0, "gamma": 0.2},
            {"alpha": -0.3, "beta": 1.5, "gamma": 0.4},
            np.linspace(0.0, 1.0, 30),
            (2.0, 0.0),
            moments=("mean", "variance"),
            dt=1.0 / 58,
            source="Pal, Ma, Shah and Rackauckas, ICML (2021), PMLR 139:8325",
        ),
        SDECase(
            "double_well",
            _well_drift,
            _well_diffusion,
            {"a": 1.0, "b": 1.0, "s": 0.6},
            {"a": 0.6, "b": 0.6, "s": 0.4},
            np.linspace(0.0, 4.0, 17),
            (0.3,),
            moments=("mean", "variance", "lagged", "fourth"),
            dt=0.05,
            source="Kramers, Physica 7 (1940) 284",
        ),
    )
}
