"""Weights of equations from what they say to smooth functions, so that neither units nor counts of points matter."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from sciopt._types import Array
from sciopt.pde._probe import probed
from sciopt.pde._read import functions_of

__all__ = ["constraint_weights", "sizes_of"]

CONSTRAINT = 1e2  # information of an equation over that of all data, on functions of low degree
SIZES = {1: 3, 2: 3, 3: 3, 4: 2, 5: 2}


def sizes_of(problem: Any, theta: Array) -> dict[str, float]:
    """Return the largest root mean square of each condition's linearised rows over functions of degree two and size 1."""
    at = SimpleNamespace(problem=problem, params=problem.layout.tree(theta), values=problem.layout.values(theta))
    return probed(at, SIZES).sizes if functions_of(at) else {}


def constraint_weights(problem: Any, theta: Array) -> dict[str, float]:
    r"""Return a factor for the weight of each equation of a problem with data, by name; nothing without data.

    Equations next to data act as constraints: each gets ``CONSTRAINT`` times the information that all data together carry
    about functions of low degree, so that error bars are those of the data in the directions that the equations leave
    free, whatever the weights given.
    """
    data = [c for c in problem.conditions if not c.equation and c.sigma is not None]
    if not data or len(data) == len(problem.conditions):
        return {}
    sizes = sizes_of(problem, theta)
    information = 0.0
    for c in data:
        sigma = np.asarray(c.sigma[0] if isinstance(c.sigma, tuple) else c.sigma, float)
        variance = float(np.mean(np.diag(sigma))) if sigma.ndim == 2 else float(np.mean(sigma**2))
        information += np.size(c.target) * sizes.get(c.name, 0.0) ** 2 / variance
    if not information > 0:
        return {}
    return {
        c.name: CONSTRAINT * information / sizes[c.name] ** 2
        for c in problem.conditions
        if c.equation and sizes.get(c.name, 0.0) > 0
    }
