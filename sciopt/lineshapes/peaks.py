"""Single lines on a constant background."""

from collections.abc import Callable
from typing import Any

import numpy as np

from sciopt._types import Array
from sciopt.lineshapes._guess import background, columns, linear, mesh, polish, scorer, thin
from sciopt.lineshapes._lineshape import LineShape, namespace

__all__ = ["gaussian", "lorentzian", "pseudo_voigt"]

_LN2 = float(np.log(2.0))


def _gaussian(x: Any, amplitude: Any, centre: Any, width: Any, offset: Any) -> Any:
    xp = namespace(x, amplitude, centre, width, offset)
    u = (xp.asarray(x) - centre) / width
    return amplitude * xp.exp(-0.5 * u * u) + offset


def _lorentzian(x: Any, amplitude: Any, centre: Any, width: Any, offset: Any) -> Any:
    u = (namespace(x).asarray(x) - centre) / width
    return amplitude / (1.0 + u * u) + offset


def _pseudo_voigt(x: Any, amplitude: Any, centre: Any, width: Any, fraction: Any, offset: Any) -> Any:
    xp = namespace(x, amplitude, centre, width, fraction, offset)
    u = (xp.asarray(x) - centre) / width
    return amplitude * ((1.0 - fraction) * xp.exp(-_LN2 * u * u) + fraction / (1.0 + u * u)) + offset


def _search(x: Any, y: Any, name: str, unit: Callable[..., Any], shapes: Array) -> tuple[Array, float, float]:
    """Return centre, log width (and further shape), amplitude and offset of the best single line.

    ``unit(x, centre, width, *shape)`` has height 1 and no background. Long data are averaged in blocks first; the
    neighbourhood of the line found is then searched again at finer blocks until single points are resolved.
    """
    x, y = columns(x, y, 4 + len(shapes[0]), name)
    lower, upper = np.full(2 + len(shapes[0]), -np.inf), np.full(2 + len(shapes[0]), np.inf)
    lower[2:], upper[2:] = 0.0, 1.0

    def basis(c: Array, at: Array) -> Array:
        extra = [c[:, j, None] for j in range(2, c.shape[1])]
        return unit(at[None], c[:, 0, None], np.exp(c[:, 1, None]), *extra)

    while True:
        at, value, block = thin(x, y)
        span = at[-1] - at[0]
        gaps = np.diff(np.unique(at))
        widths = np.geomspace(0.7 * float(np.median(gaps)), span, 14)
        lower[1], upper[1] = np.log(0.3 * float(gaps.min())), np.log(10.0 * span)
        centres = at[:: max(1, len(at) // 100)]
        grid = mesh(centres, np.log(widths), *shapes.T) if shapes.size else mesh(centres, np.log(widths))
        score = scorer(basis, at, value, background(at, 0))
        best = grid[int(np.argmax(score(grid)))]
        near = max(float(np.exp(best[1])), span / len(centres))
        best = polish(score, best, np.array([0.5 * near, 0.4, *([0.2] * len(shapes[0]))]), lower, upper)
        reach = 10.0 * max(float(np.exp(best[1])), 2.0 * span / len(at))
        inside = np.abs(x - best[0]) <= reach
        if block == 1 or inside.sum() > 0.5 * len(x) or inside.sum() < 20:
            break
        x, y = x[inside], y[inside]
    amplitude, offset = linear(np.stack([basis(best[None], at)[0], np.ones_like(at)], axis=1), value)
    return best, float(amplitude), float(offset)


_NO_SHAPE = np.empty((1, 0))


def _guess_gaussian(x: Any, y: Any) -> dict[str, float]:
    best, a, c = _search(x, y, "gaussian", lambda x, m, w: _gaussian(x, 1.0, m, w, 0.0), _NO_SHAPE)
    return {"amplitude": a, "centre": float(best[0]), "width": float(np.exp(best[1])), "offset": c}


def _guess_lorentzian(x: Any, y: Any) -> dict[str, float]:
    best, a, c = _search(x, y, "lorentzian", lambda x, m, w: _lorentzian(x, 1.0, m, w, 0.0), _NO_SHAPE)
    return {"amplitude": a, "centre": float(best[0]), "width": float(np.exp(best[1])), "offset": c}


def _guess_pseudo_voigt(x: Any, y: Any) -> dict[str, float]:
    shapes = np.array([[0.0], [0.5], [1.0]])
    best, a, c = _search(x, y, "pseudo_voigt", lambda x, m, w, f: _pseudo_voigt(x, 1.0, m, w, f, 0.0), shapes)
    width, fraction = float(np.exp(best[1])), float(np.clip(best[2], 0.05, 0.95))
    return {"amplitude": a, "centre": float(best[0]), "width": width, "fraction": fraction, "offset": c}


_UNITS = {"amplitude": "{y}", "centre": "{x}", "width": "{x}", "offset": "{y}"}

gaussian = LineShape(
    "gaussian",
    _gaussian,
    _guess_gaussian,
    "amplitude exp(-(x - centre)^2 / (2 width^2)) + offset",
    units=_UNITS,
    bounds={"width": (0.0, None)},
)
"""Normal line; ``width`` is the standard deviation, ``amplitude`` the height (negative for a dip)."""

lorentzian = LineShape(
    "lorentzian",
    _lorentzian,
    _guess_lorentzian,
    "amplitude / (1 + ((x - centre)/width)^2) + offset",
    units=_UNITS,
    bounds={"width": (0.0, None)},
)
"""Natural line; ``width`` is the half width at half maximum, ``amplitude`` the height."""

pseudo_voigt = LineShape(
    "pseudo_voigt",
    _pseudo_voigt,
    _guess_pseudo_voigt,
    "amplitude ((1 - fraction) exp(-ln2 u^2) + fraction / (1 + u^2)) + offset, u = (x - centre)/width",
    units=_UNITS,
    bounds={"width": (0.0, None), "fraction": (0.0, 1.0)},
)
"""Mixture of a normal and a natural line of one half width at half maximum (G. K. Wertheim et al., Rev. Sci.
Instrum. 45 (1974) 1369); ``fraction`` is the share of the natural line in the height."""
