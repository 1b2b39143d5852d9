"""Compiled sums over the plan that two potentials define; the plan is never stored. Importing imports Numba."""

import numpy as np
from numba import njit

from sciopt.transport.cost_kernels import FAST, MATRIX, fill_costs
from sciopt.transport.exponential import LOWEST, exponential

__all__ = ["log_sums", "plan_sums"]


@njit(fastmath=FAST, error_model="numpy")
def _entries(costs, alpha, beta, inv, out):  # pragma: no cover - compiled
    total = 0.0
    for j in range(out.shape[0]):
        x = alpha + beta[j] - costs[j] * inv
        w = exponential(min(max(x, -700.0), 700.0))
        w = w if x > -700.0 else 0.0
        out[j] = w
        total += w
    return total


@njit(fastmath=FAST, error_model="numpy")
def _spent(costs, entries):  # pragma: no cover - compiled
    total = 0.0
    for j in range(entries.shape[0]):
        total += entries[j] * (costs[j] if entries[j] > 0.0 else 0.0)
    return total


@njit(fastmath=FAST, error_model="numpy")
def _dot(x, y):  # pragma: no cover - compiled
    total = 0.0
    for j in range(x.shape[0]):
        total += x[j] * y[j]
    return total


@njit(fastmath=FAST, error_model="numpy")
def _add(x, out):  # pragma: no cover - compiled
    for j in range(x.shape[0]):
        out[j] += x[j]


@njit(cache=True, error_model="numpy", nogil=True)
def plan_sums(
    first, last, kind, q, X, YT, C, alpha, beta, inv, row, column, values, moments
):  # pragma: no cover - compiled
    """Add up the plan exp(alpha_i + beta_j - C_ij inv) over rows first .. last-1.

    Writes row sums, adds to column sums, writes ``sum_j P_ij values_kj`` into moments[i, k]; returns sum P C.
    """
    m = beta.shape[0]
    costs, entries = np.empty(m), np.empty(m)
    spent = 0.0
    for i in range(first, last):
        if kind == MATRIX:
            row[i] = _entries(C[i], alpha[i], beta, inv, entries)
            spent += _spent(C[i], entries)
        else:
            fill_costs(kind, q, X, YT, C, i, 0, m, costs)
            row[i] = _entries(costs, alpha[i], beta, inv, entries)
            spent += _spent(costs, entries)
        _add(entries, column)
        for k in range(values.shape[0]):
            moments[i, k] = _dot(entries, values[k])
    return spent


@njit(fastmath=FAST, error_model="numpy")
def _highest(costs, beta, inv, out):  # pragma: no cover - compiled
    top = -1e300
    for j in range(out.shape[0]):
        v = beta[j] - costs[j] * inv
        out[j] = v
        top = v if v > top else top
    return top


@njit(fastmath=FAST, error_model="numpy")
def _sum_exponentials(scores, top):  # pragma: no cover - compiled
    total = 0.0
    for j in range(scores.shape[0]):
        x = scores[j] - top
        w = exponential(x if x > LOWEST else LOWEST)
        total += w if x > LOWEST else 0.0
    return total


@njit(cache=True, error_model="numpy", nogil=True)
def log_sums(first, last, kind, q, X, YT, C, beta, inv, out):  # pragma: no cover - compiled
    """Write ``log sum_j exp(beta_j - C_ij inv)`` for rows first .. last-1."""
    m = beta.shape[0]
    costs, scores = np.empty(m), np.empty(m)
    for i in range(first, last):
        if kind == MATRIX:
            top = _highest(C[i], beta, inv, scores)
        else:
            fill_costs(kind, q, X, YT, C, i, 0, m, costs)
            top = _highest(costs, beta, inv, scores)
        out[i] = np.log(_sum_exponentials(scores, top)) + top if top > -1e299 else -np.inf
