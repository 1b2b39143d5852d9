"""Temperatures: the stages that a transport problem passes through on the way to its epsilon, made as they are needed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sciopt._types import Array
from sciopt.frames import Frame

if TYPE_CHECKING:
    from sciopt.transport.semi_dual import SemiDual

__all__ = ["Temperature", "first_frame", "next_frame"]

WARMEST = 0.25  # first epsilon of the largest cost
DENSE = 0.04  # epsilon of the largest cost above which the plan is dense and scaling iterations are best
DIRECT = 5e-4  # epsilon of the largest cost above which scaling at the target is tried first
PATIENCE = 15  # passes after which a stage that has not come near is begun anew from warmer potentials
FACTORS = (0.25, 0.8)


@dataclass(eq=False)
class Temperature:
    """What a stage knows besides epsilon; counts are kept as it goes.

    Attributes
    ----------
    epsilon, tolerance
        Temperature and marginal error at which the stage ends.
    scaling
        Whether scaling iterations lead, rather than Newton steps.
    before
        (epsilon, potentials) of the stage before, for extrapolation and for a new beginning; None for the first.
    factor
        Ratio of this epsilon to the one before.
    annealed
        Whether the stages have come down from the warmest.
    """

    epsilon: float
    tolerance: float
    scaling: bool
    before: tuple[float, Array] | None
    older: tuple[float, Array] | None
    factor: float
    annealed: bool
    patience: int = PATIENCE
    passes: int = 0
    counted: int = -1
    best: float = np.inf
    since: int = 0
    error: float = np.inf


def first_frame(problem: SemiDual, theta: Array, step: int) -> Frame:
    """Return the first stage: the target itself where scaling may do or a start is given, else the warmest."""
    eps = problem.epsilon
    if problem.direct:
        return _frame(problem, 0, step, Temperature(eps, problem.tolerance, True, None, None, 1.0, True))
    if problem.begin is not None and problem.begin > eps:
        return _at(problem, 0, step, problem.begin, None, None, problem.factor, theta)
    if theta.any():
        return _frame(problem, 0, step, Temperature(eps, problem.tolerance, False, None, None, 1.0, False, 8))
    if eps >= DIRECT * problem.scale and problem.work.dense_fits and not problem.work.separable:
        return _frame(problem, 0, step, Temperature(eps, problem.tolerance, True, None, None, 1.0, False))
    return _warmest(problem, 0, step)


def next_frame(problem: SemiDual, theta: Array, previous: Frame, request: Any, step: int) -> Frame:
    """Return the frame after a step: the same, the next temperature, or a new beginning of one that fails."""
    now: Temperature = previous.extra
    stage = previous.stage + 1
    if request.get("stage"):
        return _cooler(problem, theta, now, stage, step)
    if request.get("give_up") and problem.work.separable:
        return previous if previous.final else _cooler(problem, theta, now, stage, step)
    if request.get("give_up") and now.scaling and not problem.direct:
        if now.annealed or now.error < problem.hand_over:
            return _frame(
                problem,
                stage,
                step,
                replace(now, scaling=False, patience=8 if not now.annealed else PATIENCE, passes=0, counted=-1),
            )
        return _warmest(problem, stage, step)
    if now.scaling or now.passes < now.patience or now.error <= _enough(problem, now.epsilon):
        return previous
    if not now.annealed:
        return _warmest(problem, stage, step)
    if now.before is None or now.factor >= FACTORS[1]:
        now.patience *= 2
        return previous
    factor = np.sqrt(now.factor)
    eps = now.before[0] * factor
    warmer = Temperature(eps, _enough(problem, eps), False, now.before, now.older, factor, True)
    return _frame(problem, stage, step, warmer, _extrapolated(now.before[1], now.before, now.older, eps))


def _warmest(problem: SemiDual, stage: int, step: int) -> Frame:
    eps = max(problem.epsilon, WARMEST * problem.scale)
    start = problem.work.log_b * eps
    return _at(problem, stage, step, eps, None, None, problem.factor, start)


def _cooler(problem: SemiDual, theta: Array, now: Temperature, stage: int, step: int) -> Frame:
    factor = now.factor if now.before is not None else problem.factor
    if not now.scaling and now.before is not None:  # few passes: cool faster; many: slower
        low = FACTORS[0] if now.passes <= 3 else FACTORS[1]
        factor = (
            max(low, factor * 0.85)
            if now.passes <= 3
            else min(FACTORS[1], np.sqrt(factor))
            if now.passes > 9
            else factor
        )
    eps = max(problem.epsilon, now.epsilon * factor)
    if eps < problem.epsilon * 1.3:
        eps = problem.epsilon
    here = (now.epsilon, theta.copy())
    return _at(problem, stage, step, eps, here, now.before, factor, _extrapolated(theta, here, now.before, eps))


def _at(
    problem: SemiDual, stage: int, step: int, eps: float, before: Any, older: Any, factor: float, start: Array
) -> Frame:
    final = eps <= problem.epsilon
    scaling = problem.work.separable or (eps >= DENSE * problem.scale and problem.work.dense_fits)
    tolerance = problem.tolerance if final else max(_enough(problem, eps), 10.0 * problem.tolerance)
    return _frame(problem, stage, step, Temperature(eps, tolerance, scaling, before, older, factor, True), start)


def _enough(problem: SemiDual, eps: float) -> float:
    return problem.stage_error * eps / problem.scale


def _extrapolated(theta: Array, here: Any, older: Any, eps: float) -> Array:
    if older is None:
        return theta
    return theta + (eps - here[0]) / (here[0] - older[0]) * (theta - older[1])


def _frame(problem: SemiDual, stage: int, step: int, temperature: Temperature, start: Array | None = None) -> Frame:
    eps = temperature.epsilon
    return Frame(
        stage=stage,
        step=step,
        settings={"epsilon": eps},
        extra=temperature,
        final=eps <= problem.epsilon,
        start=start,
    )
