"""``CholeskyFactor``: Gram matrix once, one Cholesky per damping; the fast step of big damped problems."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sciopt.linalg.base import Factor, check_dampings, check_radius
from sciopt.linalg.decompositions import gram_factor, qr_factor
from sciopt.linalg.dense import lapack
from sciopt.linalg.filters import Filter, Tikhonov
from sciopt.linalg.gram import gram_matrix, gram_rtol
from sciopt.linalg.operators import ScaledJacobian
from sciopt.linalg.secular import secular_root
from sciopt.linalg.spectral import SpectralFactor

__all__ = ["CholeskyFactor", "cholesky_factor"]

Array = NDArray[np.float64]
RAISES = 10
ACCURATE_UP_TO = 3000
KEPT_FACTORS = 2


@dataclass(frozen=True, eq=False)
class CholeskyFactor(Factor):
    r"""Damped steps from ``G + damping I`` with ``G`` the smaller Gram matrix of ``J / D``.

    * A damping at which the Cholesky factorisation breaks down is raised to ``max(10 damping, 1e-16 max diag G)`` and
      then tenfold, at most ten times; `flag` records it. After that the eigenvalues of G are used, then the SVD of J.
    * Damping 0 (Gauss-Newton) is a Cholesky step while the condition number of G is under 1e12, else, like every other
      filter and like the spectrum, rank, null space and covariance, it comes from an accurate spectral factor that is
      made on first use: QR and SVD of J up to min(n, P) = 3000, eigenvalues of G above.
    """

    jacobian: ScaledJacobian
    G: Array
    b: Array
    how: str = "cholesky"
    _notes: dict[str, str] = field(default_factory=dict, repr=False)
    _factors: dict[float, tuple[Array, float]] = field(default_factory=dict, repr=False)

    @property
    def flag(self) -> str:
        """What was used, and any fallback taken."""
        return "; ".join([f"cholesky/{self.side}", *self._notes.values()])

    @cached_property
    def spectral(self) -> SpectralFactor:
        """The accurate factor behind spectrum, rank, null space, covariance and filters other than Tikhonov."""
        accurate = len(self.G) <= ACCURATE_UP_TO and self.jacobian.dense is not None
        factor = qr_factor(self.jacobian) if accurate else gram_factor(self.jacobian, K=self.G)
        self._notes["spectral"] = f"spectrum by {factor.flag}"
        return factor

    @property
    def spectrum(self) -> Array:
        """Descending singular values of ``J / D``; costs a spectral factor on first use."""
        return self.spectral.spectrum

    @property
    def rank(self) -> int:
        """Numerical rank; costs a spectral factor on first use."""
        return self.spectral.rank

    @property
    def rtol(self) -> float:
        """Relative level of rounding in singular values: ``sqrt(10 m eps)``."""
        return gram_rtol(len(self.G))

    @property
    def g(self) -> Array:
        """``U^T r``; costs a spectral factor on first use."""
        return self.spectral.g

    def _cholesky(self, damping: float) -> tuple[Array, float] | None:
        """Lower factor and damping in force; None when a spectral factor must take over."""
        found = self._factors.get(damping)
        if found is not None:
            return found
        lam, m = damping, len(self.G)
        for _ in range(RAISES + 1):
            # G is symmetric, so the transposed copy is a plain memory copy in LAPACK's order.
            shifted = self.G.T.copy(order="F")
            shifted.ravel(order="K")[:: m + 1] += lam
            lower, info = lapack.dpotrf(shifted, lower=1, clean=0, overwrite_a=1)
            if damping == 0.0:
                if info != 0 or not self._well_conditioned(lower):
                    return None
                break
            if info == 0:
                break
            lam = max(10.0 * lam, 1e-16 * float(self.G.diagonal().max()))
        else:
            return None
        if lam != damping:
            self._notes["raised"] = f"damping raised {damping:.2g} -> {lam:.2g}"
        while len(self._factors) >= KEPT_FACTORS:
            self._factors.pop(next(iter(self._factors)))
        self._factors[damping] = (lower, lam)
        return lower, lam

    def _well_conditioned(self, lower: Array) -> bool:
        norm = float(np.abs(self.G).sum(axis=0).max())
        rcond, info = lapack.dpocon(lower, norm, uplo="L")
        return info == 0 and rcond >= 1e-12

    @cached_property
    def _eigen(self) -> SpectralFactor:
        factor = gram_factor(self.jacobian, K=self.G)
        self._notes["eigen"] = f"cholesky failed, {factor.flag} used"
        return factor

    def _instead(self, damping: float) -> SpectralFactor:
        return self.spectral if damping == 0.0 else self._eigen

    @staticmethod
    def _back(lower: Array, rhs: Array) -> Array:
        x, info = lapack.dpotrs(lower, rhs, lower=1)
        if info != 0:  # pragma: no cover - only wrong arguments can do this
            raise np.linalg.LinAlgError(f"dpotrs returned info = {info}")
        return x

    def _lift(self, w: Array) -> Array:
        """Step from the solution w of the Gram system."""
        return -self.jacobian.unscale(w) if self.side == "primal" else -self.jacobian.unscale(self.jacobian.adjoint(w))

    def step(self, filter: Filter, /) -> Array:
        """Return ``delta = -D^-1 V phi(S) U^T r`` (P,); Cholesky for Tikhonov, a spectral factor for other filters."""
        return self.steps(filter.damping)[0] if isinstance(filter, Tikhonov) else self.spectral.step(filter)

    def steps(self, dampings: ArrayLike) -> Array:
        """Return the damped steps (k, P), one Cholesky factorisation each."""
        lam = check_dampings(dampings)
        return np.array([self._step(self.b, float(x)) for x in lam]).reshape(len(lam), self.shape[1])

    def _step(self, b: Array, damping: float) -> Array:
        found = self._cholesky(damping)
        if found is not None:
            return self._lift(self._back(found[0], b))
        other = self._instead(damping)
        return other.steps(damping)[0] if b is self.b else other.solve(b, damping)

    def _measure(self, damping: float) -> tuple[float, float, float]:
        """Scaled length, its slope ``-d(length^2 / 2)/d damping`` and the predicted decrease at one damping."""
        found = self._cholesky(damping)
        if found is None:
            other = self._instead(damping)
            return float(other.norms(damping)[0]), 0.0, float(other.predicted_many(damping)[0])
        lower, lam = found
        w = self._back(lower, self.b)
        Gw = self.G @ w
        if self.side == "primal":  # w = -p; the decrease is p.Gp/2 + lambda p.p, all terms positive
            square, slope = float(w @ w), float(w @ self._back(lower, w))
            return square**0.5, slope, 0.5 * float(w @ Gw) + lam * square
        square = max(float(w @ Gw), 0.0)
        return square**0.5, float(Gw @ self._back(lower, w)), 0.5 * float(Gw @ Gw) + lam * square

    def predicted_many(self, dampings: ArrayLike) -> Array:
        """Return the model decreases (k,) of the damped steps."""
        return np.array([self._measure(float(x))[2] for x in check_dampings(dampings)])

    def norms(self, dampings: ArrayLike) -> Array:
        """Return the scaled lengths ``||D delta||`` (k,) of the damped steps."""
        return np.array([self._measure(float(x))[0] for x in check_dampings(dampings)])

    def damping_for(self, radius: float) -> float:
        """Return the damping whose step has scaled length ``radius`` to 0.1 %.

        0.0 if the full step fits and G is well conditioned; the smallest damping that G carries,
        ``10 m eps max diag G``, if G is not and the step of that damping fits.
        """
        radius = check_radius(radius)
        found = self._cholesky(0.0)
        if found is not None:
            if self._measure(0.0)[0] <= radius:
                return 0.0
            floor = 0.0
        else:
            floor = self.rtol**2 * float(self.G.diagonal().max())
            if floor == 0.0:
                return 0.0
        upper = self.b if self.side == "primal" else self.jacobian.adjoint(self.b)
        return secular_root(lambda x: self._measure(x)[:2], radius, float(np.linalg.norm(upper)) / radius, floor, 1e-3)

    def solve(self, rhs: ArrayLike, damping: float) -> Array:
        """Return ``-(J^T J + damping D^2)^-1 J^T rhs`` (P,) for another right-hand side (n,)."""
        rows = self._rows("rhs", rhs)
        lam = float(check_dampings(damping)[0])
        found = self._cholesky(lam)
        if found is None:
            return self._instead(lam).solve(rows, lam)
        return self._lift(self._back(found[0], self.jacobian.adjoint(rows) if self.side == "primal" else rows))

    def null_project(self, v: ArrayLike) -> Array:
        """Return v (P,) without its component in the row space of J, in the metric of D."""
        return self.spectral.null_project(v)

    def null_basis(self) -> Array:
        """Return a basis (P, P - rank) of the null space of J, orthonormal in the metric of D."""
        return self.spectral.null_basis()

    def covariance(self) -> Array:
        """Return ``V S^-2 V^T`` (P, P) over the identified directions, in the units of the parameters."""
        return self.spectral.covariance()


def cholesky_factor(jacobian: ScaledJacobian, memory: int | None = None) -> CholeskyFactor:
    """Form the Gram matrix of ``J / D`` and return the factor that runs Cholesky on it, once per damping."""
    b = jacobian.adjoint(jacobian.r) if jacobian.side == "primal" else jacobian.r
    return CholeskyFactor(jacobian, gram_matrix(jacobian, memory), b)
