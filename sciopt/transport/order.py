"""Order and aggregates: columns near each other come together, so that blocks of 16 are compact."""

from __future__ import annotations

from typing import Any

import numpy as np

from sciopt._types import Array

__all__ = ["aggregates", "landmark_order", "spatial_order"]

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


def aggregates(order: Any) -> Any:
    """Return labels (m,) of groups of columns that follow each other in an order, for a coarse space; None if few."""
    m = len(order)
    if m < 128:
        return None
    count = 16 * int(np.clip(round(np.sqrt(m) / 6), 1, 16))
    labels = np.empty(m, np.int64)
    labels[order] = np.arange(m) * count // m
    return labels


def landmark_order(C: Array) -> tuple[Any, bool]:
    """Return an order of the columns of a cost matrix that puts neighbours together, and whether it is worth copying C.

    Coordinates of a column are its costs from a few rows far apart. The order is None where they say nothing about
    nearness: a random matrix, whose other costs do not vary less along it.
    """
    n, m = C.shape
    if m < 64:
        return None, False
    rows, column = [], 0
    nearest = np.full(n, np.inf)
    for _ in range(min(LANDMARKS, n)):  # the row farthest from the columns seen so far
        seen = np.where(np.isfinite(C[:, column]), C[:, column], 0.0)
        nearest = np.minimum(nearest, seen)
        row = int(np.argmax(nearest))
        if row in rows:
            row = int((row + n // 2) % n)
        rows.append(row)
        column = int(np.argmin(C[row]))
    order = spatial_order(np.ascontiguousarray(np.where(np.isfinite(C[rows]), C[rows], 0.0).T))
    check = C[np.linspace(0, n - 1, 5).astype(int)]
    other = np.where(np.isfinite(check), check, 0.0)
    sorted_, random = _roughness(other[:, order]), _roughness(other[:, np.random.default_rng(0).permutation(m)])
    if not sorted_ < 0.5 * random:
        return None, False
    return order, _roughness(other) > 2.0 * sorted_


def _roughness(rows: Array) -> float:
    return float(np.abs(np.diff(rows, axis=1)).mean())
