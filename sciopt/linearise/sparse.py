"""Sparse Jacobians from a known pattern: columns that share no row are differenced together."""

from __future__ import annotations

from typing import Any

import numpy as np

from sciopt._errors import ConditionError
from sciopt._types import Array
from sciopt.frames import Frame
from sciopt.linearise.rows import real_rows
from sciopt.linearise.work import Work

__all__ = ["coloured_differences"]


def coloured_differences(block: Any, theta: Array, frame: Frame, work: Work, z: Array) -> Any:
    """Return the sparse Jacobian of a host block by coloured complex steps or central differences.

    The number of evaluations is the number of colours (twice that for differences), whatever P.

    References
    ----------
    Curtis, Powell, Reid (1974), J. Inst. Math. Appl. 13, 117.
    """
    from scipy.sparse import csc_matrix, csr_matrix

    from sciopt.linalg.colouring import colour_columns

    pattern = block.condition.pattern
    key = ("colours", block.index)
    plan = frame.cache.get(key)
    if plan is None:
        mask = csr_matrix(pattern)
        if mask.shape != (len(z), theta.size):
            raise ConditionError(
                f"condition {block.condition.name!r}: pattern has shape {mask.shape}, expected ({len(z)}, {theta.size})"
            )
        colours = np.asarray(colour_columns(mask))
        columns = csc_matrix(mask)
        row_of, column_of = columns.indices, np.repeat(np.arange(theta.size), np.diff(columns.indptr))
        plan = frame.cache[key] = (colours, row_of, column_of, mask.shape)
    colours, row_of, column_of, shape = plan
    values = np.empty(len(row_of))
    for k in range(int(colours.max()) + 1):
        direction = (colours == k).astype(float)
        entries = np.flatnonzero(colours[column_of] == k)
        d, steps = _along(block, theta, direction, frame, work)
        values[entries] = d[row_of[entries]] / steps[column_of[entries]]
    return csr_matrix((values, (row_of, column_of)), shape=shape)


def _along(block: Any, theta: Array, direction: Array, frame: Frame, work: Work) -> tuple[Array, Array]:
    """Return the change of the output along a sum of unit vectors, and the step of each column it is to be divided by.

    Exact by complex step, else a central difference.
    """
    if block.mode(theta, frame, work) == "complex":
        moved = np.asarray(block.raw(theta + 1e-30j * direction, frame))
        work.columns += 1
        if np.isfinite(moved).all():
            return np.imag(moved).ravel() / 1e-30, np.ones(theta.size)
        work.modes[block.index] = "difference"
    steps = np.cbrt(np.finfo(float).eps) * np.maximum(np.abs(theta), 1e-3 * block.layout.scale)
    up = np.minimum(theta + steps * direction, block.layout.upper)
    down = np.maximum(theta - steps * direction, block.layout.lower)
    work.columns += 2
    difference = real_rows(block.raw(up, frame)) - real_rows(block.raw(down, frame))
    return difference, np.where(direction > 0, up - down, 1.0)
