"""Compiled kernel: transportation on a list of candidate pairs by shortest augmenting paths, from any start potentials.

Importing this module imports Numba.
"""

import numpy as np
from numba import njit

__all__ = ["augment_all", "settle_rows"]


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _link(e, j, head, after, before):  # pragma: no cover - compiled
    """Put arc e at the head of the list of arcs that carry flow into column j."""
    after[e], before[e] = head[j], -1
    if head[j] >= 0:
        before[head[j]] = e
    head[j] = e


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _unlink(e, j, head, after, before):  # pragma: no cover - compiled
    """Take arc e out of the list of column j."""
    if before[e] >= 0:
        after[before[e]] = after[e]
    else:
        head[j] = after[e]
    if after[e] >= 0:
        before[after[e]] = before[e]


@njit(cache=True, nogil=True, error_model="numpy")
def settle_rows(ptr, col, cost, f, g, flow, left, open_, head, after, before, slack):  # pragma: no cover - compiled
    """Set ``f_i = min(c_ij - g_j)`` over the candidates, withdraw flow from arcs above it, and send what fits along tight arcs.

    ``left`` (n,) is supply not yet sent, ``open_`` (m,) demand not yet met; both are updated with ``flow`` (arcs,).
    """
    for i in range(ptr.shape[0] - 1):
        low = np.inf
        for e in range(ptr[i], ptr[i + 1]):
            low = min(low, cost[e] - g[col[e]])
        f[i] = low
        for e in range(ptr[i], ptr[i + 1]):
            if flow[e] > 0 and cost[e] - g[col[e]] - low > slack:
                _unlink(e, col[e], head, after, before)
                left[i] += flow[e]
                open_[col[e]] += flow[e]
                flow[e] = 0
    for i in range(ptr.shape[0] - 1):
        for e in range(ptr[i], ptr[i + 1]):
            if left[i] == 0:
                break
            j = col[e]
            if open_[j] > 0 and cost[e] - g[j] - f[i] <= slack:
                sent = min(left[i], open_[j])
                if flow[e] == 0:
                    _link(e, j, head, after, before)
                flow[e] += sent
                left[i] -= sent
                open_[j] -= sent


@njit(cache=True, nogil=True, error_model="numpy")
def _sift_up(key, item, size):  # pragma: no cover - compiled
    """Restore a binary heap whose last entry is new."""
    k = size - 1
    while k > 0:
        up = (k - 1) // 2
        if key[up] <= key[k]:
            return
        key[k], key[up], item[k], item[up] = key[up], key[k], item[up], item[k]
        k = up


@njit(cache=True, nogil=True, error_model="numpy")
def _sift_down(key, item, size):  # pragma: no cover - compiled
    """Restore a binary heap whose first entry is new."""
    k = 0
    while True:
        child = 2 * k + 1
        if child >= size:
            return
        if child + 1 < size and key[child + 1] < key[child]:
            child += 1
        if key[k] <= key[child]:
            return
        key[k], key[child], item[k], item[child] = key[child], key[k], item[child], item[k]
        k = child


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _push(key, item, size, now, j):  # pragma: no cover - compiled
    """Put (now, j) on the heap; returns the arrays, grown if need be."""
    if size == key.shape[0]:
        longer, more = np.empty(2 * size), np.empty(2 * size, np.int64)
        longer[:size], more[:size] = key, item
        key, item = longer, more
    key[size], item[size] = now, j
    _sift_up(key, item, size + 1)
    return key, item


@njit(cache=True, nogil=True, error_model="numpy")
def _send(
    sink, source, left, open_, arc_to, arc_into, owner, col, flow, head, after, before
):  # pragma: no cover - compiled
    """Send what fits along the tree path from a source row to an open column; returns the amount."""
    sent = min(left[source], open_[sink])
    e = arc_to[sink]
    while owner[e] != source:
        back = arc_into[owner[e]]
        sent = min(sent, flow[back])
        e = arc_to[col[back]]
    if sent == 0:
        return sent
    left[source] -= sent
    open_[sink] -= sent
    e = arc_to[sink]
    while True:
        if flow[e] == 0:
            _link(e, col[e], head, after, before)
        flow[e] += sent
        if owner[e] == source:
            return sent
        back = arc_into[owner[e]]
        flow[back] -= sent
        if flow[back] == 0:
            _unlink(back, col[back], head, after, before)
        e = arc_to[col[back]]


@njit(cache=True, nogil=True, error_model="numpy")
def augment_all(
    ptr, col, cost, f, g, flow, left, open_, head, after, before, owner, rows, work
):  # pragma: no cover - compiled
    """Send all supply that is left along shortest augmenting paths; f, g stay feasible and tight where flow is.

    Each phase grows one forest of shortest paths from all rows with supply left, until half of its trees have met open
    demand. Trees are disjoint, so each sends along its own paths after one change of the potentials. When few trees
    succeed in a phase, the rest goes from one row at a time, which looks at a neighbourhood only.
    ``owner`` (arcs,) is the row of an arc. At most about ``work`` arcs are scanned, so that the caller can be interrupted.

    Returns
    -------
    -1: all supply is sent; -2: ``work`` was spent; else the number of rows, listed in ``rows`` (n,), from which no path
    leads to open demand.
    """
    n, m = ptr.shape[0] - 1, g.shape[0]
    distance, arc_to = np.full(m, np.inf), np.empty(m, np.int64)
    state = np.zeros(m, np.int8)  # 0 unseen, 1 reached, 2 scanned
    root, row_at = np.full(n, -1), np.empty(n)
    arc_into = np.empty(n, np.int64)  # the arc with flow by which a row was reached
    touched, ready = np.empty(m, np.int64), np.empty(m, np.int64)
    sinks = np.empty(m, np.int64)
    met = np.zeros(n, np.bool_)
    key, item = np.empty(m + 64), np.empty(m + 64, np.int64)
    scanned, first, many = 0, 0, True
    while True:
        heap, waiting, seen, expanded, reached, found, trees = 0, 0, 0, 0, 0, 0, 0
        mu = 0.0
        while first < n and left[first] == 0:
            first += 1
        for i in range(first, n):
            if left[i] > 0 and (many or seen == 0):
                rows[seen], root[i], row_at[i], arc_into[i] = i, i, 0.0, -1
                seen += 1
        sources = seen
        if sources == 0:
            return -1
        if scanned > work:
            for k in range(seen):
                root[rows[k]] = -1
            return -2
        enough = (sources + 1) // 2
        while trees < enough:
            while expanded < seen:
                r = rows[expanded]
                expanded += 1
                base = row_at[r] - f[r]
                scanned += ptr[r + 1] - ptr[r]
                for e in range(ptr[r], ptr[r + 1]):
                    j = col[e]
                    if state[j] == 2:
                        continue
                    now = max(base + cost[e] - g[j], mu)
                    if now < distance[j]:
                        if state[j] == 0:
                            state[j] = 1
                            touched[reached] = j
                            reached += 1
                        distance[j], arc_to[j] = now, e
                        if now == mu:
                            state[j] = 2
                            ready[waiting] = j
                            waiting += 1
                        else:
                            key, item = _push(key, item, heap, now, j)
                            heap += 1
            j = -1
            if waiting > 0:
                waiting -= 1
                j = ready[waiting]
            else:
                while heap > 0 and j < 0:
                    top, candidate = key[0], item[0]
                    heap -= 1
                    key[0], item[0] = key[heap], item[heap]
                    _sift_down(key, item, heap)
                    if state[candidate] == 1 and top == distance[candidate]:
                        j, mu = candidate, top
                if j < 0:
                    break
                state[j] = 2
            tree = root[owner[arc_to[j]]]
            if open_[j] > 0:
                sinks[found] = j
                found += 1
                if not met[tree]:
                    met[tree] = True
                    trees += 1
                if sources == 1:
                    break
            e = head[j]
            while e >= 0:
                r = owner[e]
                if root[r] < 0:
                    root[r], row_at[r], arc_into[r] = tree, mu, e
                    rows[seen] = r
                    seen += 1
                e = after[e]
        for k in range(reached):
            j = touched[k]
            if state[j] == 2 and distance[j] < mu:
                g[j] -= mu - distance[j]
        for k in range(seen):
            f[rows[k]] += mu - row_at[rows[k]]
        for k in range(found):
            source = root[owner[arc_to[sinks[k]]]]
            if left[source] > 0:
                _send(sinks[k], source, left, open_, arc_to, arc_into, owner, col, flow, head, after, before)
        done = 0
        for k in range(sources):
            done += left[rows[k]] == 0
        many = many and 6 * done > sources
        for k in range(reached):
            distance[touched[k]] = np.inf
            state[touched[k]] = 0
        for k in range(sources):
            met[rows[k]] = False
        for k in range(seen):
            root[rows[k]] = -1
        if found == 0:
            return seen
