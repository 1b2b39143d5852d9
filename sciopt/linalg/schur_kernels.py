r"""Compiled conjugate gradients on a Schur complement :math:`S = D - P^T A^{-1} P` that is never formed.

P (n, m) is stored by rows in blocks of 16 columns; D and A are diagonal. Importing this module
imports Numba.
"""

import math

import numpy as np
from numba import njit

__all__ = ["aggregate_rows", "csr_of_blocks", "row_sums", "schur_cg", "schur_diagonal", "schur_product"]

U = np.uintp
FAST = {"reassoc", "nnan", "nsz", "contract", "arcp"}


# Offsets are unsigned and lengths known at run time only: without these two rules the loops do not vectorise.


@njit(fastmath=FAST, error_model="numpy")
def _dot(data, o, v, j, count):  # pragma: no cover - compiled
    o, j = U(o), U(j)
    total = 0.0
    for s in range(count):
        t = U(s)
        total += data[o + t] * v[j + t]
    return total


@njit(fastmath=FAST, error_model="numpy")
def _add(data, o, factor, out, j, count):  # pragma: no cover - compiled
    o, j = U(o), U(j)
    for s in range(count):
        t = U(s)
        out[j + t] += factor * data[o + t]


@njit(fastmath=FAST, error_model="numpy")
def _add_squares(data, o, factor, out, j, count):  # pragma: no cover - compiled
    o, j = U(o), U(j)
    for s in range(count):
        t = U(s)
        w = data[o + t]
        out[j + t] += factor * w * w


@njit(fastmath=FAST, error_model="numpy")
def _sum(data, o, count):  # pragma: no cover - compiled
    o = U(o)
    total = 0.0
    for s in range(count):
        total += data[o + U(s)]
    return total


@njit(cache=True, fastmath=FAST, error_model="numpy")
def schur_product(
    start, end, block, data, width, index, value, inverse_a, diagonal, v, out
):  # pragma: no cover - compiled
    """Write ``D v - P^T A^-1 P v`` into out; P is in CSR form where ``value`` is not empty, else in blocks."""
    for j in range(out.shape[0]):
        out[j] = diagonal[j] * v[j]
    if value.shape[0] > 0:
        for i in range(start.shape[0]):
            total = 0.0
            for k in range(U(start[i]), U(end[i])):
                total += value[k] * v[U(index[k])]
            total *= inverse_a[i]
            for k in range(U(start[i]), U(end[i])):
                out[U(index[k])] -= value[k] * total
        return
    for i in range(start.shape[0]):
        total, k = 0.0, start[i]
        while k < end[i]:
            run = 1
            while k + run < end[i] and block[k + run] == block[k] + run:
                run += 1
            total += _dot(data, k * width, v, block[k] * width, run * width)
            k += run
        total *= -inverse_a[i]
        k = start[i]
        while k < end[i]:
            run = 1
            while k + run < end[i] and block[k + run] == block[k] + run:
                run += 1
            _add(data, k * width, total, out, block[k] * width, run * width)
            k += run


@njit(cache=True, fastmath=FAST, error_model="numpy")
def schur_diagonal(start, end, block, data, width, index, value, inverse_a, out):  # pragma: no cover - compiled
    """Write the diagonal of ``P^T A^-1 P`` into out."""
    for j in range(out.shape[0]):
        out[j] = 0.0
    for i in range(start.shape[0]):
        for k in range(start[i], end[i]):
            if value.shape[0] > 0:
                w = value[k]
                out[index[k]] += w * w * inverse_a[i]
            else:
                _add_squares(data, k * width, inverse_a[i], out, block[k] * width, width)


@njit(cache=True, error_model="numpy")
def csr_of_blocks(
    start, end, block, data, width, cut, a, b, new_start, new_end, index, value
):  # pragma: no cover - compiled
    """Copy the entries above ``cut * min(a_i, b_j)`` into CSR arrays; returns their number."""
    at = 0
    for i in range(start.shape[0]):
        new_start[i] = at
        low = cut * a[i]
        for k in range(start[i], end[i]):
            j = block[k] * width
            for t in range(width):
                w = data[k * width + t]
                limit = cut * b[j + t]
                limit = limit if limit < low else low
                index[at] = j + t
                value[at] = w
                at += 1 if w > limit else 0
        new_end[i] = at
    return at


@njit(cache=True, error_model="numpy")
def aggregate_rows(start, end, block, data, width, index, value, label, out):  # pragma: no cover - compiled
    """Write ``P Z`` into out (n, k), Z the indicators of the aggregates that ``label`` names."""
    for i in range(start.shape[0]):
        for k in range(out.shape[1]):
            out[i, k] = 0.0
        for k in range(start[i], end[i]):
            if value.shape[0] > 0:
                out[i, label[index[k]]] += value[k]
            else:
                j = block[k] * width
                for t in range(width):
                    out[i, label[j + t]] += data[k * width + t]


@njit(cache=True, fastmath=FAST, error_model="numpy")
def schur_cg(
    start, end, block, data, width, index, value, inverse_a, diagonal, jacobi, label, coarse, rhs, x, target, most
):  # pragma: no cover - compiled
    r"""Continue preconditioned conjugate gradients for ``S x = rhs`` from x, until the 1-norm of the residual is small.

    The preconditioner is additive, :math:`1/\mathrm{jacobi} + Z E^{-1} Z^T` with aggregates Z and ``coarse`` = E^-1
    (empty: Jacobi alone).

    Returns
    -------
    iterations, residual
        Taken, and the 1-norm of the recursive residual.
    """
    m, aggregates = rhs.shape[0], coarse.shape[0]
    r, z, p, w = np.empty(m), np.empty(m), np.empty(m), np.empty(m)
    small, spread = np.empty(aggregates), np.empty(aggregates)
    schur_product(start, end, block, data, width, index, value, inverse_a, diagonal, x, w)
    residual = 0.0
    for j in range(m):
        r[j] = rhs[j] - w[j]
        residual += abs(r[j])
        p[j] = 0.0
    rho, best = 0.0, residual
    iteration = 0
    while iteration < most and residual > target:
        for k in range(aggregates):
            small[k] = 0.0
        if aggregates > 0:
            for j in range(m):
                small[label[j]] += r[j]
            for k in range(aggregates):
                total = 0.0
                for t in range(aggregates):
                    total += coarse[k, t] * small[t]
                spread[k] = total
            for j in range(m):
                z[j] = r[j] / jacobi[j] + spread[label[j]]
        else:
            for j in range(m):
                z[j] = r[j] / jacobi[j]
        new = 0.0
        for j in range(m):
            new += r[j] * z[j]
        factor = new / rho if rho > 0.0 else 0.0
        rho = new
        for j in range(m):
            p[j] = z[j] + factor * p[j]
        schur_product(start, end, block, data, width, index, value, inverse_a, diagonal, p, w)
        curvature = 0.0
        for j in range(m):
            curvature += p[j] * w[j]
        if not (curvature > 0.0 and rho > 0.0 and math.isfinite(curvature)):
            break
        length = rho / curvature
        residual = 0.0
        for j in range(m):
            x[j] += length * p[j]
            r[j] -= length * w[j]
            residual += abs(r[j])
        best = min(best, residual)
        iteration += 1
    return iteration, residual


@njit(cache=True, fastmath=FAST, error_model="numpy")
def row_sums(start, end, block, data, width, index, value, out):  # pragma: no cover - compiled
    """Write ``P 1`` into out (n,)."""
    for i in range(start.shape[0]):
        total = 0.0
        for k in range(start[i], end[i]):
            if value.shape[0] > 0:
                total += value[k]
            else:
                total += _sum(data, k * width, width)
        out[i] = total
