"""Reference minima of small well-conditioned cases, found once when a case is built.

Independent of sciopt on purpose: the truth must not come from the code under test.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["noise", "point", "rss_of", "scoring"]


def _jacobian(model: Callable[..., NDArray[Any]], theta: NDArray[np.float64]) -> NDArray[np.float64]:
    columns = []
    for j in range(theta.size):
        shifted = theta.astype(complex)
        shifted[j] += 1e-30j
        columns.append(np.imag(np.ravel(model(*shifted))) / 1e-30)
    return np.stack(columns, axis=1)


def scoring(
    model: Callable[..., NDArray[Any]],
    y: NDArray[np.float64],
    start: tuple[float, ...],
    *,
    counts: bool = False,
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Gauss-Newton (or Fisher scoring for Poisson counts) to rounding, from a start close to the answer.

    Parameters
    ----------
    model : callable
        ``model(*theta)`` predicts ``y``; accepts complex parameters.
    y : ndarray
        Responses or counts.
    start : tuple of float
        Close enough to the minimum for undamped steps.
    counts : bool
        Poisson likelihood instead of the sum of squares.

    Returns
    -------
    values, errors : tuple of float
        The minimum, and sqrt diag (J^T W J)^-1 with W = 1 / mu for counts, W = 1 otherwise.

    Raises
    ------
    ArithmeticError
        If the steps do not shrink to rounding.
    """
    theta, flat = np.array(start, dtype=float), np.ravel(y)
    relative = np.inf
    for _ in range(200):
        rows, r = _weighted(model, theta, flat, counts)
        scale = np.linalg.norm(rows, axis=0)
        step = -np.linalg.lstsq(rows / scale, r, rcond=None)[0] / scale
        theta = theta + step
        relative = float(np.max(np.abs(step) / np.abs(theta)))
        if relative <= 4e-15:
            break
    if not relative <= 1e-11:
        raise ArithmeticError("the reference fit does not converge from this start")
    rows, _ = _weighted(model, theta, flat, counts)
    errors = np.sqrt(np.diag(np.linalg.inv(rows.T @ rows)))
    return tuple(float(v) for v in theta), tuple(float(v) for v in errors)


def _weighted(
    model: Callable[..., NDArray[Any]], theta: NDArray[np.float64], y: NDArray[np.float64], counts: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Jacobian and residual, divided by sqrt(mu) for counts."""
    mu = np.ravel(model(*theta))
    root = np.sqrt(mu) if counts else np.ones_like(mu)
    return _jacobian(model, theta) / root[:, None], (mu - y) / root


def noise(seed: int, scale: float, size: int = 40) -> NDArray[np.float64]:
    """Return reproducible Gaussian noise of a given standard deviation."""
    return scale * np.random.default_rng(seed).standard_normal(size)


def point(*values: float) -> tuple[float, ...]:
    """Return the values as a tuple of floats."""
    return tuple(float(v) for v in values)


def rss_of(model: Callable[..., NDArray[np.float64]], values: tuple[float, ...], y: NDArray[np.float64]) -> float:
    """Return the sum of squared residuals of a model at given values."""
    return float(np.sum((model(*values) - y) ** 2))
