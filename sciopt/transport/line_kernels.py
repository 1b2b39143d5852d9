"""Compiled kernel: minima of translates of a convex function on a line.

Importing this module imports Numba.
"""

import numpy as np
from numba import njit

__all__ = ["line_minima"]


@njit(cache=True, nogil=True, error_model="numpy")
def line_minima(x, y, g, p):  # pragma: no cover - compiled
    """Return ``min_j |x_i - y_j|^p - g_j`` (n,) for sorted x (n,) and y (m,), p >= 1: the minimiser moves one way."""
    n, m = x.shape[0], y.shape[0]
    out = np.empty(n)
    stack = np.empty((128, 4), np.int64)
    top = 1
    stack[0, 0], stack[0, 1], stack[0, 2], stack[0, 3] = 0, n, 0, m - 1
    while top > 0:
        top -= 1
        low, high, left, right = stack[top, 0], stack[top, 1], stack[top, 2], stack[top, 3]
        if low >= high:
            continue
        i = (low + high) // 2
        best, where = np.inf, left
        for j in range(left, right + 1):
            u = abs(x[i] - y[j])
            v = (u if p == 1.0 else u * u if p == 2.0 else u**p) - g[j]
            if v < best:
                best, where = v, j
        out[i] = best
        stack[top, 0], stack[top, 1], stack[top, 2], stack[top, 3] = low, i, left, where
        top += 1
        stack[top, 0], stack[top, 1], stack[top, 2], stack[top, 3] = i + 1, high, where, right
        top += 1
    return out
