"""The solver chosen by stiffness, with a reason."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np

from sciopt.dynamics.plan import lanes_at, starts
from sciopt.dynamics.tableau import Tableau, tableau_of
from sciopt.dynamics.walk import walk

__all__ = ["chosen"]

PROBE = 2048  # steps after which an explicit pair is taken to be stuck
FEW = 150  # steps below which stiffness does not matter
RATE = 1e-5


def chosen(setting: Any) -> tuple[Tableau, str]:
    """Return (pair, reason) for ``solver="auto"``: two solves at the start values, loose tolerance.

    An explicit pair on a stiff problem is limited by stability and not by accuracy, so it hardly takes fewer steps at a
    looser tolerance; an L-stable one does.
    """
    explicit, stiff = tableau_of("Tsit5"), tableau_of("Kvaerno5")
    loose = replace(setting, rtol=max(RATE, setting.rtol))
    n, arrived = _steps(replace(loose, tableau=explicit))
    if arrived and n <= FEW:
        return explicit, f"solver Tsit5: {n} steps at the start, not stiff"
    m, through = _steps(replace(loose, tableau=stiff))
    d = setting.state.size
    cost = 6.0 + 2.0 * d  # an implicit step against an explicit one, roughly
    told = f"Tsit5 {'takes' if arrived else 'has not arrived after'} {n} steps at the start, Kvaerno5 {m}"
    if through and (not arrived or n > cost * m):
        return stiff, f"solver Kvaerno5: stiff; {told}"
    return explicit, f"solver Tsit5: {told}" if arrived else f"solver Tsit5: {told} without arriving either"


def _steps(setting: Any) -> tuple[int, bool]:
    _, plan, arrays, _ = setting.laid_out()
    theta = jnp.asarray(plan.flow.spec.layout.start)
    y0 = starts(plan, theta, arrays)
    atol = jnp.broadcast_to(jnp.asarray(setting.atol), y0.shape)
    capacity = min(PROBE, setting.max_steps)
    walked = walk(
        plan.flow, capacity, theta, arrays.fixed, y0, lanes_at(plan, theta, arrays), arrays.rtol, atol, plan.shared
    )
    return int(np.max(walked.steps.count)), bool((np.asarray(walked.status) == 1).all())
