"""Ratio targeting: many radii from one factorisation, and the longest step that is still acceptable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sciopt._errors import OptionError
from sciopt._types import Array
from sciopt.linalg import Factor, needs_qr
from sciopt.linearise.base import Linearisation
from sciopt.methods._contract import Step
from sciopt.methods._options import choice, count, positive
from sciopt.methods._second_order import (
    at_the_floor,
    decompose,
    finish,
    project,
    ratio_of,
    standstill,
    update_scale,
)
from sciopt.methods.damping import ratio_window

__all__ = ["RatioTargeting", "RatioTargetingState"]


class RatioTargetingState(NamedTuple):
    """Radius, steps taken, last damping over s1^2, whether polishing, recent log10 dampings, column scale D (P,)."""

    radius: float
    steps: int
    relative: float
    polishing: float
    history: Array
    scale: Array


@dataclass(frozen=True)
class RatioTargeting:
    r"""Trust region whose radius is the largest at which actual over predicted decrease still meets a target.

    One factorisation serves ``n_probes`` radii spread over [radius / window, radius * window]; all trial points are
    evaluated in one call. The gain ratios are made monotone from the smallest radius on, their last crossing of the
    target is interpolated in the logarithm of the radius, and the step of that radius is taken. Targets near 0.075 take
    the longest steps that still bring a decrease; near the end the target is raised to ``polish``, when the damping has
    passed its least value and grows again (a fitted positive slope of its logarithm). Best on residuals that are cheap
    against their Jacobian and on points that stay fixed. After Webb, Jerad and Cartis, arXiv 2607.02194.

    Parameters
    ----------
    target
        Gain ratio aimed at, in (0, 1).
    n_probes
        Radii tried in one step.
    window
        Largest radius tried over the present one.
    radius
        First radius, in the metric of ``scaling``.
    polish
        Gain ratio aimed at near the end.
    grace
        Steps before polishing is considered.
    memory
        Steps over which the slope of the logarithm of the damping is fitted.
    least
        A radius below it, relative to the length of theta, ends the solve.
    scaling
        ``"none"`` (networks) or ``"more"`` (running maximum of the column norms of J).

    Examples
    --------
    >>> RatioTargeting(target=0.1).n_probes
    12
    """

    target: float = 0.075
    n_probes: int = 12
    window: float = 3.0
    radius: float = 1.0
    polish: float = 0.5
    grace: int = 80
    memory: int = 30
    least: float = 1e-14
    scaling: str = "none"

    def __post_init__(self) -> None:
        for name in ("target", "polish"):
            positive(self, name, below=1.0)
        for name in ("radius", "least"):
            positive(self, name)
        count(self, "n_probes", 2)
        count(self, "grace", 0)
        count(self, "memory", 3)
        positive(self, "window")
        if self.window <= 1.0:
            raise OptionError(
                f"RatioTargeting(window={self.window!r}): the largest radius tried over the present; give x > 1"
            )
        choice(self, "scaling", ("none", "more"))

    def init(self, lin: Linearisation) -> RatioTargetingState:
        """Return the state at the start."""
        scale = update_scale(lin, self.scaling, np.zeros(lin.layout.size))
        return RatioTargetingState(self.radius, 0, 1.0, 0.0, np.full(self.memory, np.nan), scale)

    def step(self, lin: Linearisation, state: RatioTargetingState, key: int) -> Step:
        """Probe the radii and take the longest step whose gain ratio meets the target."""
        state = state._replace(scale=update_scale(lin, self.scaling, state.scale), steps=int(state.steps) + 1)
        scale = None if self.scaling == "none" else state.scale
        g = lin.gradient()
        if not g.any():
            return standstill(lin, state, ("converged", "the gradient is zero"), g)
        # The last damping tells whether the Gram matrix still resolves the step.
        chosen = decompose(lin, "qr" if needs_qr(0.1 * float(state.relative), 1.0) else "gram", scale)
        if chosen is None:
            return standstill(lin, state, ("nonfinite", "the Jacobian has entries that are not finite"))
        radii = float(state.radius) * self.window ** np.linspace(-1.0, 1.0, self.n_probes)
        dampings, predictions = _probe(chosen, radii)
        square = float(chosen.spectrum[0]) ** 2
        if chosen.how == "gram" and needs_qr(float(dampings.min()), square**0.5):
            better = decompose(lin, "qr", scale)
            if better is not None:
                chosen = better
                dampings, predictions = _probe(chosen, radii)
        steps = chosen.steps(dampings)
        trials = lin.at_many(np.stack([project(lin, lin.theta + delta) for delta in steps]))
        if lin.layout.bounded:
            predictions = np.array([chosen.predicted(t.theta - lin.theta) for t in trials])
        reductions = np.array([lin.reduction(t) for t in trials])
        ratios = np.array([ratio_of(a, p) for a, p in zip(reductions, predictions, strict=True)])
        target = self.polish if state.polishing else self.target
        radius, index, _ = ratio_window(np, radii, ratios, target)
        radius, index = float(radius), int(index)
        numbers = {"radius": radius, "target": target, "rank": float(chosen.rank)}
        if index < 0:
            far, gained = float(predictions[-1]), float(reductions[-1])
            floor = at_the_floor(lin, state, trials[-1], g, far, gained, **numbers)
            if floor is not None:
                return floor
            state = state._replace(radius=float(radii[0]))
            length = float(np.linalg.norm(lin.theta if scale is None else scale * lin.theta))
            small = float(radii[0]) <= self.least * max(length, 1.0)
            verdict = ("stalled", "no decrease at the smallest radius") if small else None
            return standstill(lin, state, verdict, g, float(predictions[0]), {"refresh": True}, **numbers)
        trial, damping = trials[index], float(dampings[index])
        predicted, reduction = float(predictions[index]), float(reductions[index])
        if radius > radii[index]:  # the crossing lies between two probes: one more trial, kept if it is acceptable
            between = chosen.damping_for(radius)
            better = lin.at(project(lin, lin.theta + chosen.steps(between)[0]))
            expected = chosen.predicted(better.theta - lin.theta)
            gained = lin.reduction(better)
            if ratio_of(gained, expected) > 0:
                trial, damping, predicted, reduction = better, between, expected, gained
            else:
                radius = float(radii[index])
        numbers["radius"] = radius
        state = self._remember(state._replace(radius=radius, relative=damping / square if square > 0 else 1.0), damping)
        ratio = ratio_of(reduction, predicted)
        return finish(lin, state, trial, g, predicted, reduction, damping=damping, ratio=ratio, **numbers)

    def _remember(self, state: RatioTargetingState, damping: float) -> RatioTargetingState:
        """Append the damping to the history and start polishing once it grows again."""
        recent = np.append(state.history[1:], np.log10(damping) if damping > 0 else np.nan)
        polishing = float(state.polishing)
        if not polishing and state.steps >= self.grace and np.isfinite(recent).all():
            time = np.arange(len(recent), dtype=float)
            spread = float(np.std(recent))
            slope = float(np.polyfit(time, recent, 1)[0])
            correlation = slope * float(np.std(time)) / spread if spread > 0 else 0.0
            polishing = float(slope > 1e-4 and correlation > 0.1)
        return state._replace(history=recent, polishing=polishing)


def _probe(chosen: Factor, radii: Array) -> tuple[Array, Array]:
    """Return dampings (k,) and predicted decreases (k,) of the steps of k radii."""
    dampings = np.array([chosen.damping_for(float(radius)) for radius in radii])
    return dampings, chosen.predicted_many(dampings)
