"""Compiled sums and minima along one axis of a grid. Importing this module imports Numba."""

import numpy as np
from numba import njit

from sciopt.transport.cost_kernels import FAST
from sciopt.transport.exponential import LOWEST, exponential

__all__ = ["axis_log_sums", "axis_minima"]


@njit(fastmath=FAST, error_model="numpy")
def _one(x, c, inv, scores):  # pragma: no cover - compiled
    top = -1e300
    for j in range(x.shape[0]):
        v = x[j] - c[j] * inv
        scores[j] = v
        top = v if v > top else top
    total = 0.0
    for j in range(x.shape[0]):
        s = scores[j] - top
        w = exponential(s if s > LOWEST else LOWEST)
        total += w if s > LOWEST else 0.0
    return top + np.log(total)


@njit(cache=True, error_model="numpy", nogil=True)
def axis_log_sums(X, C, inv, which, out):  # pragma: no cover - compiled
    """Write ``log sum_j exp(X[r, j] - C[l, j] inv)`` into out[r, l] for the rows that ``which`` names."""
    scores = np.empty(X.shape[1])
    for r in which:
        for k in range(C.shape[0]):
            out[r, k] = _one(X[r], C[k], inv, scores)


@njit(fastmath=FAST, error_model="numpy")
def _least(x, c):  # pragma: no cover - compiled
    low = 1e300
    for j in range(x.shape[0]):
        v = c[j] + x[j]
        low = v if v < low else low
    return low


@njit(cache=True, error_model="numpy", nogil=True)
def axis_minima(X, C, first, last, out):  # pragma: no cover - compiled
    """Write ``min_j C[l, j] + X[r, j]`` into out[r, l] for rows first .. last-1 of X."""
    for r in range(first, last):
        for k in range(C.shape[0]):
            out[r, k] = _least(X[r], C[k])
