"""Compiled kernel: network simplex for transportation with dense or lazily evaluated costs and integer masses.

Importing this module imports Numba. Nodes are the rows 0..n-1, the columns n..n+m-1 and a root n+m. The arc of a tree
node to its parent goes up for a row and down for a column, so that one flow a node describes the basis.
"""

import numpy as np
from numba import njit

from sciopt.transport.cost_kernels import MATRIX, fill_costs, pair_cost

__all__ = ["pivot", "start_tree", "tree_potentials"]

BLOCK = 256


@njit(cache=True, nogil=True, error_model="numpy")
def start_tree(s, t, dear, parent, child, older, younger, depth, flow, potential):  # pragma: no cover - compiled
    """Hang all nodes on the root by artificial arcs of cost ``dear``."""
    n, nodes = s.shape[0], s.shape[0] + t.shape[0]
    child[:] = -1
    older[:], younger[:] = -1, -1
    for v in range(nodes):
        parent[v], depth[v], potential[v] = nodes, 1, dear
        flow[v] = s[v] if v < n else t[v - n]
        _hang(v, nodes, child, older, younger)
    parent[nodes], depth[nodes], potential[nodes], flow[nodes] = -1, 0, 0.0, 0


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _hang(v, p, child, older, younger):  # pragma: no cover - compiled
    """Make v the first child of p."""
    older[v], younger[v] = -1, child[p]
    if child[p] >= 0:
        older[child[p]] = v
    child[p] = v


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _cut(v, p, child, older, younger):  # pragma: no cover - compiled
    """Take v out of the children of p."""
    if older[v] >= 0:
        younger[older[v]] = younger[v]
    else:
        child[p] = younger[v]
    if younger[v] >= 0:
        older[younger[v]] = older[v]


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"nnan", "nsz"})
def _lowest(costs, at, potential, first, count):  # pragma: no cover - compiled
    low = np.inf
    for j in range(count):
        v = costs[at + j] - potential[first + j]
        low = v if v < low else low
    return low


@njit(cache=True, nogil=True, error_model="numpy")
def _entering(kind, q, X, YT, C, n, m, potential, cursor, block, tolerance, buffer):  # pragma: no cover - compiled
    """Return the pair of lowest reduced cost in the next block of pairs that has a negative one, and the new cursor."""
    row, column = cursor // m, cursor % m
    best, at_row, at_column, scanned, in_block = -tolerance, -1, -1, 0, 0
    while scanned < n * m:
        count = min(m - column, BLOCK)
        if kind == MATRIX:
            low = _lowest(C[row], column, potential, n + column, count)
        else:
            fill_costs(kind, q, X, YT, C, row, column, column + count, buffer)
            low = _lowest(buffer, 0, potential, n + column, count)
        low -= potential[row]
        if low < best:
            best, at_row = low, row
            for j in range(count):
                c = C[row, column + j] if kind == MATRIX else buffer[j]
                if c - potential[n + column + j] - potential[row] <= low:
                    at_column = column + j
                    break
        scanned += count
        in_block += count
        column += count
        if column == m:
            column = 0
            row = row + 1 if row + 1 < n else 0
        if in_block >= block:
            if at_row >= 0:
                break
            in_block = 0
    return at_row, at_column, best, row * m + column


@njit(cache=True, nogil=True, error_model="numpy")
def pivot(
    kind, q, X, YT, C, n, m, tolerance, block, most, cursor, parent, child, older, younger, depth, flow, potential
):  # pragma: no cover - compiled
    """Make at most ``most`` pivots; returns (cursor, pivots), pivots < most when no reduced cost is negative.

    The basis is strongly feasible: of several blocking arcs the last on the cycle, seen from its top, leaves.
    """
    buffer = np.empty(BLOCK)
    stack = np.empty(n + m + 1, np.int64)
    for done in range(most):
        row, column, reduced, cursor = _entering(kind, q, X, YT, C, n, m, potential, cursor, block, tolerance, buffer)
        if row < 0:
            return cursor, done
        i, j = row, n + column
        u, v = i, j
        sent, leaving, at_row_side = np.iinfo(np.int64).max, -1, True
        while u != v:
            if depth[u] >= depth[v]:
                if u < n and flow[u] < sent:
                    sent, leaving, at_row_side = flow[u], u, True
                u = parent[u]
            else:
                v = parent[v]
        top = u
        v = j
        while v != top:
            if v >= n and flow[v] <= sent:
                sent, leaving, at_row_side = flow[v], v, False
            v = parent[v]
        if sent > 0:
            u = i
            while u != top:
                flow[u] += -sent if u < n else sent
                u = parent[u]
            v = j
            while v != top:
                flow[v] += sent if v < n else -sent
                v = parent[v]
        moved = i if at_row_side else j
        node, above, carries = moved, (j if at_row_side else i), sent
        while True:
            old_parent, old_flow = parent[node], flow[node]
            _cut(node, old_parent, child, older, younger)
            parent[node], flow[node] = above, carries
            _hang(node, above, child, older, younger)
            if node == leaving:
                break
            above, carries, node = node, old_flow, old_parent
        shift = reduced if at_row_side else -reduced  # rows of the moved part by shift, its columns by -shift
        size = 1
        stack[0] = moved
        while size > 0:
            size -= 1
            v = stack[size]
            depth[v] = depth[parent[v]] + 1
            potential[v] += shift if v < n else -shift
            w = child[v]
            while w >= 0:
                stack[size] = w
                size += 1
                w = younger[w]
    return cursor, most


@njit(cache=True, nogil=True, error_model="numpy")
def tree_potentials(kind, q, X, YT, C, n, m, dear, parent, child, younger, potential):  # pragma: no cover - compiled
    """Work the potentials out of the tree afresh, without what has gathered in rounding."""
    stack = np.empty(n + m + 1, np.int64)
    root = n + m
    size = 1
    stack[0], potential[root] = root, 0.0
    while size > 0:
        size -= 1
        v = stack[size]
        if v != root:
            p = parent[v]
            if p == root:
                potential[v] = dear
            elif v < n:
                potential[v] = pair_cost(kind, q, X, YT, C, v, p - n) - potential[p]
            else:
                potential[v] = pair_cost(kind, q, X, YT, C, p, v - n) - potential[p]
        w = child[v]
        while w >= 0:
            stack[size] = w
            size += 1
            w = younger[w]
