"""Gauss-Newton: truncated pseudoinverse steps with a backtracking line search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from sciopt._errors import OptionError
from sciopt.linalg import Filter, Pinv, Truncated
from sciopt.linearise.base import Linearisation
from sciopt.methods._contract import Step
from sciopt.methods._options import count, positive
from sciopt.methods._second_order import at_the_floor, decompose, drowned, finish, project, standstill

__all__ = ["GaussNewton", "GaussNewtonState", "backtrack"]

ARMIJO = 1e-4
HALVINGS = 30


class GaussNewtonState(NamedTuple):
    """Length of the last accepted step relative to the full one."""

    length: float


@dataclass(frozen=True)
class GaussNewton:
    r"""Steps :math:`\delta = -V \phi(S) U^T r`, the full one first, halved until the merit falls.

    Without a cut this is the pseudoinverse step: the least-squares solution of the linearised conditions, and the
    shortest one where they leave directions free. For linear conditions one step reaches the minimum-norm answer.

    Parameters
    ----------
    rtol
        Singular values not above ``rtol * s1`` are left out; None = the rounding level of the factorisation.
    k
        Most singular directions used; None = all above ``rtol``.
    filter
        A filter object of `sciopt.linalg` in place of ``rtol`` and ``k``.

    Notes
    -----
    Backtracking by halves to the Armijo condition with constant 1e-4, at most 30 times. QR and SVD of J up to
    min(n, P) = 500 or cuts under 1e-7; above, a pivoted Cholesky factorisation of the smaller Gram matrix, which is
    several times faster and resolves singular values down to 1e-7 s1.

    Examples
    --------
    >>> GaussNewton(rtol=1e-6).k is None
    True
    """

    rtol: float | None = None
    k: int | None = None
    filter: Filter | None = None

    def __post_init__(self) -> None:
        if self.rtol is not None:
            positive(self, "rtol", zero=True, below=1.0)
        if self.k is not None:
            count(self, "k")
        if self.filter is not None and (self.rtol is not None or self.k is not None):
            raise OptionError("GaussNewton: give either filter or rtol and k, not both")
        if self.filter is not None and not callable(self.filter):
            raise OptionError("GaussNewton(filter=...): give a filter object such as sciopt.linalg.Tikhonov(1e-6)")

    def init(self, lin: Linearisation) -> GaussNewtonState:
        """Return the state at the start."""
        return GaussNewtonState(1.0)

    def step(self, lin: Linearisation, state: GaussNewtonState, key: int) -> Step:
        """Take one pseudoinverse step, backtracking to a decrease."""
        g = lin.gradient()
        if not g.any():
            return standstill(lin, state, ("converged", "the gradient is zero"), g)
        large = min(lin.n, lin.layout.size) > 500 and self.rtol is not None and self.rtol >= 1e-7
        chosen = decompose(lin, "pivoted_cholesky" if large else "qr")
        if chosen is None:
            return standstill(lin, state, ("nonfinite", "the Jacobian has entries that are not finite"))
        delta = chosen.step(self._filter(chosen.rtol))
        predicted = chosen.predicted(delta)
        return backtrack(lin, state, g, delta, predicted, rank=float(chosen.rank))

    def _filter(self, rounding: float) -> Any:
        if self.filter is not None:
            return self.filter
        if self.k is None:
            return Pinv(rounding if self.rtol is None else self.rtol)
        return Truncated(self.k, rounding if self.rtol is None else self.rtol)


def backtrack(
    lin: Linearisation,
    state: Any,
    g: Any,
    delta: Any,
    predicted: float,
    halvings: int = HALVINGS,
    /,
    **numbers: float,
) -> Step:
    """Return the step to the first of theta + delta, theta + delta / 2, ... that meets the Armijo condition."""
    length, drown = 1.0, drowned(lin, predicted)
    for _ in range(halvings + 1):
        theta = project(lin, lin.theta + length * delta)
        trial = lin.at(theta)
        reduction = lin.reduction(trial)
        floor = at_the_floor(lin, state, trial, g, predicted, reduction, **numbers) if drown else None
        if floor is not None:
            return floor
        slope = -float(g @ (theta - lin.theta))
        if reduction > 0 and reduction >= ARMIJO * slope:
            state = state._replace(length=length)
            return finish(lin, state, trial, g, predicted, reduction, length=length, **numbers)
        if np.array_equal(theta, lin.theta):
            break
        length *= 0.5
    return standstill(
        lin, state, ("stalled", "no decrease along the pseudoinverse direction"), g, predicted, None, **numbers
    )
