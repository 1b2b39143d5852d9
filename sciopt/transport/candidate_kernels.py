"""Compiled kernels on lists of candidate pairs: balancing of potentials, and lists from all pairs of a cost.

Importing this module imports Numba.
"""

import math

import numpy as np
from numba import njit

from sciopt.transport.cost_kernels import fill_costs

__all__ = ["balance_rows", "few_of_rows"]


@njit(cache=True, nogil=True, error_model="numpy")
def balance_rows(ptr, columns, costs, g, epsilon, log_mass, f, relax):  # pragma: no cover - compiled
    """Move each ``f_i`` by ``relax`` times the Sinkhorn step: towards sum_j exp((f_i + g_j - c_ij) / epsilon) = mass_i."""
    inverse = 1.0 / epsilon
    for i in range(ptr.shape[0] - 1):
        top = -np.inf
        for e in range(ptr[i], ptr[i + 1]):
            top = max(top, g[columns[e]] - costs[e])
        total = 0.0
        for e in range(ptr[i], ptr[i + 1]):
            total += math.exp((g[columns[e]] - costs[e] - top) * inverse)
        if total > 0.0:
            f[i] += relax * (epsilon * (log_mass[i] - math.log(total)) - top - f[i])


@njit(cache=True, nogil=True, error_model="numpy")
def few_of_rows(kind, q, X, YT, C, g, first, last, ceiling, columns, costs, low):  # pragma: no cover - compiled
    """Write the k pairs of lowest ``c_ij - g_j`` below ``ceiling_i`` of rows first..last into columns and costs (n, k).

    ``low`` (n,) receives the minima over all pairs. Unused places hold column -1.
    """
    m, few = g.shape[0], columns.shape[1]
    buffer, reduced = np.empty(m), np.empty(few)
    for i in range(first, last):
        fill_costs(kind, q, X, YT, C, i, 0, m, buffer)
        count, worst, best = 0, ceiling[i], np.inf
        for j in range(m):
            r = buffer[j] - g[j]
            best = min(best, r)
            if not r < worst:
                continue
            s = count if count < few else few - 1
            count = s + 1
            while s > 0 and reduced[s - 1] > r:
                reduced[s], columns[i, s], costs[i, s] = reduced[s - 1], columns[i, s - 1], costs[i, s - 1]
                s -= 1
            reduced[s], columns[i, s], costs[i, s] = r, j, buffer[j]
            if count == few:
                worst = min(worst, reduced[few - 1])
        for s in range(count, few):
            columns[i, s] = -1
        low[i] = best
