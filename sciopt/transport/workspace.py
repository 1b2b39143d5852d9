"""Workspace: the arrays that passes over the pairs fill, reused from one pass to the next, and the threads they run on."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from sciopt._types import Array
from sciopt.linalg.schur import BlockRows
from sciopt.transport.lists import NeighbourLists
from sciopt.transport.pairs import Pairs

__all__ = ["Workspace"]

WIDTH = 16
MANY = 400_000  # pairs from which two threads pay


class Workspace:
    """Passes over the pairs of one problem.

    Parameters
    ----------
    pairs
        Costs between n and m points.
    a, b
        Masses, positive, each of sum 1.
    threshold, slack
        Entries below ``e^-threshold`` of the smaller mass are left out; lists reach ``slack`` further.
    threads
        Threads of a pass; None: as many as the machine has, two at most, for many pairs. The same number gives the
        same bits.
    memory
        Bytes that the arrays may take.
    """

    separable = False

    def __init__(
        self, pairs: Pairs, a: Array, b: Array, threshold: float, slack: float, threads: int | None, memory: int
    ) -> None:
        self.pairs, self.a, self.b = pairs, a, b
        self.log_a, self.log_b = np.log(a), np.log(b)
        n, m = pairs.shape
        self.blocks = -(-m // WIDTH)
        wide = np.full(self.blocks * WIDTH, np.inf)
        wide[:m] = self.log_b
        self.low_b = wide.reshape(-1, WIDTH).min(1)
        self.threshold = threshold
        self.threads = threads or (min(2, os.cpu_count() or 1) if n * m >= MANY else 1)
        self._cuts = np.linspace(0, n, self.threads + 1).astype(int)
        room = min(n * self.blocks, max(memory // 3, 1 << 20) // (8 * WIDTH))
        self.plan = BlockRows(n, m, room)
        self.lists = NeighbourLists(
            n, self.blocks, min(n * self.blocks, max(memory // 8, 1 << 20) // 4), threshold, slack
        )
        self.dense_fits = 8 * n * m <= memory // 3
        self.kernel: Array | None = None
        self.kernel_at: tuple[float, Array, Array] | None = None
        self.owner: Any = None
        self.passes = self.visited = 0

    def parallel(self, work: Callable[[int, int, int], Any]) -> list[Any]:
        """Call ``work(part, first, last)`` for parts of the rows, each on a thread; results in order."""
        parts = [(k, int(self._cuts[k]), int(self._cuts[k + 1])) for k in range(self.threads)]
        if self.threads == 1:
            return [work(*parts[0])]
        futures = [_pool(self.threads).submit(work, *part) for part in parts[1:]]
        first = work(*parts[0])
        return [first, *(future.result() for future in futures)]

    def eliminate(self, beta: Array, epsilon: float, cut: float, owner: Any) -> tuple[Array, Array, int]:
        """Return log scalings (n,), column sums (m,) and the number of active entries at column potentials beta.

        Blocks with entries above ``cut`` of the smaller mass are kept for the linear solver (none if 0); ``owner`` is
        remembered as the one they belong to.
        """
        from sciopt.transport.kernels import pass_rows

        n, m = self.pairs.shape
        lists, plan = self.lists, self.plan
        margin = lists.margin(beta, epsilon)
        listed = margin >= self.threshold
        compact = listed and epsilon < lists.epsilon
        keep_list = lists.reach if compact or not listed else -1.0
        keep_plan = min(self.threshold, -float(np.log(cut))) if cut > 0 else -1e300
        alpha, columns = np.empty(n), np.zeros((self.threads, self.blocks * WIDTH))
        inv = 1.0 / epsilon

        def work(part: int, first: int, last: int) -> tuple[int, int, int]:
            share = plan.room * first // n, plan.room * last // n
            mine = lists.room * first // n, lists.room * last // n
            return pass_rows(
                first, last, WIDTH, *self.pairs.arguments, inv, beta, self.a, self.log_a, self.low_b,
                self.threshold, keep_list, keep_plan, listed,
                lists.start, lists.end, lists.block, mine[0], mine[1],
                plan.start, plan.end, plan.block, plan.data, share[0], share[1],
                alpha, columns[part],
            )  # fmt: skip

        told = self.parallel(work)
        if keep_list > 0:
            if any(t[0] < 0 for t in told):
                lists.dropped()
            else:
                lists.made(beta, epsilon, margin if compact else lists.reach)
        self.owner = owner if cut > 0 and all(t[1] >= 0 for t in told) else None
        self.passes += 1
        self.visited += lists.entries if listed else n * m
        return alpha, columns.sum(0)[:m], WIDTH * sum(t[2] for t in told)

    def form_kernel(self, beta: Array, epsilon: float) -> tuple[Array, Array]:
        """Store the plan with exact rows at column potentials beta; returns log scalings (n,) and column sums (m,)."""
        from sciopt.transport.scaling_kernels import kernel_rows

        n, m = self.pairs.shape
        if self.kernel is None:
            self.kernel = np.empty((n, m))
        kernel, alpha, columns = self.kernel, np.empty(n), np.zeros((self.threads, m))

        def work(part: int, first: int, last: int) -> None:
            kernel_rows(
                first,
                last,
                *self.pairs.arguments,
                1.0 / epsilon,
                beta,
                self.a,
                self.log_a,
                kernel,
                alpha,
                columns[part],
            )

        self.parallel(work)
        self.kernel_at = (epsilon, beta.copy(), alpha)
        self.visited += n * m
        return alpha, columns.sum(0)

    def scale(self, v: Array, omega: float, log_u: Array) -> tuple[float, Array]:
        """Relax the row scalings of the stored kernel in place; returns their L1 error before, and the column sums."""
        from sciopt.transport.scaling_kernels import scale_rows

        assert self.kernel is not None
        kernel, columns = self.kernel, np.zeros((self.threads, len(v)))

        def work(part: int, first: int, last: int) -> float:
            return scale_rows(first, last, kernel, v, self.a, omega, log_u, columns[part])

        errors = self.parallel(work)
        return float(sum(errors)), (columns[0] if self.threads == 1 else columns.sum(0))


_POOLS: dict[tuple[int, int], ThreadPoolExecutor] = {}


def _pool(threads: int) -> ThreadPoolExecutor:
    """Return the threads of this process (a forked child makes its own)."""
    key = (os.getpid(), threads)
    if key not in _POOLS:
        _POOLS[key] = ThreadPoolExecutor(threads - 1, "sciopt-transport")
    return _POOLS[key]
