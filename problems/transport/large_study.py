"""Certified W2 between clouds of up to a million points: width of the interval, CPU time, memory."""

from __future__ import annotations

import resource
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from statistics import median
from time import process_time

import numpy as np
from numpy.typing import NDArray

from sciopt import transport

__all__ = ["CASES", "Row", "run", "square_and_blobs", "table"]

Array = NDArray[np.float64]

CASES: tuple[tuple[int, int, int | None], ...] = (
    (4_096, 2, None),
    (20_000, 2, None),
    (20_000, 3, None),
    (100_000, 2, 4096),
    (100_000, 2, 16384),
    (100_000, 3, 4096),
    (100_000, 3, 16384),
    (1_000_000, 2, 4096),
    (1_000_000, 2, 16384),
    (1_000_000, 3, 16384),
)


@dataclass(frozen=True)
class Row:
    """One case: points, dimension, clusters (None = the points), interval of W2, CPU seconds, peak memory in GiB."""

    n: int
    d: int
    clusters: int | None
    lower: float
    upper: float
    seconds: float
    memory: float


def square_and_blobs(n: int, d: int) -> tuple[Array, Array]:
    """Return n points uniform in the unit cube, and n in two Gaussian blobs of widths 0.08 and 0.12."""
    rng = np.random.default_rng(0)
    x = rng.random((n, d))
    blobs = 0.08 * rng.standard_normal((n // 2, d)) + 0.3, 0.12 * rng.standard_normal((n - n // 2, d)) + 0.7
    return x, np.concatenate(blobs)


def measure(n: int, d: int, clusters: int | None, repeats: int) -> Row:
    """Certify one case on one thread, compiled before."""
    x, y = square_and_blobs(n, d)
    weights = np.full(n, 1.0 / n)
    few = slice(None, None, max(1, n // 4096))
    small = np.full(len(x[few]), 1.0 / len(x[few]))
    transport.cloud_bounds(x[few], y[few], small, small, transport.power(2), clusters=512, threads=1)
    seconds, low, high = [], 0.0, 0.0
    for _ in range(repeats):
        begun = process_time()
        found = transport.cloud_bounds(x, y, weights, weights, transport.power(2), clusters=clusters, threads=1)
        seconds.append(process_time() - begun)
        low, high = found.distance_interval
    unit = 2.0**30 if sys.platform == "darwin" else 2.0**20
    return Row(n, d, clusters, low, high, median(seconds), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit)


def run(repeats: int) -> list[Row]:
    """Measure every case in a process of its own, so that its peak memory is its own; the largest once."""
    rows = []
    for n, d, clusters in CASES:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            rows.append(pool.submit(measure, n, d, clusters, repeats if n < 1_000_000 else 1).result())
    return rows


def table(rows: list[Row]) -> str:
    """Return the rows as text."""
    lines = [
        f"{'points':>9s} {'d':>2s} {'clusters':>9s} {'W2 lower':>10s} {'W2 upper':>10s} {'width':>9s} {'CPU s':>7s} {'GiB':>6s}"
    ]
    for r in rows:
        clusters = "points" if r.clusters is None else str(r.clusters)
        lines.append(
            f"{r.n:9d} {r.d:2d} {clusters:>9s} {r.lower:10.6f} {r.upper:10.6f} {r.upper / r.lower - 1:9.1e} "
            f"{r.seconds:7.2f} {r.memory:6.2f}"
        )
    return "\n".join(lines)
