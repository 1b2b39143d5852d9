"""Transport between Gaussian measures in closed form, with and without entropy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sciopt._errors import DataError, OptionError
from sciopt._types import Array

__all__ = ["GaussianTransport", "gaussian"]


@dataclass(frozen=True, eq=False)
class GaussianTransport:
    r"""Optimal transport between two normal laws for the cost :math:`|x-y|^2`.

    Attributes
    ----------
    cost
        :math:`E|x-y|^2` under the plan; without entropy the square of the Bures-Wasserstein distance.
    regularised
        ``cost + epsilon KL(plan | product)``.
    cross
        Covariance of x with y under the plan, (d, d).
    matrix, offset
        The map ``x -> matrix @ x + offset``: the optimal map, or with entropy the conditional mean of y.
    epsilon
        Weight of the entropy; 0 without.
    """

    cost: float
    regularised: float
    cross: Array
    matrix: Array
    offset: Array
    epsilon: float

    @property
    def distance(self) -> float:
        """W2 = sqrt(cost)."""
        return float(np.sqrt(self.cost))

    def __float__(self) -> float:
        """Return the distance."""
        return self.distance

    def map(self, x: Any) -> Array:
        """Return the images (n, d) of points (n, d)."""
        return np.asarray(x, float) @ self.matrix.T + self.offset


def gaussian(mean_x: Any, cov_x: Any, mean_y: Any, cov_y: Any, *, epsilon: float = 0.0) -> GaussianTransport:
    r"""Return optimal transport between N(mean_x, cov_x) and N(mean_y, cov_y) for the cost :math:`|x-y|^2`.

    With :math:`\sigma^2=\epsilon/2` and :math:`D = (4 A^{1/2} B A^{1/2} + \sigma^4)^{1/2}`,

    .. math::
        \mathrm{OT}_\epsilon = |m-n|^2 + \mathrm{tr}(A + B - D) + d\sigma^2(1-\log 2\sigma^2)
        + \sigma^2 \log\det(D+\sigma^2),

    and at :math:`\epsilon=0` the Bures distance :math:`|m-n|^2+\mathrm{tr}(A+B-2(A^{1/2}BA^{1/2})^{1/2})`.

    Parameters
    ----------
    mean_x, mean_y
        Means (d,) or numbers.
    cov_x, cov_y
        Covariances (d, d), or variances for d = 1; positive semidefinite.
    epsilon
        Weight of the entropy, KL against the product, in units of the cost.

    Raises
    ------
    DataError
        Shapes that do not fit, a covariance that is not symmetric or has negative eigenvalues.
    OptionError
        A negative epsilon.

    References
    ----------
    Dowson and Landau 1982, J. Multivar. Anal. 12, 450; Janati, Muzellec, Peyré and Cuturi 2020, NeurIPS 33.

    Examples
    --------
    >>> round(gaussian(0.0, 1.0, 1.0, 2.25).cost, 12)
    1.25
    >>> round(gaussian(0.0, 1.0, 1.0, 2.25, epsilon=2.0).regularised, 7)
    2.8206376
    """
    if not (np.isfinite(epsilon) and epsilon >= 0):
        raise OptionError(f"epsilon={epsilon!r}: give a number that is not negative")
    m, n = (np.atleast_1d(np.asarray(v, float)) for v in (mean_x, mean_y))
    A, B = _covariance(cov_x, len(m), "cov_x"), _covariance(cov_y, len(n), "cov_y")
    if m.shape != n.shape:
        raise DataError(f"mean_x has shape {m.shape}, mean_y {n.shape}; they must agree")
    d, s2 = len(m), 0.5 * epsilon
    root = _root(A)
    D = _root(4.0 * root @ B @ root + s2**2 * np.eye(d))
    inverse = np.linalg.pinv(root, hermitian=True)
    cross = 0.5 * (root @ D @ inverse - s2 * (root @ inverse))  # A^(1/2) D A^(-1/2) = (4 A B + s^4)^(1/2)
    shift = m - n
    cost = float(shift @ shift + np.trace(A) + np.trace(B) - 2.0 * np.trace(cross))
    value = cost
    if epsilon > 0:
        value = float(shift @ shift + np.trace(A + B - D) + d * s2 * (1.0 - np.log(2.0 * s2)))
        value += s2 * float(np.linalg.slogdet(D + s2 * np.eye(d))[1])
    matrix = cross.T @ np.linalg.pinv(A, hermitian=True)
    return GaussianTransport(max(cost, 0.0), value, cross, matrix, n - matrix @ m, float(epsilon))


def _covariance(value: Any, d: int, name: str) -> Array:
    S = np.asarray(value, float)
    S = S.reshape(1, 1) if S.ndim == 0 or S.shape == (1,) else S
    if S.shape != (d, d):
        raise DataError(f"{name} has shape {S.shape}, expected ({d}, {d})")
    if not np.isfinite(S).all() or not np.allclose(S, S.T, rtol=1e-10, atol=1e-12 * np.abs(S).max()):
        raise DataError(f"{name} must be finite and symmetric")
    low = float(np.linalg.eigvalsh(S)[0])
    if low < -1e-10 * max(float(np.abs(S).max()), 1e-300):
        raise DataError(f"{name} has the negative eigenvalue {low:.3g}; a covariance has none")
    return S


def _root(S: Array) -> Array:
    """Return the symmetric square root of a positive semidefinite matrix."""
    values, vectors = np.linalg.eigh(S)
    return (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
