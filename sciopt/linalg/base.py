"""What every factorisation answers: ``Factor``, the seam between linear algebra and methods."""

from abc import ABC, abstractmethod
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sciopt._errors import DataError
from sciopt.linalg.filters import Filter
from sciopt.linalg.operators import ScaledJacobian

__all__ = ["Factor", "check_dampings", "check_radius", "needs_qr"]

Array = NDArray[np.float64]


def needs_qr(damping: float, s1: float) -> bool:
    """Whether a damping is too small for a Gram matrix: ``damping < 1e-12 * s1**2``.

    Below it the direction from a float64 Gram matrix has fewer than about six correct digits and QR or SVD of J itself
    is wanted; ``s1`` is the largest singular value of the scaled Jacobian.

    Examples
    --------
    >>> needs_qr(1e-13, 1.0), needs_qr(1e-13, 0.1)
    (True, False)
    """
    return damping < 1e-12 * s1 * s1


def check_dampings(dampings: ArrayLike) -> Array:
    """Return dampings as a float64 vector (k,); DataError unless finite and >= 0."""
    lam = np.atleast_1d(np.asarray(dampings, dtype=np.float64))
    if lam.ndim != 1 or not bool((np.isfinite(lam) & (lam >= 0.0)).all()):
        raise DataError(f"dampings must be a vector of finite numbers >= 0, got {dampings!r}")
    return lam


def check_radius(radius: float) -> float:
    """Return the radius as a float; DataError unless > 0."""
    if not radius > 0.0:
        raise DataError(f"radius is {radius!r}; a trust region needs a radius > 0")
    return float(radius)


class Factor(ABC):
    r"""A factorisation of the scaled Jacobian ``A = J / D = U S V^T`` (n, P) with ``g = U^T r``.

    All steps are in the units of the parameters; ``D`` defines the metric: the damped step solves
    ``(J^T J + damping D^2) delta = -J^T r`` and lengths are ``||D delta||``. Make one with
    `sciopt.linalg.factor`.
    """

    how: str
    jacobian: ScaledJacobian

    @property
    def shape(self) -> tuple[int, int]:
        """Rows n and parameters P."""
        return self.jacobian.shape

    @property
    def side(self) -> Literal["primal", "dual"]:
        """Which Gram matrix is the smaller: "dual" (n < P) or "primal"."""
        return self.jacobian.side

    @property
    @abstractmethod
    def flag(self) -> str:
        """What was used, and any fallback taken."""

    @property
    @abstractmethod
    def spectrum(self) -> Array:
        """Descending singular values of ``J / D``, (min(n, P),) or fewer if only part was computed."""

    @property
    @abstractmethod
    def rank(self) -> int:
        """Number of singular values above ``rtol * spectrum[0]``."""

    @property
    @abstractmethod
    def rtol(self) -> float:
        """Relative level below which singular values are rounding of this factorisation."""

    @property
    @abstractmethod
    def g(self) -> Array:
        """``U^T r`` in the order of `spectrum`."""

    @abstractmethod
    def step(self, filter: Filter, /) -> Array:
        """Return ``delta = -D^-1 V phi(S) U^T r`` (P,)."""

    @abstractmethod
    def steps(self, dampings: ArrayLike) -> Array:
        """Return the damped steps (k, P) of k dampings."""

    @abstractmethod
    def predicted_many(self, dampings: ArrayLike) -> Array:
        """Return the decreases (k,) of the model ``1/2 ||r + J delta||^2`` by the damped steps."""

    @abstractmethod
    def norms(self, dampings: ArrayLike) -> Array:
        """Return the scaled lengths ``||D delta||`` (k,) of the damped steps."""

    @abstractmethod
    def damping_for(self, radius: float) -> float:
        """Return the damping whose step has scaled length ``radius``; 0.0 if the full step fits."""

    @abstractmethod
    def solve(self, rhs: ArrayLike, damping: float) -> Array:
        """Return ``-(J^T J + damping D^2)^-1 J^T rhs`` (P,) for another right-hand side (n,)."""

    @abstractmethod
    def null_project(self, v: ArrayLike) -> Array:
        """Return v (P,) without its component in the row space of J, in the metric of D."""

    @abstractmethod
    def null_basis(self) -> Array:
        """Return a basis (P, P - rank) of the null space of J, orthonormal in the metric of D."""

    @abstractmethod
    def covariance(self) -> Array:
        """Return ``V S^-2 V^T`` (P, P) over the identified directions, in the units of the parameters."""

    def predicted(self, step: ArrayLike) -> float:
        """Return the model decrease ``-(J^T r . step + 1/2 ||J step||^2)`` of any step (P,)."""
        delta = self._parameters("step", step)
        moved = self.jacobian.product.apply(delta)
        return -float(moved @ (self.jacobian.r + 0.5 * moved))

    def _parameters(self, name: str, value: Any) -> Array:
        return self._sized(name, value, self.shape[1])

    def _rows(self, name: str, value: Any) -> Array:
        return self._sized(name, value, self.shape[0])

    @staticmethod
    def _sized(name: str, value: Any, size: int) -> Array:
        vector = np.asarray(value, dtype=np.float64)
        if vector.shape != (size,):
            raise DataError(f"{name} has shape {vector.shape}; expected ({size},)")
        return vector
