"""Residuals on fresh points."""

from __future__ import annotations

from typing import Any

import numpy as np

from sciopt.linearise import Work
from sciopt.linearise.elsewhere import residuals_elsewhere
from sciopt.pde._read import given
from sciopt.pde.collocation import Collocation
from sciopt.problem import Problem

__all__ = ["held_out"]

STREAM = 7919  # apart from the generators of a solve


def held_out(solution: Any, times: int = 4) -> dict[str, tuple[float, float]]:
    """Return the root mean square residual of each equation on its own points and on fresh ones.

    A residual that is much larger on fresh points means that the answer fits the points and not the equation: more
    points, or points that follow the residual, are needed.

    Parameters
    ----------
    solution
        Solution of a problem on points of a domain.
    times
        Fresh points for each point of the solve.

    Returns
    -------
    dict
        Condition -> (on its points, on fresh points), in the unit of the condition; conditions on fixed points are left
        out.

    Examples
    --------
    >>> import numpy as np, sciopt as so
    >>> line = so.pde.Interval(0, 1)
    >>> @so.condition(points=line.interior(8))
    ... def flat(u, x):
    ...     return so.pde.grad(u)(x) - 1.0
    >>> found = so.solve(so.Problem([flat], so.models.tensor_basis(line, 3)))
    >>> max(held_out(found)["flat"]) < 1e-10
    True
    """
    problem, frame, work, theta = solution.problem, solution.iterate.frame, Work(), solution.theta
    if given(problem) != tuple(problem.conditions):  # an ansatz was chosen: look at the conditions as they were given
        problem = Problem(given(problem), problem.layout.tree(theta))
        theta = np.array(problem.layout.start)
        frame = problem.frame(theta, None, {}, solution.key)
    out = {}
    for i, c in enumerate(problem.conditions):
        if not isinstance(c.points, Collocation) or c.points.rule == "fixed" or c.points.with_weights:
            continue
        batch = frame.batches[i]
        own = residuals_elsewhere(problem, theta, frame, work, i, batch.coords)
        rng = np.random.default_rng([solution.key, STREAM, i])
        fresh = residuals_elsewhere(problem, theta, frame, work, i, c.points._coords(rng, times * len(own)))
        out[c.name] = (float(np.sqrt(np.mean(own**2))), float(np.sqrt(np.mean(fresh**2))))
    return out
