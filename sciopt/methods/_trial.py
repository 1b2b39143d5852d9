"""What a trust region measures at a trial point."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sciopt._types import Array
from sciopt.layout import Layout
from sciopt.linearise.base import Linearisation

__all__ = ["Trial", "cosine", "extrapolated", "relative", "unblocked"]


@dataclass(slots=True, eq=False)
class Trial:
    """A trial point and what was expected of it."""

    new: Linearisation
    rel: float
    predicted: float
    actual: float
    gradient: float
    lam: float
    length: float
    rank: int
    ratio: float
    full: bool  # undamped and not cut by a bound

    def info(self, radius: float) -> dict[str, float]:
        """Return the numbers for the history."""
        return {
            "reduction": self.actual,
            "predicted": self.predicted,
            "step": self.rel,
            "gradient": self.gradient,
            "rank": float(self.rank),
            "damping": self.lam,
            "radius": radius,
            "ratio": self.ratio,
        }


def unblocked(theta: Array, g: Array, layout: Layout) -> NDArray[np.bool_] | None:
    """Return which parameters may move: not at a bound that the descent direction points into (None = all)."""
    blocked = ((theta <= layout.lower) & (g > 0)) | ((theta >= layout.upper) & (g < 0))
    return ~blocked if blocked.any() else None


def cosine(g: Array, lengths: list[float], f: float, free: NDArray[np.bool_] | None) -> float:
    """Largest cosine between the residual and a column of J that may move."""
    root = math.sqrt(2.0 * f)
    if root == 0.0:
        return 0.0
    pairs = zip(g.tolist(), lengths, strict=True)
    if free is not None:
        pairs = (pair for pair, moves in zip(pairs, free.tolist(), strict=True) if moves)
    return max([abs(a) / b for a, b in pairs if b > 0.0], default=0.0) / root


def relative(delta: Array, theta: Array) -> float:
    """Return the largest change of a parameter relative to its value."""
    return max([abs(d / (t or 1e-300)) for d, t in zip(delta.tolist(), theta.tolist(), strict=True)])


def extrapolated(step: Array, last: Array) -> float:
    """Return the factor by which a step that repeats the last one, shrunk, may be lengthened (Aitken); else 1."""
    square = float(last.dot(last))
    rate = float(step.dot(last)) / square if square > 0.0 else 0.0
    rest = step - rate * last
    if not 0.03 < abs(rate) < 0.7 or float(rest.dot(rest)) > 0.01 * float(step.dot(step)):
        return 1.0
    return 1.0 / (1.0 - rate)
