"""Soft c-transforms: potentials extended to any points."""

from __future__ import annotations

import math

import numpy as np

from sciopt._types import Array
from sciopt.transport._threads import over_rows
from sciopt.transport.pairs import Pairs

__all__ = ["soft_transform"]


def soft_transform(between: Pairs, dual: Array, masses: Array, mass: float, epsilon: float) -> Array:
    """Return -epsilon log sum_j (masses_j / mass) exp((dual_j - c_ij) / epsilon) for the rows of ``between``."""
    from sciopt.transport.plan_kernels import log_sums

    keep = np.flatnonzero(masses > 0)
    part = between.restricted(np.arange(between.shape[0]), keep)
    beta = dual[keep] / epsilon + np.log(masses[keep]) - math.log(mass)
    out = np.empty(between.shape[0])
    over_rows(lambda first, last: log_sums(first, last, *part.arguments, beta, 1.0 / epsilon, out), len(out))
    return -epsilon * out
