"""Time-dependent equations whose answers steepen: Burgers, Allen and Cahn, Korteweg and de Vries."""

from __future__ import annotations

from functools import cache
from typing import Any

import jax.numpy as jnp
import numpy as np

import sciopt as so
from problems.pde._case import FieldCase
from problems.pde._reference import burgers_exact, periodic_reference

__all__ = ["allen_cahn", "allen_cahn_reference", "burgers", "kdv", "kdv_reference"]

PI = np.pi
TIMES = tuple(k / 10 for k in range(1, 11))


def burgers(viscosity: float = 0.01 / np.pi) -> FieldCase:
    """Return u_t + u u_x = nu u_xx on [0, 1] x [-1, 1] from -sin(pi x): a shock of width 2 nu stands at x = 0."""
    domain = so.pde.Time(0, 1) * so.pde.Interval(-1, 1)

    @so.condition(points=domain.interior(2000))
    def equation(u: Any, x: Any) -> Any:
        return so.pde.dt(u)(x) + u(x) * so.pde.partial(u, "x")(x) - viscosity * so.pde.laplacian(u)(x)

    start = so.pde.initial(domain.initial(160), lambda x: -jnp.sin(PI * x[1]))
    return FieldCase(
        "burgers" if abs(viscosity - 0.01 / PI) < 1e-12 else f"burgers_{viscosity:g}",
        domain,
        (equation, so.pde.dirichlet(domain.boundary(80)), start),
        lambda p: burgers_exact(p, viscosity),
        source="Raissi, Perdikaris and Karniadakis, J. Comput. Phys. 378 (2019) 686",
        published="networks: 1.9e-12 for nu = 0.01 in 144 s on a GPU (arXiv 2607.02194)",
    )


@cache
def allen_cahn_reference(modes: int = 4096, steps: int = 4000) -> Any:
    """Return the reference of Allen and Cahn's equation at t = 0.1, 0.2, ..., 1."""

    def force(v: Any, grid: Any, back: Any, k: Any) -> Any:
        u = grid(v)
        return back(5.0 * u - 5.0 * u**3)

    return periodic_reference(lambda x: x**2 * np.cos(PI * x), lambda k: -1e-4 * k**2, force, TIMES, modes, steps)


def allen_cahn() -> FieldCase:
    """Return u_t = 1e-4 u_xx + 5 (u - u^3), periodic on [-1, 1], from x^2 cos(pi x): two fronts, a kink at the start."""
    domain = so.pde.Time(0, 1) * so.pde.Interval(-1, 1, periodic=True)

    @so.condition(points=domain.interior(4000))
    def equation(u: Any, x: Any) -> Any:
        return so.pde.dt(u)(x) - 1e-4 * so.pde.laplacian(u)(x) - 5.0 * (u(x) - u(x) ** 3)

    start = so.pde.initial(domain.initial(256), lambda x: x[1] ** 2 * jnp.cos(PI * x[1]))
    return FieldCase(
        "allen_cahn",
        domain,
        (equation, start),
        lambda p: allen_cahn_reference()(p),
        times=TIMES,
        accuracy=1e-8,
        source="Raissi, Perdikaris and Karniadakis, J. Comput. Phys. 378 (2019) 686",
    )


@cache
def kdv_reference(modes: int = 512, steps: int = 20000) -> Any:
    """Return the reference of Korteweg and de Vries' equation at t = 0.1, 0.2, ..., 1."""

    def force(v: Any, grid: Any, back: Any, k: Any) -> Any:
        return -0.5j * k * back(grid(v) ** 2)

    return periodic_reference(lambda x: np.cos(PI * x), lambda k: 1j * 0.022**2 * k**3, force, TIMES, modes, steps)


def kdv() -> FieldCase:
    """Return u_t + u u_x + 0.022^2 u_xxx = 0, periodic on [-1, 1], from cos(pi x): solitons (Zabusky and Kruskal)."""
    domain = so.pde.Time(0, 1) * so.pde.Interval(-1, 1, periodic=True)

    @so.condition(points=domain.interior(2000))
    def equation(u: Any, x: Any) -> Any:
        return so.pde.dt(u)(x) + u(x) * so.pde.partial(u, "x")(x) + 0.022**2 * so.pde.partial(u, "x", 3)(x)

    start = so.pde.initial(domain.initial(160), lambda x: jnp.cos(PI * x[1]))
    return FieldCase(
        "kdv",
        domain,
        (equation, start),
        lambda p: kdv_reference()(p),
        times=TIMES,
        accuracy=1e-9,
        source="Zabusky and Kruskal, Phys. Rev. Lett. 15 (1965) 240",
    )
