"""Compiled passes over the pairs: one exponential for each active entry, costs read or evaluated once.

Columns come in blocks of 16. A pass over some rows gives their log scalings, adds to the column sums, and on request
keeps the neighbour lists and the large entries of the plan. Importing this module imports Numba.
"""

import math

import numpy as np
from numba import njit

from sciopt.transport.cost_kernels import FAST, MATRIX, fill_costs
from sciopt.transport.exponential import LOWEST, exponential

__all__ = ["BLOCK", "pass_rows"]

BLOCK = 16
LOW = -1e300
U = np.uintp


# Two rules make these loops vectorise: offsets are unsigned (no test for negative indices), and the length of a block is
# a number known only at run time (a constant one is unrolled before the vectoriser sees it).


@njit(fastmath=FAST, error_model="numpy")
def _scores(costs, c, beta, j, inv, buffer, p, count):  # pragma: no cover - compiled
    c, j, p = U(c), U(j), U(p)
    top = LOW
    for s in range(count):
        t = U(s)
        v = beta[j + t] - costs[c + t] * inv
        buffer[p + t] = v
        top = v if v > top else top
    return top


@njit(fastmath=FAST, error_model="numpy")
def _exponentials(buffer, p, top, count):  # pragma: no cover - compiled
    p = U(p)
    total = 0.0
    for s in range(count):
        t = U(s)
        x = buffer[p + t] - top
        w = exponential(x if x > LOWEST else LOWEST)
        w = w if x > LOWEST else 0.0
        buffer[p + t] = w
        total += w
    return total


@njit(fastmath=FAST, error_model="numpy")
def _accumulate(buffer, p, scale, column, j, count):  # pragma: no cover - compiled
    p, j = U(p), U(j)
    for s in range(count):
        t = U(s)
        w = buffer[p + t] * scale
        buffer[p + t] = w
        column[j + t] += w


@njit(fastmath=FAST, error_model="numpy")
def _keep(buffer, p, data, q, count):  # pragma: no cover - compiled
    p, q = U(p), U(q)
    for s in range(count):
        t = U(s)
        data[q + t] = buffer[p + t]


@njit(fastmath=FAST, error_model="numpy")
def _all_scores(costs, beta, inv, buffer, tops, m, width):  # pragma: no cover - compiled
    top = LOW
    for k in range((m + width - 1) // width):
        o = k * width
        w = _scores(costs, o, beta, o, inv, buffer, o, min(width, m - o))
        tops[k] = w
        top = w if w > top else top
    return top


@njit(cache=True, error_model="numpy", nogil=True)
def pass_rows(
    first,
    last,
    width,
    kind,
    q,
    X,
    YT,
    C,
    inv,
    beta,
    a,
    log_a,
    low_b,
    threshold,
    keep_list,
    keep_plan,
    use_list,
    list_start,
    list_end,
    list_block,
    list_at,
    list_room,
    plan_start,
    plan_end,
    plan_block,
    plan_data,
    plan_at,
    plan_room,
    alpha,
    column,
):  # pragma: no cover - compiled
    r"""Eliminate rows first .. last-1 at potentials beta and add their part to the column sums.

    For each row, :math:`\alpha_i = \log a_i - \log \sum_j e^{\beta_j - C_{ij}/\epsilon}` and
    :math:`P_{ij} = e^{\alpha_i + \beta_j - C_{ij}/\epsilon}`.

    Parameters
    ----------
    first, last, width
        Rows of this call; number of columns in a block, `BLOCK`.
    kind, q, X, YT, C
        The cost (`sciopt.transport.cost_kernels`).
    inv
        1 / epsilon.
    beta, a, log_a
        Column potentials over epsilon (m,), row masses and their logarithms (n,).
    low_b
        Smallest log mass of each block of columns.
    threshold
        Blocks whose largest score lies more than this below what could carry e^-threshold of the smaller of the two
        masses are left out.
    keep_list, keep_plan
        The same for blocks that go to the neighbour list and to the stored plan; negative = keep none.
    use_list
        Visit only the blocks of the neighbour list.
    list_start, list_end, list_block, list_at, list_room
        List of each row, where to write, and where to stop writing; a compacted list may overwrite the one read.
    plan_start, plan_end, plan_block, plan_data, plan_at, plan_room
        Stored blocks of each row.
    alpha, column
        Results: log scalings (n,), column sums (padded to whole blocks).

    Returns
    -------
    list_at, plan_at, active
        Next free places (-1 when the room did not suffice), number of active blocks.
    """
    m = beta.shape[0]
    blocks = (m + width - 1) // width
    buffer = np.empty(blocks * width)
    tops = np.empty(blocks)
    live = np.empty(blocks, np.int64)
    costs = np.empty(m)
    active, list_full, plan_full = 0, False, False
    for i in range(first, last):
        if use_list:
            begin, count = list_start[i], list_end[i] - list_start[i]
            top = LOW
            for s in range(count):
                j = list_block[begin + s] * width
                here = min(width, m - j)
                if kind == MATRIX:
                    w = _scores(C[i], j, beta, j, inv, buffer, s * width, here)
                else:
                    fill_costs(kind, q, X, YT, C, i, j, j + here, costs)
                    w = _scores(costs, 0, beta, j, inv, buffer, s * width, here)
                tops[s] = w
                top = w if w > top else top
        else:
            begin, count = 0, blocks
            if kind == MATRIX:
                top = _all_scores(C[i], beta, inv, buffer, tops, m, width)
            else:
                fill_costs(kind, q, X, YT, C, i, 0, m, costs)
                top = _all_scores(costs, beta, inv, buffer, tops, m, width)
        total, found = 0.0, 0
        for s in range(count):
            k = list_block[begin + s] if use_list else s
            room = low_b[k] - log_a[i]
            rel = tops[s] - top
            if room < 0.0:
                rel -= room
            tops[s] = rel
            if rel > -threshold:
                total += _exponentials(buffer, s * width, top, min(width, m - k * width))
                live[found] = s
                found += 1
        alpha[i] = log_a[i] - math.log(total) - top
        scale = a[i] / total
        active += found
        plan_start[i] = plan_at
        for f in range(found):
            s = live[f]
            k = list_block[begin + s] if use_list else s
            here = min(width, m - k * width)
            _accumulate(buffer, s * width, scale, column, k * width, here)
            if tops[s] > -keep_plan:
                if plan_at >= plan_room:
                    plan_full = True
                else:
                    plan_block[plan_at] = k
                    _keep(buffer, s * width, plan_data, plan_at * width, here)
                    for t in range(here, width):
                        plan_data[plan_at * width + t] = 0.0
                    plan_at += 1
        plan_end[i] = plan_at
        if keep_list > 0.0:  # last: a compacted list overwrites the one that was read
            begin_new = list_at
            for s in range(count):
                if tops[s] > -keep_list:
                    if list_at >= list_room:
                        list_full = True
                        break
                    list_block[list_at] = list_block[begin + s] if use_list else s
                    list_at += 1
            list_start[i] = begin_new
            list_end[i] = list_at
    return (-1 if list_full else list_at), (-1 if plan_full else plan_at), active
