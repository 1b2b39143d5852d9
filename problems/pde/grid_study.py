"""Nonlinear equations on grids: time, memory and residual against the number of unknowns, and the fold of Bratu's."""

from __future__ import annotations

import resource
import time

import numpy as np

import sciopt as so

__all__ = ["FOLD_SQUARE", "bratu", "grid_study", "poisson_boltzmann"]

FOLD_SQUARE = 6.808124423
"""Largest lambda for which Bratu's equation on the unit square has a solution."""


def _bratu(u, grid, lam):
    return grid.laplacian(u) + lam * np.exp(u)


def bratu(n: int, lam: float = 5.0, dimension: int = 2) -> so.pde.GridProblem:
    """Return Bratu's equation on the unit square (or cube) with n unknowns along each axis."""
    grid = so.pde.Grid(*[(0.0, 1.0)] * dimension, shape=n)
    return so.pde.GridProblem(_bratu, grid, settings={"lam": lam})


def poisson_boltzmann(n: int, potential: float = 4.0) -> so.pde.GridProblem:
    """Return an electrolyte around a rod of permittivity 0.1 between two plates, one of which is charged.

    div(eps grad phi) = kappa^2 sinh(phi) on (-4, 4)^2, kappa = 0 inside the rod; phi is held at ``potential`` on the lower
    plate and at zero on the upper one, and the sides are periodic.
    """
    walls = ["periodic", (("dirichlet", potential), ("dirichlet", 0.0))]
    grid = so.pde.Grid((-4.0, 4.0), (-4.0, 4.0), shape=n, boundary=walls)
    x, y = grid.coordinates
    inside = x**2 + y**2 < 1.0
    permittivity, screening = np.where(inside, 0.1, 1.0), np.where(inside, 0.0, 1.0)

    def rows(phi, grid):
        return grid.diffusion(permittivity, phi) - screening * np.sinh(phi)

    return so.pde.GridProblem(rows, grid)


def grid_study(repeats: int = 3) -> str:
    """Return a table: processor seconds of a cold and the median of warm solves, steps, residual over that at the start."""
    lines = [
        f"{'problem':26s} {'unknowns':>9s} {'cold s':>7s} {'warm s':>7s} {'steps':>5s} {'residual':>9s} {'GiB':>5s}"
    ]
    cases = [(f"Bratu {n}^2", bratu(n), n) for n in (128, 256, 512, 1024)]
    cases += [("Bratu 64^3", bratu(64, 5.0, 3), 64)]
    cases += [(f"Poisson-Boltzmann {n}^2", poisson_boltzmann(n), n) for n in (256, 512)]
    for name, problem, _ in cases:
        seconds, solution = [], None
        for _ in range(repeats + 1):
            again = so.pde.GridProblem(problem.residual, problem.grid, settings=problem.settings)
            begun = time.process_time()
            solution = so.solve(again)
            seconds.append(time.process_time() - begun)
        assert solution is not None
        start = so.linearise(problem).r
        ratio = float(np.linalg.norm(solution.iterate.lin.r) / np.linalg.norm(start))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        told = "" if solution.success else f"  {solution.status.value}"
        lines.append(
            f"{name:26s} {problem.grid.size:9d} {seconds[0]:7.2f} {np.median(seconds[1:]):7.2f} {solution.nit:5d} {ratio:9.1e} "
            f"{peak:5.2f}{told}"
        )
    lines += ["", "fold of Bratu's equation on the unit square by arc length"]
    for n in (63, 127):
        begun = time.process_time()
        points = list(so.pde.branch(bratu(n, 1.0), "lam", step=1.0, points=16))
        fold = next(p.fold for p in points if p.fold is not None)
        lines.append(
            f"{n}^2: lambda* = {fold:.6f} (known {FOLD_SQUARE}), upper branch down to lambda = {points[-1].parameter:.2f}, "
            f"{len(points)} points, {time.process_time() - begun:.1f} s"
        )
    return "\n".join(lines)
