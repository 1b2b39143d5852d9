"""Damped steps by conjugate gradients on the smaller Gram matrix, preconditioned by a Nystrom approximation of it."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sciopt._errors import OptionError
from sciopt.linalg.base import Factor, check_dampings, check_radius
from sciopt.linalg.filters import Filter, Tikhonov
from sciopt.linalg.operators import ScaledJacobian
from sciopt.linalg.secular import secular_root

__all__ = ["NystromFactor", "nystrom_factor"]

Array = NDArray[np.float64]
EPS = float(np.finfo(np.float64).eps)
MOST = 500


@dataclass(frozen=True, eq=False)
class NystromFactor(Factor):
    r"""Damped steps :math:`(A^T A + \lambda)^{-1}` or :math:`(A A^T + \lambda)^{-1}` by preconditioned CG, A = J / D.

    The preconditioner is :math:`U(\hat\Lambda + \lambda)^{-1}U^T (\hat\lambda_\ell + \lambda) + (I - UU^T)` of the Nystrom
    approximation :math:`U\hat\Lambda U^T` of rank l. Where the spectrum has fallen to the damping within l values, a few
    iterations are enough, for every damping.
    """

    jacobian: ScaledJacobian
    U: Array
    eigenvalues: Array
    b: Array
    rtol_cg: float = 1e-8
    how: str = "nystrom"
    _notes: dict[str, str] = field(default_factory=dict, repr=False)
    _solved: dict[float, Array] = field(default_factory=dict, repr=False)

    @property
    def flag(self) -> str:
        """What was used, and how it went."""
        return "; ".join([f"nystrom/{self.side}: rank {len(self.eigenvalues)}", *self._notes.values()])

    @property
    def spectrum(self) -> Array:
        """Approximate leading singular values of ``J / D``."""
        return np.sqrt(self.eigenvalues)

    @property
    def rank(self) -> int:
        """Singular values found above rounding."""
        return int(np.sum(self.spectrum > self.rtol * self.spectrum[0]))

    @property
    def rtol(self) -> float:
        """Relative level of rounding in singular values of a Gram matrix."""
        return float(np.sqrt(10.0 * len(self.b) * EPS))

    @property
    def g(self) -> Array:
        """Components ``U^T r`` in the approximate left basis."""
        if self.side == "dual":
            return self.U.T @ self.jacobian.r
        return (self.U.T @ self.b) / np.maximum(self.spectrum, EPS)

    def _gram(self, x: Array) -> Array:
        J = self.jacobian
        return J.adjoint(J.apply(x)) if self.side == "primal" else J.apply(J.adjoint(x))

    def _solve(self, b: Array, damping: float) -> Array:
        """Return (G + damping)^-1 b."""
        lam = max(damping, EPS * float(self.eigenvalues[0]))
        least = float(self.eigenvalues[-1])
        weights = (least + lam) / (self.eigenvalues + lam) - 1.0

        def inverse(v: Array) -> Array:
            return v + self.U @ (weights * (self.U.T @ v))

        x, r = np.zeros_like(b), b.copy()
        z = inverse(r)
        p, rho = z, float(r @ z)
        target = self.rtol_cg * float(np.linalg.norm(b))
        count = 0
        while float(np.linalg.norm(r)) > target and count < MOST and rho > 0.0:
            q = self._gram(p) + lam * p
            alpha = rho / float(p @ q)
            x, r = x + alpha * p, r - alpha * q
            z = inverse(r)
            rho, before = float(r @ z), rho
            p = z + (rho / before) * p
            count += 1
        self._notes["iterations"] = f"{count} iterations" + ("" if count < MOST else ", not converged")
        return x

    def _weights(self, damping: float) -> Array:
        if damping not in self._solved:
            if len(self._solved) > 4:
                self._solved.pop(next(iter(self._solved)))
            self._solved[damping] = self._solve(self.b, damping)
        return self._solved[damping]

    def _lift(self, w: Array) -> Array:
        return -self.jacobian.unscale(w if self.side == "primal" else self.jacobian.adjoint(w))

    def step(self, filter: Filter, /) -> Array:
        """Return the step of a Tikhonov filter; others need a spectrum."""
        if not isinstance(filter, Tikhonov):
            raise OptionError("nystrom: only damped (Tikhonov) steps; use how='sketch' or 'krylov' for other filters")
        return self.steps(filter.damping)[0]

    def steps(self, dampings: ArrayLike) -> Array:
        """Return the damped steps (k, P)."""
        return np.array([self._lift(self._weights(float(x))) for x in check_dampings(dampings)])

    def _measure(self, damping: float) -> tuple[float, float]:
        p = self.jacobian.rescale(self.steps(damping)[0])
        rise = self._solve(p, damping) if self.side == "primal" else None
        if rise is None:  # p = -A^T w: the slope is (G w) . (G + lambda)^-1 w
            w = self._weights(damping)
            return float(np.linalg.norm(p)), float(self._gram(w) @ self._solve(w, damping))
        return float(np.linalg.norm(p)), float(p @ rise)

    def predicted_many(self, dampings: ArrayLike) -> Array:
        """Return the model decreases (k,) of the damped steps."""
        return np.array([self.predicted(delta) for delta in self.steps(dampings)])

    def norms(self, dampings: ArrayLike) -> Array:
        """Return the scaled lengths (k,) of the damped steps."""
        return np.array([float(np.linalg.norm(self.jacobian.rescale(d))) for d in self.steps(dampings)])

    def damping_for(self, radius: float) -> float:
        """Return the damping whose step has scaled length ``radius`` to 1 %."""
        radius = check_radius(radius)
        floor = self.rtol**2 * float(self.eigenvalues[0])
        upper = self.b if self.side == "primal" else self.jacobian.adjoint(self.b)
        return secular_root(self._measure, radius, float(np.linalg.norm(upper)) / radius, floor, 1e-2)

    def solve(self, rhs: ArrayLike, damping: float) -> Array:
        """Return ``-(J^T J + damping D^2)^-1 J^T rhs`` (P,)."""
        rows = self._rows("rhs", rhs)
        return self._lift(self._solve(self.jacobian.adjoint(rows) if self.side == "primal" else rows, damping))

    def null_project(self, v: ArrayLike) -> Array:
        """Refused: the null space is not resolved."""
        raise OptionError("nystrom: the null space is not resolved; use how='qr' on a stored J")

    def null_basis(self) -> Array:
        """Refused: the null space is not resolved."""
        raise OptionError("nystrom: the null space is not resolved; use how='qr' on a stored J")

    def covariance(self) -> Array:
        """Refused: the covariance needs the whole spectrum."""
        raise OptionError("nystrom: the covariance needs the whole spectrum; use how='qr' on a stored J")


def nystrom_factor(
    jacobian: ScaledJacobian, rank: int | None = None, seed: int = 0, rtol: float = 1e-8, cutoff: float = 1e-10
) -> NystromFactor:
    r"""Approximate the smaller Gram matrix G from its products, :math:`G \approx (G\Omega)(\Omega^T G\Omega)^{-1}(G\Omega)^T`.

    Parameters
    ----------
    jacobian
        The scaled Jacobian, dense or as products.
    rank
        Largest rank; it starts at 64 and doubles until the smallest eigenvalue found is ``cutoff`` times the largest.
        Default ``min(n, P, 512)``.
    seed
        Seed of the Gaussian test vectors.
    rtol
        Relative residual of the conjugate gradients.
    cutoff
        Relative eigenvalue at which the rank is large enough.

    References
    ----------
    Frangella, Tropp and Udell (2023), SIAM J. Matrix Anal. Appl. 44, 718.
    """
    m = min(jacobian.shape)
    most = min(m, 512) if rank is None else min(rank, m)
    if most < 1:
        raise OptionError(f"nystrom: rank={rank!r}; at least 1 is needed")
    dual = jacobian.side == "dual"

    def gram(X: Array) -> Array:
        return jacobian.apply(jacobian.adjoint(X)) if dual else jacobian.adjoint(jacobian.apply(X))

    rng, size = np.random.default_rng(seed), min(64, most)
    Q = np.linalg.qr(rng.standard_normal((m, size)))[0]
    Y = gram(Q)
    while True:
        U, values = _from_sketch(Q, Y)
        if size >= most or values[-1] <= cutoff * values[0]:
            break
        more = min(size, most - size)
        new = rng.standard_normal((m, more))
        new = np.linalg.qr(new - Q @ (Q.T @ new))[0]
        Q, Y = np.concatenate([Q, new], axis=1), np.concatenate([Y, gram(new)], axis=1)
        size += more
    b = jacobian.r if dual else jacobian.adjoint(jacobian.r)
    return NystromFactor(jacobian, U, values, b, rtol)


def _from_sketch(Q: Array, Y: Array) -> tuple[Array, Array]:
    """Return eigenvectors and eigenvalues of the Nystrom approximation, shifted for stability and shifted back."""
    shift = float(np.sqrt(len(Q)) * EPS * np.linalg.norm(Y, 2)) or EPS
    shifted = Y + shift * Q
    core = Q.T @ shifted
    core = 0.5 * (core + core.T)
    lower = _lower(core, shift)
    B = np.linalg.solve(lower, shifted.T).T
    U, S, _ = np.linalg.svd(B, full_matrices=False)
    return U, np.maximum(S * S - shift, 0.0) + 1e-300


def _lower(core: Array, shift: float) -> Array:
    while True:
        try:
            lower: Any = np.linalg.cholesky(core)
            return lower
        except np.linalg.LinAlgError:
            core = core + shift * np.eye(len(core))
            shift *= 10.0
