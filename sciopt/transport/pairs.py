"""Pairs: the costs between two measures, on the fly for clouds, per axis on grids, stored where that is cheaper."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from sciopt._errors import DataError, OptionError
from sciopt._types import Array
from sciopt.transport.cost import CITYBLOCK, FUNCTION, MATRIX, PERIODIC, SPHERE, SQUARED, Cost, checked_costs
from sciopt.transport.measure import Measure

__all__ = ["Pairs", "pairs"]

BLOCK = 1 << 22  # entries formed at a time
NONE = np.zeros((0, 0))


@dataclass(frozen=True, eq=False)
class Pairs:
    """Costs c(x_i, y_j) of two measures, shape (n, m), evaluated when asked for.

    Compiled kernels take ``arguments`` = (kind, parameters, X, YT, C); see `sciopt.transport.cost_kernels`.

    Attributes
    ----------
    cost
        The `Cost`.
    X, YT
        Positions (n, d) and (d, m); empty for a matrix.
    C
        Costs (n, m) where they are stored; else empty.
    """

    cost: Cost
    X: Array
    YT: Array
    C: Array

    @property
    def kind(self) -> int:
        """Integer for the kernels."""
        return MATRIX if self.stored else self.cost.kind

    @property
    def stored(self) -> bool:
        """Whether all costs are stored."""
        return self.C.size > 0

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers n and m of points."""
        return (self.C.shape[0], self.C.shape[1]) if self.stored else (self.X.shape[0], self.YT.shape[1])

    @property
    def arguments(self) -> tuple[int, Array, Array, Array, Array]:
        """What the compiled kernels take."""
        return self.kind, self.cost.parameters, self.X, self.YT, self.C

    def rows(self, first: int, last: int) -> Array:
        """Return the costs of rows first .. last-1, shape (last - first, m)."""
        if self.stored:
            return self.C[first:last]
        if self.cost.kind == FUNCTION:
            return self._called(first, last)
        from sciopt.transport.cost_kernels import cost_rows

        out = np.empty((last - first, self.shape[1]))
        cost_rows(*self.arguments, first, last, out)
        return out

    def _called(self, first: int, last: int) -> Array:
        assert self.cost.call is not None
        x, y = self.X[first:last, None, :], np.ascontiguousarray(self.YT.T)[None]
        found = np.asarray(self.cost.call(x, y))
        wanted = (last - first, self.shape[1])
        if found.shape != wanted:
            raise DataError(
                f"cost {self.cost.name} returned shape {found.shape} for x {x.shape} and y {y.shape}; expected {wanted}"
            )
        return checked_costs(found, f"cost {self.cost.name}")

    def dense(self) -> Array:
        """Return all costs, (n, m)."""
        if self.stored:
            return self.C
        n, m = self.shape
        out = np.empty((n, m))
        step = max(1, BLOCK // m)
        for first in range(0, n, step):
            last = min(n, first + step)
            out[first:last] = self.rows(first, last)
        return out

    def store(self) -> Pairs:
        """Return the same costs, stored."""
        return self if self.stored else replace(self, C=self.dense())

    def restricted(self, rows: Any, columns: Any) -> Pairs:
        """Return the costs between some of the points, by index and in that order."""
        n, m = self.shape
        if np.array_equal(rows, np.arange(n)) and np.array_equal(columns, np.arange(m)):
            return self
        if self.stored:
            return replace(self, X=NONE, YT=NONE, C=self.C.take(rows, 0).take(columns, 1))
        return replace(self, X=np.ascontiguousarray(self.X[rows]), YT=np.ascontiguousarray(self.YT[:, columns]), C=NONE)

    def transposed(self) -> Pairs:
        """Return the costs with x and y exchanged (all costs from positions are symmetric; a function is stored)."""
        if self.stored:
            return replace(self, X=NONE, YT=NONE, C=np.ascontiguousarray(self.C.T))
        if self.cost.kind == FUNCTION:
            return self.store().transposed()
        return replace(self, X=np.ascontiguousarray(self.YT.T), YT=np.ascontiguousarray(self.X.T))

    @cached_property
    def scale(self) -> float:
        """Largest finite cost in size, or an upper bound of it for clouds: the cost across the joint bounding box."""
        if self.stored or self.cost.kind == FUNCTION:
            C = self.dense()
            top, low = float(C.max()), float(C.min())
            if top == np.inf:
                finite = C[np.isfinite(C)]
                top = float(finite.max()) if finite.size else 0.0
            return max(abs(top), abs(low))
        p = self.cost.exponent
        if self.cost.kind == SPHERE:
            return float((np.pi * self.cost.parameters[1]) ** p)
        low = np.minimum(self.X.min(0), self.YT.min(1))
        span = np.maximum(self.X.max(0), self.YT.max(1)) - low
        if self.cost.kind == CITYBLOCK:
            return float((span**p).sum())
        if self.cost.kind == PERIODIC:
            span = np.minimum(span, 0.5 * self.cost.parameters[1:])
        return float((span**2).sum() ** (0.5 * p))

    def axis_costs(self, x: Measure, y: Measure) -> tuple[Array, ...] | None:
        """Return cost matrices of the axes whose sum over axes is the cost between two grids, or None."""
        if x.axes is None or y.axes is None or len(x.axes) != len(y.axes) or self.cost.kind == MATRIX:
            return None
        d = len(x.axes)
        separable = self.cost.kind in (SQUARED, CITYBLOCK) or (self.cost.kind == PERIODIC and self.cost.exponent == 2.0)
        if not separable and d > 1:
            return None
        out = []
        for k in range(d):
            cost = self.cost
            if cost.kind == PERIODIC:
                cost = replace(cost, parameters=np.array([cost.parameters[0], cost.parameters[1 + k]]))
            out.append(Pairs(cost, x.axes[k][:, None].copy(), y.axes[k][None].copy(), NONE).dense())
        return tuple(out)


def pairs(x: Measure, y: Measure, cost: Cost, *, memory: int | None = None) -> Pairs:
    """Return the costs between two measures.

    Parameters
    ----------
    x, y
        Measures of n and m points.
    cost
        Ground cost.
    memory
        Bytes that stored costs may take; a function whose costs exceed it is refused. None = no limit.

    Raises
    ------
    DataError
        Positions missing or of different dimensions, a matrix of another shape.
    OptionError
        A function's costs do not fit into ``memory``.
    """
    if cost.kind == MATRIX:
        assert cost.matrix is not None
        if cost.matrix.shape != (x.size, y.size):
            raise DataError(
                f"cost has shape {cost.matrix.shape}, but there are {x.size} weights of x and {y.size} of y"
            )
        return Pairs(cost, NONE, NONE, cost.matrix)
    X, Y = cost.prepare(x, "x"), cost.prepare(y, "y")
    if X.shape[1] != Y.shape[1]:
        raise DataError(f"x has dimension {X.shape[1]}, y has dimension {Y.shape[1]}; they must agree")
    made = Pairs(cost, X, np.ascontiguousarray(Y.T), NONE)
    if cost.kind == FUNCTION:
        if memory is not None and 8 * x.size * y.size > memory:
            raise OptionError(
                f"the costs of a function take {8e-9 * x.size * y.size:.3g} GB, more than memory={memory:.3g} bytes; raise it, or use "
                "a cost that is evaluated on the fly (power, periodic, sphere)"
            )
        return made.store()
    return made
