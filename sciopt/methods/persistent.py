"""The default for named parameters: a trust region that tries again, and knows what a rank-deficient answer is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from sciopt._types import Array
from sciopt.linearise.base import Linearisation
from sciopt.methods._contract import Step
from sciopt.methods._rounding import vanishes
from sciopt.methods.nearest import towards_start
from sciopt.methods.trust_region import TrustRegion

__all__ = ["Persistent"]

ATTEMPTS = (TrustRegion(), TrustRegion(scaling="none"), TrustRegion(factor=0.5))


class State(NamedTuple):
    """Attempt in progress, its inner state, and the best failed attempt."""

    attempt: int
    taken: int
    start: Array
    inner: Any
    best_theta: Array
    best_f: float
    best_verdict: float  # 1 if the best end so far was stationary
    rank: float  # numerical rank of J at the start


@dataclass(frozen=True)
class Persistent:
    """Scaled trust region with second attempts from the same start.

    An attempt that ends without a stationary point (it stalls, or its steps run out, as when a parameter runs away to
    where the data do not feel it) is followed by one with another rule: unscaled, then with a short first step. A
    solution that is not unique is moved to the one nearest to the start (the pseudoinverse answer).

    Parameters
    ----------
    steps
        Steps of one attempt.

    Notes
    -----
    Neither scaling rule alone reaches all of the standard test problems; see the benchmark page.
    """

    steps: int = 1000

    def init(self, lin: Linearisation) -> State:
        """Return the state at the start."""
        return State(0, 0, lin.theta.copy(), ATTEMPTS[0].init(lin), lin.theta.copy(), np.inf, 0.0, -1.0)

    def step(self, lin: Linearisation, state: State, key: int) -> Step:
        """Take one step of the attempt in progress, or begin the next attempt."""
        inner = ATTEMPTS[state.attempt].step(lin, state.inner, key)
        attempt, taken, start, _, best_theta, best_f, best_verdict, rank = state
        rank = rank if rank >= 0.0 else inner.info.get("rank", 0.0)
        state = State(attempt, taken + 1, start, inner.state, best_theta, best_f, best_verdict, rank)
        verdict = inner.verdict
        if verdict is None and state.taken < self.steps:
            inner.state = state
            return inner
        end = inner.lin if inner.lin is not None else lin.at(inner.theta)
        if verdict is not None and verdict[0] == "converged" and not self._suspicious(inner, end, state):
            return self._settled(inner, end, state, verdict)
        return self._again(inner, end, state, verdict or ("budget", f"{self.steps} steps were not enough"))

    def _suspicious(self, inner: Step, end: Linearisation, state: State) -> bool:
        """Tell whether rank was lost on the way to an end at which the residual has not vanished.

        On a plateau, where parameters have stopped to matter, every point is stationary; the other attempts must agree.
        """
        lost = inner.info.get("rank", state.rank) < min(state.rank, end.layout.size)
        return lost and not vanishes(end) and not _at_bounds(end)

    def _settled(self, inner: Step, end: Linearisation, state: State, verdict: tuple[str, str]) -> Step:
        info = inner.info
        deficient = info.get("rank", 0.0) < end.layout.size and not _at_bounds(end)
        if deficient and np.isfinite(end.dense()).all():
            end, dimension, left = towards_start(end, state.start)
            if dimension:
                said = "several solutions fit equally well; this is the one nearest to the start"
                verdict = (verdict[0], said if left < 1e-6 else f"{verdict[1]}; several solutions fit equally well")
                info = {**info, "null": float(dimension)}
        return Step(end.theta, state, inner.accepted, info, lin=end, verdict=verdict)

    def _again(self, inner: Step, end: Linearisation, state: State, verdict: tuple[str, str]) -> Step:
        stationary = float(verdict[0] == "converged")
        if end.f < state.best_f:
            state = state._replace(best_theta=end.theta.copy(), best_f=end.f, best_verdict=stationary)
        following = state.attempt + 1
        if following < len(ATTEMPTS):
            fresh = end.at(state.start)
            state = state._replace(attempt=following, taken=0, inner=ATTEMPTS[following].init(fresh))
            return Step(fresh.theta, state, False, {**inner.info, "attempt": float(following)}, lin=fresh)
        best = end if np.array_equal(end.theta, state.best_theta) else end.at(state.best_theta)
        if state.best_verdict:
            if best is not end or verdict[0] != "converged":
                verdict = (
                    "converged",
                    "the best of several attempts: its gradient vanishes, and rank was lost on the way",
                )
            return self._settled(inner, best, state, verdict)
        return Step(best.theta, state, False, inner.info, lin=best, verdict=verdict)


def _at_bounds(lin: Linearisation) -> bool:
    layout = lin.layout
    return layout.bounded and bool(((lin.theta <= layout.lower) | (lin.theta >= layout.upper)).any())
