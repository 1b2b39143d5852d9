"""Steps that stay inside the bounds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sciopt._types import Array
from sciopt.layout import Layout
from sciopt.linalg.compact import CompactFactor

__all__ = ["into_box"]


def into_box(
    delta: Array,
    theta: Array,
    layout: Layout,
    J: Array,
    r: Array,
    fac: CompactFactor,
    free: NDArray[np.bool_] | None,
    lam: float,
) -> tuple[Array, bool]:
    """Hold parameters that would cross a bound at it, and solve for the others again.

    Parameters
    ----------
    delta
        Step of the free parameters.
    theta, layout, J, r
        Point, its bounds, Jacobian (or its triangle) and the residual that goes with it.
    fac, lam
        Factorisation over the free parameters, and its damping.
    free
        Which parameters may move; None = all.

    Returns
    -------
    (Array, bool)
        The step of all parameters, and whether a bound cut it.
    """
    lower, upper = layout.lower, layout.upper
    usable = np.ones(theta.size, dtype=bool) if free is None else free
    step = np.zeros(theta.size)
    step[usable] = delta
    held, fixed, metric = np.zeros(theta.size, dtype=bool), np.zeros(theta.size), np.ones(theta.size)
    metric[usable] = fac.D
    for _ in range(theta.size):
        target = theta + step
        out = usable & ~held & ((target < lower) | (target > upper))
        if not out.any():
            break
        held |= out
        fixed[out] = np.clip(target[out], lower[out], upper[out]) - theta[out]
        rest = usable & ~held
        step = fixed.copy()
        if not rest.any():
            break
        sub = CompactFactor(J[:, rest], r + J[:, held] @ fixed[held], metric[rest])
        step[rest] = sub.damped(lam)[0]
    return np.clip(theta + step, lower, upper) - theta, bool(held.any())
