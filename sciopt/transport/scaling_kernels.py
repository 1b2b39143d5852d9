"""Compiled Sinkhorn iterations on a stored kernel: one read of it for each full iteration.

Importing this module imports Numba.
"""

import math

import numpy as np
from numba import njit

from sciopt.transport.cost_kernels import FAST, MATRIX, fill_costs
from sciopt.transport.exponential import LOWEST, exponential

__all__ = ["kernel_rows", "scale_columns", "scale_rows"]


@njit(fastmath=FAST, error_model="numpy")
def _shifted(costs, beta, inv, out):  # pragma: no cover - compiled
    top = -1e300
    for j in range(out.shape[0]):
        v = beta[j] - costs[j] * inv
        out[j] = v
        top = v if v > top else top
    return top


@njit(fastmath=FAST, error_model="numpy")
def _exponentials(out, top):  # pragma: no cover - compiled
    total = 0.0
    for j in range(out.shape[0]):
        x = out[j] - top
        w = exponential(x if x > LOWEST else LOWEST)
        w = w if x > LOWEST else 0.0
        out[j] = w
        total += w
    return total


@njit(fastmath=FAST, error_model="numpy")
def _dot(x, y):  # pragma: no cover - compiled
    total = 0.0
    for j in range(x.shape[0]):
        total += x[j] * y[j]
    return total


@njit(fastmath=FAST, error_model="numpy")
def _add(x, factor, out):  # pragma: no cover - compiled
    for j in range(out.shape[0]):
        out[j] += factor * x[j]


@njit(fastmath=FAST, error_model="numpy")
def _scale(x, factor, out):  # pragma: no cover - compiled
    for j in range(x.shape[0]):
        w = x[j] * factor
        x[j] = w
        out[j] += w


@njit(cache=True, error_model="numpy", nogil=True)
def kernel_rows(
    first, last, kind, q, X, YT, C, inv, beta, a, log_a, kernel, alpha, column
):  # pragma: no cover - compiled
    """Write rows of the plan whose row sums are exact, their log scalings, and add to the column sums."""
    costs = np.empty(beta.shape[0])
    for i in range(first, last):
        row = kernel[i]
        if kind == MATRIX:
            top = _shifted(C[i], beta, inv, row)
        else:
            fill_costs(kind, q, X, YT, C, i, 0, beta.shape[0], costs)
            top = _shifted(costs, beta, inv, row)
        total = _exponentials(row, top)
        alpha[i] = log_a[i] - math.log(total) - top
        _scale(row, a[i] / total, column)


@njit(cache=True, error_model="numpy", nogil=True)
def scale_rows(first, last, kernel, v, a, omega, log_u, column):  # pragma: no cover - compiled
    """Relax the row scalings of a kernel and add to the column sums; returns the L1 error of the rows before.

    ``omega`` = 1 makes the rows exact.
    """
    error = 0.0
    for i in range(first, last):
        row = kernel[i]
        total = _dot(row, v)
        old = log_u[i]
        if omega == 1.0:
            u = a[i] / total
            error += abs(math.exp(old) * total - a[i])
            log_u[i] = math.log(u)
        else:
            error += abs(math.exp(old) * total - a[i])
            log_u[i] = old + omega * (math.log(a[i] / total) - old)
            u = math.exp(log_u[i])
        _add(row, u, column)
    return error


@njit(cache=True, error_model="numpy", nogil=True)
def scale_columns(column, b, omega, log_v, v):  # pragma: no cover - compiled
    """Relax the column scalings; returns the L1 error of the columns before, and the largest |log scaling|."""
    error, largest = 0.0, 0.0
    for j in range(v.shape[0]):
        error += abs(column[j] * v[j] - b[j])
        log_v[j] += omega * (math.log(b[j] / column[j]) - log_v[j])
        v[j] = math.exp(log_v[j])
        largest = max(largest, abs(log_v[j]))
    return error, largest
