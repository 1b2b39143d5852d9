"""Soft maximum of all rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sciopt._types import Array
from sciopt.losses._contract import check_rows, positive_option, quiet, settle, target

__all__ = ["LogSumExp"]

FLOOR = 1e-150


@dataclass(frozen=True)
class LogSumExp:
    r"""Objective :math:`f = \mu \log \sum_i e^{(z_i - y_i)/\mu}`, a smooth maximum of the rows.

    Approximate Hessian: the weighted Gauss-Newton term :math:`\frac{1}{\mu} J^T \mathrm{diag}(\pi) J` with the soft-max
    weights :math:`\pi`, which lies above the exact one. Semenov, Jaggi and Doikov, arXiv 2506.13710.

    Parameters
    ----------
    mu : float
        Width of the smoothing; f exceeds the maximum by at most mu log n.

    Examples
    --------
    >>> round(LogSumExp(0.01).value([1.0, 0.5], 0.0), 6)
    1.0
    """

    mu: float = 1.0

    name = "log_sum_exp"
    statistical = False

    def __post_init__(self) -> None:
        positive_option("LogSumExp", "mu", self.mu)

    def check(self, z_shape: tuple[int, ...], y: ArrayLike | None) -> None:
        """Raise `DataError` where y is not finite or has another shape than the model."""
        check_rows(self.name, z_shape, y)

    def _terms(self, z: Any, y: Any) -> tuple[float, Array]:
        """Return f and the soft-max weights, flat."""
        a = np.ravel(np.asarray(z, dtype=np.float64) - target(y)) / self.mu
        top = float(np.max(a))
        if not np.isfinite(a).all():
            return np.inf, np.full_like(a, np.nan)
        weight = np.exp(a - top)
        total = float(np.sum(weight))
        return self.mu * (top + np.log(total)), weight / total

    def value(self, z: Any, y: Any = None) -> float:
        """Return the objective; inf where a row is not finite."""
        with quiet():
            return float(self._terms(z, y)[0])

    def whiten(self, z: Any, y: Any = None) -> tuple[Array, Array]:
        r"""Residual :math:`\sqrt{\mu \pi}` and row scale :math:`\sqrt{\pi / \mu}`."""
        with quiet():
            weight = np.maximum(self._terms(z, y)[1], FLOOR)
            return np.sqrt(self.mu * weight), np.sqrt(weight / self.mu)

    def decrease(self, z: Any, z_new: Any, y: Any = None) -> float:
        r"""Decrease from the change of the rows: :math:`-\mu \log(1 + \sum \pi_i (e^{d_i/\mu} - 1))`."""
        with quiet():
            d = np.ravel(np.asarray(z_new, dtype=np.float64) - np.asarray(z, dtype=np.float64)) / self.mu
            if np.max(np.abs(d)) < 1.0:
                change = -self.mu * np.log1p(float(self._terms(z, y)[1] @ np.expm1(d)))
            else:
                change = self.value(z, y) - self.value(z_new, y)
        return settle(float(change), lambda: self.value(z, y), lambda: self.value(z_new, y))

    def deviance(self, z: Any, y: Any = None) -> Array:
        """Squared whitened residuals; a soft maximum is no goodness of fit."""
        with quiet():
            return np.square(self.whiten(z, y)[0]).reshape(np.shape(z))
