"""Successes out of a known number of trials."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sciopt._errors import DataError, OptionError
from sciopt._types import Array
from sciopt.losses._contract import check_rows, first_index, quiet, settle, target, total
from sciopt.losses._special import binomial_terms, log_deficit, log_ratio

__all__ = ["Binomial"]

_LARGEST = 1e6  # bound on |r|: a saturated wrong row must not drown the others in a QR factorisation


@dataclass(frozen=True, eq=False)
class Binomial:
    r"""Successes k out of n trials with probability z = p.

    :math:`l = k \log\frac{k}{np} + (n-k)\log\frac{n-k}{n(1-p)}` per row (half the deviance), Fisher curvature
    n/(p(1-p)). Outside the domain: p < 0, p > 1, p = 0 with successes, p = 1 with failures.

    Parameters
    ----------
    trials : int or array, shape of y
        Number of trials n, at least 1 each.

    Examples
    --------
    >>> round(Binomial(trials=10).value([0.5], [5]), 12)
    0.0
    """

    trials: ArrayLike = 1

    name = "binomial"
    statistical = True

    def __post_init__(self) -> None:
        raw = np.asarray(self.trials)
        if raw.dtype.kind not in "uif":
            raise OptionError(f"Binomial(trials=...) must be numbers, not {raw.dtype}")
        n = raw.astype(np.float64)  # a copy, so that later changes of the caller's array do not reach the loss
        bad = ~(np.isfinite(n) & (n > 0))
        if bad.any():
            raise OptionError(f"Binomial(trials=...) is {n[bad].flat[0]} at {first_index(bad)}; at least 1 is needed")
        n.setflags(write=False)
        object.__setattr__(self, "trials", n if n.ndim else float(n))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Binomial) and np.array_equal(np.asarray(self.trials), np.asarray(other.trials))

    def __hash__(self) -> int:
        return hash((self.name, np.asarray(self.trials).tobytes()))

    def selected(self, keep: NDArray[Any]) -> "Binomial":
        """Return the loss of the rows kept (mask or index over rows); scalar trials stay."""
        n = np.asarray(self.trials)
        return self if n.ndim == 0 else Binomial(n[keep])

    def _trials(self, shape: tuple[int, ...]) -> Array:
        n = np.asarray(self.trials, dtype=np.float64)
        if n.ndim == 0 or n.shape == shape:
            return n
        return n.reshape(shape) if n.size == np.prod(shape) else np.broadcast_to(n, shape)

    def check(self, z_shape: tuple[int, ...], y: Any) -> None:
        """Raise `DataError` where y lies outside 0..trials or the shapes of y, trials and model differ."""
        k = check_rows(self.name, z_shape, y)
        try:
            n = self._trials(tuple(z_shape))
        except ValueError:
            shape = np.asarray(self.trials).shape
            raise DataError(f"binomial loss: trials has shape {shape}, the model returns {tuple(z_shape)}") from None
        k, n = np.broadcast_arrays(k, n)
        bad = (k < 0) | (k > n)
        if bad.any():
            raise DataError(
                f"binomial loss: y is {k[bad].flat[0]:g} of {n[bad].flat[0]:g} trials at {first_index(bad)}; "
                "successes must lie between 0 and the trials"
            )

    def _rows(self, z: Any, y: Any) -> tuple[Array, Array, Array]:
        p = np.asarray(z, dtype=np.float64)
        return p, target(y), self._trials(p.shape)

    def value(self, z: Any, y: Any) -> float:
        """Half the deviance; inf outside the domain."""
        with quiet():
            return total(binomial_terms(*self._rows(z, y)))

    def whiten(self, z: Any, y: Any) -> tuple[Array, Array]:
        """Residual (np - k)/sqrt(np(1-p)) and scale sqrt(n/(p(1-p))), bounded, the gradient exact."""
        with quiet():
            p, k, n = self._rows(z, y)
            q = 1.0 - p
            slope = np.where(k > 0, -k / p, 0.0) + np.where(k < n, (n - k) / q, 0.0)
            mixed = (k > 0) & (k < n)
            slope = np.where(mixed, (n * p - k) / (p * q), slope)
            # at p = 0 without successes (or p = 1 without failures) only the curvature is singular
            scale = np.maximum(np.sqrt(n / np.maximum(p * q, 1e-12)), np.abs(slope) / _LARGEST)
            r = np.where((p >= 0) & (q >= 0), slope / scale, np.nan)
        return r, scale

    def decrease(self, z: Any, z_new: Any, y: Any) -> float:
        """Half the drop in deviance, in product form."""
        with quiet():
            p, k, n = self._rows(z, y)
            new = np.asarray(z_new, dtype=np.float64)
            d, q = new - p, 1.0 - p
            up, down = d / p, -d / q
            near = (k - n * p) * d / (p * q) - k * log_deficit(up) - (n - k) * log_deficit(down)
            gain = np.where(k > 0, k * log_ratio(new, p, up), 0.0)
            gain = gain + np.where(k < n, (n - k) * log_ratio(1.0 - new, q, down), 0.0)
            small = (np.abs(up) < 0.3) & (np.abs(down) < 0.3)
            inside = bool(np.all((p >= 0) & (p <= 1) & (new >= 0) & (new <= 1)))
            change = float(np.sum(np.where(small, near, gain))) if inside else np.nan
        return settle(change, lambda: self.value(z, y), lambda: self.value(z_new, y))

    def deviance(self, z: Any, y: Any) -> Array:
        """Twice the log-likelihood ratio of each row to p = k/n."""
        with quiet():
            return 2.0 * binomial_terms(*self._rows(z, y))
