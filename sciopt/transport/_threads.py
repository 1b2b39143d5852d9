"""Compiled passes over ranges of rows on several threads; every row is independent, so the bits never depend on it."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sciopt._errors import OptionError

__all__ = ["over_rows"]

CHUNKS = 8  # a thread, so that unequal rows even out
SMALL = 2048  # rows below which threads do not pay


def over_rows(work: Callable[[int, int], Any], rows: int, threads: int | None = None) -> list[Any]:
    """Call ``work(first, last)`` for ranges that cover ``rows``, in order; returns the results in order.

    Parameters
    ----------
    work
        A function that releases the interpreter lock (a compiled kernel with ``nogil``).
    rows
        Number of rows.
    threads
        Threads to use; None = one a core that this process may use, at most 2 * 10^3 rows on one.
    """
    if threads is not None and threads < 1:
        raise OptionError(f"threads={threads!r}; give at least 1, or None for one a core")
    count = threads or (available() if rows > SMALL else 1)
    pieces = 1 if rows <= SMALL else CHUNKS * count
    ends = [rows * k // pieces for k in range(pieces + 1)]
    ranges = list(itertools.pairwise(ends))
    if count == 1 or pieces == 1:
        return [work(first, last) for first, last in ranges]
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda ends: work(*ends), ranges))


def available() -> int:
    """Return the number of cores this process may use, or what ``OMP_NUM_THREADS`` asks for."""
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    if wanted.isdigit() and int(wanted) > 0:
        return int(wanted)
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1
