"""Counts."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sciopt._errors import DataError
from sciopt._types import Array
from sciopt.losses._contract import check_rows, first_index, quiet, settle, target, total
from sciopt.losses._special import poisson_drop, poisson_terms

__all__ = ["Poisson"]

_EMPTY = 1e-12  # expected counts below which the curvature of an empty bin stops growing


@dataclass(frozen=True)
class Poisson:
    r"""Poisson counts k with expectation z = mu: :math:`l = \mu - k + k \log(k/\mu)` per row.

    The loss is half the likelihood-ratio deviance, so that its minimum is a goodness of fit close to chi2 for
    large counts. Empty bins (k = 0) contribute mu. Negative mu, or mu = 0 where counts were seen, is outside the
    domain. Curvature is Fisher's, 1/mu; in an empty bin it is capped at 1e12 so that mu = 0 stays usable, with the
    gradient exact.

    References
    ----------
    S. Baker and R. D. Cousins, Nucl. Instrum. Methods 221 (1984) 437.

    Examples
    --------
    >>> Poisson().value([2.0, 3.0], [2, 0])
    3.0
    """

    name = "poisson"
    statistical = True

    def check(self, z_shape: tuple[int, ...], y: Any) -> None:
        """Raise `DataError` where y is negative, not finite or of another shape than the model."""
        k = check_rows(self.name, z_shape, y)
        bad = k < 0
        if bad.any():
            raise DataError(
                f"poisson loss: y is {k[bad].flat[0]:g} at {first_index(bad)}; counts cannot be negative "
                "(do not subtract the background, put it into the model)"
            )

    def value(self, z: Any, y: Any) -> float:
        """Half the deviance; inf outside the domain."""
        with quiet():
            return total(poisson_terms(np.asarray(z, dtype=np.float64), target(y)))

    def whiten(self, z: Any, y: Any) -> tuple[Array, Array]:
        """Residual (mu - k)/sqrt(mu) and scale 1/sqrt(mu); nan outside the domain."""
        with quiet():
            mu, k = np.asarray(z, dtype=np.float64), target(y)
            curved = np.where(k > 0, mu, np.maximum(mu, _EMPTY))  # nan passes through maximum
            scale = 1.0 / np.sqrt(curved)
            r = np.where(k > 0, (mu - k) * scale, np.where(mu >= 0, np.sqrt(curved), np.nan))
        return r, scale

    def decrease(self, z: Any, z_new: Any, y: Any) -> float:
        """Half the drop in deviance, by logarithms of the relative change of mu."""
        with quiet():
            mu, new, k = np.asarray(z, dtype=np.float64), np.asarray(z_new, dtype=np.float64), target(y)
            inside = bool(np.all((mu > 0) | ((mu == 0) & (k == 0))) and np.all((new > 0) | ((new == 0) & (k == 0))))
            change = float(np.sum(poisson_drop(mu, new, k))) if inside else np.nan
        return settle(change, lambda: self.value(z, y), lambda: self.value(z_new, y))

    def deviance(self, z: Any, y: Any) -> Array:
        """Likelihood-ratio contribution 2 (mu - k + k log(k/mu)) of each row."""
        with quiet():
            return 2.0 * poisson_terms(np.asarray(z, dtype=np.float64), target(y))
