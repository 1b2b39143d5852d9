"""Binary outcomes with a logit output."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sciopt._errors import DataError
from sciopt._types import Array
from sciopt.losses._contract import check_rows, first_index, quiet, settle, target, total
from sciopt.losses._special import exp_excess

__all__ = ["Logistic"]

_LARGEST = 1e6  # bound on |r| of a saturated wrong row; such a row then has curvature 1e-12 instead of exp(-|z|)


def _xlogx(x: Array) -> Array:
    return np.where(x > 0, x * np.log(np.where(x > 0, x, 1.0)), 0.0)


@dataclass(frozen=True)
class Logistic:
    r"""Outcomes y in [0, 1] with probability p = 1/(1 + exp(-z)); z is the logit.

    :math:`l = \log(1 + e^{z}) - y z` per row, relative to p = y, with Fisher curvature p(1-p). Labels of 0 and 1 are
    the usual case; fractions are allowed. The deviance of single outcomes does not measure goodness of fit, so these
    rows stay out of chi2 (``statistical`` is False); use `Binomial` for grouped outcomes.

    Examples
    --------
    >>> round(Logistic().value([0.0], [1.0]), 6)
    0.693147
    """

    name = "logistic"
    statistical = False

    def check(self, z_shape: tuple[int, ...], y: Any) -> None:
        """Raise `DataError` where y lies outside [0, 1]."""
        labels = check_rows(self.name, z_shape, y)
        bad = (labels < 0) | (labels > 1)
        if bad.any():
            raise DataError(
                f"logistic loss: y is {labels[bad].flat[0]:g} at {first_index(bad)}; labels lie between 0 and 1"
            )

    @staticmethod
    def _terms(z: Any, y: Any) -> Array:
        logit, label = np.asarray(z, dtype=np.float64), target(y)
        wrong = np.where(logit >= 0, 1.0 - label, label)
        saturated = _xlogx(label) + _xlogx(1.0 - label)
        return np.log1p(np.exp(-np.abs(logit))) + np.abs(logit) * wrong + saturated

    def value(self, z: Any, y: Any) -> float:
        """Cross entropy minus that of p = y; inf if a logit is not finite."""
        with quiet():
            return total(self._terms(z, y)) if np.isfinite(z).all() else np.inf

    @staticmethod
    def _probability(z: Any, y: Any) -> tuple[Array, Array, Array]:
        logit, label = np.asarray(z, dtype=np.float64), target(y)
        e = np.exp(-np.abs(logit))
        less, more = e / (1.0 + e), 1.0 / (1.0 + e)
        p, q = np.where(logit >= 0, more, less), np.where(logit >= 0, less, more)
        return p, q, np.where(logit >= 0, (1.0 - label) - less, less - label)

    def whiten(self, z: Any, y: Any) -> tuple[Array, Array]:
        """Residual (p - y)/sqrt(p(1-p)), bounded by 1e6, and scale sqrt(p(1-p)); the gradient is exact."""
        with quiet():
            p, q, slope = self._probability(z, y)
            scale = np.maximum(np.maximum(np.sqrt(p * q), np.abs(slope) / _LARGEST), 1e-150)
            r = slope / scale
        return r, scale

    def decrease(self, z: Any, z_new: Any, y: Any) -> float:
        """Drop in cross entropy: first-order term minus a remainder of one sign."""
        with quiet():
            p, q, slope = self._probability(z, y)
            d = np.asarray(z_new, dtype=np.float64) - np.asarray(z, dtype=np.float64)
            near = -slope * d - np.log1p(q * exp_excess(-p * d) + p * exp_excess(q * d))
            far = self._terms(z, y) - self._terms(z_new, y)
            change = float(np.sum(np.where(np.abs(d) < 1.0, near, far)))
        return settle(change, lambda: self.value(z, y), lambda: self.value(z_new, y))

    def deviance(self, z: Any, y: Any) -> Array:
        """Twice the cross entropy of each row relative to p = y."""
        with quiet():
            return 2.0 * self._terms(z, y)
