"""Elementary functions near their zeros, in product form, to full relative accuracy."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sciopt._types import Array

__all__ = ["binomial_terms", "exp_excess", "log_deficit", "log_ratio", "poisson_drop", "poisson_terms"]

_ATANH = 1.0 / np.arange(3, 27, 2)  # 1/3, 1/5, ...: t < 0.18 needs 11 terms
_EXP = 1.0 / np.cumprod(np.arange(1.0, 21.0))[1:]  # 1/2!, 1/3!, ...


def _horner(coefficients: NDArray[Any], x: Array) -> Array:
    out = np.full_like(x, coefficients[-1])
    for c in coefficients[-2::-1]:
        out = out * x + c
    return out


def log_deficit(d: Array) -> Array:
    """``d - log(1 + d)`` for d > -1, without cancellation for small d.

    With t = d/(2 + d), log(1 + d) = 2 artanh(t) and d - 2t = d t, so that the two leading terms cancel on paper.
    """
    small = np.abs(d) < 0.3
    if not small.any():
        return d - np.log1p(d)
    s = np.where(small, d, 0.0)
    t = s / (2.0 + s)
    near = s * t - 2.0 * t**3 * _horner(_ATANH, t * t)
    return near if small.all() else np.where(small, near, d - np.log1p(d))


def exp_excess(d: Array) -> Array:
    """``exp(d) - 1 - d``, without cancellation for small d; never negative."""
    small = np.abs(d) < 1.0
    s = np.where(small, d, 0.0)
    return np.where(small, s * s * _horner(_EXP, s), np.expm1(d) - d)


def log_ratio(new: Array, old: Array, relative: Array) -> Array:
    """``log(new/old)`` given the relative change, which is exact for small changes where the quotient is not."""
    return np.where(np.abs(relative) < 0.3, np.log1p(relative), np.log(new / old))


def poisson_terms(mu: Array, k: Array) -> Array:
    """Half the Poisson deviance ``mu - k + k log(k/mu)``; inf where mu is not allowed, nan stays nan."""
    d = (mu - k) / k
    rows = np.where(np.abs(d) < 0.3, k * log_deficit(d), (mu - k) - k * np.log(mu / k))
    rows = np.where(k > 0, rows, mu)
    return np.where((mu < 0) | ((mu == 0) & (k > 0)), np.inf, rows)


def poisson_drop(mu: Array, new: Array, k: Array) -> Array:
    """Rows of ``poisson_terms(mu, k) - poisson_terms(new, k)``, accurate for small changes.

    First-order term (k/mu - 1)(new - mu) plus a second-order remainder of one sign: nothing cancels near the optimum,
    where k is close to mu and each row of the plain formula would lose the digits of k.
    """
    change = new - mu
    d = change / mu
    near = (k - mu) * d - k * log_deficit(d)
    far = k * np.log(new / mu) - change
    return np.where(k > 0, np.where(np.abs(d) < 0.3, near, far), -change)


def binomial_terms(p: Array, k: Array, n: Array) -> Array:
    """Half the binomial deviance; the two Poisson half deviances of success and failure add up to it exactly."""
    return poisson_terms(n * p, k) + poisson_terms(n * (1.0 - p), n - k)
