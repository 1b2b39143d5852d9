"""Draw points from patches by a rule."""

from __future__ import annotations

from typing import Any

import numpy as np

from sciopt._errors import OptionError
from sciopt._types import Array
from sciopt.pde._patch import Patch, unit_grid

__all__ = ["drawn", "shares"]


def drawn(
    patches: list[Patch], n: Any, rule: str, rng: np.random.Generator, owner: str
) -> tuple[Array, Array | None, Array | None]:
    """Return coordinates (N, d), normals (N, d) or None, and weights (N,) of sum 1 for Gauss rules or None.

    Random rules give exactly n points; tensor rules as many as fit a grid.
    """
    if rule == "gauss" and any(p.kept is not None for p in patches):
        raise OptionError(f"{owner} is not the image of a cube: rule='gauss' does not apply; use 'sobol'")
    extents = np.array([p.extent() for p in patches])
    if not extents.sum() > 0:
        raise OptionError(f"{owner}: the part asked for is empty")
    counts = [n] * len(patches) if isinstance(n, tuple) else shares(extents, int(n))
    xs, normals, weights = [], [], []
    for patch, extent, m in zip(patches, extents, counts, strict=True):
        if not extent > 0 or m == 0:
            continue
        x, normal, w = _one(patch, m, rule, rng)
        xs.append(x)
        normals.append(normal)
        weights.append(np.full(len(x), extent / len(x)) if w is None else extent * w)
    total = np.concatenate(weights)
    normal = None if normals[0] is None else np.concatenate(normals)
    return np.concatenate(xs), normal, total / total.sum() if rule == "gauss" else None


def _one(patch: Patch, n: Any, rule: str, rng: np.random.Generator) -> tuple[Array, Array | None, Array | None]:
    k = len(patch.axes)
    if rule in ("grid", "gauss"):
        s, w = unit_grid(patch.axes, n if k else 1, rule)
        return _kept(patch, s, w if rule == "gauss" else None)
    if k == 0:
        return _kept(patch, np.zeros((n, 0)), None)
    stream = _stream(k, rule, rng)
    found: Any = _kept(patch, stream(n), None)
    for _ in range(60):  # points left out are replaced
        have = len(found[0])
        if have >= n:
            break
        more = _kept(patch, stream(2 * (n - have) + 8), None)
        found = tuple(None if a is None else np.concatenate([a, b]) for a, b in zip(found, more, strict=True))
    return tuple(None if a is None else a[:n] for a in found)  # type: ignore[return-value]


def _stream(k: int, rule: str, rng: np.random.Generator) -> Any:
    if rule == "uniform":
        return lambda m: rng.uniform(size=(m, k))
    from scipy.stats import qmc

    engine = qmc.Sobol(k, rng=rng)

    def take(m: int) -> Array:
        # whole powers of two at the beginning keep the balance of the sequence
        return engine.random(1 << max(m - 1, 0).bit_length())[:m] if engine.num_generated == 0 else engine.random(m)

    return take


def _kept(patch: Patch, s: Array, w: Array | None) -> Any:
    x = patch.place(s)
    normal = None if patch.normal is None else patch.normal(s)
    if patch.kept is None:
        return x, normal, w
    keep = patch.kept(x, normal)
    return x[keep], None if normal is None else normal[keep], w


def shares(extents: Array, n: int) -> list[int]:
    """Return whole numbers of sum n in proportion to the extents, at least one for each where n allows."""
    exact = extents / extents.sum() * n
    counts = np.floor(exact).astype(int)
    order = np.argsort(-(exact - counts), kind="stable")
    counts[order[: n - counts.sum()]] += 1
    if n >= np.count_nonzero(extents):
        for i in np.flatnonzero((counts == 0) & (extents > 0)):
            counts[np.argmax(counts)] -= 1
            counts[i] += 1
    return counts.tolist()
