"""Levenberg-Marquardt: damped Gauss-Newton steps, with geodesic acceleration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sciopt._errors import OptionError
from sciopt._types import Array
from sciopt.linalg import Factor
from sciopt.linearise.base import Linearisation
from sciopt.methods._contract import Step
from sciopt.methods._options import choice, count, positive
from sciopt.methods._rounding import jacobian
from sciopt.methods._second_order import (
    at_the_floor,
    column_norms,
    decompose,
    finish,
    largest_square,
    project,
    ratio_of,
    standstill,
    update_scale,
)
from sciopt.methods.damping import Damping, Nielsen, TargetRatio

__all__ = ["LevenbergMarquardt", "LevenbergMarquardtState"]

RESOLVED = (
    1e-15  # damping over s1^2 down to which the Gram matrix gives steps good to a few digits, enough for one trial
)
STUCK = 4  # steps in a row without any decrease


class LevenbergMarquardtState(NamedTuple):
    """Damping, memory of its policy, failed steps in a row, and the column scale D (P,)."""

    damping: float
    memory: float
    failures: int
    scale: Array


@dataclass(frozen=True)
class LevenbergMarquardt:
    r"""Steps of :math:`(J^T J + \lambda D^2)\,\delta = -J^T r`, the damping steered by the gain ratio.

    With geodesic acceleration the step is :math:`\delta + a/2` with
    :math:`(J^T J + \lambda D^2)\,a = -J^T r_{\delta\delta}`, where :math:`r_{\delta\delta}` is the second derivative of
    r along :math:`\delta`; it is kept if :math:`2|Da| \le |D\delta|` (Transtrum and Sethna, arXiv 1201.5885). One
    Cholesky factorisation of the smaller Gram matrix serves both solves; QR of J takes over when the damping falls
    under 1e-15 s1^2 or when the solution does not deliver the decrease that an exact one would.

    Steering the gain ratio to about 0.1 takes the longest steps that still descend; for networks it was the best of all
    rules tried here. Nielsen's rule is the classical choice for data fits.

    Parameters
    ----------
    damping
        ``"target"``, ``"nielsen"``, or a policy object (see `sciopt.methods.damping`).
    target
        Gain ratio aimed at by ``"target"``.
    geodesic
        Whether to add the acceleration: one second directional derivative a trial.
    scaling
        ``"none"`` (networks) or ``"more"``: D is the running maximum of the column norms of J, which makes the steps
        independent of the parameters' units.
    tries
        Most trials of one step; the damping grows between them.
    start
        Damping of the first step: absolute for ``"target"``, relative to max diag J^T J for ``"nielsen"``.

    Examples
    --------
    >>> LevenbergMarquardt(damping="nielsen", scaling="more").geodesic
    True
    """

    damping: str | Damping = "target"
    target: float = 0.1
    geodesic: bool = True
    scaling: str = "none"
    tries: int = 12
    start: float = 1e-3

    def __post_init__(self) -> None:
        if isinstance(self.damping, str):
            choice(self, "damping", ("target", "nielsen"))
        elif not isinstance(self.damping, Damping):
            raise OptionError(
                "LevenbergMarquardt(damping=...): give 'target', 'nielsen' or a policy with start and update"
            )
        choice(self, "scaling", ("none", "more"))
        positive(self, "target", below=1.0)
        count(self, "tries")
        positive(self, "start")

    @property
    def policy(self) -> Damping:
        """The damping policy in force."""
        if self.damping == "target":
            return TargetRatio(self.target, self.start)
        if self.damping == "nielsen":
            return Nielsen(self.start)
        assert not isinstance(self.damping, str)
        return self.damping

    def init(self, lin: Linearisation) -> LevenbergMarquardtState:
        """Return the state at the start."""
        scale = update_scale(lin, self.scaling, np.zeros(lin.layout.size))
        D = np.where(scale > 0, scale, 1.0)
        largest = 0.0 if self.damping == "target" else float(np.max(column_norms(jacobian(lin)) / D)) ** 2
        damping, memory = self.policy.start(largest)
        return LevenbergMarquardtState(damping, memory, 0, scale)

    def step(self, lin: Linearisation, state: LevenbergMarquardtState, key: int) -> Step:
        """Take the first of at most ``tries`` damped steps that decreases the merit."""
        state = state._replace(scale=update_scale(lin, self.scaling, state.scale))
        scale = None if self.scaling == "none" else state.scale
        g = lin.gradient()
        if not g.any():
            return standstill(lin, state, ("converged", "the gradient is zero"), g)
        square = largest_square(lin, g, scale)
        policy, damping, memory = self.policy, float(state.damping), float(state.memory)
        chosen = decompose(lin, _how(damping, square), scale)
        if chosen is None:
            return standstill(lin, state, ("nonfinite", "the Jacobian has entries that are not finite"))
        predicted = 0.0
        for _ in range(self.tries):
            damping = float(np.clip(damping, 1e-30 * square, 1e16 * square))
            if chosen.how == "cholesky" and damping < RESOLVED * square:
                chosen = decompose(lin, "qr", scale) or chosen
            chosen, move, predicted = self._propose(lin, chosen, damping, g, scale)
            theta = project(lin, lin.theta + move)
            if lin.layout.bounded and not np.array_equal(theta, lin.theta + move):
                predicted = chosen.predicted(theta - lin.theta)
            trial = lin.at(theta)
            reduction = lin.reduction(trial) if predicted > 0 else -np.inf
            ratio = ratio_of(reduction, predicted)
            numbers = {"damping": damping, "ratio": ratio}
            floor = at_the_floor(
                lin,
                state._replace(damping=damping, memory=memory, failures=0),
                trial,
                g,
                predicted,
                reduction,
                **numbers,
            )
            if floor is not None:
                if floor.verdict is None or not _held_back(chosen, damping, square, predicted):
                    return floor
                damping *= 0.01  # the damping, not the data, makes the decrease small
                continue
            used = damping
            damping, memory = (float(x) for x in policy.update(np, damping, memory, ratio))
            if ratio > policy.least_ratio:
                new = state._replace(damping=damping, memory=memory, failures=0)
                numbers["damping"] = used
                return finish(lin, new, trial, g, predicted, reduction, **numbers)
        failures = int(state.failures) + 1
        state = state._replace(damping=damping, memory=memory, failures=failures)
        verdict = (
            ("stalled", f"{failures} steps in a row found no decrease at any damping") if failures >= STUCK else None
        )
        return standstill(lin, state, verdict, g, predicted, {"refresh": True}, damping=damping)

    def _propose(
        self, lin: Linearisation, chosen: Factor, damping: float, g: Array, scale: Array | None
    ) -> tuple[Factor, Array, float]:
        """Return (factor in force, step, predicted decrease of its first-order part)."""
        D = np.ones_like(g) if scale is None else np.where(scale > 0, scale, 1.0)
        v, predicted, solved = _solve(chosen, damping, g, D)
        if not solved and chosen.how == "cholesky":
            better = decompose(lin, "qr", scale)
            if better is not None:
                chosen = better
                v, predicted, _ = _solve(chosen, damping, g, D)
        if not self.geodesic:
            return chosen, v, predicted
        bend = lin.second(v)
        if not np.isfinite(bend).all():
            return chosen, v, predicted
        a = chosen.solve(bend, damping)
        short = 2.0 * np.linalg.norm(D * a) <= np.linalg.norm(D * v)
        return chosen, (v + 0.5 * a if short else v), predicted


def _how(damping: float, square: float) -> str:
    return "qr" if damping < RESOLVED * square else "cholesky"


def _solve(chosen: Factor, damping: float, g: Array, D: Array) -> tuple[Array, float, bool]:
    """Return the damped step, its predicted decrease, and whether it delivers what an exact solution would."""
    v = chosen.steps(damping)[0]
    exact = 0.5 * float(v @ (damping * D * D * v - g))
    model = chosen.predicted(v)
    return v, exact, abs(exact - model) <= 0.1 * abs(exact)


def _held_back(chosen: Factor, damping: float, square: float, predicted: float) -> bool:
    """Whether less damping would promise a clearly larger decrease."""
    if damping <= 1e-28 * square:
        return False
    return float(chosen.predicted_many(0.01 * damping)[0]) > 1.5 * predicted
