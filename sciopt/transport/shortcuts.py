"""The plan or the map in one call."""

from __future__ import annotations

from typing import Any

from sciopt.transport.distances import distance
from sciopt.transport.solution import BarycentricMap

__all__ = ["map", "plan"]


def plan(x: Any = None, y: Any = None, **options: Any) -> Any:
    """Return ``distance(x, y, **options).plan``: sparse for exact plans, lazy for entropic ones.

    Examples
    --------
    >>> plan([0.0, 1.0], [2.0, 3.0]).toarray().tolist()
    [[0.5, 0.0], [0.0, 0.5]]
    """
    return distance(x, y, **options).plan


def map(x: Any, y: Any, **options: Any) -> BarycentricMap:
    """Return ``distance(x, y, **options).map``: the mean target (n, d) of each point of x, and its spread (n,).

    Examples
    --------
    >>> map([0.0, 1.0], [3.0, 2.0]).target.ravel().tolist()
    [2.0, 3.0]
    """
    return distance(x, y, **options).map
