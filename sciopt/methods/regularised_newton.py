"""Rivals of gradient-normalised smoothness: gradient descent, super-universal Newton, cubic Newton."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sciopt._types import Array
from sciopt.linalg import Factor
from sciopt.linearise.base import Linearisation
from sciopt.methods._contract import Step
from sciopt.methods._options import choice, count, positive
from sciopt.methods._second_order import at_the_floor, decompose, finish, project, standstill

__all__ = ["RegularisedNewton", "RegularisedNewtonState"]

RULES = ("super_universal", "cubic", "gradient")


class RegularisedNewtonState(NamedTuple):
    """Adaptive constant of the rule: H, M or L."""

    constant: float


@dataclass(frozen=True)
class RegularisedNewton:
    r"""Steps of :math:`(H + \lambda I)\,\delta = -g`, H = J^T J of the whitened rows, with one of three rules.

    * ``"super_universal"``: :math:`\lambda = H_k |g|^\alpha`, accepted if
      :math:`-\langle g^+, \delta\rangle \ge |g^+|^2 / (4\lambda)`; :math:`H_k` times 4 on failure, over 4 on success
      (Doikov, Mishchenko and Nesterov, arXiv 2208.05888).
    * ``"cubic"``: :math:`\lambda = \frac{M}{2} |\delta|`, accepted if the merit falls by the model's decrease; M times
      2, over 2 (Nesterov and Polyak 2006).
    * ``"gradient"``: :math:`\delta = -g / L`, accepted if the merit falls by :math:`|g|^2 / (2 L)`; L times 2, over 2.

    Parameters
    ----------
    rule
        One of the three.
    constant
        First H, M or L.
    power
        alpha of the super-universal rule, between 2/3 and 1.
    tries
        Most trials of one step.
    """

    rule: str = "super_universal"
    constant: float = 1.0
    power: float = 2.0 / 3.0
    tries: int = 60

    def __post_init__(self) -> None:
        choice(self, "rule", RULES)
        positive(self, "constant")
        positive(self, "power", most=1.0)
        count(self, "tries")

    def init(self, lin: Linearisation) -> RegularisedNewtonState:
        """Return the state at the start."""
        return RegularisedNewtonState(self.constant)

    def step(self, lin: Linearisation, state: RegularisedNewtonState, key: int) -> Step:
        """Take the first acceptable step."""
        g = lin.gradient()
        length = float(np.linalg.norm(g))
        if length == 0.0:
            return standstill(lin, state, ("converged", "the gradient is zero"), g)
        if not np.isfinite(length):
            return standstill(lin, state, ("nonfinite", "the Jacobian has entries that are not finite"))
        found = None
        if self.rule != "gradient":
            found = decompose(lin, "cholesky" if min(lin.n, lin.layout.size) > 64 else "qr")
            if found is None:
                return standstill(lin, state, ("nonfinite", "the Jacobian has entries that are not finite"))
        constant, rate = float(state.constant), 4.0 if self.rule == "super_universal" else 2.0
        predicted = 0.0
        for _ in range(self.tries):
            delta, damping, needed = self._propose(found, g, length, constant)
            theta = project(lin, lin.theta + delta)
            delta = theta - lin.theta
            ahead = lin.jvp(delta)
            predicted = -float(g @ delta) - 0.5 * float(ahead @ ahead)
            trial = lin.at(theta)
            reduction = lin.reduction(trial)
            numbers = {"damping": damping, "ratio": reduction / predicted if predicted > 0 else np.nan}
            floor = at_the_floor(lin, RegularisedNewtonState(constant), trial, g, predicted, reduction, **numbers)
            if floor is not None:
                return floor
            if self._acceptable(trial, delta, damping, reduction, needed):
                constant = max(constant / rate, 1e-30)
                return finish(lin, RegularisedNewtonState(constant), trial, g, predicted, reduction, **numbers)
            constant *= rate
        return standstill(lin, RegularisedNewtonState(constant), None, g, predicted, {"refresh": True})

    def _propose(self, found: Factor | None, g: Array, length: float, constant: float) -> tuple[Array, float, float]:
        """Return (step, damping, decrease that the rule demands)."""
        if found is None:
            return -g / constant, constant, 0.5 * length * length / constant
        if self.rule == "super_universal":
            damping = constant * length**self.power
            return found.steps(damping)[0], damping, 0.0
        damping = _cubic_damping(found, constant, length)
        delta = found.steps(damping)[0]
        size = float(np.linalg.norm(delta))
        return delta, damping, found.predicted(delta) - constant / 6.0 * size**3

    def _acceptable(self, trial: Linearisation, delta: Array, damping: float, reduction: float, needed: float) -> bool:
        if not reduction > 0:
            return False
        if self.rule != "super_universal":
            return reduction >= needed
        new = trial.gradient()
        return -float(new @ delta) >= float(new @ new) / (4.0 * damping)


def _cubic_damping(found: Factor, M: float, length: float) -> float:
    """Return the root of lambda = M |delta(lambda)| / 2, by bisection of its logarithm."""
    high = np.sqrt(0.5 * M * length)  # there |delta| <= |g| / lambda
    low = 1e-20 * high
    for _ in range(60):
        middle = np.sqrt(low * high)
        if middle < 0.5 * M * float(found.norms(middle)[0]):
            low = middle
        else:
            high = middle
        if high <= low * (1.0 + 1e-10):
            break
    return float(high)
