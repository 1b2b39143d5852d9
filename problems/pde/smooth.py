"""Equations with smooth answers in closed form, on boxes and on other domains."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

import sciopt as so
from problems.pde._case import FieldCase

__all__ = [
    "annulus",
    "heat",
    "helmholtz",
    "kovasznay",
    "l_shape",
    "poisson_2d",
    "poisson_3d",
    "poisson_5d",
    "schroedinger",
    "wave",
]

PI = np.pi


def poisson_2d() -> FieldCase:
    """Return -Laplacian u = 2 pi^2 sin(pi x) sin(pi y) on the unit square, u = 0 on its boundary."""
    square = so.pde.Box((0, 1), (0, 1))

    @so.condition(points=square.interior(1000))
    def poisson(u: Any, x: Any) -> Any:
        return so.pde.laplacian(u)(x) + 2 * PI**2 * jnp.sin(PI * x[0]) * jnp.sin(PI * x[1])

    return FieldCase(
        "poisson_2d",
        square,
        (poisson, so.pde.dirichlet(square.boundary(200))),
        lambda p: np.sin(PI * p[:, 0]) * np.sin(PI * p[:, 1]),
        source="Mueller and Zeinhofer, ICML 2023",
        published="networks: 1.2e-7 (energy natural gradients, 257 parameters, 468 s)",
    )


def poisson_3d() -> FieldCase:
    """Return -Laplacian u = 3 pi^2 sin(pi x) sin(pi y) sin(pi z) on the unit cube, u = 0 on its boundary."""
    cube = so.pde.Box((0, 1), (0, 1), (0, 1))

    @so.condition(points=cube.interior(2000))
    def poisson(u: Any, x: Any) -> Any:
        return so.pde.laplacian(u)(x) + 3 * PI**2 * jnp.prod(jnp.sin(PI * x))

    conditions = (poisson, so.pde.dirichlet(cube.boundary(600)))
    return FieldCase("poisson_3d", cube, conditions, lambda p: np.prod(np.sin(PI * p), axis=1))


def poisson_5d() -> FieldCase:
    """Return -Laplacian u = pi^2 sum cos(pi x_i) on the unit cube of five dimensions, values given on the boundary."""
    cube = so.pde.Box(*[(0, 1)] * 5)

    @so.condition(points=cube.interior(2000))
    def poisson(u: Any, x: Any) -> Any:
        return so.pde.laplacian(u)(x) + PI**2 * jnp.sum(jnp.cos(PI * x))

    return FieldCase(
        "poisson_5d",
        cube,
        (poisson, so.pde.dirichlet(cube.boundary(400), lambda x: jnp.sum(jnp.cos(PI * x)))),
        lambda p: np.cos(PI * p).sum(axis=1),
        source="Dangel, Mueller and Zeinhofer, arXiv 2405.15603",
        published="networks: 1.7e-7 (SPRING, 10,065 parameters, 7001 s on a GPU)",
    )


def helmholtz() -> FieldCase:
    """Return Laplacian u + u = f on [-1, 1]^2 with u = sin(pi x) sin(4 pi y)."""
    square = so.pde.Box((-1, 1), (-1, 1))

    @so.condition(points=square.interior(1000))
    def equation(u: Any, x: Any) -> Any:
        source = (1 - 17 * PI**2) * jnp.sin(PI * x[0]) * jnp.sin(4 * PI * x[1])
        return so.pde.laplacian(u)(x) + u(x) - source

    return FieldCase(
        "helmholtz",
        square,
        (equation, so.pde.dirichlet(square.boundary(200))),
        lambda p: np.sin(PI * p[:, 0]) * np.sin(4 * PI * p[:, 1]),
        source="Wang, Teng and Perdikaris, SIAM J. Sci. Comput. 43 (2021) A3055",
        published="networks: 2.0e-9 in 540 s on a GPU (arXiv 2604.05230)",
    )


def kovasznay(reynolds: float = 40.0) -> FieldCase:
    """Return the stationary flow behind a grid: u, v, p on [-0.5, 1] x [-0.5, 1.5] (Kovasznay 1948)."""
    rate = reynolds / 2 - np.sqrt(reynolds**2 / 4 + 4 * PI**2)
    box = so.pde.Box((-0.5, 1), (-0.5, 1.5))

    def flow(x: Any) -> Any:
        decay = jnp.exp(rate * x[0])
        across = rate / (2 * PI) * decay * jnp.sin(2 * PI * x[1])
        return jnp.stack([1 - decay * jnp.cos(2 * PI * x[1]), across, 0.5 * (1 - decay**2)])

    def exact(p: Any) -> Any:
        decay = np.exp(rate * p[:, 0])
        across = rate / (2 * PI) * decay * np.sin(2 * PI * p[:, 1])
        return np.stack([1 - decay * np.cos(2 * PI * p[:, 1]), across, 0.5 * (1 - decay**2)], axis=1)

    @so.condition(points=box.interior(1000))
    def momentum(w: Any, x: Any) -> Any:
        J = so.pde.grad(w)(x)
        return J[:2] @ w(x)[:2] + J[2] - so.pde.laplacian(w)(x)[:2] / reynolds

    @so.condition(points=box.interior(1000))
    def mass(w: Any, x: Any) -> Any:
        J = so.pde.grad(w)(x)
        return J[0, 0] + J[1, 1]

    @so.condition(points=box.boundary(200))
    def velocity(w: Any, x: Any) -> Any:
        return w(x)[:2] - flow(x)[:2]

    @so.condition(points=box.boundary(50, "x+"))
    def pressure(w: Any, x: Any) -> Any:
        return w(x)[2] - flow(x)[2]

    return FieldCase(
        "kovasznay",
        box,
        (momentum, mass, velocity, pressure),
        exact,
        components=("u", "v", "p"),
        source="Kovasznay, Proc. Camb. Phil. Soc. 44 (1948) 58",
    )


def heat() -> FieldCase:
    """Return u_t = u_xx / 4 on the unit square of time and space, u = exp(-pi^2 t / 4) sin(pi x)."""
    domain = so.pde.Time(0, 1) * so.pde.Interval(0, 1)

    @so.condition(points=domain.interior(1000))
    def diffusion(u: Any, x: Any) -> Any:
        return so.pde.dt(u)(x) - 0.25 * so.pde.laplacian(u)(x)

    start = so.pde.initial(domain.initial(100), lambda x: jnp.sin(PI * x[1]))
    return FieldCase(
        "heat",
        domain,
        (diffusion, so.pde.dirichlet(domain.boundary(100)), start),
        lambda p: np.exp(-(PI**2) * p[:, 0] / 4) * np.sin(PI * p[:, 1]),
        source="Dangel, Mueller and Zeinhofer, arXiv 2405.15603",
        published="networks: 6e-8 (KFAC, 116,097 parameters)",
    )


def wave() -> FieldCase:
    """Return u_tt = 4 u_xx on the unit square of time and space, started from rest, two standing waves."""
    domain = so.pde.Time(0, 1) * so.pde.Interval(0, 1)

    @so.condition(points=domain.interior(2000))
    def equation(u: Any, x: Any) -> Any:
        return so.pde.dt(u, 2)(x) - 4 * so.pde.laplacian(u)(x)

    def shape(x: Any) -> Any:
        return jnp.sin(PI * x[1]) + 0.5 * jnp.sin(4 * PI * x[1])

    def exact(p: Any) -> Any:
        t, x = p.T
        return np.cos(2 * PI * t) * np.sin(PI * x) + 0.5 * np.cos(8 * PI * t) * np.sin(4 * PI * x)

    rest = so.pde.initial(domain.initial(100), 0.0, order=1, name="rest")
    conditions = (equation, so.pde.dirichlet(domain.boundary(100)), so.pde.initial(domain.initial(100), shape), rest)
    return FieldCase(
        "wave", domain, conditions, exact, source="Wang, Yu and Perdikaris, J. Comput. Phys. 449 (2022) 110768"
    )


def annulus() -> FieldCase:
    """Return Laplace's equation between two circles: value given on the inner, outward slope on the outer one."""
    ring = so.pde.Annulus(inner=0.5, outer=1.0)

    @so.condition(points=ring.interior(1000))
    def laplace(u: Any, x: Any) -> Any:
        return so.pde.laplacian(u)(x)

    def value(x: Any) -> Any:
        return jnp.log(x[0] ** 2 + x[1] ** 2) + x[0] ** 2 - x[1] ** 2

    inner = so.pde.dirichlet(ring.boundary(150, "inner"), value)
    outer = so.pde.neumann(ring.boundary(150, "outer"), lambda x: 2.0 + 2.0 * (x[0] ** 2 - x[1] ** 2))
    return FieldCase(
        "annulus",
        ring,
        (laplace, inner, outer),
        lambda p: np.log(p[:, 0] ** 2 + p[:, 1] ** 2) + p[:, 0] ** 2 - p[:, 1] ** 2,
    )


def l_shape() -> FieldCase:
    """Return Laplace's equation on an L with the corner singularity r^(2/3) sin(2 phi / 3)."""
    domain = so.pde.Box((-1, 1), (-1, 1)) - so.pde.Box((0, 1), (-1, 0))

    @so.condition(points=domain.interior(1000))
    def laplace(u: Any, x: Any) -> Any:
        return so.pde.laplacian(u)(x)

    def value(x: Any) -> Any:
        square = x[0] ** 2 + x[1] ** 2
        angle = jnp.arctan2(x[1], x[0])
        angle = jnp.where(angle < -1e-9, angle + 2 * PI, angle)
        return jnp.where(square > 0, jnp.where(square > 0, square, 1.0) ** (1 / 3) * jnp.sin(2 * angle / 3), 0.0)

    def exact(p: Any) -> Any:
        angle = np.mod(np.arctan2(p[:, 1], p[:, 0]), 2 * PI)
        return np.hypot(p[:, 0], p[:, 1]) ** (2 / 3) * np.sin(2 * angle / 3)

    conditions = (laplace, so.pde.dirichlet(domain.boundary(300), value))
    return FieldCase("l_shape", domain, conditions, exact, tags=frozenset({"singular"}))


def schroedinger() -> FieldCase:
    """Return the ground state of the harmonic oscillator, -u''/2 + x^2 u / 2 = E u, the energy E unknown, u(0) = 1."""
    line = so.pde.Interval(-7, 7)

    @so.condition(points=line.interior(60, "gauss"))
    def equation(u: Any, E: Any, x: Any) -> Any:
        return -0.5 * so.pde.laplacian(u)(x) + (0.5 * x[0] ** 2 - E) * u(x)

    @so.condition(points=line.at(np.zeros((1, 1))))
    def amplitude(u: Any, E: Any, x: Any) -> Any:
        return u(x) - 1.0

    @so.condition(points=line.boundary(2))
    def decay(u: Any, E: Any, x: Any) -> Any:
        return u(x)

    unknown = {"u": so.models.tensor_basis(line, 50), "E": so.Parameter(0.6)}
    conditions = (equation, amplitude, decay)
    return FieldCase("schroedinger", line, conditions, lambda p: np.exp(-(p[:, 0] ** 2) / 2), unknown=unknown)
