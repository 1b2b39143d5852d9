"""optimistix' Levenberg-Marquardt on the JAX twin of the model, in float64, compiled once a case."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np

from problems._case import Case
from problems.bench._peer import Peer, PeerResult
from problems.bench._twin import jax_twin

__all__ = ["PEERS"]


@cache
def _compiled(case: Case, tolerance: float) -> Callable[[Any], Any]:
    import jax
    import jax.numpy as jnp
    import optimistix as optx

    if case.model is not None:
        model, y = jax_twin(case.model), jnp.asarray(np.ravel(np.asarray(case.y)))

        def residual(theta: Any, x: Any) -> Any:
            return jnp.ravel(model(x, *theta)) - y
    else:
        assert case.function is not None
        function = jax_twin(case.function)

        def residual(theta: Any, x: Any) -> Any:
            return function(theta)

    x = None if case.x is None else jnp.asarray(case.x)
    solver = optx.LevenbergMarquardt(rtol=tolerance, atol=tolerance)

    def solve(theta: Any) -> Any:
        solution = optx.least_squares(residual, solver, theta, args=x, max_steps=2000, throw=False)
        return solution.value, solution.result == optx.RESULTS.successful, solution.stats["num_steps"]

    return jax.jit(solve)


def fit(case: Case, start: tuple[float, ...], *, tolerance: float) -> PeerResult:
    """Fit; nfev and njev are its steps, each of which evaluates the residual and its Jacobian once."""
    import jax
    import jax.numpy as jnp

    with jax.enable_x64(True):
        value, success, steps = _compiled(case, tolerance)(jnp.asarray(start, dtype=jnp.float64))
        theta = np.asarray(value)
    return PeerResult(theta, None, bool(success), int(steps), int(steps))


MODULES = ("jax", "optimistix")
PEERS = (
    Peer("optimistix LM 1e-8", partial(fit, tolerance=1e-8), "optimistix", MODULES),
    Peer("optimistix LM 1e-12", partial(fit, tolerance=1e-12), "optimistix", MODULES),
)
