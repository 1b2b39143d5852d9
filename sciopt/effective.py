"""Errors of the coordinates by the effective variance."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from sciopt._errors import DataError

__all__ = ["EffectiveVariance"]

EPS = float(np.finfo(float).eps)
SHARE = 0.05  # step in x in units of sigma_x: rounding and truncation are both far below sigma


class EffectiveVariance:
    r"""Residual of a model whose coordinates have errors too.

    .. math:: r_i = \frac{f(x_i) - y_i}{\sqrt{\sigma_{y,i}^2 + \sum_k (\partial_k f(x_i)\, \sigma_{x_k,i})^2}}

    The slope is a fourth-order difference in x; it depends on the parameters, and so does the weight: derivatives of r
    include it. For a straight line the sum of squares is that of D. York, with x and y independent.

    Parameters
    ----------
    model
        The model.
    places
        Positions of the coordinates among its arguments.
    whole
        Whether the one coordinate argument is a tuple or dict of columns.
    y, sigma, sigma_x
        Data, their standard deviations (or None), and one array (or None) a column of x.

    References
    ----------
    J. Orear, Am. J. Phys. 50 (1982) 912; D. York, Can. J. Phys. 44 (1966) 1079.
    """

    def __init__(
        self,
        model: Callable[..., Any],
        places: tuple[int, ...],
        whole: bool,
        y: Any,
        sigma: Any,
        sigma_x: tuple[Any, ...],
    ) -> None:
        self.model, self.places, self.whole = model, places, whole
        self.y, self.sigma, self.sigma_x = y, sigma, sigma_x
        self.__signature__ = inspect.signature(model)
        self.__name__ = getattr(model, "__name__", type(model).__name__)

    def __call__(self, *arguments: Any) -> Any:
        """Return the residual in units of its standard deviation."""
        z = self.model(*arguments)
        halves = np.iscomplexobj(self.y)
        real = imaginary = 0.0 if self.sigma is None else self.sigma**2
        for column, sigma in enumerate(self.sigma_x):
            if sigma is None:
                continue
            moved = self._shift(arguments, column, sigma, z)
            real = real + (moved.real if halves else moved) ** 2
            imaginary = imaginary + moved.imag**2 if halves else 0.0
        with np.errstate(all="ignore"):
            if not halves:
                return (z - self.y) / real**0.5
            r = z - self.y
            return r.real / real**0.5 + 1j * (r.imag / imaginary**0.5)

    def _shift(self, arguments: tuple[Any, ...], column: int, sigma: Any, z: Any) -> Any:
        """Return df/dx times sigma_x."""
        x = self._column(arguments, column)
        h = np.maximum(SHARE * sigma, 64.0 * EPS * np.abs(x))
        h = np.where(h > 0, h, 1.0)

        def at(k: float) -> Any:
            return self.model(*self._moved(arguments, column, x + k * h))

        with np.errstate(all="ignore"):
            one, two, minus, below = at(1.0), at(2.0), at(-1.0), at(-2.0)
            slope = (8.0 * (one - minus) - (two - below)) / (12.0 * h)
            if isinstance(slope, np.ndarray) and not np.isfinite(slope).all():  # at the edge of the model's domain
                forward = (4.0 * one - 3.0 * z - two) / (2.0 * h)
                backward = (3.0 * z - 4.0 * minus + below) / (2.0 * h)
                side = np.where(np.isfinite(forward), forward, backward)
                slope = np.where(np.isfinite(slope), slope, side)
            return slope * sigma

    def _column(self, arguments: tuple[Any, ...], column: int) -> Any:
        if not self.whole:
            return np.asarray(arguments[self.places[column]], float)
        parts = arguments[self.places[0]]
        return np.asarray(list(parts.values())[column] if isinstance(parts, dict) else parts[column], float)

    def _moved(self, arguments: tuple[Any, ...], column: int, x: Any) -> list[Any]:
        new = list(arguments)
        if not self.whole:
            new[self.places[column]] = x
            return new
        parts = new[self.places[0]]
        if isinstance(parts, dict):
            new[self.places[0]] = {**parts, list(parts)[column]: x}
        else:
            new[self.places[0]] = (*parts[:column], x, *parts[column + 1 :])
        return new


def spreads(sigma: Any, shape: tuple[int, ...], name: str) -> Any:
    """Return standard deviations of independent data (zero allowed), as a float or array of a shape that broadcasts."""
    if sigma is None:
        return None
    if isinstance(sigma, tuple):
        raise DataError(f"{name}: with sigma_x the data must be independent; (stat, systematics) is not available")
    values = np.asarray(sigma)
    if values.dtype.kind not in "buif":
        raise DataError(f"{name} has dtype {values.dtype}; real numbers are needed")
    values = values.astype(float)
    try:
        fits = np.broadcast_shapes(values.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise DataError(
            f"{name} has shape {values.shape}, the data {shape}; with sigma_x give standard deviations, not a covariance"
        )
    bad = ~(np.isfinite(values) & (values >= 0))
    if bad.any():
        place = tuple(int(i) for i in np.argwhere(bad)[0])
        raise DataError(f"{name} is {values[place]:g} at index {place}; it must be finite and not negative")
    return values
