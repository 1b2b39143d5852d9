"""A diffusion coefficient from noisy values of the field: u_t = D u_xx, u = sin(pi x) at t = 0, u = 0 at the walls.

The exact field is exp(-pi^2 D t) sin(pi x), so the statistical limit of D is known: the error that a fit of this one
formula to the same data has.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import sciopt as so

__all__ = ["InverseDiffusion", "inverse_diffusion"]

Array = NDArray[np.float64]
TRUTH = 0.1


class InverseDiffusion(NamedTuple):
    """The problem, the true coefficient, the standard deviation of the best fit, and the data (points, values)."""

    problem: so.Problem
    truth: float
    limit: float
    points: Array
    values: Array


def inverse_diffusion(
    seed: int = 0, n: int = 200, sigma: float = 0.01, weight: float = 1.0, start: float = 1.0, unknown: Any = None
) -> InverseDiffusion:
    """Return the problem for one draw of the noise; points stay the same.

    Parameters
    ----------
    seed
        Of the noise.
    n, sigma
        Number of data and their standard deviation.
    weight
        Of the equations.
    start
        Start of D.
    unknown
        Ansatz for u; a tensor basis of 10 x 10 by default.
    """
    pde = so.pde
    domain = pde.Time(0, 1) * pde.Interval(0, 1)
    x = np.random.default_rng(12345).uniform(size=(n, 2))
    clean = np.exp(-(np.pi**2) * TRUTH * x[:, 0]) * np.sin(np.pi * x[:, 1])
    y = clean + sigma * np.random.default_rng(seed).normal(size=n)

    conditions = [
        so.Condition(_diffusion, "diffusion", domain.interior(600, refine=0.0), weight=weight),
        pde.initial(domain.initial(60), _start, weight=weight),
        pde.dirichlet(domain.boundary(60), weight=weight),
        pde.observed(domain, x, y, sigma),
    ]
    u = so.models.tensor_basis(domain, 10) if unknown is None else unknown
    problem = so.Problem(conditions, {"u": u, "D": so.Parameter(start, unit="m2/s")})
    slope = -(np.pi**2) * x[:, 0] * clean
    return InverseDiffusion(problem, TRUTH, float(sigma / np.linalg.norm(slope)), x, y)


def _diffusion(u: Any, D: Any, x: Any) -> Any:
    return so.pde.dt(u)(x) - D * so.pde.laplacian(u)(x)


def _start(x: Any) -> Any:
    import jax.numpy as jnp

    return jnp.sin(jnp.pi * x[1])
