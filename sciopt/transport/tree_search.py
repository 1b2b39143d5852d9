"""Compiled kernels: exact searches by branch and bound in the trees of `tree_kernels`.

Importing this module imports Numba. ``kind`` and ``q`` name a ground cost as in `cost_kernels`; positions are rows.
"""

import math

import numpy as np
from numba import njit

from sciopt.transport.cost_kernels import CITYBLOCK, PERIODIC, SPHERE, SQUARED

__all__ = ["list_below", "lowest_pairs", "smooth_extension"]

DEPTH = 64


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _of_square(s, kind, q):  # pragma: no cover - compiled
    """Cost of a squared distance; on the sphere, of a squared chord."""
    if kind == SQUARED:
        return s
    if kind == SPHERE:
        s = 2.0 * q[1] * math.asin(min(1.0, 0.5 * math.sqrt(s)))
        return s if q[0] == 1.0 else s ** q[0]
    if q[0] == 1.0:
        return math.sqrt(s)
    return s if q[0] == 2.0 else s ** (0.5 * q[0])


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _below(x, row, kind, q):  # pragma: no cover - compiled
    """Lower bound of cost(x, y) - g(y) over the box of a node."""
    d = x.shape[0]
    if row[0] == -np.inf:
        return np.inf
    if kind == SQUARED:
        total = -row[0]
        for k in range(d):
            low, high, slope = row[1 + 4 * k], row[2 + 4 * k], row[4 + 4 * k]
            y = min(max(x[k] + 0.5 * slope, low), high)
            u = x[k] - y
            total += u * u - slope * (y - row[3 + 4 * k])
        return total
    s = 0.0
    for k in range(d):
        low, high = row[1 + 4 * k], row[2 + 4 * k]
        if kind == PERIODIC:
            period = q[1 + k]
            inside = x[k] - low
            inside -= period * math.floor(inside / period)
            u = 0.0 if inside <= high - low else min(inside - (high - low), period - inside)
        else:
            u = max(0.0, low - x[k], x[k] - high)
        if kind == CITYBLOCK:
            s += u if q[0] == 1.0 else u ** q[0]
        else:
            s += u * u
    return (s if kind == CITYBLOCK else _of_square(s, kind, q)) - row[0]


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _cost(x, y, kind, q):  # pragma: no cover - compiled
    """Cost of one pair."""
    s = 0.0
    for k in range(x.shape[0]):
        u = x[k] - y[k]
        if kind == CITYBLOCK:
            s += abs(u) if q[0] == 1.0 else abs(u) ** q[0]
            continue
        if kind == PERIODIC:
            u -= q[1 + k] * math.floor(u / q[1 + k] + 0.5)
        s += u * u
    if kind == CITYBLOCK:
        return s
    if kind == SPHERE:
        together = 0.0
        for k in range(x.shape[0]):
            together += (x[k] + y[k]) ** 2
        return (2.0 * q[1] * math.atan2(math.sqrt(s), math.sqrt(together))) ** q[0]
    return _of_square(s, kind, q)


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _search_leaf(x, points, g, first, last, kind, q, best, arg):  # pragma: no cover - compiled
    for k in range(first, last):
        c = _cost(x, points[k], kind, q) - g[k]
        if c < best:
            best, arg = c, k
    return best, arg


@njit(cache=True, nogil=True, error_model="numpy")
def lowest_pairs(
    x, points, begin, end, record, g, kind, q, first_row, last_row, low, arg
):  # pragma: no cover - compiled
    """Write ``min_j cost(x_i, y_j) - g_j`` and its argument for rows first_row..last_row; returns the pairs visited.

    Exact branch and bound: a node is skipped if its lower bound is not below the best pair found so far.
    """
    leaves = (begin.shape[0] + 1) // 2
    stack, value = np.empty(DEPTH, np.int64), np.empty(DEPTH)
    visited = 0
    hint = leaves - 1
    for i in range(first_row, last_row):
        xi = x[i]
        best, where = np.inf, -1
        best, where = _search_leaf(xi, points, g, begin[hint], end[hint], kind, q, best, where)
        visited += end[hint] - begin[hint]
        seen = hint
        top = 1
        stack[0], value[0] = 0, -np.inf
        while top > 0:
            top -= 1
            if value[top] >= best:
                continue
            v = stack[top]
            if v >= leaves - 1:
                if v != seen:
                    visited += end[v] - begin[v]
                    now, k = _search_leaf(xi, points, g, begin[v], end[v], kind, q, best, where)
                    if now < best:
                        best, where, hint = now, k, v
                continue
            a = _below(xi, record[2 * v + 1], kind, q)
            b = _below(xi, record[2 * v + 2], kind, q)
            if a <= b:
                stack[top], value[top], stack[top + 1], value[top + 1] = 2 * v + 2, b, 2 * v + 1, a
            else:
                stack[top], value[top], stack[top + 1], value[top + 1] = 2 * v + 1, a, 2 * v + 2, b
            top += 2
        low[i], arg[i] = best, where
    return visited


@njit(cache=True, nogil=True, error_model="numpy")
def list_below(
    x, points, begin, end, record, g, kind, q, level, first_row, last_row, guess
):  # pragma: no cover - compiled
    """List all pairs with ``cost(x_i, y_j) - g_j <= level_i``, for rows first_row..last_row.

    Returns pointers (rows + 1,), column indices and costs; ``guess`` entries are set aside at first.
    """
    leaves = (begin.shape[0] + 1) // 2
    stack = np.empty(DEPTH, np.int64)
    pointers = np.zeros(last_row - first_row + 1, np.int64)
    columns, costs = np.empty(guess, np.int32), np.empty(guess)
    count = 0
    for i in range(first_row, last_row):
        xi, most = x[i], level[i]
        top = 1
        stack[0] = 0
        while top > 0:
            top -= 1
            v = stack[top]
            if v < leaves - 1:
                for child in range(2 * v + 2, 2 * v, -1):
                    if _below(xi, record[child], kind, q) <= most:
                        stack[top] = child
                        top += 1
                continue
            if count + end[v] - begin[v] > columns.shape[0]:
                grown = max(2 * columns.shape[0], count + end[v] - begin[v])
                more, dearer = np.empty(grown, np.int32), np.empty(grown)
                more[:count], dearer[:count] = columns[:count], costs[:count]
                columns, costs = more, dearer
            for k in range(begin[v], end[v]):
                c = _cost(xi, points[k], kind, q)
                if c - g[k] <= most:
                    columns[count], costs[count] = k, c
                    count += 1
        pointers[i - first_row + 1] = count
    return pointers, columns[:count], costs[:count]


@njit(cache=True, nogil=True, error_model="numpy")
def smooth_extension(
    x, points, begin, end, record, z, kind, q, epsilon, reach, low, first_row, last_row, out
):  # pragma: no cover - compiled
    """Write ``-epsilon log sum_j exp((z_j - cost(x_i, y_j)) / epsilon)`` over pairs within reach * epsilon of the best.

    ``low`` (n,) holds the minima of cost - z, from `lowest_pairs`.
    """
    leaves = (begin.shape[0] + 1) // 2
    stack = np.empty(DEPTH, np.int64)
    for i in range(first_row, last_row):
        xi, most, total = x[i], low[i] + reach * epsilon, 0.0
        top = 1
        stack[0] = 0
        while top > 0:
            top -= 1
            v = stack[top]
            if v < leaves - 1:
                for child in range(2 * v + 1, 2 * v + 3):
                    if _below(xi, record[child], kind, q) <= most:
                        stack[top] = child
                        top += 1
                continue
            for k in range(begin[v], end[v]):
                c = _cost(xi, points[k], kind, q) - z[k]
                if c <= most:
                    total += math.exp((low[i] - c) / epsilon)
        out[i] = low[i] - epsilon * math.log(max(total, 1.0))


@njit(cache=True, nogil=True, error_model="numpy")
def lowest_few(
    x, points, begin, end, record, g, kind, q, first_row, last_row, columns, costs
):  # pragma: no cover - compiled
    """Write the k pairs of lowest ``cost(x_i, y_j) - g_j`` of each row into ``columns`` and ``costs`` (rows, k), k <= m."""
    leaves = (begin.shape[0] + 1) // 2
    stack, value = np.empty(DEPTH, np.int64), np.empty(DEPTH)
    few = columns.shape[1]
    reduced = np.empty(few)
    for i in range(first_row, last_row):
        xi, row, price = x[i], columns[i], costs[i]
        count, top = 0, 1
        stack[0], value[0] = 0, -np.inf
        while top > 0:
            top -= 1
            if count == few and value[top] >= reduced[few - 1]:
                continue
            v = stack[top]
            if v < leaves - 1:
                a, b = _below(xi, record[2 * v + 1], kind, q), _below(xi, record[2 * v + 2], kind, q)
                near = 2 * v + 1 if a <= b else 2 * v + 2
                stack[top], value[top] = 4 * v + 3 - near, max(a, b)
                stack[top + 1], value[top + 1] = near, min(a, b)
                top += 2
                continue
            for k in range(begin[v], end[v]):
                c = _cost(xi, points[k], kind, q)
                r = c - g[k]
                if count == few and r >= reduced[few - 1]:
                    continue
                s = count if count < few else few - 1
                count = s + 1
                while s > 0 and reduced[s - 1] > r:
                    reduced[s], row[s], price[s] = reduced[s - 1], row[s - 1], price[s - 1]
                    s -= 1
                reduced[s], row[s], price[s] = r, k, c
