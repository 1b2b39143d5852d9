"""CPU time of the routes to derivatives: a tanh network d-64-64-64-1, 500 points, loss gradient and Jacobian.

``python -m problems.pde.operator_study`` prints one line for each operator, dimension and route.
"""

import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np

import sciopt as so

__all__ = ["study"]


def study(points: int = 500, width: int = 64, repeats: int = 20) -> Iterator[tuple[str, int, str, float, float, float]]:
    """Yield (operator, dimension, route, compile s, loss gradient ms, per-sample Jacobian ms), CPU times, least of all."""
    for d in (1, 2, 3, 5, 10, 30):
        for route in ("forward", "nested"):
            yield (
                "laplacian",
                d,
                route,
                *_timed(d, lambda u, r=route: so.pde.laplacian(u, route=r), points, width, repeats),
            )
    for order in (2, 3, 4, 5, 6):
        for route in ("nested", "taylor"):
            operator = lambda u, k=order, r=route: so.pde.partial(u, 0, k, route=r)  # noqa: E731
            yield (f"order {order}", 2, route, *_timed(2, operator, points, width, repeats))


def _timed(d: int, operator: Callable[[Any], Any], n: int, width: int, repeats: int) -> tuple[float, float, float]:
    import jax
    import jax.numpy as jnp

    with jax.enable_x64(True):
        rng = np.random.default_rng(0)
        sizes = (d, width, width, width, 1)
        layers = [(jnp.asarray(rng.normal(0, a**-0.5, (b, a))), jnp.zeros(b)) for a, b in pairwise(sizes)]
        x = jnp.asarray(rng.uniform(size=(n, d)))

        def network(parts: Any, p: Any) -> Any:
            for weight, offset in parts[:-1]:
                p = jnp.tanh(weight @ p + offset)
            return (parts[-1][0] @ p + parts[-1][1])[0]

        def row(parts: Any, p: Any) -> Any:
            return operator(lambda q: network(parts, q))(p)

        loss = jax.jit(jax.grad(lambda parts: 0.5 * jnp.sum(jax.vmap(lambda p: row(parts, p))(x) ** 2)))
        rows = jax.jit(jax.vmap(jax.grad(row), (None, 0)))
        begun = time.process_time()
        jax.block_until_ready(loss(layers))
        compiled = time.process_time() - begun
        jax.block_until_ready(rows(layers, x))
        return compiled, _least(lambda: loss(layers), repeats), _least(lambda: rows(layers, x), repeats)


def _least(call: Callable[[], Any], repeats: int) -> float:
    import jax

    times = []
    for _ in range(repeats):
        begun = time.process_time()
        jax.block_until_ready(call())
        times.append(time.process_time() - begun)
    return 1e3 * min(times)


if __name__ == "__main__":
    import sys

    for operator, d, route, compiled, gradient, jacobian in study():
        sys.stdout.write(
            f"{operator:10s} d={d:<3d} {route:8s} {compiled:5.2f} s {gradient:8.2f} ms {jacobian:8.2f} ms\n"
        )
        sys.stdout.flush()
