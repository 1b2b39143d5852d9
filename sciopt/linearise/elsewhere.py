"""Residuals of one condition at points other than those of the frame."""

from __future__ import annotations

from typing import Any

import numpy as np

from sciopt._types import Array
from sciopt.frames import Frame
from sciopt.linearise.build import blocks_of
from sciopt.linearise.work import Work
from sciopt.points import Batch, count, take

__all__ = ["residuals_elsewhere"]


def residuals_elsewhere(problem: Any, theta: Array, frame: Frame, work: Work, i: int, coords: Any) -> Array:
    """Return the size of condition i's output at each of other points, shape (n,), before weights and targets.

    The points are taken in portions of the frame's own number, so that nothing is compiled anew.

    Parameters
    ----------
    problem, theta, frame, work
        As in `linearise`.
    i
        Place of the condition.
    coords
        Points in the form of the frame's own.
    """
    blocks = work.modes.get("blocks")
    if blocks is None:
        blocks = work.modes["blocks"] = blocks_of(problem, theta, frame, work)
    block = next(b for b in blocks if i in b.indices)
    place, size, total = block.indices.index(i), count(frame.batches[i].coords), count(coords)
    out = []
    for begin in range(0, total, size):
        index = np.minimum(np.arange(begin, begin + size), total - 1)
        batches = list(frame.batches)
        batches[i] = Batch(take(coords, index), size)
        work.spend()
        with np.errstate(all="ignore"):
            z = block.outputs(theta, Frame(tuple(batches), frame.stage, frame.step, frame.settings), work)[place]
        z = np.abs(np.asarray(z)).reshape(size, -1)
        out.append(np.sqrt(np.sum(z * z, axis=1))[: total - begin])
    return np.concatenate(out)
