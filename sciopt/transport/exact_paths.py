"""Exact transport on growing lists of candidate pairs: shortest augmenting paths, then pricing over all pairs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sciopt._types import Array

__all__ = ["Candidates", "PathFlow", "balanced", "integer_masses", "optimal_flow"]

Integers = NDArray[np.int64]
WORK = 50_000_000  # arcs scanned in one compiled call: a fraction of a second, so that Ctrl-C is heard
TOTAL = 2.0**52
FEW, MOST = 8, 64  # candidates added to each row that is cut off


def integer_masses(a: Array, b: Array) -> tuple[Integers, Integers]:
    """Return masses as integers of the same sum, in proportion to a (n,) and b (m,) as nearly as 2^52 units allow.

    Equal masses become small integers, so that flows are exact and few.

    Examples
    --------
    >>> s, t = integer_masses(np.full(2, 0.5), np.full(4, 0.25))
    >>> s.tolist(), t.tolist()
    ([2, 2], [1, 1, 1, 1])
    """
    n, m = len(a), len(b)
    if a.min() == a.max() and b.min() == b.max():
        common = int(np.gcd(n, m))
        return np.full(n, m // common), np.full(m, n // common)
    s, t = (np.rint(v * (TOTAL / v.sum())).astype(np.int64) for v in (a, b))
    gap = int(s.sum() - t.sum())
    short = t if gap > 0 else s
    short[np.argmax(short)] += abs(gap)
    return s, t


@dataclass(frozen=True)
class Candidates:
    """Pairs that may carry mass, by rows: pointers (n + 1,), columns and costs (arcs,)."""

    pointers: Integers
    columns: NDArray[np.int32]
    costs: Array

    @staticmethod
    def of(rows: Integers, columns: Integers, costs: Array, n: int, m: int) -> Candidates:
        """Return the distinct pairs of a list in any order, for n rows and m columns."""
        _, first = np.unique(rows.astype(np.int64) * m + columns, return_index=True)
        counts = np.bincount(rows[first], minlength=n)
        return Candidates(
            np.concatenate([[0], np.cumsum(counts)]),
            columns[first].astype(np.int32),
            np.ascontiguousarray(costs[first]),
        )

    @property
    def rows(self) -> Integers:
        """Row of each pair."""
        return np.repeat(np.arange(len(self.pointers) - 1), np.diff(self.pointers))

    def transposed(self, m: int) -> Candidates:
        """Return the pairs by columns, of which there are m."""
        by = np.argsort(self.columns, kind="stable")
        counts = np.bincount(self.columns, minlength=m)
        return Candidates(np.concatenate([[0], np.cumsum(counts)]), self.rows[by].astype(np.int32), self.costs[by])

    def joined(self, other: Candidates, flow: Integers) -> tuple[Candidates, Integers]:
        """Return the pairs of both without repetition, and the flow (arcs of self) on them."""
        m = int(max(self.columns.max(initial=0), other.columns.max(initial=0))) + 1
        keys = np.concatenate([self.rows * m + self.columns, other.rows * m + other.columns])
        _, first = np.unique(keys, return_index=True)  # sorted by row, then column; the first of equals is ours
        columns = np.concatenate([self.columns, other.columns])[first]
        costs = np.concatenate([self.costs, other.costs])[first]
        moved = np.concatenate([flow, np.zeros(len(other.columns), np.int64)])[first]
        counts = np.bincount(keys[first] // m, minlength=len(self.pointers) - 1)
        return Candidates(np.concatenate([[0], np.cumsum(counts)]), columns, costs), moved


class PathFlow:
    """Flow of integer masses over candidate pairs, optimal for them after `solve`.

    Parameters
    ----------
    supply, demand
        Integer masses (n,) and (m,) of the same sum.
    candidates
        At least one pair in each row.
    g
        Start potential (m,); the nearer to the optimum, the fewer paths.
    """

    def __init__(self, supply: Integers, demand: Integers, candidates: Candidates, g: Array) -> None:
        self.candidates = candidates
        self.f, self.g = np.empty(len(supply)), np.array(g, dtype=float)
        self.flow = np.zeros(len(candidates.columns), np.int64)
        self.left, self.open = supply.copy(), demand.copy()
        self._lists()

    def _lists(self) -> None:
        """Build the lists of arcs with flow into each column."""
        arcs = len(self.flow)
        head, after, before = np.full(len(self.g), -1), np.full(arcs, -1), np.full(arcs, -1)
        carrying = np.flatnonzero(self.flow)
        into = self.candidates.columns[carrying]
        by = np.argsort(into, kind="stable")
        carrying, into = carrying[by], into[by]
        if len(into):
            same = into[1:] == into[:-1]
            starts = np.concatenate([[True], ~same])
            head[into[starts]] = carrying[starts]
            after[carrying[:-1][same]] = carrying[1:][same]
            before[carrying[1:][same]] = carrying[:-1][same]
        self._head, self._after, self._before = head, after, before
        self._owner = self.candidates.rows

    def solve(self, slack: float = 0.0) -> Integers:
        """Send all supply at least cost; returns the rows that cannot reach open demand over the candidates, if any.

        ``slack`` is the reduced cost up to which a pair counts as tight.
        """
        from sciopt.transport.exact_paths_kernels import augment_all, settle_rows

        c = self.candidates
        state = self.flow, self.left, self.open, self._head, self._after, self._before
        settle_rows(c.pointers, c.columns, c.costs, self.f, self.g, *state, slack)
        trapped = np.empty(len(self.f), np.int64)
        while True:
            code = augment_all(c.pointers, c.columns, c.costs, self.f, self.g, *state, self._owner, trapped, WORK)
            if code != -2:
                return np.sort(trapped[: max(code, 0)])

    def extend(self, more: Candidates) -> None:
        """Add candidates; the flow stays, and is repaired by the next `solve`."""
        self.candidates, self.flow = self.candidates.joined(more, self.flow)
        self._lists()

    def reached(self, rows: Integers) -> Integers:
        """Return the columns of the candidates of some rows."""
        marked = np.zeros(len(self.f), bool)
        marked[rows] = True
        return np.unique(self.candidates.columns[marked[self._owner]]).astype(np.int64)

    @property
    def entries(self) -> tuple[Integers, Integers, Integers]:
        """Rows, columns and integer masses of the pairs that carry flow; what could not be sent is paired in order."""
        k = np.flatnonzero(self.flow)
        found = self._owner[k], self.candidates.columns[k].astype(np.int64), self.flow[k]
        if not self.left.any():
            return found
        i, j, mass = _in_order(self.left, self.open)
        return np.concatenate([found[0], i]), np.concatenate([found[1], j]), np.concatenate([found[2], mass])


def _in_order(s: Integers, t: Integers) -> tuple[Integers, Integers, Integers]:
    """Pair masses s and t of one sum in the order of their indices."""
    ends = np.unique(np.concatenate([np.cumsum(s), np.cumsum(t)]))
    ends = ends[ends > 0]
    i, j = (np.searchsorted(np.cumsum(v), ends, side="left") for v in (s, t))
    return i, j, np.diff(ends, prepend=0)


def optimal_flow(
    flow: PathFlow,
    price: Callable[[Array, Array], Candidates],
    widen: Callable[[Integers, Array, int], Candidates],
    scale: float,
    rounds: int = 1000,
) -> bool:
    """Solve, price all pairs, add what violates the potentials, until nothing does.

    Parameters
    ----------
    flow
        The flow; changed in place.
    price
        ``price(f_less, g)`` lists pairs with ``c_ij - g_j < f_less_i``; some for each row that has any.
    widen
        ``widen(rows, g, k)`` lists the k best pairs of rows that are cut off from open demand; g is -inf in the columns
        they reach already.
    scale
        Size of the costs, by which rounding is judged.
    rounds
        Most solves.

    Returns
    -------
    Whether no pair violates the potentials by more than rounding and all mass is sent.
    """
    attempt = 0
    for _ in range(rounds):
        trapped = flow.solve(4e-16 * scale)
        known = len(flow.flow)
        if len(trapped):
            g = flow.g.copy()
            g[flow.reached(trapped)] = -np.inf
            flow.extend(widen(trapped, g, min(FEW << attempt // 4, MOST)))
            attempt += 1
            if len(flow.flow) == known:
                return False
            continue
        more = price(flow.f - 3e-15 * scale, flow.g)
        if len(more.columns):
            flow.extend(more)
        if len(flow.flow) == known:
            return True
    return False


def balanced(
    candidates: Candidates, a: Array, b: Array, g: Array, epsilons: tuple[float, ...], steps: int = 20
) -> Array:
    """Return g (m,) after over-relaxed Sinkhorn steps over the candidates, at each temperature of ``epsilons`` in turn.

    A regional excess of supply over demand in the potentials would cost long augmenting paths; these steps remove it.
    """
    from sciopt.transport.candidate_kernels import balance_rows

    back = candidates.transposed(len(b))
    if not np.diff(back.pointers).all():
        return g
    log_a, log_b, f = np.log(np.maximum(a, 1e-300)), np.log(np.maximum(b, 1e-300)), np.zeros(len(a))
    for epsilon in epsilons:
        inner = g + epsilon * log_b
        for k in range(steps):
            relax = 1.0 if k in (0, 1, steps - 1) else 1.5
            balance_rows(
                candidates.pointers,
                candidates.columns,
                candidates.costs,
                inner,
                epsilon,
                log_a,
                f,
                1.0 if k == 0 else relax,
            )
            balance_rows(back.pointers, back.columns, back.costs, f, epsilon, log_b, inner, relax)
        g = inner - epsilon * log_b
    return g
