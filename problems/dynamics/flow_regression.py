"""A twist of the plane as the end point of a flow: many fields fit it, and their costs differ.

z ~ N(0, I_2) goes to z rotated by the angle 2 |z|, through an ordinary differential equation in three dimensions whose
third state begins at 0 and is not observed. A network 4-16-16-3 of state and time is its right-hand side.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sciopt import dynamics

__all__ = ["fit_twist", "network", "rmse", "twist", "twist_field"]

Array = NDArray[np.float64]
TOLERANCE = 1e-7


def twist(n: int, key: int = 3) -> tuple[Array, Array]:
    """Return n points (n, 2) and where they go."""
    z = np.random.default_rng([key, 57]).standard_normal((n, 2))
    angle = 2.0 * np.linalg.norm(z, axis=1)
    c, s = np.cos(angle), np.sin(angle)
    return z, np.stack([c * z[:, 0] - s * z[:, 1], s * z[:, 0] + c * z[:, 1]], axis=1)


def network(seed: int = 0, sizes: tuple[int, ...] = (4, 16, 16, 3)) -> dict[str, Any]:
    """Return start weights, uniform within the inverse root of the number of inputs: 403 numbers."""
    rng = np.random.default_rng([seed, 58])
    out: dict[str, Any] = {}
    for k, (a, b) in enumerate(pairwise(sizes)):
        out[f"W{k}"] = rng.uniform(-1, 1, (b, a)) / np.sqrt(a)
        out[f"b{k}"] = np.zeros(b)
    return out


def twist_field(t: Any, y: Any, p: Any) -> Any:
    """Return dy/dt, a network of (y, t)."""
    import jax.numpy as jnp

    x = jnp.concatenate([y, jnp.stack([t])])
    layers = len(p) // 2
    for k in range(layers):
        x = p[f"W{k}"] @ x + p[f"b{k}"]
        x = jnp.tanh(x) if k < layers - 1 else x
    return x


def _plane(y: Any) -> Any:
    return y[:2]


def fit_twist(n: int = 64, seed: int = 0, **options: Any) -> dynamics.ODESolution:
    """Fit n points; options are those of `sciopt.dynamics.fit_ode`."""
    z, end = twist(n)
    return dynamics.fit_ode(
        twist_field,
        [np.array([1.0])] * n,
        [row[None] for row in end],
        unknown=network(seed),
        initial=[np.append(row, 0.0) for row in z],
        start=0.0,
        observe=_plane,
        grid="shared",
        solver="Tsit5",
        rtol=TOLERANCE,
        atol=TOLERANCE,
        shooting="single",
        **options,
    )


def rmse(fit: dynamics.ODESolution) -> float:
    """Return the root mean squared error at the end points."""
    rows = fit.iterate.lin.rows
    r = np.concatenate([fit.iterate.lin.r[s] for name, s in rows.items() if name != "solver_cost"])
    return float(np.sqrt(np.mean(r**2)))
