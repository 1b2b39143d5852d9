"""Steps that are taken as they come: no test of the merit, but never into a point that cannot be evaluated."""

from __future__ import annotations

from typing import Any

import numpy as np

from sciopt._types import Array
from sciopt.linearise.base import Linearisation
from sciopt.methods._contract import Step, relative_step
from sciopt.methods._second_order import project

__all__ = ["leap", "recovered", "shortened"]


def leap(lin: Linearisation, moved: Any, stayed: Any, delta: Array, **numbers: float) -> Step:
    """Return the step to theta + delta with state ``moved``; the rejected step with ``stayed`` if that point fails."""
    if not np.isfinite(delta).all():
        return Step(lin.theta, stayed, False, {"reduction": 0.0, "step": 0.0, **numbers}, lin=lin)
    theta = project(lin, lin.theta + delta)
    trial = lin.at(theta)
    if trial.failed:
        return Step(lin.theta, stayed, False, {"reduction": 0.0, "step": 0.0, **numbers}, lin=lin)
    told = {
        "reduction": lin.reduction(trial),
        "step": relative_step(theta - lin.theta, theta, lin.layout.scale),
        **numbers,
    }
    return Step(theta, moved, True, told, lin=trial)


def shortened(length: float) -> float:
    """Return the step length after a failure, relative to the nominal one."""
    return max(0.25 * float(length), 1e-30)


def recovered(length: float) -> float:
    """Return the step length after a success: back to the nominal one by doubling."""
    return min(2.0 * float(length), 1.0)
