"""Gauss-Newton by one QR factorisation of the rows: the method for ansaetze that are linear in their coefficients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from sciopt._errors import DataError
from sciopt._types import Array
from sciopt.linalg.sparse import solve_sparse
from sciopt.linalg.sparse_lstsq import sparse_lstsq
from sciopt.linalg.triangular import scaled_qr
from sciopt.linearise.base import Linearisation
from sciopt.methods._contract import Step
from sciopt.methods._options import count, positive
from sciopt.methods._rounding import jacobian
from sciopt.methods._second_order import column_norms, finish, standstill
from sciopt.methods.gauss_newton import backtrack

__all__ = ["LeastSquares", "LeastSquaresState"]


class LeastSquaresState(NamedTuple):
    """Length of the last accepted step relative to the full one, and steps taken."""

    length: float
    steps: int


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
    most
        Steps after which a solve that has not converged is given up: near its answer Gauss-Newton needs few.

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
    most: int = 30

    def __post_init__(self) -> None:
        positive(self, "rtol", zero=True, below=1.0)
        positive(self, "xtol", zero=True, below=1.0)
        count(self, "most")

    def init(self, lin: Linearisation) -> LeastSquaresState:
        """Return the state at the start."""
        return LeastSquaresState(1.0, 0)

    def step(self, lin: Linearisation, state: LeastSquaresState, key: int) -> Step:
        """Solve the linearised conditions and move there, or as far as the merit falls."""
        J = jacobian(lin)
        solved = _solved(J, lin.r, self.rtol)
        if solved is None:
            return standstill(lin, state, ("nonfinite", "the Jacobian has entries that are not finite"))
        delta, numbers = solved
        g = J.T @ lin.r
        moved = J @ delta
        predicted = 0.5 * float(moved @ moved)
        if bool(getattr(lin, "linear", False)):
            trial = lin.at(lin.theta + delta)
            reduction = lin.reduction(trial)
            if reduction >= 0:
                step = finish(lin, state, trial, g, predicted, reduction, **numbers)
                step.verdict = ("converged", "the conditions are linear in the unknown: one least-squares solve")
                return step
            floor = ("converged", "the least-squares solution of the linear conditions cannot be improved")
            return standstill(lin, state, floor, g, predicted, None, **numbers)
        norms = column_norms(J)
        if np.linalg.norm(norms * delta) <= self.xtol * np.linalg.norm(norms * lin.theta):
            trial = lin.at(lin.theta + delta)
            reduction = lin.reduction(trial)
            done = ("converged", "the least-squares steps have reached the accuracy asked for")
            if reduction > 0:
                step = finish(lin, state, trial, g, predicted, reduction, **numbers)
                step.verdict = done
                return step
            return standstill(lin, state, done, g, predicted, None, **numbers)
        state = state._replace(steps=int(state.steps) + 1)
        if state.steps > self.most:
            return standstill(lin, state, ("stalled", f"no convergence within {self.most} steps"), g, predicted)
        return backtrack(lin, state, g, delta, predicted, 30, **numbers)


def _solved(J: Any, r: Array, rtol: float) -> tuple[Array, dict[str, float]] | None:
    """Return the least-squares step and what is known of the rank; None if J is not finite."""
    try:
        if isinstance(J, np.ndarray):
            factored = scaled_qr(J, rtol)
            return -factored.solve(r), {"rank": float(factored.rank), "rcond": factored.rcond}
        delta, _ = solve_sparse(J, r, how="direct") if J.shape[0] == J.shape[1] else sparse_lstsq(J, r)
    except DataError:
        return None
    return (delta, {}) if np.isfinite(delta).all() else None
