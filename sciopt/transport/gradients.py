"""Derivatives of a transport value with respect to weights, positions, costs and epsilon, by the envelope theorem."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sciopt._errors import DataError
from sciopt._types import Array
from sciopt.transport.cost import CITYBLOCK, FUNCTION, MATRIX, PERIODIC, SPHERE, SQUARED, Cost
from sciopt.transport.solution import TransportSolution

__all__ = ["TransportGradient", "gradient"]

BLOCK = 1 << 20


@dataclass(frozen=True, eq=False)
class TransportGradient:
    r"""Derivatives of :math:`OT_\epsilon` (of OT for exact plans: a subgradient).

    Attributes
    ----------
    a, b
        Derivatives with respect to the weights, (n,) and (m,): the potentials. They are defined up to a constant, as
        the masses must stay equal; here a.f = b.g.
    x, y
        Derivatives with respect to the positions, (n, d) and (m, d); None without positions.
    epsilon
        Derivative with respect to epsilon, :math:`KL(P | a b^T/M)`.
    """

    a: Array
    b: Array
    x: Array | None
    y: Array | None
    epsilon: float


def gradient(solution: TransportSolution) -> TransportGradient:
    r"""Return the derivatives of the value ``solution.regularised`` (of ``cost`` for exact plans).

    At the optimum the potentials and the plan need no derivative:
    :math:`\partial/\partial a = f`, :math:`\partial/\partial b = g`, :math:`\partial/\partial C = P`,
    :math:`\partial/\partial x_i = \sum_j P_{ij}\nabla_x c(x_i,y_j)`. One pass over the plan, O(n + m) memory.

    A gradient is taken at *fixed absolute* epsilon. Under ``relative(...)`` epsilon itself moves with the largest cost,
    which adds ``gradient.epsilon`` times the derivative of that; it is left out on purpose, so that the gradient is
    smooth. Coincident points of :math:`|x-y|` contribute 0, an element of the subdifferential.

    Parameters
    ----------
    solution
        A solution of `sciopt.transport.distance`.

    Raises
    ------
    DataError
        The cost is a function of the user or lives on angles: the derivative of the cost is not known here.
    """
    s, (f, g) = solution.setting, solution.potentials
    kl = (solution.regularised - solution.cost) / solution.epsilon if solution.epsilon > 0 else 0.0
    if s.cost.kind == MATRIX:
        return TransportGradient(f, g, None, None, kl)
    if s.cost.kind == FUNCTION or (s.cost.kind == SPHERE):
        raise DataError(
            f"gradient: the derivative of the cost {s.cost.name} is not known; differentiate C and use plan"
        )
    x, y = s.x.points, s.y.points
    if s.cost.kind == SQUARED:
        # differences from the mean of y: coordinates may be far from the origin
        centre = y.mean(0)
        plan = solution.plan
        if solution.epsilon > 0:
            row, column, _, moments = plan.sums(y - centre)
            back = plan.operator.rmatmat(x - centre) if len(x) else moments
        else:
            row, column = (np.asarray(plan.sum(k)).ravel() for k in (1, 0))
            moments, back = np.asarray(plan @ (y - centre)), np.asarray(plan.T @ (x - centre))
        gx = 2.0 * (row[:, None] * (x - centre) - moments)
        gy = 2.0 * (column[:, None] * (y - centre) - back)
        return TransportGradient(f, g, gx, gy, kl)
    gx, gy = np.zeros_like(x), np.zeros_like(y)
    if solution.epsilon > 0:
        step = max(1, BLOCK // (len(y) * x.shape[1]))
        for first in range(0, len(x), step):
            last = min(len(x), first + step)
            slope = _slope(s.cost, x[first:last, None, :] - y[None])
            slope *= solution.plan.rows(first, last)[:, :, None]
            gx[first:last] = slope.sum(1)
            gy -= slope.sum(0)
    else:
        P = solution.plan
        P = (P.sparse() if hasattr(P, "sparse") else P).tocoo()
        slope = _slope(s.cost, x[P.row] - y[P.col]) * P.data[:, None]
        np.add.at(gx, P.row, slope)
        np.subtract.at(gy, P.col, slope)
    return TransportGradient(f, g, gx, gy, kl)


def _slope(cost: Cost, u: Array) -> Array:
    """Return the derivative of the cost with respect to the difference u = x - y, in its last axis."""
    p = cost.exponent
    if cost.kind == CITYBLOCK:
        return np.sign(u) * (p * np.abs(u) ** (p - 1.0) if p != 1.0 else 1.0) * (u != 0)
    if cost.kind == PERIODIC:
        period = cost.parameters[1:]
        u = u - period * np.floor(u / period + 0.5)
    length = np.sqrt((u * u).sum(-1, keepdims=True))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(length > 0, p * length ** (p - 2.0) * u, 0.0)
