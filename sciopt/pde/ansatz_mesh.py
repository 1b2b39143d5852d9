"""Breakpoints of splines placed where the function asks for them."""

from __future__ import annotations

from math import factorial

import numpy as np

from sciopt._types import Array
from sciopt.models.axes import SplineAxis

__all__ = ["mesh_of", "spacing_of"]

SAFETY = 1e5  # collocated second derivatives err more than the best approximation: 16 p (p + 1), and some room
GRADING = 0.25  # how fast spacings may grow with distance
LEAST, MOST = 10, 500  # intervals
FINEST = 1e-5  # spacing, of the whole length: where a kink of the initial values is no longer followed


def spacing_of(axis: SplineAxis, profiles: Array, tolerance: float) -> tuple[Array, Array, float]:
    r"""Return where and how finely a spline has to be divided, and how far it is from that.

    The error of a spline of degree p on an interval of length h is about
    :math:`2 (h/4)^{p+1} |u^{(p+1)}| / (p+1)!`; the derivative is read off the jumps of the p-th one.

    Parameters
    ----------
    axis
        The spline space.
    profiles
        Coefficients (k, size) of functions of size 1.
    tolerance
        Error aimed at.

    Returns
    -------
    centres, spacing : ndarray
        Middle of each interval, and the spacing wanted there (graded).
    excess : float
        Largest estimated error over the tolerance.

    Notes
    -----
    de Boor, Good approximation by splines with variable knots II (1974).
    """
    b, p = axis.breaks, axis.degree
    h, centres = np.diff(b), 0.5 * (b[1:] + b[:-1])
    top = np.abs(_jumps(axis, axis.matrix(centres, p) @ profiles.T, h)).max(axis=1)
    constant = SAFETY * 2.0 * 0.25 ** (p + 1) / factorial(p + 1)
    errors = constant * top * h ** (p + 1)
    wanted = (tolerance / np.maximum(constant * top, 1e-300)) ** (1.0 / (p + 1))
    wanted = np.clip(wanted, FINEST * (b[-1] - b[0]), (b[-1] - b[0]) / LEAST)
    return centres, graded(centres, wanted, b[-1] - b[0] if axis.periodic else None), float(errors.max() / tolerance)


def _jumps(axis: SplineAxis, pieces: Array, h: Array) -> Array:
    """Return |u^(p+1)| on each interval: the larger of the divided jumps of the p-th derivative at its ends."""
    if axis.periodic:
        jump = (np.roll(pieces, -1, axis=0) - pieces) / (0.5 * (np.roll(h, -1) + h))[:, None]
        left, right = np.roll(jump, 1, axis=0), jump
    else:
        jump = np.diff(pieces, axis=0) / (0.5 * (h[1:] + h[:-1]))[:, None]
        zero = np.zeros((1, pieces.shape[1]))
        left, right = np.concatenate([zero, jump]), np.concatenate([jump, zero])
    return np.maximum(np.abs(left), np.abs(right))


def graded(centres: Array, wanted: Array, period: float | None = None) -> Array:
    """Return spacings that grow no faster than ``GRADING`` per unit of distance, nowhere above those wanted."""
    distance = np.abs(centres[:, None] - centres[None, :])
    if period is not None:
        distance = np.minimum(distance, period - distance)
    return np.min(wanted[None, :] + GRADING * distance, axis=1)


def mesh_of(axis: SplineAxis, centres: Array, spacing: Array) -> Array:
    """Return breakpoints with the given spacing, at most 500 intervals."""
    low, high = axis.low, axis.high
    fine = np.unique(np.concatenate([np.linspace(low, high, 2001), axis.breaks, centres]))
    here = 1.0 / np.interp(fine, centres, spacing)
    total = np.concatenate([[0.0], np.cumsum(0.5 * (here[1:] + here[:-1]) * np.diff(fine))])
    n = int(np.clip(np.ceil(1.1 * total[-1]), max(LEAST, axis.degree + 2), MOST))
    breaks = np.interp(np.linspace(0.0, total[-1], n + 1), total, fine)
    breaks[0], breaks[-1] = low, high
    return breaks
