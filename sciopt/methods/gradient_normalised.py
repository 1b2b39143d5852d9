"""Gradient-normalised smoothness: damping by the gradient over an adaptive radius."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sciopt.linearise.base import Linearisation
from sciopt.methods._contract import Step
from sciopt.methods._options import choice, count, positive
from sciopt.methods._second_order import at_the_floor, decompose, finish, project, ratio_of, standstill
from sciopt.methods.damping import gradient_normalised

__all__ = ["GradientNormalised", "GradientNormalisedState"]


class GradientNormalisedState(NamedTuple):
    """Radius gamma of the last trial after its update."""

    gamma: float


@dataclass(frozen=True)
class GradientNormalised:
    r"""Steps of :math:`(H + \frac{|g|}{\gamma} I)\,\delta = -g` with gamma doubled on success and halved on failure.

    gamma is the radius within which the error of the model's gradient stays below the gradient itself; since H is
    positive semidefinite no step is longer than gamma, so that it acts as a trust radius without a secular equation.
    H = J^T J of the whitened rows: Gauss-Newton, Fisher, or the approximate Hessian of the loss (`PowerNorm`,
    `LogSumExp`). Globally linear on logistic and soft-max objectives. Semenov, Jaggi and Doikov, arXiv 2506.13710.

    Parameters
    ----------
    acceptance
        ``"practical"``: decrease of at least 1e-4 of the predicted one. ``"literal"``: the paper's decrease of at
        least |g+|^2 / (8 lambda), far more cautious on residuals of networks.
    gamma
        First radius.
    tries
        Most trials of one step.

    Examples
    --------
    >>> GradientNormalised(acceptance="literal").tries
    40
    """

    acceptance: str = "practical"
    gamma: float = 1.0
    tries: int = 40

    def __post_init__(self) -> None:
        choice(self, "acceptance", ("practical", "literal"))
        positive(self, "gamma")
        count(self, "tries")

    def init(self, lin: Linearisation) -> GradientNormalisedState:
        """Return the state at the start."""
        return GradientNormalisedState(self.gamma)

    def step(self, lin: Linearisation, state: GradientNormalisedState, key: int) -> Step:
        """Take the first acceptable step; one factorisation serves all trials."""
        g = lin.gradient()
        length = float(np.linalg.norm(g))
        if length == 0.0:
            return standstill(lin, state, ("converged", "the gradient is zero"), g)
        found = decompose(lin, "cholesky" if min(lin.n, lin.layout.size) > 64 else "qr")
        if found is None:
            return standstill(lin, state, ("nonfinite", "the Jacobian has entries that are not finite"))
        gamma, predicted, damping = float(state.gamma), 0.0, 0.0
        for _ in range(self.tries):
            damping = length / (gamma + 1e-300)
            theta = project(lin, lin.theta + found.steps(damping)[0])
            predicted = found.predicted(theta - lin.theta)
            trial = lin.at(theta)
            reduction = lin.reduction(trial)
            numbers = {"damping": damping, "radius": gamma, "ratio": ratio_of(reduction, predicted)}
            floor = at_the_floor(lin, GradientNormalisedState(gamma), trial, g, predicted, reduction, **numbers)
            if floor is not None:
                return floor
            good = reduction > 0 and self._acceptable(reduction, predicted, trial, damping)
            gamma = float(gradient_normalised(np, gamma, good))
            if good:
                return finish(lin, GradientNormalisedState(gamma), trial, g, predicted, reduction, **numbers)
        failed = GradientNormalisedState(gamma)
        return standstill(lin, failed, None, g, predicted, {"refresh": True}, damping=damping)

    def _acceptable(self, reduction: float, predicted: float, trial: Linearisation, damping: float) -> bool:
        if self.acceptance == "practical":
            return reduction >= 1e-4 * predicted
        new = trial.gradient()
        return reduction >= float(new @ new) / (8.0 * damping)
