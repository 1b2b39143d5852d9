"""Gauss-Newton by one QR factorisation of the rows: the method for ansaetze that are linear in their coefficients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sciopt._errors import DataError
from sciopt.linalg.triangular import scaled_qr
from sciopt.linearise.base import Linearisation
from sciopt.methods._contract import Step
from sciopt.methods._options import positive
from sciopt.methods._rounding import jacobian
from sciopt.methods._second_order import finish, standstill
from sciopt.methods.gauss_newton import GaussNewtonState, backtrack

__all__ = ["LeastSquares"]


@dataclass(frozen=True)
class LeastSquares:
    r"""Steps of :math:`\min_\delta \|J\,\delta + r\|` by QR of the column-scaled rows, without squaring J.

    For conditions that are linear in the unknown one step is the answer. For others it is Gauss-Newton with
    backtracking: the full step first, halved until the merit falls.

    Parameters
    ----------
    rtol
        Columns whose part independent of the others is smaller than ``rtol`` of their length are left to the shortest
        solution.
    xtol
        Steps smaller than ``xtol`` times theta, in the lengths of the columns of J, end the solve as converged.

    Notes
    -----
    Spectral bases and random features span singular values down to rounding, so that Gram matrices lose half of the
    digits. Cost: one QR of J, 2 n P^2 operations; three times as much where pivoting is needed. See `scaled_qr`.

    Examples
    --------
    >>> LeastSquares().rtol
    1e-15
    """

    rtol: float = 1e-15
    xtol: float = 1e-10

    def __post_init__(self) -> None:
        positive(self, "rtol", zero=True, below=1.0)
        positive(self, "xtol", zero=True, below=1.0)

    def init(self, lin: Linearisation) -> GaussNewtonState:
        """Return the state at the start."""
        return GaussNewtonState(1.0)

    def step(self, lin: Linearisation, state: GaussNewtonState, key: int) -> Step:
        """Solve the linearised conditions and move there, or as far as the merit falls."""
        J = jacobian(lin)
        J = J if isinstance(J, np.ndarray) else J.toarray()
        try:
            factored = scaled_qr(J, self.rtol)
        except DataError:
            return standstill(lin, state, ("nonfinite", "the Jacobian has entries that are not finite"))
        g = J.T @ lin.r
        delta = -factored.solve(lin.r)
        moved = J @ delta
        predicted = 0.5 * float(moved @ moved)
        numbers: dict[str, Any] = {"rank": float(factored.rank), "rcond": factored.rcond}
        if bool(getattr(lin, "linear", False)):
            trial = lin.at(lin.theta + delta)
            reduction = lin.reduction(trial)
            if reduction >= 0:
                step = finish(lin, state, trial, g, predicted, reduction, **numbers)
                step.verdict = ("converged", "the conditions are linear in the unknown: one least-squares solve")
                return step
            floor = ("converged", "the least-squares solution of the linear conditions cannot be improved")
            return standstill(lin, state, floor, g, predicted, None, **numbers)
        norms = np.sqrt(np.einsum("ij,ij->j", J, J))
        if np.linalg.norm(norms * delta) <= self.xtol * np.linalg.norm(norms * lin.theta):
            trial = lin.at(lin.theta + delta)
            reduction = lin.reduction(trial)
            done = ("converged", "the least-squares steps have reached the accuracy asked for")
            if reduction > 0:
                step = finish(lin, state, trial, g, predicted, reduction, **numbers)
                step.verdict = done
                return step
            return standstill(lin, state, done, g, predicted, None, **numbers)
        return backtrack(lin, state, g, delta, predicted, **numbers)
