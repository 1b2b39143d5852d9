"""A power of the length of the whole residual."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sciopt._errors import OptionError
from sciopt._types import Array
from sciopt.losses._contract import check_rows, positive_option, quiet, settle, target

__all__ = ["PowerNorm", "PowerNormRows"]


@dataclass(frozen=True, eq=False)
class PowerNormRows:
    r"""Row operator :math:`B = s\,(I + c\, e e^T)`, symmetric; e is the direction of the residual."""

    s: float
    c: float
    e: Array

    def rows(self, J: Array) -> Array:
        """Whiten rows (n, P), or a vector (n,)."""
        flat = np.asarray(J)
        along = self.e @ flat
        return self.s * (flat + self.c * (np.multiply.outer(self.e, along)))

    def rows_t(self, W: Array) -> Array:
        """Transpose of `rows`, which is `rows`."""
        return self.rows(W)


@dataclass(frozen=True)
class PowerNorm:
    r"""Objective :math:`f = \frac{1}{p} |u|^p` with u = z - y, all rows together.

    Approximate Hessian: Gauss-Newton plus Fisher term,
    :math:`|u|^{p-2} J^T J + (p-2) |u|^{p-4} (J^T u)(J^T u)^T`; exact for linear u. p = 2 is least squares. Semenov,
    Jaggi and Doikov, arXiv 2506.13710, section on approximate Hessians.

    Parameters
    ----------
    p : float
        Power, > 1.

    Examples
    --------
    >>> PowerNorm(4.0).value([3.0, 4.0], 0.0)
    156.25
    """

    p: float = 4.0

    name = "power_norm"
    statistical = False

    def __post_init__(self) -> None:
        positive_option("PowerNorm", "p", self.p)
        if self.p <= 1.0:
            raise OptionError(f"PowerNorm(p={self.p}) must have p > 1")

    def check(self, z_shape: tuple[int, ...], y: ArrayLike | None) -> None:
        """Raise `DataError` where y is not finite or has another shape than the model."""
        check_rows(self.name, z_shape, y)

    def _u(self, z: Any, y: Any) -> Array:
        return np.ravel(np.asarray(z, dtype=np.float64) - target(y))

    def value(self, z: Any, y: Any = None) -> float:
        """Return the objective; inf where u is not finite."""
        with quiet():
            length = float(np.linalg.norm(self._u(z, y)))
            return length**self.p / self.p if np.isfinite(length) else np.inf

    def whiten(self, z: Any, y: Any = None) -> tuple[Array, PowerNormRows]:
        r"""Residual :math:`|u|^{p/2-1} u / \sqrt{p-1}` and the row operator."""
        with quiet():
            u = self._u(z, y)
            length = float(np.linalg.norm(u))
            if length == 0.0:
                s = 1.0 if self.p == 2.0 else 0.0
                return np.zeros_like(u), PowerNormRows(s, 0.0, np.zeros_like(u))
            e = u / length
            s = length ** (0.5 * self.p - 1.0)
            root = np.sqrt(self.p - 1.0)
            return (s * length / root) * e, PowerNormRows(s, float(root) - 1.0, e)

    def decrease(self, z: Any, z_new: Any, y: Any = None) -> float:
        """Decrease from the product form of the squared lengths."""
        with quiet():
            u, v = self._u(z, y), self._u(z_new, y)
            a = float(u @ u)
            if a == 0.0:
                return settle(np.nan, lambda: self.value(z, y), lambda: self.value(z_new, y))
            drop = float((v - u) @ (v + u)) / a  # |v|^2 / |u|^2 - 1
            change = -(a ** (0.5 * self.p)) * np.expm1(0.5 * self.p * np.log1p(max(drop, -1.0))) / self.p
        return settle(float(change), lambda: self.value(z, y), lambda: self.value(z_new, y))

    def deviance(self, z: Any, y: Any = None) -> Array:
        """Twice the objective, shared among the rows by their squares."""
        with quiet():
            u = self._u(z, y)
            square = float(u @ u)
            share = u * u / square if square > 0 else np.zeros_like(u)
            return (2.0 * self.value(z, y) * share).reshape(np.shape(z))
