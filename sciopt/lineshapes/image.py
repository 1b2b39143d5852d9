"""Spots in images."""

from typing import Any

import numpy as np

from sciopt._errors import DataError
from sciopt._types import Array
from sciopt.lineshapes._guess import background, linear, polish, scorer
from sciopt.lineshapes._lineshape import LineShape, namespace

__all__ = ["gaussian_2d"]


def _spot(
    x: Any,
    amplitude: Any,
    centre_x: Any,
    centre_y: Any,
    width_x: Any,
    width_y: Any,
    correlation: Any,
    offset: Any,
) -> Any:
    xp = namespace(x[0], x[1], amplitude, centre_x, centre_y, width_x, width_y, correlation, offset)
    u = (xp.asarray(x[0]) - centre_x) / width_x
    v = (xp.asarray(x[1]) - centre_y) / width_y
    square = (u * u - 2.0 * correlation * u * v + v * v) / (1.0 - correlation * correlation)
    return amplitude * xp.exp(-0.5 * square) + offset


def _coarse(at: Array, value: Array) -> Array:
    """Best axis-parallel spot on a grid; sums over points are products of the two axes' matrices."""
    value = value - value.mean()
    low, high = at.min(axis=1), at.max(axis=1)
    spans = np.where(high > low, high - low, 1.0)
    centres = [np.linspace(low[j], high[j], 24) for j in (0, 1)]
    finest = 1.5 / np.sqrt(at.shape[1])
    widths = np.geomspace(min(finest, 0.2), 0.7, 7)
    tables = [[np.exp(-0.5 * ((at[j] - centres[j][:, None]) / (w * spans[j])) ** 2) for w in widths] for j in (0, 1)]
    best, found = -np.inf, np.zeros(5)
    for i, ex in enumerate(tables[0]):
        for j, ey in enumerate(tables[1]):
            mean = ex @ ey.T / len(value)
            power = (ex * ex) @ (ey * ey).T - len(value) * mean**2
            with np.errstate(all="ignore"):
                score = np.where(power > 1e-12, ((ex * value) @ ey.T) ** 2 / power, 0.0)
            place = np.unravel_index(int(np.argmax(score)), score.shape)
            if score[place] > best:
                best = float(score[place])
                cx, cy = centres[0][place[0]], centres[1][place[1]]
                found = np.array([cx, cy, np.log(widths[i] * spans[0]), np.log(widths[j] * spans[1]), 0.0])
    return found


def _guess_spot(x: Any, y: Any) -> dict[str, float]:
    a, b, v = np.asarray(x[0], dtype=np.float64), np.asarray(x[1], dtype=np.float64), np.asarray(y, dtype=np.float64)
    if not a.shape == b.shape == v.shape:
        raise DataError(f"start of gaussian_2d: X {a.shape}, Y {b.shape} and data {v.shape} must have one shape")
    keep = np.isfinite(a) & np.isfinite(b) & np.isfinite(v)
    at, value = np.stack([a[keep], b[keep]]), v[keep]
    if len(value) < 8 or np.ptp(at[0]) == 0 or np.ptp(at[1]) == 0:
        raise DataError(f"start of gaussian_2d: {len(value)} finite points, at least 8 in two dimensions are needed")
    if len(value) > 4096:
        at, value = _pooled(at, value)

    def basis(c: Array, points: Array) -> Array:
        cx, cy, lx, ly, rho = (c[:, j, None] for j in range(5))
        return _spot(points, 1.0, cx, cy, np.exp(lx), np.exp(ly), rho, 0.0)

    point = _coarse(at, value)
    inner = scorer(lambda c, _: basis(c, at), value, value, background(value, 0))
    steps = np.array([0.7 * np.exp(point[2]), 0.7 * np.exp(point[3]), 0.3, 0.3, 0.2])
    low, high = np.full(5, -np.inf), np.full(5, np.inf)
    low[4], high[4] = -0.95, 0.95
    point = polish(inner, point, steps, low, high)
    amplitude, offset = linear(np.stack([basis(point[None], at)[0], np.ones_like(value)], axis=1), value)
    return {
        "amplitude": float(amplitude),
        "centre_x": float(point[0]),
        "centre_y": float(point[1]),
        "width_x": float(np.exp(point[2])),
        "width_y": float(np.exp(point[3])),
        "correlation": float(point[4]),
        "offset": float(offset),
    }


def _pooled(at: Array, value: Array) -> tuple[Array, Array]:
    """Average the points in 64 x 64 cells."""
    low, span = at.min(axis=1, keepdims=True), np.ptp(at, axis=1)[:, None]
    cell = np.minimum((64 * (at - low) / span).astype(np.intp), 63)
    flat = 64 * cell[0] + cell[1]
    count = np.bincount(flat, minlength=4096)
    used = count > 0
    mean = [np.bincount(flat, w, 4096)[used] / count[used] for w in (at[0], at[1], value)]
    return np.stack(mean[:2]), mean[2]


gaussian_2d = LineShape(
    "gaussian_2d",
    _spot,
    _guess_spot,
    "amplitude exp(-(u^2 - 2 correlation u v + v^2) / (2 (1 - correlation^2))) + offset, "
    "u = (X - centre_x)/width_x, v = (Y - centre_y)/width_y",
    units={
        "amplitude": "{y}",
        "centre_x": "{x}",
        "centre_y": "{x}",
        "width_x": "{x}",
        "width_y": "{x}",
        "offset": "{y}",
    },
    bounds={"width_x": (0.0, None), "width_y": (0.0, None), "correlation": (-1.0, 1.0)},
)
"""Elliptic spot; x is the pair (X, Y) of coordinate arrays in the shape of the image.

Tilt is carried by ``correlation``, not by an angle, so that a round spot is not a singular point.
"""
