"""Weights that make conditions comparable whatever the units of lengths, times and values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sciopt.condition import Condition
from sciopt.linearise import Work
from sciopt.linearise.build import blocks_of
from sciopt.linearise.jets import JetBlock
from sciopt.pde._domain import Domain
from sciopt.pde.ansatz_points import movable
from sciopt.problem import Problem

__all__ = ["balanced"]


def balanced(conditions: Sequence[Condition], problem: Problem, domain: Domain) -> tuple[Condition, ...]:
    r"""Return the conditions with weights divided by the mean square of their rows' response to smooth functions.

    The response of a row to a function of size 1 that varies over the domain is
    :math:`\sum_\alpha (\partial F/\partial j_\alpha)^2 \prod_i (2/L_i)^{2\alpha_i}`, L the lengths of the domain: rows then
    carry the same digits in metres and in micrometres.

    Parameters
    ----------
    conditions
        As given.
    problem
        The same conditions, in the same order, on the first ansatz.
    domain
        Gives the lengths.
    """
    theta = problem.layout.start
    frame = problem.frame(theta)
    rates = 2.0 / domain.sizes
    sizes: dict[int, float] = {}
    for block in blocks_of(problem, theta, frame, Work()):
        if not isinstance(block, JetBlock):
            continue
        for k, i in enumerate(block.indices):
            scale = np.array([np.prod(rates ** np.array(a)) for a in block.programs[k].table])
            z, (parts, _) = block._at(k, np.zeros(problem.layout.size), frame)
            sizes[i] = sum(float(np.sum((a * scale) ** 2)) for a in parts) / max(z.size, 1)
    return tuple(_weighted(c, sizes.get(i, 0.0)) for i, c in enumerate(conditions))


def _weighted(c: Condition, size: float) -> Any:
    if not movable(c) or not (np.isfinite(size) and size > 0):
        return c
    return replace(c, weight=float(c.weight or 1.0) / size)
