"""Losses written by the user."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sciopt._types import Array
from sciopt.losses._contract import RowOperator, check_rows, quiet, settle, target, total

__all__ = ["Adapted", "Elementwise"]


@dataclass(frozen=True)
class Elementwise:
    """A loss from its derivatives, for rows that do not mix.

    Parameters
    ----------
    value_rows, derivative, curvature : callable
        Functions of (z, y), arrays of one shape, returning l, dl/dz and a non-negative curvature (second derivative,
        or its expectation) for each row. The value should be nan or inf outside the domain.
    name : str
        Name in reports.
    statistical : bool
        Whether twice the value is a goodness of fit (zero for a perfect row) that belongs in chi2.

    Examples
    --------
    >>> quartic = Elementwise(lambda z, y: (z - y) ** 4, lambda z, y: 4 * (z - y) ** 3, lambda z, y: 12 * (z - y) ** 2)
    >>> quartic.value([2.0], [0.0])
    16.0
    """

    value_rows: Callable[[Array, Array], Array]
    derivative: Callable[[Array, Array], Array]
    curvature: Callable[[Array, Array], Array]
    name: str = "custom"
    statistical: bool = False

    def _inputs(self, z: Any, y: Any) -> tuple[Array, Array]:
        rows = np.asarray(z, dtype=np.float64)
        return rows, np.broadcast_to(target(y), rows.shape)

    def check(self, z_shape: tuple[int, ...], y: Any) -> None:
        """Raise `DataError` where y is not finite or has another shape than the model."""
        check_rows(self.name, z_shape, y)

    def value(self, z: Any, y: Any = None) -> float:
        """Sum of the rows."""
        with quiet():
            return total(np.asarray(self.value_rows(*self._inputs(z, y)), dtype=np.float64))

    def whiten(self, z: Any, y: Any = None) -> tuple[Array, Array]:
        """Residual derivative/sqrt(curvature) and scale sqrt(curvature); |r| is bounded by 1e6."""
        with quiet():
            inputs = self._inputs(z, y)
            slope = np.asarray(self.derivative(*inputs), dtype=np.float64)
            bent = np.maximum(np.asarray(self.curvature(*inputs), dtype=np.float64), 0.0)
            scale = np.maximum(np.maximum(np.sqrt(bent), np.abs(slope) / 1e6), 1e-150)
            return slope / scale, scale

    def decrease(self, z: Any, z_new: Any, y: Any = None) -> float:
        """Difference row by row, then summed; limited by the rounding of the rows."""
        with quiet():
            old, new = (np.asarray(self.value_rows(*self._inputs(p, y)), dtype=np.float64) for p in (z, z_new))
            change = float(np.sum(old - new))
        return settle(change, lambda: self.value(z, y), lambda: self.value(z_new, y))

    def deviance(self, z: Any, y: Any = None) -> Array:
        """Twice the value of each row."""
        with quiet():
            return 2.0 * np.asarray(self.value_rows(*self._inputs(z, y)), dtype=np.float64)


@dataclass(frozen=True)
class Adapted:
    """An object with ``value``, ``whiten`` and ``decrease``, completed by what the engine asks for besides.

    Missing ``check`` accepts finite y, missing ``statistical`` is False, missing ``deviance`` is the squared whitened
    residual.
    """

    inner: Any

    @property
    def name(self) -> str:
        """Name of the wrapped object, else of its class."""
        return str(getattr(self.inner, "name", type(self.inner).__name__))

    @property
    def statistical(self) -> bool:
        """Whether the deviance belongs in chi2."""
        return bool(getattr(self.inner, "statistical", False))

    def check(self, z_shape: tuple[int, ...], y: Any) -> None:
        """Check by the object's own rule, if it has one."""
        own = getattr(self.inner, "check", None)
        if callable(own):
            own(z_shape, y)
        else:
            check_rows(self.name, z_shape, y)

    def value(self, z: Any, y: Any) -> float:
        """Value of the wrapped object, nan read as inf."""
        with quiet():
            value = float(self.inner.value(z, y))
        return np.inf if np.isnan(value) else value

    def whiten(self, z: Any, y: Any) -> tuple[Array, Array | RowOperator]:
        """Residual and scale of the wrapped object."""
        with quiet():
            return self.inner.whiten(z, y)

    def decrease(self, z: Any, z_new: Any, y: Any) -> float:
        """Decrease of the wrapped object, -inf outside its domain."""
        with quiet():
            change = float(self.inner.decrease(z, z_new, y))
        return settle(change, lambda: self.value(z, y), lambda: self.value(z_new, y))

    def deviance(self, z: Any, y: Any) -> Array:
        """Deviance of the wrapped object, else squared whitened residuals."""
        own = getattr(self.inner, "deviance", None)
        with quiet():
            return np.asarray(own(z, y) if callable(own) else np.square(self.whiten(z, y)[0]))
