"""Starting values by search over the nonlinear parameters; the linear ones follow by least squares.

For each candidate basis b the best a b + c explains the part cov(b, y)^2 / var(b) of the sum of squares, so that a
whole grid costs a few matrix products and no iteration can go astray.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sciopt._errors import DataError
from sciopt._types import Array

__all__ = ["background", "columns", "explained", "linear", "mesh", "polish", "scorer", "thin"]

Score = Callable[[Array], Array]
_CELLS = 2_000_000  # entries of the candidate matrix evaluated at once


def columns(x: Any, y: Any, least: int, name: str) -> tuple[Array, NDArray[Any]]:
    """Return flat finite x, y in ascending x, at least ``least`` of them."""
    a, b = np.asarray(x), np.asarray(y)
    if a.shape != b.shape:
        raise DataError(f"start of {name}: x has shape {a.shape}, y {b.shape}; they must agree")
    a = a.astype(np.float64).ravel()
    b = b.astype(complex if b.dtype.kind == "c" else np.float64).ravel()
    keep = np.isfinite(a) & np.isfinite(b)
    a, b = a[keep], b[keep]
    distinct = len(np.unique(a))
    if distinct < least:
        raise DataError(f"start of {name}: {distinct} distinct finite x, at least {least} are needed; give start=")
    order = np.argsort(a, kind="stable")
    return a[order], b[order]


def thin(x: Array, y: NDArray[Any], limit: int = 400) -> tuple[Array, NDArray[Any], int]:
    """Average neighbours into at most ``limit`` points; return them and the number averaged."""
    block = -(-len(x) // limit)
    if block == 1:
        return x, y, 1
    edges = np.arange(0, len(x), block)
    count = np.diff(np.append(edges, len(x)))
    return np.add.reduceat(x, edges) / count, np.add.reduceat(y, edges) / count, block


def explained(B: NDArray[Any], y: NDArray[Any], nuisance: Array | None) -> Array:
    """Sum of squares of y explained by each row of B (G, n) beyond the orthonormal columns of ``nuisance`` (n, k)."""
    if nuisance is not None:
        B = B - (B @ nuisance) @ nuisance.T
        y = y - nuisance @ (nuisance.T @ y)
    power = np.einsum("gn,gn->g", B, B.conj()).real
    overlap = np.abs(B.conj() @ y) ** 2
    with np.errstate(all="ignore"):
        return np.where(np.isfinite(power) & (power > 1e-200), np.nan_to_num(overlap / power), 0.0)


def background(x: Array, degree: int) -> Array:
    """Return orthonormal columns spanning the polynomials of x up to a degree."""
    u = (x - x.mean()) / max(float(np.ptp(x)), 1e-300)
    return np.linalg.qr(u[:, None] ** np.arange(degree + 1))[0]


def scorer(
    basis: Callable[[Array, Array], NDArray[Any]], x: Array, y: NDArray[Any], nuisance: Array | None = None
) -> Score:
    """Return a function of candidates (G, p), giving what each explains; ``basis(candidates, x)`` is (G, n)."""

    def score(candidates: Array) -> Array:
        step = max(1, _CELLS // len(y))
        with np.errstate(all="ignore"):
            parts = [
                explained(basis(candidates[i : i + step], x), y, nuisance) for i in range(0, len(candidates), step)
            ]
        return np.concatenate(parts)

    return score


def mesh(*axes: Any) -> Array:
    """Return all combinations of the axes, (G, p)."""
    return np.stack([m.ravel() for m in np.meshgrid(*axes, indexing="ij")], axis=1)


def polish(
    score: Score, start: Array, steps: Array, low: Array | None = None, high: Array | None = None, rounds: int = 10
) -> Array:
    """Improve a candidate one coordinate at a time, halving the steps that no longer help."""
    point, steps = np.array(start, dtype=np.float64), np.array(steps, dtype=np.float64)
    probes = np.array([0.0, -2.0, -1.0, -0.5, 0.5, 1.0, 2.0])
    for _ in range(rounds):
        for j in range(len(point)):
            trial = np.repeat(point[None], len(probes), axis=0)
            trial[:, j] += probes * steps[j]
            if low is not None and high is not None:
                trial = np.clip(trial, low, high)
            best = int(np.argmax(score(trial)))
            point = trial[best]
            if abs(probes[best]) < 2.0:
                steps[j] *= 0.5
    return point


def linear(basis: NDArray[Any], y: NDArray[Any]) -> NDArray[Any]:
    """Return least-squares coefficients of the columns (n, k)."""
    size = np.linalg.norm(basis, axis=0)
    size = np.where(size > 0, size, 1.0)
    return np.linalg.lstsq(basis / size, y, rcond=1e-12)[0] / size
