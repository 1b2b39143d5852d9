"""Compiled kernels on lists of candidate pairs: balancing of potentials, costs of pairs.

Importing this module imports Numba.
"""

import math

import numpy as np
from numba import njit

from sciopt.transport.cost_kernels import pair_cost

__all__ = ["balance_rows", "listed_costs"]


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
def listed_costs(kind, q, X, YT, C, rows, columns, out):  # pragma: no cover - compiled
    """Write the costs of listed pairs."""
    for e in range(rows.shape[0]):
        out[e] = pair_cost(kind, q, X, YT, C, rows[e], columns[e])
