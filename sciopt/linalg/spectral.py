"""``SpectralFactor``: singular values, ``g = U^T r`` and both bases, whichever algorithm found them."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sciopt._errors import DataError, OptionError
from sciopt.linalg.base import Factor, check_dampings, check_radius
from sciopt.linalg.bases import Basis
from sciopt.linalg.dense import complete_qr
from sciopt.linalg.filters import Filter, Tikhonov
from sciopt.linalg.operators import ScaledJacobian
from sciopt.linalg.secular import secular_root

__all__ = ["SpectralFactor"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SpectralFactor(Factor):
    r"""A factor that knows its singular values, so that many dampings and any filter cost O(m) each plus one lift.

    Directions with ``S <= rtol * S[0]`` are rounding: no filter inverts them, and a positive damping is raised to
    ``floor = (rtol * S[0])**2``, about 1e-26 ``S[0]**2`` for SVD and QR and ``10 m eps S[0]**2`` for Gram matrices
    (m = min(n, P)). Damping 0 is the pseudoinverse. ``complete`` is False when only a subspace was explored (sketch,
    Krylov); then null space and covariance are unknown and asking for them raises OptionError.
    """

    how: str
    jacobian: ScaledJacobian
    S: Array
    left: Basis
    right: Basis
    relative: float
    note: str = ""
    complete: bool = True
    projected: Array | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.projected is None:
            object.__setattr__(self, "projected", self.left.t(self.jacobian.r))

    @property
    def flag(self) -> str:
        """What was used, and any fallback taken."""
        return f"{self.how}/{self.side}" + (f"; {self.note}" if self.note else "")

    @property
    def spectrum(self) -> Array:
        """Descending singular values of ``J / D``."""
        return self.S

    @property
    def rtol(self) -> float:
        """Relative level below which singular values are rounding."""
        return self.relative

    @property
    def g(self) -> Array:
        """``U^T r`` in the order of `spectrum`."""
        if self.projected is None:  # pragma: no cover - set in __post_init__
            raise DataError("factor was not initialised")
        return self.projected

    @property
    def rank(self) -> int:
        """Number of singular values above ``rtol * spectrum[0]``."""
        return int(np.count_nonzero(self._kept))

    @property
    def floor(self) -> float:
        """Smallest positive damping this factorisation resolves."""
        return float((self.relative * self.S[0]) ** 2) if self.S.size else 0.0

    @property
    def _kept(self) -> NDArray[np.bool_]:
        return self.relative * self.S.max(initial=0.0) < self.S

    def _pinv(self) -> Array:
        return np.divide(1.0, self.S, out=np.zeros_like(self.S), where=self._kept)

    def _weights(self, dampings: ArrayLike) -> tuple[Array, Array]:
        """Filter values (k, m) and the dampings in force (k, 1)."""
        lam = check_dampings(dampings)[:, None]
        lam = np.where(lam > 0.0, np.maximum(lam, self.floor), 0.0)
        square = self.S * self.S + lam
        phi = np.divide(self.S, square, out=np.zeros_like(square), where=square > 0.0)
        if (lam == 0.0).any():
            phi[lam[:, 0] == 0.0] = self._pinv()
        return phi, lam

    def _lift(self, coefficients: Array) -> Array:
        return self.jacobian.unscale(self.right.dot(coefficients))

    def step(self, filter: Filter, /) -> Array:
        """Return ``delta = -D^-1 V phi(S) U^T r`` (P,)."""
        if isinstance(filter, Tikhonov):
            phi = self._weights(filter.damping)[0][0]
        else:
            phi = np.where(self._kept, filter(self.S), 0.0)
        return self._lift(-phi * self.g)

    def steps(self, dampings: ArrayLike) -> Array:
        """Return the damped steps (k, P) of k dampings."""
        phi, _ = self._weights(dampings)
        return np.ascontiguousarray(self._lift(-(phi * self.g).T).T)

    def predicted_many(self, dampings: ArrayLike) -> Array:
        r"""Return ``1/2 sum g^2 S^2 (S^2 + 2 lambda) / (S^2 + lambda)^2`` (k,)."""
        phi, lam = self._weights(dampings)
        # S phi = S^2/(S^2 + lambda) =: c and (S^2 + 2 lambda)/(S^2 + lambda) = 2 - c; both are exact at damping 0.
        c = self.S * phi
        return 0.5 * np.sum(self.g**2 * c * (2.0 - c), axis=1) if lam.size else np.zeros(0)

    def norms(self, dampings: ArrayLike) -> Array:
        """Return the scaled lengths ``||D delta||`` (k,) of the damped steps."""
        phi, _ = self._weights(dampings)
        return np.sqrt(np.sum((phi * self.g) ** 2, axis=1))

    def damping_for(self, radius: float) -> float:
        """Return the damping whose step has scaled length ``radius``; 0.0 if the full step fits."""
        radius = check_radius(radius)
        if float(np.linalg.norm(self._pinv() * self.g)) <= radius:
            return 0.0
        Sg, square = self.S * self.g, self.S * self.S

        def evaluate(damping: float) -> tuple[float, float]:
            p = Sg / (square + damping)
            return float(np.sqrt(p @ p)), float(p @ (p / (square + damping)))

        return secular_root(evaluate, radius, float(np.linalg.norm(Sg)) / radius, max(self.floor, np.finfo(float).tiny))

    def solve(self, rhs: ArrayLike, damping: float) -> Array:
        """Return ``-(J^T J + damping D^2)^-1 J^T rhs`` (P,) for another right-hand side (n,)."""
        phi = self._weights(damping)[0][0]
        return self._lift(-phi * self.left.t(self._rows("rhs", rhs)))

    def _identified(self, what: str) -> Array:
        """Right singular vectors (P, rank) of the identified directions."""
        if not self.complete:
            raise OptionError(f"{what}: {self.how} explores a subspace only; factor again with how='qr' or 'gram'")
        rank = self.rank
        return self.right.dot(np.eye(len(self.S), rank))

    def null_project(self, v: ArrayLike) -> Array:
        """Return v (P,) without its component in the row space of J, in the metric of D."""
        vector = self._parameters("v", v)
        if self.complete and self.rank == self.shape[1]:
            return np.zeros_like(vector)
        V = self._identified("null_project")
        u = self.jacobian.rescale(vector)
        u = u - V @ (V.T @ u)
        # Twice is enough (Kahan): the first pass leaves rounding of the size of v in the row space.
        return self.jacobian.unscale(u - V @ (V.T @ u))

    def null_basis(self) -> Array:
        """Return a basis (P, P - rank) of the null space of J, orthonormal in the metric of D."""
        V = self._identified("null_basis")
        if V.shape[1] == 0:
            return self.jacobian.unscale(np.eye(self.shape[1]))
        full = complete_qr(V)
        return self.jacobian.unscale(full[:, V.shape[1] :])

    def covariance(self) -> Array:
        """Return ``V S^-2 V^T`` (P, P) over the identified directions, in the units of the parameters."""
        V = self._identified("covariance")
        half = self.jacobian.unscale(V / self.S[: V.shape[1]])
        return half @ half.T
