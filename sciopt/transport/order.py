"""Order and aggregates: columns near each other come together, so that blocks of 16 are compact."""

from __future__ import annotations

from typing import Any

import numpy as np

from sciopt._types import Array

__all__ = ["aggregates", "landmark_coordinates", "spatial_order"]

LANDMARKS = 6


def spatial_order(points: Array, leaf: int = 16) -> Any:
    """Return a permutation (m,) that puts neighbours together: a balanced k-d tree, leaf by leaf.

    Leaves hold ``leaf`` points, except the last; splits fall on multiples of ``leaf``.
    """
    m = len(points)
    order = np.arange(m)
    stack = [(0, m)]
    while stack:
        first, last = stack.pop()
        if last - first <= leaf:
            continue
        part = order[first:last]
        inside = points[part]
        axis = int(np.argmax(inside.max(0) - inside.min(0)))
        half = -(-(last - first) // (2 * leaf)) * leaf
        order[first:last] = part[np.argpartition(inside[:, axis], half - 1)]
        stack += [(first, first + half), (first + half, last)]
    return order


def aggregates(m: int, count: int) -> Any:
    """Return labels (m,) of about ``count`` consecutive groups of equal size."""
    return np.arange(m) * min(count, m) // m


def landmark_coordinates(C: Array) -> Array | None:
    """Return coordinates (m, k) of the columns of a cost matrix: their costs from a few rows far apart.

    None where they say nothing about nearness: a random matrix, whose columns do not come closer when sorted by them.
    """
    n, m = C.shape
    if m < 64:
        return None
    rows, column = [], 0
    nearest = np.full(n, np.inf)
    for _ in range(min(LANDMARKS, n)):  # farthest-first in the column seen last
        seen = np.where(np.isfinite(C[:, column]), C[:, column], 0.0)
        nearest = np.minimum(nearest, seen)
        row = int(np.argmax(nearest))
        if row in rows:
            row = int((row + n // 2) % n)
        rows.append(row)
        column = int(np.argmin(C[row]))
    coordinates = np.ascontiguousarray(np.where(np.isfinite(C[rows]), C[rows], 0.0).T)
    order = spatial_order(coordinates)
    check = np.linspace(0, n - 1, 5).astype(int)  # other rows: do neighbours have like costs?
    other = np.where(np.isfinite(C[check]), C[check], 0.0)
    return coordinates if _roughness(other[:, order]) < 0.5 * _roughness(other[:, _shuffled(m)]) else None


def _roughness(rows: Array) -> float:
    return float(np.abs(np.diff(rows, axis=1)).mean())


def _shuffled(m: int) -> Any:
    return np.random.default_rng(0).permutation(m)
