"""Compiled passes for bounds: c-transforms, and the rounding of an entropic plan to a feasible one.

Importing this module imports Numba.
"""

import math

import numpy as np
from numba import njit

from sciopt.transport.cost_kernels import fill_costs

__all__ = ["column_minima", "monotone_minima", "product_minima", "round_columns", "round_rows", "row_minima"]


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"nnan", "nsz"})
def _lowest(costs, g):  # pragma: no cover - compiled
    low = np.inf
    for j in range(g.shape[0]):
        v = costs[j] - g[j]
        low = v if v < low else low
    return low


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"nnan", "nsz"})
def _lower_to(costs, fi, out):  # pragma: no cover - compiled
    for j in range(out.shape[0]):
        v = costs[j] - fi
        out[j] = v if v < out[j] else out[j]


@njit(cache=True, nogil=True, error_model="numpy")
def row_minima(kind, q, X, YT, C, g, first, last, out):  # pragma: no cover - compiled
    """Write ``min_j c_ij - g_j`` of rows first..last-1."""
    buffer = np.empty(g.shape[0])
    for i in range(first, last):
        fill_costs(kind, q, X, YT, C, i, 0, g.shape[0], buffer)
        out[i] = _lowest(buffer, g)


@njit(cache=True, nogil=True, error_model="numpy")
def column_minima(kind, q, X, YT, C, f, first, last):  # pragma: no cover - compiled
    """Return ``min_i c_ij - f_i`` (m,) over rows first..last-1."""
    m = C.shape[1] if C.shape[0] > 0 else YT.shape[1]
    buffer, out = np.empty(m), np.full(m, np.inf)
    for i in range(first, last):
        fill_costs(kind, q, X, YT, C, i, 0, m, buffer)
        _lower_to(buffer, f[i], out)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def product_minima(costs, g, first, last, out):  # pragma: no cover - compiled
    """Write ``min_j costs[i, j] - g[r, j]`` into ``out[r, i]`` for lines r = first..last-1."""
    for r in range(first, last):
        for i in range(costs.shape[0]):
            out[r, i] = _lowest(costs[i], g[r])


@njit(cache=True, nogil=True, error_model="numpy")
def monotone_minima(costs, g, first, last, out):  # pragma: no cover - compiled
    """As `product_minima`, for costs convex in the difference of ordered places: the minimiser moves one way.

    Divide and conquer, n log n a line (the minima are the lower envelope of one translate of the cost for each j).
    """
    n, m = costs.shape
    stack = np.empty((128, 4), np.int64)
    for r in range(first, last):
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
                v = costs[i, j] - g[r, j]
                if v < best:
                    best, where = v, j
            out[r, i] = best
            stack[top, 0], stack[top, 1], stack[top, 2], stack[top, 3] = low, i, left, where
            top += 1
            stack[top, 0], stack[top, 1], stack[top, 2], stack[top, 3] = i + 1, high, where, right
            top += 1


@njit(cache=True, nogil=True, error_model="numpy")
def _entries(costs, at, beta, inverse, out):  # pragma: no cover - compiled
    total = 0.0
    for j in range(beta.shape[0]):
        v = at + beta[j] - costs[j] * inverse
        out[j] = math.exp(v) if v > -745.0 else 0.0
        total += out[j]
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def round_rows(kind, q, X, YT, C, alpha, beta, inverse, a, safe, first, last, x):  # pragma: no cover - compiled
    """Write row factors x that keep row sums of ``x P`` at most a; returns its column sums (m,) over the rows."""
    m = beta.shape[0]
    buffer, plan, column = np.empty(m), np.empty(m), np.zeros(m)
    for i in range(first, last):
        fill_costs(kind, q, X, YT, C, i, 0, m, buffer)
        total = _entries(buffer, alpha[i], beta, inverse, plan)
        x[i] = 0.0
        if total > 0.0 and total < np.inf:
            x[i] = min(a[i] / total, 1.0) * safe
        for j in range(m):
            if plan[j] > 0.0 and x[i] > 0.0:
                column[j] += x[i] * plan[j]
    return column


@njit(cache=True, nogil=True, error_model="numpy")
def round_columns(kind, q, X, YT, C, alpha, beta, inverse, x, y, first, last, row):  # pragma: no cover - compiled
    """Write row sums of ``x P y``; returns its column sums (m,) and its cost over the rows."""
    m = beta.shape[0]
    buffer, plan, column = np.empty(m), np.empty(m), np.zeros(m)
    cost = 0.0
    for i in range(first, last):
        row[i] = 0.0
        if x[i] == 0.0:
            continue
        fill_costs(kind, q, X, YT, C, i, 0, m, buffer)
        _entries(buffer, alpha[i], beta, inverse, plan)
        for j in range(m):
            v = x[i] * plan[j] * y[j]
            if v > 0.0:
                row[i] += v
                column[j] += v
                cost += v * buffer[j]
    return column, cost
