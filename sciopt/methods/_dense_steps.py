"""Newton steps of small dense systems: positive definite Hessians, general matrices."""

from __future__ import annotations

import numpy as np

from sciopt._types import Array

__all__ = ["definite_step", "dense_step"]

EPS = float(np.finfo(float).eps)


def definite_step(H: Array, r: Array) -> Array:
    """Return -(H + 2 shift)^-1 r by Cholesky, with the smallest shift tried that makes H + shift positive definite."""
    from scipy.linalg import cho_factor, cho_solve

    size, shift = float(np.max(np.abs(H), initial=0.0)) or 1.0, 0.0
    while True:
        try:
            factor = cho_factor(H + shift * np.eye(len(r)), check_finite=False)
        except np.linalg.LinAlgError:
            shift = 10.0 * shift or 1e-8 * size
            continue
        if shift:  # the smallest eigenvalue of H + shift may be next to zero
            factor = cho_factor(H + 2.0 * shift * np.eye(len(r)), check_finite=False)
        return -cho_solve(factor, r, check_finite=False)


def dense_step(J: Array, r: Array) -> Array:
    """Return -J^-1 r by LU, or the shortest least-squares step where J is singular to rounding."""
    from scipy.linalg import get_lapack_funcs

    getrf, gecon, getrs = get_lapack_funcs(("getrf", "gecon", "getrs"), (J,))
    lu, pivots, singular = getrf(J)
    if not singular and gecon(lu, float(np.abs(J).sum(axis=0).max()))[0] > len(r) * EPS:
        return -getrs(lu, pivots, r)[0]
    return np.asarray(np.linalg.lstsq(J, -r, rcond=10 * len(r) * EPS)[0], np.float64)
