"""Compiled ground costs: one row of costs at a time, from a matrix or from positions.

Importing this module imports Numba. All kernels take the same five arguments for a cost: ``kind`` (integer),
``q`` (parameters), ``X`` (n, d), ``YT`` (d, m) and ``C`` (n, m; empty unless the cost is a matrix).
"""

import math

import numpy as np
from numba import njit

__all__ = [
    "CITYBLOCK",
    "EUCLIDEAN",
    "MATRIX",
    "PERIODIC",
    "POWER",
    "SPHERE",
    "SQUARED",
    "cost_rows",
    "fill_costs",
    "pair_cost",
]

MATRIX, SQUARED, EUCLIDEAN, POWER, CITYBLOCK, PERIODIC, SPHERE = range(7)

# Infinite costs are forbidden pairs: no "ninf"; rounding order may change, NaN has been refused at the door.
FAST = {"reassoc", "nnan", "nsz", "contract", "arcp"}


@njit(cache=True, fastmath=FAST, error_model="numpy")
def _squares(X, YT, i, start, stop, out):  # pragma: no cover - compiled
    x = X[i, 0]
    for j in range(stop - start):
        t = x - YT[0, start + j]
        out[j] = t * t
    for k in range(1, YT.shape[0]):
        x = X[i, k]
        for j in range(stop - start):
            t = x - YT[k, start + j]
            out[j] += t * t


@njit(cache=True, fastmath=FAST, error_model="numpy")
def _wrapped_squares(q, X, YT, i, start, stop, out):  # pragma: no cover - compiled
    for j in range(stop - start):
        out[j] = 0.0
    for k in range(YT.shape[0]):
        x, period = X[i, k], q[1 + k]
        for j in range(stop - start):
            t = x - YT[k, start + j]
            t -= period * math.floor(t / period + 0.5)
            out[j] += t * t


@njit(cache=True, fastmath=FAST, error_model="numpy")
def _absolute_powers(p, X, YT, i, start, stop, out):  # pragma: no cover - compiled
    for j in range(stop - start):
        out[j] = 0.0
    for k in range(YT.shape[0]):
        x = X[i, k]
        if p == 1.0:
            for j in range(stop - start):
                out[j] += abs(x - YT[k, start + j])
        else:
            for j in range(stop - start):
                out[j] += abs(x - YT[k, start + j]) ** p


@njit(cache=True, fastmath=FAST, error_model="numpy")
def _roots(p, count, out):  # pragma: no cover - compiled
    if p == 1.0:
        for j in range(count):
            out[j] = math.sqrt(out[j])
    elif p != 2.0:
        for j in range(count):
            out[j] = out[j] ** (0.5 * p)


@njit(cache=True, error_model="numpy")
def _angle(X, YT, i, j):  # pragma: no cover - compiled
    """Return the angle of two unit vectors, accurate for near points and for antipodes."""
    apart, together = 0.0, 0.0
    for k in range(YT.shape[0]):
        apart += (X[i, k] - YT[k, j]) ** 2
        together += (X[i, k] + YT[k, j]) ** 2
    return 2.0 * math.atan2(math.sqrt(apart), math.sqrt(together))


@njit(cache=True, error_model="numpy")
def fill_costs(kind, q, X, YT, C, i, start, stop, out):  # pragma: no cover - compiled
    """Write the costs of row i against columns start..stop-1 into out[0 .. stop-start-1]."""
    if kind == MATRIX:
        for j in range(stop - start):
            out[j] = C[i, start + j]
    elif kind == SQUARED:
        _squares(X, YT, i, start, stop, out)
    elif kind in (EUCLIDEAN, POWER):
        _squares(X, YT, i, start, stop, out)
        _roots(q[0], stop - start, out)
    elif kind == CITYBLOCK:
        _absolute_powers(q[0], X, YT, i, start, stop, out)
    elif kind == PERIODIC:
        _wrapped_squares(q, X, YT, i, start, stop, out)
        _roots(q[0], stop - start, out)
    else:
        for j in range(stop - start):
            out[j] = (q[1] * _angle(X, YT, i, start + j)) ** q[0]


@njit(cache=True, error_model="numpy")
def pair_cost(kind, q, X, YT, C, i, j):  # pragma: no cover - compiled
    """Return the cost of one pair."""
    if kind == MATRIX:
        return C[i, j]
    if kind == SPHERE:
        return (q[1] * _angle(X, YT, i, j)) ** q[0]
    total = 0.0
    for k in range(YT.shape[0]):
        t = X[i, k] - YT[k, j]
        if kind == CITYBLOCK:
            total += abs(t) ** q[0]
            continue
        if kind == PERIODIC:
            t -= q[1 + k] * math.floor(t / q[1 + k] + 0.5)
        total += t * t
    if kind in (SQUARED, CITYBLOCK):
        return total
    if q[0] == 1.0:
        return math.sqrt(total)
    return total if q[0] == 2.0 else total ** (0.5 * q[0])


@njit(cache=True, error_model="numpy", nogil=True)
def cost_rows(kind, q, X, YT, C, first, last, out):  # pragma: no cover - compiled
    """Write the costs of rows first..last-1 into out (last - first, m)."""
    m = out.shape[1]
    for i in range(first, last):
        fill_costs(kind, q, X, YT, C, i, 0, m, out[i - first])
    return np.int64(last - first)
