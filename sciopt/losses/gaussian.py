"""Half the sum of squares."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sciopt._types import Array
from sciopt.losses._contract import check_rows, quiet, settle, target, total

__all__ = ["Gaussian"]


@dataclass(frozen=True)
class Gaussian:
    r"""Normal errors: :math:`l = (z - y)^2 / 2` per row.

    Rows are expected in units of sigma; the caller divides first. ``y=None`` means rows that were centred before.

    Examples
    --------
    >>> Gaussian().value([1.0, 2.0], [0.0, 0.0])
    2.5
    """

    name = "gaussian"
    statistical = True

    def check(self, z_shape: tuple[int, ...], y: Any) -> None:
        """Raise `DataError` where y is not finite or has another shape than the model."""
        check_rows(self.name, z_shape, y)

    def value(self, z: Any, y: Any = None) -> float:
        """Half the sum of squares; inf if any row is not finite."""
        with quiet():
            r = (np.asarray(z, dtype=np.float64) - target(y)).ravel()
            return total(0.5 * np.dot(r, r))

    def whiten(self, z: Any, y: Any = None) -> tuple[Array, Array]:
        """Residual z - y and unit scale."""
        with quiet():
            r = np.asarray(z, dtype=np.float64) - target(y)
        return r, np.ones_like(r)

    def decrease(self, z: Any, z_new: Any, y: Any = None) -> float:
        """Half the sum of (z - z_new)(r + r_new)."""
        with quiet():
            a, b, k = np.asarray(z, dtype=np.float64), np.asarray(z_new, dtype=np.float64), target(y)
            change = 0.5 * float(np.dot((a - b).ravel(), ((a - k) + (b - k)).ravel()))
        return settle(change, lambda: self.value(z, y), lambda: self.value(z_new, y))

    def deviance(self, z: Any, y: Any = None) -> Array:
        """Squared residual of each row."""
        with quiet():
            return (np.asarray(z, dtype=np.float64) - target(y)) ** 2
