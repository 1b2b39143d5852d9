"""Measures: masses on points, grids, histograms and densities, checked once at the door."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sciopt._errors import DataError
from sciopt._types import Array

__all__ = ["Density", "Grid", "Histogram", "Measure", "as_measure", "matched_masses"]

MISMATCH = 1e-6  # relative difference of two masses that is taken for rounding of float32 data


@dataclass(frozen=True, eq=False)
class Measure:
    """Masses on points.

    Attributes
    ----------
    weights
        Masses, float64 of shape (n,), none negative, not all zero.
    points
        Positions, float64 of shape (n, d), C-contiguous; (n, 0) where only a cost matrix is given.
    axes
        Coordinates of the axes of a grid, whose points are their product in C order; None for clouds.

    Examples
    --------
    >>> Measure.of([[0.0, 0.0], [3.0, 4.0]]).mass
    1.0
    """

    weights: Array
    points: Array
    axes: tuple[Array, ...] | None = None

    @staticmethod
    def of(points: Any, weights: Any = None, name: str = "x") -> Measure:
        """Return a weighted cloud; without weights each of n points weighs 1/n.

        Raises
        ------
        DataError
            Positions or masses that are not finite, of wrong shape, or negative; the message names them by ``name``.
        """
        positions = _positions(points, name)
        if weights is None:
            return Measure(np.full(len(positions), 1.0 / len(positions)), positions)
        masses = _masses(weights, f"weights of {name}")
        if masses.shape != (len(positions),):
            raise DataError(
                f"weights of {name} have shape {masses.shape}, but {name} has {len(positions)} points; give one weight a point"
            )
        return Measure(masses, positions)

    @property
    def size(self) -> int:
        """Number n of points, those of zero mass included."""
        return len(self.weights)

    @property
    def mass(self) -> float:
        """Sum of the weights."""
        return float(self.weights.sum())

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the grid, or (n,)."""
        return (self.size,) if self.axes is None else tuple(len(axis) for axis in self.axes)


class Grid(Measure):
    """Masses on a regular or rectilinear grid of any dimension: images, fields.

    Parameters
    ----------
    weights
        Masses, shape (n1, ..., nd); integer and float32 input is converted.
    spacing
        Distance of neighbouring points, one number or one an axis.
    origin
        Position of the first point, one number or one an axis.
    axes
        Coordinates of the axes instead of ``spacing`` and ``origin``, one strictly increasing array each.

    Examples
    --------
    >>> Grid([[1, 0], [0, 1]], spacing=(1.0, 2.0)).points.tolist()
    [[0.0, 0.0], [0.0, 2.0], [1.0, 0.0], [1.0, 2.0]]
    """

    def __init__(
        self,
        weights: Any,
        spacing: float | ArrayLike = 1.0,
        origin: float | ArrayLike = 0.0,
        axes: Any = None,
    ) -> None:
        masses = _masses(weights, "weights of the grid", ndim=None)
        d = masses.ndim
        if axes is None:
            h, x0 = _per_axis(spacing, d, "spacing"), _per_axis(origin, d, "origin")
            if not (h > 0).all():
                raise DataError(f"spacing={spacing!r}: the distance of grid points must be positive")
            coordinates = tuple(x0[k] + h[k] * np.arange(masses.shape[k]) for k in range(d))
        else:
            coordinates = tuple(np.array(axis, dtype=float).ravel() for axis in axes)
            if tuple(len(axis) for axis in coordinates) != masses.shape:
                raise DataError(f"axes have lengths {[len(a) for a in coordinates]}, the weights shape {masses.shape}")
            for k, axis in enumerate(coordinates):
                if not (np.isfinite(axis).all() and (np.diff(axis) > 0).all()):
                    raise DataError(f"axes[{k}] must be finite and strictly increasing")
        mesh = np.meshgrid(*coordinates, indexing="ij")
        points = np.ascontiguousarray(np.stack([m.ravel() for m in mesh], axis=1))
        super().__init__(masses.ravel(), points, coordinates)


class Histogram(Grid):
    """Counts in bins on a line; the mass of a bin sits at its centre.

    Parameters
    ----------
    counts
        Masses of the bins, shape (n,).
    edges
        Edges of the bins, shape (n + 1,), or their centres, shape (n,); increasing.

    Examples
    --------
    >>> Histogram([1, 3], edges=[0.0, 1.0, 2.0]).points.ravel().tolist()
    [0.5, 1.5]
    """

    def __init__(self, counts: Any, edges: Any) -> None:
        masses = _masses(counts, "counts of the histogram")
        places = np.array(edges, dtype=float).ravel()
        if len(places) not in (len(masses), len(masses) + 1):
            raise DataError(
                f"{len(masses)} counts need {len(masses) + 1} edges or {len(masses)} centres, got {len(places)}"
            )
        if not (np.isfinite(places).all() and (np.diff(places) > 0).all()):
            raise DataError("edges of the histogram must be finite and strictly increasing")
        centres = 0.5 * (places[1:] + places[:-1]) if len(places) > len(masses) else places
        super().__init__(masses, axes=(centres,))


class Density(Grid):
    """Density on a line, sampled at points; masses by the trapezoidal rule.

    Parameters
    ----------
    values
        Density at x, shape (n,), n >= 2.
    x
        Positions, shape (n,), strictly increasing.

    Examples
    --------
    >>> Density([1.0, 1.0, 1.0], x=[0.0, 1.0, 3.0]).weights.tolist()
    [0.5, 1.5, 1.0]
    """

    def __init__(self, values: Any, x: Any) -> None:
        heights = _masses(values, "values of the density")
        places = np.array(x, dtype=float).ravel()
        if len(places) != len(heights) or len(places) < 2:
            raise DataError(
                f"a density needs as many positions as values and at least two, got {len(places)} and {len(heights)}"
            )
        if not (np.isfinite(places).all() and (np.diff(places) > 0).all()):
            raise DataError("x of the density must be finite and strictly increasing")
        gaps = np.diff(places)
        widths = 0.5 * (np.concatenate([gaps, [0.0]]) + np.concatenate([[0.0], gaps]))
        super().__init__(heights * widths, axes=(places,))


def as_measure(x: Any, weights: Any = None, name: str = "x") -> Measure:
    """Return a measure for a `Measure`, an array of positions (n, d) or (n,), or None (cost matrix only).

    Raises
    ------
    DataError
        As `Measure.of`; weights given twice; neither positions nor weights.
    """
    if isinstance(x, Measure):
        if weights is None:
            return x
        masses = _masses(weights, f"weights of {name}", ndim=None)
        if masses.shape not in (x.shape, (x.size,)):
            raise DataError(f"weights of {name} have shape {masses.shape}, expected {x.shape}")
        return Measure(masses.ravel(), x.points, x.axes)
    if x is None:
        if weights is None:
            raise DataError(f"{name}: give positions, or weights for a cost matrix")
        masses = _masses(weights, f"weights of {name}")
        return Measure(masses, np.zeros((len(masses), 0)))
    return Measure.of(x, weights, name)


def matched_masses(a: Array, b: Array) -> tuple[Array, Array, float]:
    """Return the masses with b rescaled to the sum of a, and the factor; an error if they differ by more than rounding.

    A relative mismatch of at most 1e-6 is taken for rounding of single-precision data.

    Raises
    ------
    DataError
        The masses differ; the message names both sums.
    """
    A, B = float(a.sum()), float(b.sum())
    if abs(A - B) > MISMATCH * max(A, B):
        raise DataError(
            f"the masses differ: weights of x sum to {A:.9g}, of y to {B:.9g}; normalise them, or ask for unbalanced transport "
            "with unbalanced="
        )
    factor = A / B
    return a, (b if factor == 1.0 else b * factor), factor


def look_like_histograms(x: Any, y: Any) -> bool:
    """Whether two arrays given as positions are masses: non-negative, one-dimensional or images, both summing to one."""
    if isinstance(x, Measure) or isinstance(y, Measure) or x is None or y is None:
        return False
    first, second = np.asarray(x), np.asarray(y)
    if first.shape != second.shape or first.dtype.kind not in "uif" or first.size < 3:
        return False
    if first.ndim == 2 and min(first.shape) >= 8 and first.dtype == np.uint8 == second.dtype:
        return True
    if first.ndim not in (1, 2) or (first.ndim == 2 and min(first.shape) < 8):
        return False
    return all(bool((v >= 0).all()) and abs(float(v.sum(dtype=float)) - 1.0) <= MISMATCH for v in (first, second))


def _positions(points: Any, name: str) -> Array:
    raw = np.asarray(points)
    if raw.dtype.kind not in "buif":
        raise DataError(f"{name} has dtype {raw.dtype}; positions must be real numbers")
    if raw.size == 0:
        raise DataError(f"{name} is empty (shape {raw.shape}); at least one point is needed")
    if raw.ndim not in (1, 2):
        raise DataError(f"{name} has shape {raw.shape}; positions have shape (n, d) or (n,). An image is Grid(image)")
    positions = np.require(raw.reshape(len(raw), -1), dtype=float, requirements=["C", "W"])
    if not np.isfinite(positions).all():
        i, k = (int(v[0]) for v in np.nonzero(~np.isfinite(positions)))
        raise DataError(f"{name}[{i}, {k}] is {positions[i, k]}; positions must be finite")
    return positions


def _masses(weights: Any, name: str, ndim: int | None = 1) -> Array:
    raw = np.asarray(weights)
    if raw.dtype.kind not in "buif":
        raise DataError(f"{name}: dtype {raw.dtype}; masses must be real numbers")
    if raw.ndim == 0 or (ndim is not None and raw.ndim != ndim):
        raise DataError(f"{name}: shape {raw.shape}; a vector with one mass a point is needed")
    if raw.size == 0:
        raise DataError(f"{name}: empty; at least one mass is needed")
    masses = np.array(raw, dtype=float, order="C")
    bad = ~(np.isfinite(masses) & (masses >= 0))
    if bad.any():
        place = tuple(int(v[0]) for v in np.nonzero(bad))
        where = ", ".join(map(str, place))
        raise DataError(f"{name}: entry [{where}] is {masses[place]}; masses must be finite and not negative")
    total = float(masses.sum())
    if not total > 0:
        raise DataError(f"{name}: all are zero; at least one mass must be positive")
    if not np.isfinite(total):
        raise DataError(f"{name}: their sum overflows; divide them by a common factor")
    return masses


def _per_axis(value: Any, d: int, name: str) -> Array:
    given = np.asarray(value, dtype=float)
    if given.ndim > 1 or (given.ndim == 1 and len(given) != d) or not np.isfinite(given).all():
        raise DataError(f"{name}={value!r}: give one finite number, or one for each of the {d} axes")
    return np.broadcast_to(given, (d,))
