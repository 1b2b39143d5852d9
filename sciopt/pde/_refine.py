"""Points that follow the residual."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sciopt._types import Array
from sciopt.points import Batch, count, take

__all__ = ["Refined", "refined"]

GAP = 2.0  # residual on fresh points over that on the frame's points, from which the points are changed
PATIENCE = 3  # plateaus in a row without a better residual on fresh points, after which a verdict stands
CANDIDATES = 4  # fresh points for each point of the frame


@dataclass(frozen=True, eq=False)
class Refined(Batch):
    """A batch that remembers how well earlier plateaus did.

    Attributes
    ----------
    best
        Least root mean square of the residual on fresh points at a plateau.
    idle
        Plateaus in a row that did not better it.
    even
        The points that are not drawn by the residual and stay.
    """

    best: float = np.inf
    idle: int = 0
    even: Any = None


def refined(
    batch: Batch,
    draw: Callable[[int], Any],
    density: Callable[[Any], Array],
    share: float,
    plateau: bool,
    rng: np.random.Generator,
) -> Batch:
    """Return the batch itself if fresh points agree with it, else one with points where the residual is large.

    The residual on as many fresh points as the batch has is compared with that on its own. If it is larger by
    ``GAP``, a share of the new points is drawn from candidates with probability proportional to the residual over its
    mean plus one, the others stay.

    References
    ----------
    Wu, Zhu, Tan, Kartha and Lu (2023), Comput. Methods Appl. Mech. Eng. 403, 115671 (RAD with k = c = 1).
    """
    n = count(batch.coords)
    fresh = draw(n)
    own, other = _rms(density(batch.coords)), density(fresh)
    held = _rms(other)
    best, idle = getattr(batch, "best", np.inf), getattr(batch, "idle", 0)
    if plateau:
        better = held < 0.7 * best
        best, idle = min(best, held), 0 if better else idle + 1
    if not np.isfinite(held) or held <= GAP * own or (plateau and idle >= PATIENCE):
        return batch
    # the points that are there compete with new candidates, so that what was found is not lost at once
    candidates = _joined(batch.coords, draw((CANDIDATES - 1) * n))
    rho = density(candidates)
    rho = np.where(np.isfinite(rho), rho, 0.0)
    if not rho.any():
        return batch
    odds = rho / rho.mean() + 1.0
    k = round(share * n)
    chosen = rng.choice(len(odds), k, replace=False, p=odds / odds.sum())
    even = getattr(batch, "even", None)
    even = take(batch.coords, np.arange(k, n)) if even is None else even
    return Refined(_joined(take(candidates, chosen), even), n, None, None, best, idle, even)


def _rms(values: Array) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def _joined(a: Any, b: Any) -> Any:
    if isinstance(a, tuple):
        return tuple(np.concatenate([x, y]) for x, y in zip(a, b, strict=True))
    return np.concatenate([a, b])
