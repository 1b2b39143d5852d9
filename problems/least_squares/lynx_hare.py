"""Lynx and hare pelts 1900-1920 with a Lotka-Volterra fit.

x' = a x - b x y for the hares, y' = -g y + d x y for the lynxes; six parameters with the two initial populations,
42 residuals. Two cases: differences of logarithms, and differences of populations. Data: records of the Hudson's Bay
Company, thousands of pelts, historical facts.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from problems._case import Answer, Case

__all__ = ["CASES", "populations"]

DATA = Path(__file__).parent / "data" / "lynx_hare.json"
ORDER = 14
SUBSTEPS = 10


def populations(t, a, b, g, d, x0, y0):
    """Hares and lynxes at ``t``, shape (n, 2), by Taylor series of order 14 with ten steps a unit of time.

    The series follow from the equations by the recursion (k + 1) x_(k+1) = a x_k - b sum_j x_j y_(k-j) and likewise
    for y, so the truncation error is at rounding level, and complex parameters pass through.

    Parameters
    ----------
    t : array_like
        Increasing whole years from 0, shape (n,).
    a, b, g, d, x0, y0 : float or complex
        Rates and populations at t = 0.
    """
    x, y = complex(x0), complex(y0)
    a, b, g, d = complex(a), complex(b), complex(g), complex(d)
    year, rows = 0, []
    for now in t:
        while year < round(float(now)):
            for _ in range(SUBSTEPS):
                x, y = _taylor_step(x, y, a, b, g, d, 1.0 / SUBSTEPS)
            year += 1
        rows.append((x, y))
    return np.array(rows)


def _taylor_step(x: complex, y: complex, a: complex, b: complex, g: complex, d: complex, h: float):
    xs, ys = [x], [y]
    for k in range(ORDER):
        product = sum(xs[j] * ys[k - j] for j in range(k + 1))
        xs.append((a * xs[k] - b * product) / (k + 1))
        ys.append((d * product - g * ys[k]) / (k + 1))
    new_x, new_y = xs[-1], ys[-1]
    for k in range(ORDER - 1, -1, -1):
        new_x, new_y = new_x * h + xs[k], new_y * h + ys[k]
    return new_x, new_y


def _real_if_real(result, *parameters):
    return result if any(np.iscomplexobj(p) for p in parameters) else result.real


def linear_model(t, a, b, g, d, x0, y0):
    """Return the populations, shape (n, 2)."""
    return _real_if_real(populations(t, a, b, g, d, x0, y0), a, b, g, d, x0, y0)


def log_model(t, a, b, g, d, x0, y0):
    """Return the logarithms of the populations, shape (n, 2)."""
    return _real_if_real(np.log(populations(t, a, b, g, d, x0, y0)), a, b, g, d, x0, y0)


@cache
def _record() -> dict[str, Any]:
    return json.loads(DATA.read_text(encoding="utf-8"))["lynx_hare"]


def lynx_hare(scale: Literal["log", "linear"]) -> Case:
    """Case of the pelts; ``published`` holds the "std" of the reference solution (scaled errors, 36 dof)."""
    record = _record()
    reference = record[f"fit_{scale}"]
    pelts = np.array([record["hare"], record["lynx"]], dtype=float).T
    return Case(
        name=f"lynx_hare/{scale}",
        kind="curve",
        parameters=("a", "b", "g", "d", "x0", "y0"),
        starts=(tuple(record["start"]),),
        answers=(Answer(reference["rss"], tuple(reference["p"]), note="DOP853 with sensitivities, about 9 digits"),),
        model=log_model if scale == "log" else linear_model,
        x=np.array(record["t"], dtype=float),
        y=np.log(pelts) if scale == "log" else pelts,
        tags=frozenset({"ode"}),
        source=record["source"],
        published={"std": tuple(reference["std"]), "dof": 36},
    )


CASES: dict[str, Callable[[], Case]] = {
    "lynx_hare/log": partial(lynx_hare, "log"),
    "lynx_hare/linear": partial(lynx_hare, "linear"),
}
