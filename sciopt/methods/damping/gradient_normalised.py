"""The radius of gradient-normalised smoothness."""

from __future__ import annotations

from typing import Any

__all__ = ["gradient_normalised"]


def gradient_normalised(xp: Any, gamma: Any, accepted: Any) -> Any:
    """Return gamma after a trial: doubled (at least 1e-9) if accepted, halved if not.

    The damping is ||g|| / gamma, hence no step is longer than gamma. Semenov, Jaggi and Doikov, arXiv 2506.13710.

    Examples
    --------
    >>> import numpy as np
    >>> float(gradient_normalised(np, 1.0, True)), float(gradient_normalised(np, 1.0, False))
    (2.0, 0.5)
    """
    return xp.where(accepted, xp.maximum(2.0 * gamma, 1e-9), 0.5 * gamma)
