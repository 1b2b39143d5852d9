"""Newton's method for square and symmetric systems: J delta = -r as it stands, never through J^T J."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from sciopt._errors import OptionError
from sciopt._types import Array
from sciopt.linearise.base import Linearisation
from sciopt.methods._contract import Step
from sciopt.methods._dense_steps import definite_step, dense_step
from sciopt.methods._options import choice, count, positive
from sciopt.methods._second_order import cosine, noise, project

__all__ = ["Newton"]

EPS = float(np.finfo(float).eps)
DENSE = 300  # up to that many unknowns a dense LU is faster than sparse bookkeeping
ARMIJO = 1e-4
ROUNDED = ("converged", "the steps have reached their rounding level and no longer shrink")
HOWS = ("auto", "direct", "cg", "minres", "gmres")


class NewtonState(NamedTuple):
    """Length of the last step and its size relative to the largest unknown."""

    length: float
    last: float


@dataclass(frozen=True)
class Newton:
    r"""Newton's method with backtracking for as many equations as unknowns.

    Solves :math:`J\,\delta = -r` directly (dense or sparse LU), or by CG, MINRES or GMRES, and halves the step until
    the merit falls: half the sum of squares of r or, where the problem reports an objective (an energy, a dual
    objective) with gradient r and Hessian J, the objective itself.

    Parameters
    ----------
    how
        ``"auto"``, ``"direct"``, ``"cg"``, ``"minres"`` or ``"gmres"``; see `sciopt.linalg.solve_sparse`.
    rtol
        Relative residual at which an iterative solve stops; with a preconditioner of the problem's own (multigrid) the
        steps far from the solution are solved less exactly.
    xtol
        A full step smaller than this, relative to the largest unknown, ends the solve.
    halvings
        Most halvings of one step.

    Notes
    -----
    Cost: one J, one factorisation (or Krylov solve), one residual a trial. Known null vectors of a symmetric J are kept
    out of the step. Where J is singular, the shortest least-squares step takes over. A Hessian is shifted by a growing
    multiple of the identity until it is positive definite (dense, up to 300 unknowns) or the step goes downhill
    (sparse). Bounds clip the trial points; a solve that they block ends as stalled.

    References
    ----------
    Dennis and Schnabel (1983), Numerical Methods for Unconstrained Optimization and Nonlinear Equations, ch. 5 and 6.

    Examples
    --------
    >>> Newton(how="minres").rtol
    1e-12
    """

    how: Literal["auto", "direct", "cg", "minres", "gmres"] = "auto"
    rtol: float = 1e-12
    xtol: float = 1e-13
    halvings: int = 30

    def __post_init__(self) -> None:
        choice(self, "how", HOWS)
        positive(self, "rtol", below=1.0)
        positive(self, "xtol", zero=True)
        count(self, "halvings")

    def init(self, lin: Linearisation) -> NewtonState:
        """Return the state at the start; refuses problems that are not square."""
        if lin.structure == "rectangular" or lin.n != lin.theta.size:
            raise OptionError(
                f"Newton needs as many equations as unknowns and structure='square' or 'symmetric'; this problem has "
                f"{lin.n} rows, {lin.theta.size} unknowns and structure={lin.structure!r}"
            )
        return NewtonState(1.0, math.inf)

    def step(self, lin: Linearisation, state: NewtonState, key: int) -> Step:
        """Take one damped Newton step."""
        if not lin.r.any():
            return self._rest(lin, state, ("converged", "all residuals vanish"))
        own = lin.own_step()
        delta, told = (self._direction(lin, state.last), {}) if own is None else own
        if delta is None:
            return self._rest(lin, state, ("nonfinite", "the Jacobian has entries that are not finite"))
        slope = float(lin.r @ delta) if lin.objective else float(lin.r @ lin.jvp(delta))
        floor = float(np.max(np.abs(delta))) <= 1e-10 * _size(lin) and state.last <= 1e-5
        found = self._search(lin, state, delta, slope, told) if slope < 0.0 else None
        if found is None and (safe := lin.safe_step()) is not None and float(lin.r @ safe) < 0.0:
            found = self._search(lin, state, safe, float(lin.r @ safe), {**told, "safe": 1.0})
        if found is not None:
            return found
        if not slope < 0.0:
            if floor:
                return self._rest(lin, state, ROUNDED)
            said = "J is singular to working precision and no direction lowers the merit"
            return self._rest(lin, state, ("stalled", said))
        if floor or (not lin.objective and -slope <= noise(lin)):
            return self._rest(lin, state, ROUNDED, slope)
        said = "no step along Newton's direction lowers the merit"
        return self._rest(lin, state, ("stalled", said + _blocked(lin, delta)), slope)

    def _search(
        self, lin: Linearisation, state: NewtonState, delta: Array, slope: float, told: dict[str, float]
    ) -> Step | None:
        """Return the step to the first acceptable point along a direction of descent, or None."""
        gradient = math.nan if lin.objective else cosine(lin, lin.gradient())
        length = 1.0
        for _ in range(self.halvings + 1):
            new = lin.at(project(lin, lin.theta + length * delta))
            actual = lin.reduction(new)
            if actual >= -ARMIJO * length * slope or self._settles(lin, new, length * slope, actual):
                if lin.rounding and length == 1.0 and "safe" not in told:
                    new, length, actual = _stretched(lin, new, delta, slope, actual)
                return self._accepted(lin, new, state, length, actual, slope, gradient, told)
            length *= _shrunk(length * slope, actual) if lin.objective else 0.5
        return None

    def _rest(self, lin: Linearisation, state: NewtonState, verdict: tuple[str, str], slope: float = 0.0) -> Step:
        info = {"step": 0.0, "reduction": 0.0, "predicted": -0.5 * slope}
        return Step(lin.theta, state, False, info, lin=lin, verdict=verdict)

    def _accepted(
        self,
        lin: Linearisation,
        new: Linearisation,
        state: NewtonState,
        length: float,
        actual: float,
        slope: float,
        gradient: float,
        told: dict[str, float],
    ) -> Step:
        rel = _relative(lin, new)
        predicted = -slope * (length - 0.5 * length**2)
        info = {"reduction": actual, "predicted": predicted, "step": rel, "length": length, **told}
        if math.isfinite(gradient):
            info["gradient"] = gradient
        verdict = None
        if not new.r.any():
            verdict = ("converged", "all residuals vanish")
        elif length == 1.0 and rel <= self.xtol:
            verdict = ("converged", f"the full step changes no unknown by more than {self.xtol:.0e} of the largest")
        elif length == 1.0 and rel < 1e-6 and rel >= 0.25 * state.last:
            verdict = ROUNDED
        return Step(new.theta, NewtonState(length, rel), True, info, lin=new, verdict=verdict)

    def _settles(self, lin: Linearisation, new: Linearisation, slope: float, actual: float) -> bool:
        """Tell whether a step comes nearer though its decrease drowns in the rounding of the merit.

        Near a regular solution the residual (the gradient of an objective) resolves the point to eps, the merit only to
        sqrt(eps).
        """
        if not math.isfinite(actual):
            return False
        if lin.rounding and abs(actual) <= lin.rounding:
            return float(np.abs(new.r).sum()) < 0.9 * float(np.abs(lin.r).sum())
        if not _relative(lin, new) < 1e-5:
            return False
        if lin.objective:
            return float(np.linalg.norm(_inside(lin, new.r))) <= 0.5 * float(np.linalg.norm(_inside(lin, lin.r)))
        floor = noise(lin)
        return -slope <= floor and actual >= -floor

    # ---- the linear system ----------------------------------------------------------------------------------------
    def _direction(self, lin: Linearisation, last: float) -> Array | None:
        """Return the step, or None if J is not finite."""
        dense = lin.theta.size <= DENSE and lin.null is None and "sparse" not in lin.offers
        J = lin.dense() if dense else lin.sparse()
        if not np.isfinite(J if dense else J.data).all():
            return None
        if not lin.objective:
            return dense_step(J, lin.r) if dense else self._sparse_step(J, lin, last)
        if dense:
            return definite_step(J, lin.r)
        delta, shift = self._solved(J, lin, last)[0], 0.0
        size = float(np.max(np.abs(J.data), initial=0.0)) or 1.0
        while not _downhill(delta, lin) and shift < 1e3 * size:
            from scipy.sparse import identity

            shift = 10.0 * shift or 1e-8 * size
            delta = self._solved(J + shift * identity(lin.theta.size, format="csr"), lin, last)[0]
        return delta

    def _solved(self, J: Any, lin: Linearisation, last: float) -> tuple[Array, float]:
        """Return -J^-1 r and its relative residual."""
        from sciopt.linalg import solve_sparse

        symmetric = lin.structure == "symmetric"
        how = self.how if symmetric or self.how not in ("cg", "minres") else "auto"
        structure = "symmetric" if symmetric else "square"
        near = None if how == "direct" else lin.preconditioner()
        rtol = self.rtol if near is None else max(self.rtol, _forcing(last))
        delta, flag = solve_sparse(
            J, lin.r, structure=structure, null=lin.null, how=how, rtol=rtol, preconditioner=near
        )
        return delta, flag.residual

    def _sparse_step(self, J: Any, lin: Linearisation, last: float) -> Array:
        delta, residual = self._solved(J, lin, last)
        if np.isfinite(delta).all() and residual < 0.1:
            return delta
        from sciopt.linalg import sparse_lstsq

        return sparse_lstsq(J, lin.r)[0]


def _forcing(last: float) -> float:
    """Return how exactly a preconditioned system needs to be solved after a step of relative size ``last``.

    Newton's next step will be about last^2; an error of 0.1 last^4 in it keeps the convergence quadratic, and one of
    1e-14 is rounding (in the manner of Eisenstat and Walker 1996, SIAM J. Sci. Comput. 17, 16).
    """
    expected = min(last, 1.0) ** 2
    return min(1e-3, max(0.1 * expected, 1e-14 / max(expected, 1e-300)))


def _shrunk(slope: float, actual: float) -> float:
    """Return the factor to the minimum of the parabola through a rejected trial, between 0.1 and 0.5."""
    rise = -actual - slope
    return min(0.5, max(0.1, -0.5 * slope / rise)) if rise > 0.0 and math.isfinite(rise) else 0.1


def _stretched(
    lin: Linearisation, new: Linearisation, delta: Array, slope: float, actual: float
) -> tuple[Linearisation, float, float]:
    """Double the step while the objective falls and its slope has hardly changed (a nearly flat direction)."""
    length = 1.0
    while length < 64.0 and float(new.r @ delta) < 0.3 * slope:
        further = lin.at(project(lin, lin.theta + 2.0 * length * delta))
        gained = lin.reduction(further)
        if not gained > actual:
            break
        new, length, actual = further, 2.0 * length, gained
    return new, length, actual


def _downhill(delta: Array, lin: Linearisation) -> bool:
    """Tell whether a step lowers an objective, or is too small for that to be known."""
    if not np.isfinite(delta).all():
        return False
    r = _inside(lin, lin.r)
    if not delta.any():
        return not r.any()
    tiny = float(np.max(np.abs(delta))) <= 1e-12 * _size(lin)
    return tiny or float(r @ delta) < -1e-14 * float(np.linalg.norm(delta)) * float(np.linalg.norm(r))


def _size(lin: Linearisation) -> float:
    return float(np.max(np.abs(lin.theta), initial=0.0)) or 1.0


def _relative(lin: Linearisation, new: Linearisation) -> float:
    return float(np.max(np.abs(new.theta - lin.theta), initial=0.0)) / _size(lin)


def _inside(lin: Linearisation, r: Array) -> Array:
    """Return r without its components along the known null vectors."""
    if lin.null is None:
        return r
    N = np.linalg.qr(lin.null.reshape(len(r), -1))[0]
    return r - N @ (N.T @ r)


def _blocked(lin: Linearisation, delta: Array) -> str:
    layout = lin.layout
    if not layout.bounded:
        return ""
    out = ((lin.theta <= layout.lower) & (delta < 0)) | ((lin.theta >= layout.upper) & (delta > 0))
    if not out.any():
        return ""
    return f"; parameter {layout.names[int(np.argmax(out))]!r} is held by its bound"
