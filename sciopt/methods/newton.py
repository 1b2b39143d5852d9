"""Newton's method for square and symmetric systems: J delta = -r as it stands, never through J^T J."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sciopt._errors import OptionError
from sciopt._types import Array
from sciopt.linearise.base import Linearisation
from sciopt.methods._contract import Step

__all__ = ["Newton"]

EPS = float(np.finfo(float).eps)
DENSE = 300  # up to that many unknowns a dense LU is faster than sparse bookkeeping


class NewtonState(NamedTuple):
    """Length of the last step and its relative size."""

    length: float
    last: float


@dataclass(frozen=True)
class Newton:
    r"""Newton's method with backtracking for as many equations as unknowns.

    Solves :math:`J\,\delta = -r` directly (dense LU, sparse LU) or by CG or MINRES where J is symmetric. The step is
    halved until the merit falls: half the sum of squares of r for ``structure="square"``; for ``"symmetric"`` J is the
    Hessian and r the gradient of the merit that the problem reports.

    Parameters
    ----------
    how
        ``"auto"``, ``"direct"``, ``"cg"``, ``"minres"`` or ``"gmres"``; see `sciopt.linalg.solve_sparse`.
    rtol
        Relative residual at which an iterative solve stops.
    xtol
        A full step smaller than this, relative to the largest unknown, ends the solve.
    halvings
        Most halvings of one step.

    Notes
    -----
    Cost: one J, one sparse factorisation (or Krylov solve), one residual a trial. A known null vector of a symmetric J
    is projected out of the step.

    References
    ----------
    Dennis and Schnabel (1983), Numerical Methods for Unconstrained Optimization and Nonlinear Equations, ch. 6.
    """

    how: str = "auto"
    rtol: float = 1e-12
    xtol: float = 1e-13
    halvings: int = 30

    def __post_init__(self) -> None:
        if self.how not in ("auto", "direct", "cg", "minres", "gmres"):
            raise OptionError(f"Newton: unknown how={self.how!r}; choose auto, direct, cg, minres or gmres")
        if not 0 < self.rtol < 1:
            raise OptionError(f"Newton: rtol must lie between 0 and 1, got {self.rtol!r}")

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
        delta = self._direction(lin)
        size = float(np.max(np.abs(lin.theta), initial=0.0)) or 1.0
        if not np.isfinite(delta).all():
            said = "the linear system could not be solved: J is singular to working precision"
            return Step(lin.theta, state, False, {"step": 0.0}, lin=lin, verdict=("stalled", said))
        slope = float(lin.r @ delta) if lin.structure == "symmetric" else -2.0 * lin.f
        length, new = 1.0, lin
        for _ in range(self.halvings):
            new = lin.at(lin.theta + length * delta)
            actual = lin.reduction(new)
            if actual >= -1e-4 * length * slope or (math.isfinite(actual) and self._at_rounding(lin, new, slope)):
                return self._accepted(lin, new, delta, length, actual, slope, size, state)
            length *= 0.5
        said = f"no step along Newton's direction lowers the merit (merit {lin.f:.3g})"
        return Step(lin.theta, state, False, {"step": 0.0, "predicted": -slope}, lin=lin, verdict=("stalled", said))

    def _accepted(
        self,
        lin: Linearisation,
        new: Linearisation,
        delta: Array,
        length: float,
        actual: float,
        slope: float,
        size: float,
        state: NewtonState,
    ) -> Step:
        rel = length * float(np.max(np.abs(delta))) / size
        predicted = -slope * (length - 0.5 * length**2)
        info = {"reduction": actual, "predicted": predicted, "step": rel, "length": length}
        verdict = None
        if new.f == 0.0 and lin.structure == "square":
            verdict = ("converged", "all residuals vanish")
        elif length == 1.0 and rel <= self.xtol:
            verdict = ("converged", f"the full step changes no unknown by more than {self.xtol:.0e} of the largest")
        elif length == 1.0 and rel < 1e-6 and rel >= 0.25 * state.last:
            verdict = ("converged", "the steps have reached their rounding level and no longer shrink")
        return Step(new.theta, NewtonState(length, rel), True, info, lin=new, verdict=verdict)

    def _direction(self, lin: Linearisation) -> Array:
        if lin.theta.size <= DENSE and lin.null is None and "sparse" not in lin.offers:
            try:
                return np.linalg.solve(lin.dense(), -lin.r)
            except np.linalg.LinAlgError:
                return np.full(lin.theta.size, np.nan)
        from sciopt.linalg import solve_sparse

        return solve_sparse(lin.sparse(), lin.r, structure=lin.structure, null=lin.null, how=self.how, rtol=self.rtol)[
            0
        ]

    @staticmethod
    def _at_rounding(lin: Linearisation, new: Linearisation, slope: float) -> bool:
        """Tell whether merits can no longer tell the two points apart."""
        return abs(slope) <= 10.0 * EPS * abs(lin.f) or (lin.structure == "square" and new.f <= (10.0 * EPS) ** 2)
