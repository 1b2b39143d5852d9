"""Exponential decay, power law, polynomial."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sciopt._errors import DataError, OptionError
from sciopt._types import Array
from sciopt.lineshapes._guess import background, columns, linear, polish, scorer, thin
from sciopt.lineshapes._lineshape import LineShape, namespace

__all__ = ["exponential_decay", "polynomial", "power_law"]


def _exponential(x: Any, amplitude: Any, tau: Any, offset: Any) -> Any:
    xp = namespace(x, amplitude, tau, offset)
    return amplitude * xp.exp(-xp.asarray(x) / tau) + offset


def _guess_exponential(x: Any, y: Any) -> dict[str, float]:
    x, y = columns(x, y, 3, "exponential_decay")
    best: tuple[float, float, float, float] | None = None
    for sign in (1.0, -1.0):  # a growing exponential is a decay seen backwards
        u, v = (x, y) if sign > 0 else (-x[::-1], y[::-1])
        origin = u[0]

        def basis(c: Array, at: Array) -> Array:
            return np.exp(-at[None] / np.exp(c))

        while True:
            at, value, block = thin(u - origin, v)
            span, gap = at[-1] - at[0], float(np.diff(np.unique(at)).min())
            score = scorer(basis, at, value, background(at, 0))
            grid = np.log(np.geomspace(max(0.3 * gap, 1e-4 * span), 30.0 * span, 80))[:, None]
            log_tau = polish(score, grid[int(np.argmax(score(grid)))], np.array([0.1]))
            inside = u - origin <= 10.0 * float(np.exp(log_tau[0]))
            if block == 1 or inside.sum() > 0.5 * len(u) or inside.sum() < 20:
                break
            u, v = u[inside], v[inside]
        design = np.stack([basis(log_tau[None], at)[0], np.ones_like(at)], axis=1)
        a, c = linear(design, value)
        if abs(a) <= 1e-13 * abs(c):  # constant data: any time will do, but a finite amplitude is needed
            log_tau, a = np.log([max(float(x[-1] - x[0]), abs(float(x[0])))]), 0.0
        # scores of two windows do not compare: judge by the misfit of all points
        full = a * np.exp(-((x if sign > 0 else -x) - origin) / np.exp(log_tau[0])) + c
        misfit = float(np.sum((full - y) ** 2))
        tau = sign * float(np.exp(log_tau[0]))
        with np.errstate(over="ignore"):
            amplitude = float(a * np.exp(sign * origin / tau))
        if best is None or misfit < best[0]:
            best = (misfit, amplitude, tau, float(c))
    assert best is not None
    return {"amplitude": best[1], "tau": best[2], "offset": best[3]}


exponential_decay = LineShape(
    "exponential_decay",
    _exponential,
    _guess_exponential,
    "amplitude exp(-x/tau) + offset",
    units={"amplitude": "{y}", "tau": "{x}", "offset": "{y}"},
)
"""Decay to a constant; ``tau`` is the 1/e time, negative for growth."""


def _power(x: Any, amplitude: Any, exponent: Any) -> Any:
    xp = namespace(x, amplitude, exponent)
    return amplitude * xp.exp(exponent * xp.log(xp.asarray(x)))


def _guess_power(x: Any, y: Any) -> dict[str, float]:
    x, y = columns(x, y, 2, "power_law")
    if x[0] <= 0:
        raise DataError(f"power_law needs x > 0; x has the value {x[0]:g}")
    at = np.log(x)
    middle = float(at.mean())
    pace = 1.0 / max(float(at[-1] - at[0]), 1e-3)
    score = scorer(lambda c, t: np.exp(c * (t - middle)), at, y)
    grid = np.concatenate([np.linspace(-8.0, 8.0, 161), pace * np.linspace(-20.0, 20.0, 81)])[:, None]
    exponent = polish(score, grid[int(np.argmax(score(grid)))], np.array([0.05]), rounds=20)
    (height,) = linear(np.exp(exponent * (at - middle))[:, None], y)
    p = float(exponent[0])
    return {"amplitude": float(height * np.exp(-p * middle)), "exponent": p}


power_law = LineShape(
    "power_law",
    _power,
    _guess_power,
    "amplitude x^exponent",
    units={"exponent": ""},
)
"""Power of x > 0; the unit of ``amplitude`` depends on the exponent and is left open."""


@dataclass(frozen=True)
class _Polynomial:
    degree: int

    def __call__(self, x: Any, *coefficients: Any) -> Any:
        x = namespace(x, *coefficients).asarray(x)
        out = coefficients[-1] + 0.0 * x
        for c in coefficients[-2::-1]:
            out = out * x + c
        return out

    def guess(self, x: Any, y: Any) -> dict[str, float]:
        x, y = columns(x, y, self.degree + 1, f"polynomial of degree {self.degree}")
        fitted = np.polynomial.Polynomial.fit(x, y, self.degree).convert().coef
        values = np.zeros(self.degree + 1)
        values[: len(fitted)] = fitted
        return {f"c{k}": float(v) for k, v in enumerate(values)}


def polynomial(degree: int) -> LineShape:
    """Polynomial ``c0 + c1 x + ... + c<degree> x^degree``.

    Parameters
    ----------
    degree : int
        0 or more. The start is the unweighted least-squares solution, so a fit needs one step.

    Returns
    -------
    LineShape

    Raises
    ------
    OptionError
        If the degree is not a non-negative integer.

    Examples
    --------
    >>> polynomial(2).parameters
    ('c0', 'c1', 'c2')
    """
    if isinstance(degree, bool) or not isinstance(degree, int | np.integer) or degree < 0:
        raise OptionError(f"polynomial(degree={degree!r}) needs an integer >= 0")
    body = _Polynomial(int(degree))
    names = tuple(f"c{k}" for k in range(degree + 1))
    units = {p: "{y}" if k == 0 else "{y}/{x}" if k == 1 else "{y}/{x}^" + str(k) for k, p in enumerate(names)}
    terms = " + ".join(["c0", "c1 x", *(f"c{k} x^{k}" for k in range(2, degree + 1))][: degree + 1])
    return LineShape(f"polynomial({degree})", body, body.guess, terms, names, units)
