"""The default method: scaling iterations while the plan is dense, Newton's method on its large entries after that."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sciopt._errors import OptionError
from sciopt.methods._contract import Step
from sciopt.methods._options import positive
from sciopt.methods.newton import Newton, NewtonState
from sciopt.transport.semi_dual import SemiDualPoint
from sciopt.transport.sinkhorn import Sinkhorn, SinkhornState

__all__ = ["SparseNewton"]

LIMIT = 250


class SparseNewtonState(NamedTuple):
    """States of the two methods."""

    scaling: SinkhornState
    newton: NewtonState


@dataclass(frozen=True)
class SparseNewton:
    r"""Annealed Newton's method on the semi-dual, sparse where the plan is.

    Over-relaxed Sinkhorn iterations at large epsilon; else stages of falling epsilon, potentials extrapolated from one
    to the next, Newton steps on the entries of the plan that matter, safeguarded by the dual objective.

    Parameters
    ----------
    factor
        First ratio of an epsilon to the one before, adapted between 0.25 and 0.8: stages that do not come near within
        15 passes are begun anew with the root of it.
    stage
        Marginal error that ends a stage, in units of epsilon over the largest cost.
    threshold
        Entries below e^-threshold of the smaller mass are left out of all sums.
    slack
        How much further neighbour lists reach.

    References
    ----------
    Tang, Shavlovsky, Rahmanian, Tardini, Thekumparampil, Xiao, Ying (2024), ICLR (sparse Newton steps on transport);
    Kosowsky and Yuille (1994), Neural Networks 7, 477 (annealing).
    """

    factor: float = 0.4
    stage: float = 0.3
    threshold: float = 36.0
    slack: float = 14.0
    _newton: Newton = field(default=Newton(xtol=0.0, halvings=12), init=False, repr=False)
    _scaling: Sinkhorn = field(default=Sinkhorn(limit=LIMIT), init=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("factor", "stage", "threshold", "slack"):
            positive(self, name)
        if not self.factor < 1.0:
            raise OptionError(f"SparseNewton(factor={self.factor!r}): give a ratio below 1")

    def init(self, lin: Any) -> SparseNewtonState:
        """Return the state at the start."""
        return SparseNewtonState(self._scaling.init(lin), self._newton.init(lin))

    def step(self, lin: SemiDualPoint, state: SparseNewtonState, key: int) -> Step:
        """Take a few scaling iterations or one Newton step, as the stage has it."""
        if lin.frame.extra.scaling:
            step = self._scaling.step(lin, state.scaling, key)
            step.state = SparseNewtonState(step.state, state.newton)
        else:
            step = self._newton.step(lin, state.newton, key)
            step.state = SparseNewtonState(state.scaling, step.state)
        return step
