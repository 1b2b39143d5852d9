"""Partial differential equations with known solutions, on networks."""

from problems.pde.poisson_network import poisson_network, poisson_solution, relative_error

__all__ = ["poisson_network", "poisson_solution", "relative_error"]
