"""Weights by which equations of different units count alike."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sciopt.pde._balance import sizes_of
from sciopt.problem import Problem

__all__ = ["balanced"]


def balanced(problem: Problem) -> Problem:
    r"""Return the problem with weights by which its equations count alike, whatever their units.

    With :math:`S_i` the largest root mean square of the rows of condition i, linearised at the start, over functions of
    degree two and size one on the domain, the weight of each equation is multiplied by :math:`1/S_i^2`. All rows are then
    in the unit of the unknown. Problems with data need not be balanced: there equations act as constraints already.

    Parameters
    ----------
    problem
        A `Problem` on points of domains, with an unknown.

    Examples
    --------
    >>> import sciopt as so
    >>> rod = so.pde.Interval(0, 1e-3)
    >>> @so.condition(points=rod.interior(10))
    ... def conduction(u, x):
    ...     return so.pde.laplacian(u)(x)
    >>> ends = so.pde.dirichlet(rod.boundary(2), 1.0)
    >>> problem = balanced(so.Problem([conduction, ends], so.models.tensor_basis(rod, 4)))
    >>> [f"{c.weight:.2g}" for c in problem.conditions]
    ['3.9e-15', '1']
    """
    sizes = sizes_of(problem, np.array(problem.layout.start))
    conditions = [
        replace(c, weight=c.weight / sizes[c.name] ** 2) if c.weight is not None and sizes.get(c.name, 0) > 0 else c
        for c in problem.conditions
    ]
    return problem._copy(conditions, problem.unknown, problem.linear)
