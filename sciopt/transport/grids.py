"""Separable costs on grids: sums over all pairs become sums along one axis after the other."""

from __future__ import annotations

from typing import Any

import numpy as np

from sciopt._types import Array
from sciopt.transport._threads import over_rows
from sciopt.transport.bounds import UNIT, dual_value
from sciopt.transport.plan import EntropicPlan
from sciopt.transport.setting import Setting

__all__ = ["GridPlan", "GridWorkspace", "grid_bounds", "log_sum"]

LITTLE = 1e-250  # sums below it may have lost terms to underflow and are made again in logarithms
EMPTY = 1e-300  # mass that stands for none


def log_sum(
    x: Array, costs: tuple[Array, ...], epsilon: float, weights: tuple[Array | None, ...] | None = None
) -> Array:
    r"""Return :math:`\log \sum_j w_{ij} e^{x_j - C_{ij}/\epsilon}` on a grid, C a sum and w a product over axes.

    Parameters
    ----------
    x
        Scores on the grid of y, shape (m1, ..., md).
    costs
        Cost matrices (nk, mk) of the axes.
    epsilon
        Temperature.
    weights
        Factors (nk, mk) of the axes, not negative; None = 1.

    Notes
    -----
    Along an axis, rows are shifted by their maximum and multiplied with the kernel; what underflows is summed in
    logarithms. Cost: N (n1 + ... + nd) operations, no array larger than the grid.
    """
    out = x
    for k, axis_cost in enumerate(costs):
        C, weight = axis_cost, (None if weights is None else weights[k])
        if weight is not None:  # a weight is a cost of -epsilon log(weight)
            with np.errstate(divide="ignore"):
                C = C - epsilon * np.log(weight)
        rows = np.moveaxis(out, k, -1)
        shape = rows.shape[:-1]
        flat = np.ascontiguousarray(rows.reshape(-1, rows.shape[-1]))
        top = np.maximum(flat.max(axis=1, keepdims=True), -1e300)  # rows that a weight of zero has emptied
        total = np.exp(flat - top) @ np.exp(-C.T / epsilon)
        with np.errstate(divide="ignore"):
            done = np.log(total) + top
        lost = np.flatnonzero(total.min(axis=1) < LITTLE)
        if len(lost):
            _again(flat, np.ascontiguousarray(C), 1.0 / epsilon, lost, done)
        out = np.moveaxis(done.reshape(*shape, C.shape[0]), -1, k)
    return out


def _again(x: Array, C: Array, inverse: float, lost: Any, out: Array) -> None:
    """Sum the rows ``lost`` of x in logarithms."""
    from sciopt.transport.grid_kernels import axis_log_sums

    over_rows(lambda i, j: axis_log_sums(x, C, inverse, lost[i:j], out), len(lost))


class GridWorkspace:
    """Passes over the pairs of two grids; the same answers as `Workspace`, without storing plans."""

    dense_fits = False
    separable = True
    kernel_at = None
    owner: Any = None
    threshold = 690.0

    def __init__(self, pairs: Any, a: Array, b: Array, costs: tuple[Array, ...]) -> None:
        self.pairs, self.a, self.b, self.costs = pairs, a, b, costs
        self.across = tuple(np.ascontiguousarray(C.T) for C in costs)
        self.log_a, self.log_b = np.log(a), np.log(b)
        self.x_shape = tuple(C.shape[0] for C in costs)
        self.y_shape = tuple(C.shape[1] for C in costs)
        self.passes = self.visited = 0

    def eliminate(self, beta: Array, epsilon: float, cut: float, owner: Any) -> tuple[Array, Array, int]:
        """Return log scalings, column sums and the number of pairs at column potentials beta."""
        alpha = self.log_a - log_sum(beta.reshape(self.y_shape), self.costs, epsilon).ravel()
        back = log_sum(alpha.reshape(self.x_shape), self.across, epsilon).ravel()
        self.passes += 1
        self.visited += len(self.a) * sum(self.x_shape)
        return alpha, np.exp(beta + back), len(self.a) * len(self.b)


class GridPlan(EntropicPlan):
    """The plan between two grids; its sums are made axis by axis."""

    def __init__(self, setting: Setting, f: Array, g: Array, epsilon: float, costs: tuple[Array, ...]) -> None:
        super().__init__(setting, f, g, epsilon)
        self.costs, self.across = costs, tuple(np.ascontiguousarray(C.T) for C in costs)
        self.axes = setting.y.axes
        self._x_shape, self._y_shape = setting.x.shape, setting.y.shape
        floor = np.log(EMPTY * setting.mass)
        self._alpha = (
            f / epsilon + np.maximum(np.log(np.maximum(self.a, EMPTY * setting.mass)), floor) - np.log(setting.mass)
        )
        self._beta = g / epsilon + np.log(np.maximum(self.b, EMPTY * setting.mass))

    def _forward(self, weights: tuple[Array | None, ...] | None = None) -> Array:
        sums = log_sum(self._beta.reshape(self._y_shape), self.costs, self.epsilon, weights)
        with np.errstate(under="ignore"):
            return np.exp(self._alpha + sums.ravel())

    def sums(self, values: Array | None = None) -> tuple[Array, Array, float, Array]:
        """Return row sums, column sums, <P, C>, and the mean of |y| and y times the row sums if ``values`` are asked for."""
        row = self._forward()
        back = log_sum(self._alpha.reshape(self._x_shape), self.across, self.epsilon).ravel()
        column = np.exp(self._beta + back)
        d = len(self.costs)
        spent = 0.0
        for k, C in enumerate(self.costs):
            spent += float(self._forward(tuple(C if q == k else None for q in range(d))).sum())
        moments = np.zeros((len(row), 0))
        if values is not None:
            assert self.axes is not None
            first, second = [], np.zeros(len(row))
            for k, axis in enumerate(self.axes):
                centre = float(np.mean(np.repeat(axis, 1)))
                low = axis - axis.min()
                ones = np.ones((self.costs[k].shape[0], 1))
                m1 = self._forward(tuple(ones * low if q == k else None for q in range(d)))
                m2 = self._forward(tuple(ones * low**2 if q == k else None for q in range(d)))
                shift = axis.min() - centre
                first.append(m1 + shift * row)
                second += m2 + 2.0 * shift * m1 + shift**2 * row
            moments = np.stack([*first, second], axis=1)
        return row, column, spent, moments


def grid_bounds(setting: Setting, plan: GridPlan, g: Array) -> tuple[float, float]:
    """Return a certified interval of the unregularised cost from the potential g and the plan.

    Below: two c-transforms, min-plus axis by axis. Above: the plan with its excess columns scaled down costs no more than
    before; the mass that is then missing costs at most the largest cost each.
    """
    s, d = setting, len(plan.costs)
    shrink = 1.0 + 8.0 * d * UNIT
    f = _minima(-g.reshape(s.y.shape), plan.costs).ravel()
    f -= 8.0 * d * UNIT * (np.abs(f) + np.abs(g).max() + s.scale)
    h = _minima(-f.reshape(s.x.shape), plan.across).ravel()
    h -= 8.0 * d * UNIT * (np.abs(h) + np.abs(f).max() + s.scale)
    low = dual_value(s.a, s.b, f, h)
    row, column, spent, _ = plan.sums()
    excess = float(np.maximum(row - s.a, 0.0).sum() + np.maximum(column - s.b, 0.0).sum())
    missing = float(max(s.mass - row.sum(), 0.0)) + excess
    error = 1e-13 * (s.mass * s.scale)
    return max(low, 0.0), spent * shrink + (missing + 1e-12 * s.mass) * s.scale + error


def _minima(x: Array, costs: tuple[Array, ...]) -> Array:
    from sciopt.transport.grid_kernels import axis_minima

    out = x
    for k, C in enumerate(costs):
        rows = np.moveaxis(out, k, -1)
        shape = rows.shape[:-1]
        flat = np.ascontiguousarray(rows.reshape(-1, rows.shape[-1]))
        done = np.empty((len(flat), C.shape[0]))
        over_rows(lambda i, j, F=flat, D=done, M=C: axis_minima(F, M, i, j, D), len(flat))
        out = np.moveaxis(done.reshape(*shape, C.shape[0]), -1, k)
    return out
