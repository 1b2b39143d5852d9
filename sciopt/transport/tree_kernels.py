"""Compiled kernels: a balanced k-d tree of points with an affine majorant of a potential on every node.

Importing this module imports Numba. A tree over points Y (n, d) is complete and binary: node v has the children 2v+1
and 2v+2, all leaves lie on one level. Row v of ``record`` holds [alpha, (low, high, centre, slope) for each axis]; on
the node ``g(y) <= alpha + slope.(y - centre)``.
"""

import math

import numpy as np
from numba import njit

__all__ = ["build_tree", "fit_majorants"]


@njit(cache=True, nogil=True, error_model="numpy")
def _select(keys, order, first, last, k):  # pragma: no cover - compiled
    """Partially sort ``order[first:last]`` by ``keys`` so that place k holds what a full sort would put there."""
    low, high = first, last - 1
    while low < high:
        pivot = keys[order[(low + high) // 2]]
        i, j = low, high
        while i <= j:
            while keys[order[i]] < pivot:
                i += 1
            while pivot < keys[order[j]]:
                j -= 1
            if i <= j:
                order[i], order[j] = order[j], order[i]
                i += 1
                j -= 1
        if k <= j:
            high = j
        elif k >= i:
            low = i
        else:
            return


@njit(cache=True, nogil=True, error_model="numpy")
def build_tree(points, levels):  # pragma: no cover - compiled
    """Split points (n, d) at medians of the widest axis, ``levels`` times.

    Returns order (n,) of the points along the leaves, and begin, end (nodes,) of each node in that order.
    """
    n, d = points.shape
    nodes = 2 ** (levels + 1) - 1
    begin, end = np.empty(nodes, np.int64), np.empty(nodes, np.int64)
    order = np.arange(n)
    begin[0], end[0] = 0, n
    low, high = np.empty(d), np.empty(d)
    keys = np.empty(n)
    for v in range(2**levels - 1):
        first, last = begin[v], end[v]
        middle = (first + last) // 2
        if last - first > 1:
            low[:], high[:] = np.inf, -np.inf
            for k in range(first, last):
                for q in range(d):
                    u = points[order[k], q]
                    low[q] = min(low[q], u)
                    high[q] = max(high[q], u)
            axis = 0
            for q in range(1, d):
                if high[q] - low[q] > high[axis] - low[axis]:
                    axis = q
            for k in range(first, last):
                keys[order[k]] = points[order[k], axis]
            _select(keys, order, first, last, middle)
        begin[2 * v + 1], end[2 * v + 1] = first, middle
        begin[2 * v + 2], end[2 * v + 2] = middle, last
    return order, begin, end


@njit(cache=True, nogil=True, error_model="numpy")
def _slope(points, g, first, last, centre, affine, moments, slope):  # pragma: no cover - compiled
    """Least-squares slope of g on a node about its centre; zero where the points do not tell."""
    d = points.shape[1]
    slope[:] = 0.0
    if not affine or last - first < 2:
        return
    mean_g = 0.0
    for k in range(first, last):
        mean_g += g[k]
    mean_g /= last - first
    moments[:] = 0.0
    mean = np.zeros(d)
    for k in range(first, last):
        for q in range(d):
            mean[q] += points[k, q]
    mean /= last - first
    for k in range(first, last):
        for q in range(d):
            u = points[k, q] - mean[q]
            for s in range(q + 1):
                moments[q, s] += u * (points[k, s] - mean[s])
            moments[q, d] += u * (g[k] - mean_g)
    trace = 0.0
    for q in range(d):
        trace += moments[q, q]
    if not trace > 0.0:
        return
    for q in range(d):
        moments[q, q] += 1e-9 * trace
        for s in range(q):
            moments[s, q] = moments[q, s]
    for q in range(d):  # elimination without pivoting: the matrix is definite by the ridge
        for s in range(q + 1, d):
            factor = moments[s, q] / moments[q, q]
            for t in range(q, d + 1):
                moments[s, t] -= factor * moments[q, t]
    for q in range(d - 1, -1, -1):
        total = moments[q, d]
        for t in range(q + 1, d):
            total -= moments[q, t] * slope[t]
        slope[q] = total / moments[q, q]
    for q in range(d):
        if not math.isfinite(slope[q]):
            slope[:] = 0.0
            return


@njit(cache=True, nogil=True, error_model="numpy")
def fit_majorants(points, begin, end, g, affine, record):  # pragma: no cover - compiled
    """Write the boxes and affine majorants of g (n,) for sorted points (n, d) into ``record`` (nodes, 1 + 4 d).

    Returns the largest ``|alpha| + |slope|.(half widths)``, by which rounding errors are bounded.
    """
    d = points.shape[1]
    moments, slope = np.empty((d, d + 1)), np.empty(d)
    scale = 0.0
    for v in range(begin.shape[0]):
        row = record[v]
        first, last = begin[v], end[v]
        if first == last:
            row[0] = -np.inf
            for q in range(d):
                row[1 + 4 * q], row[2 + 4 * q], row[3 + 4 * q], row[4 + 4 * q] = 0.0, 0.0, 0.0, 0.0
            continue
        for q in range(d):
            low, high = np.inf, -np.inf
            for k in range(first, last):
                u = points[k, q]
                low = min(low, u)
                high = max(high, u)
            row[1 + 4 * q], row[2 + 4 * q] = low, high
            row[3 + 4 * q] = low + 0.5 * (high - low)
        _slope(points, g, first, last, row, affine, moments, slope)
        alpha, size = -np.inf, 0.0
        for k in range(first, last):
            u = g[k]
            for q in range(d):
                u -= slope[q] * (points[k, q] - row[3 + 4 * q])
            alpha = max(alpha, u)
        for q in range(d):
            row[4 + 4 * q] = slope[q]
            size += abs(slope[q]) * (row[2 + 4 * q] - row[1 + 4 * q])
        row[0] = alpha
        if math.isfinite(alpha):
            scale = max(scale, abs(alpha) + size)
    return scale
