"""Setting: what is transported, at which cost, and how a solver of positive masses sees it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from sciopt._errors import DataError, OptionError
from sciopt._types import Array
from sciopt.transport.cost import FUNCTION, MATRIX, Cost, as_cost
from sciopt.transport.measure import Measure, as_measure, look_like_histograms, matched_masses
from sciopt.transport.order import aggregates, landmark_order, spatial_order
from sciopt.transport.pairs import NONE, Pairs, pairs

__all__ = ["Relative", "Setting", "relative", "setting"]

STORED = 30_000_000  # costs that are stored rather than evaluated in each pass
SEPARATE = 60_000_000  # pairs of two grids above which sums go axis by axis
OFFSET = 4.0  # costs are shifted by their row and column minima where that lowers the largest so much


@dataclass(frozen=True)
class Relative:
    """A fraction of the largest cost (for clouds: of the cost across their joint bounding box)."""

    value: float


def relative(value: float) -> Relative:
    """Return an epsilon or an accuracy relative to the largest cost.

    Examples
    --------
    >>> relative(1e-3)
    Relative(value=0.001)
    """
    if not (isinstance(value, int | float) and np.isfinite(value) and value > 0):
        raise OptionError(f"relative({value!r}): give a positive number")
    return Relative(float(value))


@dataclass(frozen=True, eq=False)
class Reduced:
    """The problem of the solver: positive masses of sum one, columns in an order that keeps neighbours together.

    ``rows`` and ``columns`` are places in the measures; with ``swapped`` the rows are those of y. ``labels`` are
    groups of neighbouring columns.
    """

    pairs: Pairs
    a: Array
    b: Array
    rows: Any
    columns: Any
    swapped: bool
    labels: Any


@dataclass(frozen=True, eq=False)
class Levelled:
    """Costs less ``x`` of their rows and ``y`` of their columns, so that no large constant costs digits."""

    pairs: Pairs
    x: Array
    y: Array


@dataclass(frozen=True, eq=False)
class Setting:
    """Two measures of one mass and the costs between them.

    Attributes
    ----------
    x, y
        The measures; ``b`` is the weights of y rescaled to the mass of x.
    cost, pairs
        The ground cost and its values.
    mass, rescaled
        Common mass, and the factor that b was multiplied by.
    memory
        Bytes that arrays may take.
    """

    x: Measure
    y: Measure
    a: Array
    b: Array
    cost: Cost
    pairs: Pairs
    rescaled: float
    memory: int

    @property
    def mass(self) -> float:
        """Common mass."""
        return float(self.a.sum())

    @property
    def scale(self) -> float:
        """Largest cost, in whose units relative epsilons are."""
        return self.pairs.scale

    def epsilon(self, value: Any, name: str = "epsilon") -> float:
        """Return an absolute epsilon; `OptionError` unless it is positive."""
        number = value.value * (self.scale or 1.0) if isinstance(value, Relative) else value
        if isinstance(number, bool) or not isinstance(number, int | float | np.integer | np.floating):
            raise OptionError(f"{name}={value!r}: give a positive number or relative(...)")
        if not (np.isfinite(number) and number > 0):
            raise OptionError(
                f"{name}={value!r}: must be positive and finite (0 would be the exact solver: epsilon=None)"
            )
        return float(number)

    @cached_property
    def reduced(self) -> Reduced:
        """The problem that solvers of positive masses take."""
        rows, columns = np.flatnonzero(self.a > 0), np.flatnonzero(self.b > 0)
        swapped = len(rows) < len(columns)
        between = self.levelled.pairs
        groups: Any = None
        if between.cost.kind not in (MATRIX, FUNCTION) and not between.stored:
            rows = rows[spatial_order(between.X[rows])]
            columns = columns[spatial_order(np.ascontiguousarray(between.YT[:, columns].T))]
            groups = np.arange(len(rows) if swapped else len(columns))
        else:
            C = (
                between.C
                if len(rows) == len(self.a) and len(columns) == len(self.b)
                else between.C[np.ix_(rows, columns)]
            )
            groups, scattered = landmark_order(C.T if swapped else C)
            if scattered:
                across = landmark_order(C if swapped else C.T)[0]
                inner = (across, groups) if not swapped else (groups, across)
                rows = rows if inner[0] is None else rows[inner[0]]
                columns = columns if inner[1] is None else columns[inner[1]]
                groups = np.arange(len(groups))
        part = between.restricted(rows, columns)
        if swapped:
            part, rows, columns = part.transposed(), columns, rows
        a, b = (self.b[rows], self.a[columns]) if swapped else (self.a[rows], self.b[columns])
        if not part.stored and part.shape[0] * part.shape[1] <= min(STORED, self.memory // 24):
            part = part.store()
        labels = None if groups is None else aggregates(groups)
        return Reduced(part, a / a.sum(), b / b.sum(), rows, columns, swapped, labels)

    @cached_property
    def axis_costs(self) -> tuple[Array, ...] | None:
        """Costs of the axes of two grids, where there are too many pairs to visit and the cost is a sum over axes."""
        if self.x.size * self.y.size <= SEPARATE or self.pairs.stored:
            return None
        return self.pairs.axis_costs(self.x, self.y)

    @cached_property
    def levelled(self) -> Levelled:
        """The costs less their row and column minima, where an offset would cost digits."""
        if not self.pairs.stored:
            return Levelled(self.pairs, np.zeros(self.x.size), np.zeros(self.y.size))
        return _levelled(self.pairs)


def setting(x: Any, y: Any, weights: Any, cost: Any, *, memory: int | None = None, equal: bool = True) -> Setting:
    """Check two measures and a cost.

    Raises
    ------
    DataError
        Masses, positions or costs that cannot be used; histograms given as positions; points with forbidden pairs only.
    OptionError
        Unknown costs, weights given in another form than a pair.
    """
    a, b = _pair(weights)
    if look_like_histograms(x, y) and a is None and b is None:
        raise DataError(
            "x and y look like histograms or images (not negative, each of sum 1 or of type uint8), but positions are expected; "
            "give Histogram(counts, edges) or Grid(image), or x=positions with weights=(a, b). For positions that happen to "
            "look so, pass x.reshape(-1, 1)"
        )
    if (
        x is None
        and y is None
        and not (isinstance(cost, np.ndarray) or hasattr(cost, "__array__") or isinstance(cost, list))
    ):
        raise DataError("x and y are missing; give positions, or a cost matrix with cost=matrix")
    ground = as_cost(cost)
    if ground.kind == MATRIX and ground.matrix is not None:
        n, m = ground.matrix.shape
        a = np.full(n, 1.0 / n) if x is None and a is None else a
        b = np.full(m, 1.0 / m) if y is None and b is None else b
    first, second = as_measure(x, a, "x"), as_measure(y, b, "y")
    room = (1 << 31) if memory is None else int(memory)
    if room <= 0:
        raise OptionError(f"memory={memory!r}: give a positive number of bytes")
    between = pairs(first, second, ground, memory=room)
    masses = matched_masses(first.weights, second.weights) if equal else (first.weights, second.weights, 1.0)
    if between.stored:
        _check_support(between.C, masses[0], masses[1])
    return Setting(first, second, masses[0], masses[1], ground, between, masses[2], room)


def _pair(weights: Any) -> tuple[Any, Any]:
    if weights is None:
        return None, None
    if isinstance(weights, np.ndarray) or not hasattr(weights, "__len__") or len(weights) != 2:
        raise OptionError("weights: give a pair (a, b) of mass vectors, or None for equal masses")
    return weights[0], weights[1]


def _check_support(C: Array, a: Array, b: Array) -> None:
    if float(C.max()) < np.inf:
        return
    allowed = np.isfinite(C)
    for name, has, masses in (
        ("x", allowed[:, b > 0].any(axis=1), a),
        ("y", allowed[a > 0].any(axis=0), b),
    ):
        bad = (masses > 0) & ~has
        if bad.any():
            raise DataError(
                f"point {int(np.argmax(bad))} of {name} has only forbidden pairs (infinite costs), but positive mass"
            )


def _levelled(part: Pairs) -> Levelled:
    C = part.C
    n, m = C.shape
    low, high = float(C.min()), float(np.max(C[np.isfinite(C)])) if np.isinf(C.max()) else float(C.max())
    if high - low > max(abs(high), abs(low)) / OFFSET:
        return Levelled(part, np.zeros(n), np.zeros(m))
    rows = C.min(axis=1)
    rows[np.isinf(rows)] = 0.0
    rest = C - rows[:, None]
    columns = rest.min(axis=0)
    columns[np.isinf(columns)] = 0.0
    rest -= columns
    return Levelled(Pairs(part.cost, NONE, NONE, rest), rows, columns)
