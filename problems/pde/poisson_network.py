"""Poisson's equation on the unit square by a small tanh network, at points drawn once.

-u_xx - u_yy = 2 pi^2 sin(pi x) sin(pi y) inside, u = 0 on the boundary; u = sin(pi x) sin(pi y). The set-up of the
step-control comparison: one hidden layer of 64 (257 parameters), 900 interior and 120 boundary points, rows scaled by
one over the square root of their number, weights drawn as PyTorch draws them.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sciopt.condition import Condition
from sciopt.problem import Problem

__all__ = ["poisson_network", "poisson_solution", "relative_error"]

Array = NDArray[np.float64]


def poisson_solution(points: Array) -> Array:
    """Exact solution at points (n, 2)."""
    return np.sin(np.pi * points[:, 0]) * np.sin(np.pi * points[:, 1])


def _boundary(rng: np.random.Generator, n: int) -> Array:
    """Points (n, 2) on uniformly chosen sides of the unit square."""
    points = rng.uniform(size=(n, 2))
    side = rng.integers(4, size=n)
    points[np.arange(n), side % 2] = side // 2
    return points


def _weights(rng: np.random.Generator, sizes: tuple[int, ...]) -> list[dict[str, Any]]:
    """Layers with weights and offsets uniform in +-1 / sqrt(inputs)."""
    import jax.numpy as jnp

    layers = []
    for inputs, outputs in pairwise(sizes):
        bound = inputs**-0.5
        weight = rng.uniform(-bound, bound, (outputs, inputs))
        layers.append({"weight": jnp.asarray(weight), "offset": jnp.asarray(rng.uniform(-bound, bound, outputs))})
    return layers


def _network(layers: Any, x: Any) -> Any:
    import jax.numpy as jnp

    for layer in layers[:-1]:
        x = jnp.tanh(layer["weight"] @ x + layer["offset"])
    last = layers[-1]
    return (last["weight"] @ x + last["offset"])[0]


def _interior(layers: Any, x: Any) -> Any:
    """-Laplacian u - f at one point, by two nested forward derivatives per axis."""
    import jax
    import jax.numpy as jnp

    def u(point: Any) -> Any:
        return _network(layers, point)

    def second(direction: Any) -> Any:
        return jax.jvp(lambda p: jax.jvp(u, (p,), (direction,))[1], (x,), (direction,))[1]

    laplacian = jnp.sum(jax.vmap(second)(jnp.eye(2)))
    return -laplacian - 2.0 * jnp.pi**2 * jnp.sin(jnp.pi * x[0]) * jnp.sin(jnp.pi * x[1])


def poisson_network(
    seed: int = 0, widths: tuple[int, ...] = (64,), interior: int = 900, boundary: int = 120
) -> tuple[Problem, Callable[[Array], float]]:
    """Return the problem and a function theta -> relative L2 error.

    Parameters
    ----------
    seed
        Of the points and the start.
    widths
        Hidden layers.
    interior, boundary
        Numbers of points.
    """
    rng = np.random.default_rng(seed)
    layers = _weights(rng, (2, *widths, 1))
    inside, edge = rng.uniform(size=(interior, 2)), _boundary(rng, boundary)
    problem = Problem(
        [
            Condition(_interior, "interior", points=inside, weight=1.0, jacobian="per_sample"),
            Condition(_network, "boundary", points=edge, weight=1.0, jacobian="per_sample"),
        ],
        unknown=layers,
    )
    return problem, relative_error(problem)


def relative_error(problem: Problem, n: int = 9000, seed: int = 12345) -> Callable[[Array], float]:
    """Return the function theta -> relative L2 error on n fresh points."""
    points = np.random.default_rng(seed).uniform(size=(n, 2))
    exact = poisson_solution(points)

    def error(theta: Array) -> float:
        layers = problem.layout.tree(np.asarray(theta))
        x = points
        for layer in layers[:-1]:
            x = np.tanh(x @ layer["weight"].T + layer["offset"])
        u = (x @ layers[-1]["weight"].T + layers[-1]["offset"])[:, 0]
        return float(np.linalg.norm(u - exact) / np.linalg.norm(exact))

    return error
