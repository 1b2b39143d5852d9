"""The classical trust radius."""

from __future__ import annotations

from typing import Any

__all__ = ["trust_radius"]


def trust_radius(xp: Any, radius: Any, ratio: Any, norm: Any) -> Any:
    """Return the radius after a trial of scaled length ``norm``: a quarter of it after poor ratios, twice after good.

    Ratios below 1/4 (nan included) shrink to norm / 4, above 3/4 grow to at least 2 norm; others keep the radius
    (More 1978).

    Examples
    --------
    >>> import numpy as np
    >>> [float(trust_radius(np, 1.0, ratio, 0.8)) for ratio in (0.1, 0.5, 0.9)]
    [0.2, 1.0, 1.6]
    """
    poor = xp.logical_not(ratio >= 0.25)
    good = ratio > 0.75
    return xp.where(poor, 0.25 * norm, xp.where(good, xp.maximum(radius, 2.0 * norm), radius))
