"""Families of transport problems of any size: costs scaled to a largest value of one, masses of sum one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["FAMILIES", "Instance", "clouds", "instance"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Instance:
    """One problem: costs (n, m) with maximum 1, masses a (n,) and b (m,), and positions where there are any."""

    name: str
    C: Array
    a: Array
    b: Array
    x: Array | None = None
    y: Array | None = None
    cost: str = "matrix"


def mixture(x: Array, parts: list[tuple[float, float, float]]) -> Array:
    """Return masses of a mixture of Gaussians (weight, mean, width) with a floor of 1e-3 of the largest."""
    density = sum(w / s * np.exp(-0.5 * ((x - m) / s) ** 2) for w, m, s in parts)
    raised = np.asarray(density) + 1e-3 * np.max(density)
    return raised / raised.sum()


def lap(n: int, seed: int = 0) -> Instance:
    """Random assignment: independent uniform costs, equal masses."""
    C = np.random.default_rng(seed).random((n, n))
    return Instance("lap", C / C.max(), np.full(n, 1 / n), np.full(n, 1 / n))


def _line(n: int, p: int) -> Instance:
    x = np.linspace(0, 1, n)
    a = mixture(x, [(0.6, 0.25, 0.07), (0.4, 0.65, 0.1)])
    b = mixture(x, [(0.3, 0.35, 0.05), (0.7, 0.75, 0.08)])
    C = np.abs(x[:, None] - x) ** p
    return Instance(f"d{p}", C, a, b, x[:, None], x[:, None], "sqeuclidean" if p == 2 else "euclidean")


def digits(side: int) -> tuple[Array, Array]:
    """Return two handwritten digits enlarged to side x side pixels, with a floor of 0.01 of the largest, of sum one.

    From scikit-learn's copy of the UCI digits; without it, two drawn ones (a ring and a hook).
    """
    if find_spec("sklearn") is not None:
        from sklearn.datasets import load_digits

        images: Any = getattr(load_digits(), "images")  # noqa: B009 - scikit-learn does not type it
        raw = [images[0], images[5]]
    else:
        u, v = np.meshgrid(np.linspace(-1, 1, 8), np.linspace(-1, 1, 8), indexing="ij")
        r = np.hypot(u, v)
        raw = [16 * np.exp(-(((r - 0.6) / 0.2) ** 2)), 16 * np.exp(-(((np.abs(u + v**2 - 0.3)) / 0.25) ** 2))]
    from scipy.ndimage import zoom

    out: list[Array] = []
    for image in raw:
        large = np.maximum(np.asarray(zoom(np.asarray(image, float), side / 8, order=1))[:side, :side], 0)
        large += 0.01 * large.max()
        out.append(large / large.sum())
    return out[0], out[1]


def _image(n: int, p: int) -> Instance:
    side = round(np.sqrt(n))
    a, b = digits(side)
    grid = np.stack(np.meshgrid(np.arange(side), np.arange(side), indexing="ij"), axis=-1).reshape(-1, 2).astype(float)
    D = np.abs(grid[:, None] - grid[None])
    C = (D**p).sum(-1)
    points = grid / C.max() ** (1 / p)
    cost = "sqeuclidean" if p == 2 else "cityblock"
    return Instance(f"img{p}", np.ascontiguousarray(C / C.max()), a.ravel(), b.ravel(), points, points, cost)


def cloud(n: int, seed: int = 0) -> Instance:
    """Two Gaussian clouds in three dimensions with random weights, squared distances."""
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((n, 3)), 0.7 * rng.standard_normal((n, 3)) + [1.0, 0.5, 0.0]
    a, b = rng.random(n) + 0.1, rng.random(n) + 0.1
    C = ((x[:, None] - y[None]) ** 2).sum(-1)
    s = C.max() ** 0.5
    return Instance("cloud", C / C.max(), a / a.sum(), b / b.sum(), x / s, y / s, "sqeuclidean")


def clouds(n: int, d: int, seed: int = 0) -> tuple[Array, Array]:
    """Return n points uniform in the unit cube of dimension d, and n in two Gaussian blobs."""
    rng = np.random.default_rng(seed)
    x = rng.random((n, d))
    centre = np.where(rng.random(n)[:, None] < 0.5, 0.3, 0.7)
    return x, centre + 0.1 * rng.standard_normal((n, d))


FAMILIES: dict[str, Callable[[int], Instance]] = {
    "lap": lap,
    "d2": lambda n: _line(n, 2),
    "d1": lambda n: _line(n, 1),
    "img2": lambda n: _image(n, 2),
    "img1": lambda n: _image(n, 1),
    "cloud": cloud,
}


def instance(name: str, n: int) -> Instance:
    """Return a problem of a family with about n points (images: the nearest square)."""
    return FAMILIES[name](n)
