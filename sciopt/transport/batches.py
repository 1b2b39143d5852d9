"""Many small transport problems of one shape in one call."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sciopt._errors import DataError
from sciopt._types import Array
from sciopt.transport._threads import over_rows
from sciopt.transport.cost import as_cost
from sciopt.transport.exact import exact_plan
from sciopt.transport.measure import as_measure, matched_masses
from sciopt.transport.pairs import pairs

__all__ = ["BatchResult", "batch"]


class BatchResult(NamedTuple):
    """Costs (k,) of the problems, distances (k,), certified bounds (k,), and potentials (k, n) and (k, m)."""

    cost: Array
    distance: Array
    lower: Array
    upper: Array
    f: Array
    g: Array


def batch(
    x: Any = None, y: Any = None, *, weights: Any = None, cost: Any = "sqeuclidean", threads: int | None = None
) -> BatchResult:
    """Solve k problems exactly, each as `distance` would.

    Parameters
    ----------
    x, y
        Positions (k, n, d) and (k, m, d); two-dimensional input (k, n) are points on lines. Omitted with costs.
    weights
        Pair of masses, (k, n) or (n,) and (k, m) or (m,); equal masses by default.
    cost
        As in `distance`, or matrices (k, n, m).
    threads
        Problems solved at a time; None = one a core.

    Raises
    ------
    DataError
        Shapes that do not fit; masses that differ, with the number of the problem.

    Examples
    --------
    >>> batch([[0.0, 1.0], [0.0, 2.0]], [[1.0, 2.0], [0.0, 2.0]], cost="euclidean").cost.tolist()
    [1.0, 0.0]
    """
    matrices = None
    if x is None and y is None:
        matrices = np.asarray(cost, dtype=float)
        if matrices.ndim != 3:
            raise DataError(f"cost has shape {matrices.shape}; a batch needs matrices (k, n, m), or positions x and y")
        k, n, m = matrices.shape
        X = Y = None
    else:
        X, Y = _positions(x, "x"), _positions(y, "y")
        if len(X) != len(Y) or X.shape[2] != Y.shape[2]:
            raise DataError(f"x has shape {X.shape}, y {Y.shape}; they agree in the number of problems and dimensions")
        (k, n), m = X.shape[:2], Y.shape[1]
    a, b = (None, None) if weights is None else weights
    first, second = _masses(a, k, n, "x"), _masses(b, k, m, "y")
    found: list[Any] = [None] * k

    def solve(start: int, stop: int) -> None:
        for i in range(start, stop):
            ground = as_cost(matrices[i] if matrices is not None else cost)
            p = as_measure(None if X is None else X[i], first[i], f"x[{i}]")
            q = as_measure(None if Y is None else Y[i], second[i], f"y[{i}]")
            u, v, _ = matched_masses(p.weights, q.weights)
            found[i] = exact_plan(pairs(p, q, ground), u, v, threads=1), ground.exponent

    if threads == 1:
        solve(0, k)
    else:
        over_rows(solve, k, threads)
    costs = np.array([plan.cost for plan, _ in found])
    exponent = found[0][1] if k else 1.0
    with np.errstate(invalid="ignore"):
        distances = np.sign(costs) * np.abs(costs) ** (1.0 / exponent)
    return BatchResult(
        costs,
        distances,
        np.array([plan.lower for plan, _ in found]),
        np.array([plan.upper for plan, _ in found]),
        np.array([plan.f for plan, _ in found]).reshape(k, n),
        np.array([plan.g for plan, _ in found]).reshape(k, m),
    )


def _positions(points: Any, name: str) -> Array:
    raw = np.asarray(points, dtype=float)
    if raw.ndim == 2:
        raw = raw[:, :, None]
    if raw.ndim != 3:
        raise DataError(f"{name} has shape {raw.shape}; a batch has positions (k, n, d) or (k, n)")
    return raw


def _masses(weights: Any, k: int, n: int, name: str) -> Array:
    if weights is None:
        return np.full((k, n), 1.0 / n)
    raw = np.asarray(weights, dtype=float)
    if raw.shape not in ((n,), (k, n)):
        raise DataError(f"weights of {name} have shape {raw.shape}, expected ({n},) or ({k}, {n})")
    return np.broadcast_to(raw, (k, n))
