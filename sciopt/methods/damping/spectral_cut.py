"""The relative cut of a truncated pseudoinverse, adapted to the gain ratio."""

from __future__ import annotations

from typing import Any

__all__ = ["spectral_cut"]


def spectral_cut(xp: Any, rtol: Any, ratio: Any, least: float = 1e-3, floor: float = 1e-12) -> Any:
    """Return the cut after a trial: lowered by sqrt(10) when the model held (ratio > 1/4), raised when it failed.

    Parameters
    ----------
    xp
        numpy or jax.numpy.
    rtol
        Singular values below ``rtol * s1`` were left out of the trial.
    ratio
        Gain ratio of the trial; nan is a failure.
    least
        Ratio above which a trial counts as accepted.
    floor
        Smallest cut.

    Examples
    --------
    >>> import numpy as np
    >>> float(spectral_cut(np, 1e-3, 0.0))
    0.01
    """
    down = xp.maximum(rtol * 10.0**-0.5, floor)
    up = xp.minimum(rtol * 10.0, 0.99)
    return xp.where(ratio > 0.25, down, xp.where(ratio > least, rtol, up))
