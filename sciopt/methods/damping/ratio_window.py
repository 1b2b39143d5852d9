"""Where a falling gain ratio crosses its target, in the logarithm of the radius."""

from __future__ import annotations

from typing import Any

__all__ = ["ratio_window"]


def ratio_window(xp: Any, radii: Any, ratios: Any, target: Any) -> tuple[Any, Any, Any]:
    """Return (radius of the last crossing, index of the last probe that meets the target, monotone ratios).

    Ratios are clipped to [-1, 1] and replaced by their running minimum from the smallest radius on, so that a lucky
    long step behind a bad one does not count. Between the last probe that meets the target and the next the crossing is
    interpolated linearly in the logarithm of the radius. The index is -1 if no probe meets the target (the radius is
    then the smallest probed).

    Parameters
    ----------
    xp
        numpy or jax.numpy.
    radii, ratios
        Probed radii in ascending order and their gain ratios, shape (k,); nan counts as -1.
    target
        Gain ratio aimed at.

    Examples
    --------
    >>> import numpy as np
    >>> radius, index, _ = ratio_window(np, np.array([1.0, 100.0]), np.array([0.9, 0.1]), 0.5)
    >>> round(float(radius), 6), int(index)
    (10.0, 0)
    """
    clean = xp.clip(xp.where(ratios == ratios, ratios, -1.0), -1.0, 1.0)  # nan differs from itself
    monotone = xp.minimum.accumulate(clean)
    index = xp.sum(monotone >= target) - 1
    low = xp.maximum(index, 0)
    high = xp.minimum(low + 1, len(radii) - 1)
    drop = monotone[low] - monotone[high]
    share = xp.where(drop > 0, (monotone[low] - target) / xp.where(drop > 0, drop, 1.0), 0.0)
    share = xp.where(index < 0, 0.0, xp.clip(share, 0.0, 1.0))
    return radii[low] * (radii[high] / radii[low]) ** share, index, monotone
