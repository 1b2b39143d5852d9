"""Ground costs: what it costs to move one unit of mass, evaluated when needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sciopt._errors import DataError, OptionError
from sciopt._types import Array
from sciopt.transport.measure import Measure

__all__ = ["Cost", "as_cost", "cityblock", "function", "periodic", "power", "sphere"]

# Kinds as the compiled kernels know them (cost_kernels).
MATRIX, SQUARED, EUCLIDEAN, POWER, CITYBLOCK, PERIODIC, SPHERE = range(7)
FUNCTION = -1
NAMES = ("sqeuclidean", "euclidean", "cityblock")


@dataclass(frozen=True, eq=False)
class Cost:
    r"""A ground cost :math:`c(x, y)`.

    Attributes
    ----------
    kind
        Integer that the compiled kernels branch on.
    exponent
        p, such that ``cost ** (1 / p)`` has the dimension of a distance.
    parameters
        Numbers of the kind: exponent first, then the periods or the radius.
    name
        For reports.
    matrix, call
        Given costs (n, m), or the user's function.
    degrees
        For the sphere: None for vectors, else whether longitudes and latitudes are in degrees.
    """

    kind: int
    exponent: float
    parameters: Array
    name: str
    matrix: Array | None = None
    call: Callable[[Array, Array], Any] | None = field(default=None, repr=False)
    degrees: bool | None = None

    def prepare(self, x: Measure, name: str = "x") -> Array:
        """Return the positions of a measure as the kernels of this cost take them, float64 (n, d).

        Raises
        ------
        DataError
            Positions missing, or of a dimension that does not fit.
        """
        if x.points.shape[1] == 0:
            raise DataError(f"{name} has no positions; the cost {self.name} needs them (or give cost=matrix)")
        points = x.points
        if self.kind == PERIODIC and points.shape[1] != len(self.parameters) - 1:
            raise DataError(
                f"{name} has dimension {points.shape[1]}, the periodic box {len(self.parameters) - 1} periods; give one period a dimension"
            )
        return self._unit(points, name) if self.kind == SPHERE else points

    def _unit(self, points: Array, name: str) -> Array:
        if self.degrees is not None:
            if points.shape[1] != 2:
                raise DataError(f"{name} has dimension {points.shape[1]}; longitude and latitude are two columns")
            longitude, latitude = np.radians(points.T) if self.degrees else points.T
            c = np.cos(latitude)
            return np.ascontiguousarray(
                np.stack([c * np.cos(longitude), c * np.sin(longitude), np.sin(latitude)], axis=1)
            )
        length = np.sqrt((points * points).sum(1))
        if points.shape[1] < 2 or not (length > 0).all():
            raise DataError(f"{name}: points on a sphere are non-zero vectors of dimension two or more")
        return points / length[:, None]


def power(p: float) -> Cost:
    r"""Return the cost :math:`|x-y|^p` of the Euclidean distance; W_p is ``cost ** (1/p)``.

    Examples
    --------
    >>> power(3).exponent
    3.0
    """
    p = _exponent(p, "power")
    if p == 2.0:
        return Cost(SQUARED, 2.0, np.array([2.0]), "sqeuclidean")
    if p == 1.0:
        return Cost(EUCLIDEAN, 1.0, np.array([1.0]), "euclidean")
    return Cost(POWER, p, np.array([p]), f"power({p:g})")


def cityblock(p: float = 1.0) -> Cost:
    r"""Return the cost :math:`\sum_k |x_k-y_k|^p`, a sum over axes and therefore separable on grids."""
    p = _exponent(p, "cityblock")
    return Cost(CITYBLOCK, p, np.array([p]), f"cityblock({p:g})")


def periodic(box: Any, p: float = 2.0) -> Cost:
    r"""Return the cost :math:`|x-y|^p` with distances to the nearest image in a periodic box.

    Parameters
    ----------
    box
        Period of each axis, shape (d,), or one number for d = 1; ``inf`` for an axis that is not periodic.
    p
        Exponent.
    """
    periods = np.atleast_1d(np.asarray(box, dtype=float))
    if periods.ndim != 1 or not (periods > 0).all():
        raise OptionError(f"periodic(box={box!r}): give one positive period an axis")
    finite = np.where(np.isfinite(periods), periods, 1e300)  # never wraps
    p = _exponent(p, "periodic")
    return Cost(PERIODIC, p, np.concatenate([[p], finite]), f"periodic({', '.join(f'{v:g}' for v in periods)})")


def sphere(radius: float = 1.0, p: float = 1.0, degrees: bool | None = None) -> Cost:
    r"""Return the cost :math:`(R\,\angle(x, y))^p`, the geodesic distance on a sphere.

    Parameters
    ----------
    radius
        R, in the unit of the distance.
    p
        Exponent.
    degrees
        None: points are vectors (n, d), of any length. True or False: points are (longitude, latitude) in degrees or
        radians.
    """
    if not (np.isfinite(radius) and radius > 0):
        raise OptionError(f"sphere(radius={radius!r}): the radius must be positive")
    p = _exponent(p, "sphere")
    return Cost(SPHERE, p, np.array([p, float(radius)]), f"sphere({radius:g})", degrees=degrees)


def function(call: Callable[[Array, Array], Any], p: float = 1.0) -> Cost:
    """Return a cost from a function of rows.

    Parameters
    ----------
    call
        Called with x of shape (k, 1, d) and y of shape (1, m, d); returns costs of shape (k, m).
    p
        Exponent by which the cost becomes a distance.
    """
    return Cost(FUNCTION, _exponent(p, "function"), np.zeros(1), getattr(call, "__name__", "function"), call=call)


def as_cost(cost: Any) -> Cost:
    """Return a `Cost` for a name, a matrix, a function or a `Cost`.

    Raises
    ------
    OptionError
        An unknown name.
    DataError
        A matrix that is not two-dimensional, or with NaN or -inf; ``inf`` is a forbidden pair.
    """
    if isinstance(cost, Cost):
        return cost
    if isinstance(cost, str):
        if cost not in NAMES:
            raise OptionError(
                f"cost={cost!r} is unknown; choose {', '.join(NAMES)}, power(p), periodic(box), sphere(), a matrix or a function"
            )
        return cityblock() if cost == "cityblock" else power(2.0 if cost == "sqeuclidean" else 1.0)
    if callable(cost):
        return function(cost)
    raw = np.asarray(cost)
    if raw.ndim != 2 or raw.dtype.kind not in "buif":
        raise DataError(f"cost has shape {raw.shape} and dtype {raw.dtype}; a cost matrix is real and two-dimensional")
    return Cost(MATRIX, 1.0, np.zeros(1), "matrix", checked_costs(raw, "cost"))


def checked_costs(raw: Any, name: str) -> Array:
    """Return costs as float64 in C order; `DataError` for NaN or -inf."""
    C = np.require(raw, dtype=float, requirements=["C", "W"])  # compiled kernels know writeable C order only
    if C.size == 0:
        raise DataError(f"{name} is empty (shape {C.shape})")
    if not C.min() > -np.inf:  # NaN too
        i, j = (int(v[0]) for v in np.nonzero(np.isnan(C) | np.isneginf(C)))
        raise DataError(f"{name}[{i}, {j}] is {C[i, j]}; costs are finite, or inf for a forbidden pair")
    return C


def _exponent(p: float, name: str) -> float:
    if not (np.isfinite(p) and p > 0):
        raise OptionError(f"{name}(p={p!r}): the exponent must be positive")
    return float(p)
