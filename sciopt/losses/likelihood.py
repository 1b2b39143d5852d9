"""Unbinned data."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sciopt._errors import DataError
from sciopt._types import Array
from sciopt.losses._contract import check_rows, quiet, settle, total
from sciopt.losses._special import poisson_drop

__all__ = ["Likelihood"]


@dataclass(frozen=True)
class Likelihood:
    r"""Minus the log likelihood of unbinned data, whose rows are z_i = log p(x_i).

    The gradient is that of :math:`-\sum_i z_i`; the curvature is the sum of outer products of the scores,
    :math:`\sum_i \nabla z_i \nabla z_i^T`, an estimate of the Fisher information that needs no second derivatives:
    r = -1 and scale = 1.

    With ``extended=True`` the model returns one row more: the logarithms of the *normalised* density followed by the
    expected number of events nu, and the loss is :math:`\nu - n\log\nu - \sum_i z_i`, that is nu minus the sum of
    log(nu p_i). Its last row carries the Fisher information of a Poisson count, 1/nu.

    There is no saturated model, so the rows stay out of chi2. ``y`` is not used.

    References
    ----------
    E. K. Berndt, B. H. Hall, R. E. Hall and J. A. Hausman, Ann. Econ. Soc. Meas. 3 (1974) 653 (curvature);
    R. Barlow, Nucl. Instrum. Methods A 297 (1990) 496 (extended likelihood).

    Examples
    --------
    >>> Likelihood().value([-1.0, -2.0])
    3.0
    """

    extended: bool = False

    name = "likelihood"
    statistical = False

    def check(self, z_shape: tuple[int, ...], y: Any) -> None:
        """Raise `DataError` unless the model returns one row an event (and one for nu)."""
        check_rows(self.name, z_shape, y)
        if len(z_shape) != 1 or z_shape[0] < 1 + self.extended:
            extra = " and the expected number as last row" if self.extended else ""
            raise DataError(
                f"likelihood loss: the model must return one log density an event (n,){extra}, not {tuple(z_shape)}"
            )

    def value(self, z: Any, y: Any = None) -> float:
        """Minus the log likelihood; inf where a density or nu is not positive and finite."""
        rows = np.asarray(z, dtype=np.float64)
        with quiet():
            if not np.isfinite(rows).all():
                return np.inf
            if not self.extended:
                return total(-rows)
            events, nu = rows[:-1], rows[-1]
            return total(-events) + float(nu - len(events) * np.log(nu)) if nu > 0 else np.inf

    def whiten(self, z: Any, y: Any = None) -> tuple[Array, Array]:
        """Residual -1 and scale 1 for events; (nu - n)/sqrt(nu) and 1/sqrt(nu) for the expected number."""
        rows = np.asarray(z, dtype=np.float64)
        r, scale = np.full(rows.shape, -1.0), np.ones(rows.shape)
        if self.extended:
            with quiet():
                nu = rows[-1]
                scale[-1] = 1.0 / np.sqrt(nu)
                r[-1] = (nu - (len(rows) - 1)) * scale[-1]
        return r, scale

    def decrease(self, z: Any, z_new: Any, y: Any = None) -> float:
        """Sum of z_new - z; the expected number by the Poisson form."""
        a, b = np.asarray(z, dtype=np.float64), np.asarray(z_new, dtype=np.float64)
        with quiet():
            d = b - a
            if self.extended:
                n = np.asarray(float(len(a) - 1))
                change = float(np.sum(d[:-1])) + float(poisson_drop(a[-1], b[-1], n))
                change = change if a[-1] > 0 and b[-1] > 0 else np.nan
            else:
                change = float(np.sum(d))
        return settle(change, lambda: self.value(z, y), lambda: self.value(z_new, y))

    def deviance(self, z: Any, y: Any = None) -> Array:
        """Twice the loss of each row (no saturated model is subtracted)."""
        rows = np.asarray(z, dtype=np.float64)
        with quiet():
            out = -2.0 * rows
            if self.extended:
                out[-1] = 2.0 * (rows[-1] - (len(rows) - 1) * np.log(rows[-1]))
        return out
