"""How often 1-sigma error bars cover the truth, over many draws of the data, on three nonlinear problems.

>>> from problems.least_squares import coverage_study
>>> 0.4 < min(coverage_study.run("decay", draws=40).coverage.values()) < 1.0
True
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import sciopt

__all__ = ["PROBLEMS", "Coverage", "run"]


@dataclass(frozen=True)
class Coverage:
    """Share of draws in which |value - truth| <= error, by parameter.

    Parameters
    ----------
    coverage : dict
        By parameter; the binomial standard error of each is about 0.47 % at 10,000 draws.
    failed : int
        Draws whose fit did not converge or has no error bars; they count as not covered.
    draws : int
        Number of data sets.
    """

    coverage: dict[str, float]
    failed: int
    draws: int


@dataclass(frozen=True, eq=False)
class Task:
    """A model, its truth, and how data are drawn and fitted."""

    model: Callable[..., NDArray[Any]]
    x: NDArray[Any]
    truth: dict[str, float]
    start: dict[str, float]
    draw: Callable[[np.random.Generator, NDArray[Any]], NDArray[Any]]
    options: dict[str, Any]


def _decay(t, A, tau, c):
    return A * np.exp(-t / tau) + c


def _peak(x, area, centre, width, level):
    return area * np.exp(-0.5 * ((x - centre) / width) ** 2) / (width * np.sqrt(2 * np.pi)) + level


def _oscillation(t, A, damping, frequency, phase):
    return A * np.exp(-damping * t) * np.cos(2 * np.pi * frequency * t + phase)


PROBLEMS = {
    # known sigma: errors taken as given
    "decay": Task(
        _decay,
        np.linspace(0.0, 6.0, 40),
        {"A": 3.0, "tau": 1.5, "c": 0.5},
        {"A": 2.0, "tau": 1.0, "c": 0.0},
        lambda rng, f: f + 0.1 * rng.standard_normal(f.size),
        {"sigma": 0.1},
    ),
    # counts: Fisher errors
    "peak": Task(
        _peak,
        np.linspace(-5.0, 5.0, 51),
        {"area": 80.0, "centre": 0.3, "width": 0.8, "level": 6.0},
        {"area": 60.0, "centre": 0.0, "width": 1.0, "level": 5.0},
        lambda rng, f: rng.poisson(f).astype(float),
        {"loss": "poisson"},
    ),
    # unknown sigma: errors scaled by chi2/dof
    "oscillation": Task(
        _oscillation,
        np.linspace(0.0, 4.0, 60),
        {"A": 1.0, "damping": 0.4, "frequency": 0.9, "phase": 0.3},
        {"A": 0.8, "damping": 0.3, "frequency": 0.88, "phase": 0.4},
        lambda rng, f: f + 0.1 * rng.standard_normal(f.size),
        {},
    ),
}


def run(name: str, draws: int = 10_000, *, seed: int = 0) -> Coverage:
    """Fit many data sets of one of `PROBLEMS` and count how often the error bars hold."""
    task = PROBLEMS[name]
    exact = task.model(task.x, *task.truth.values())
    hits, failed = dict.fromkeys(task.truth, 0), 0
    rng = np.random.default_rng(seed)
    for _ in range(draws):
        fit = sciopt.fit(task.model, task.x, task.draw(rng, exact), start=dict(task.start), **task.options)
        if not fit.success or any(e is None for e in fit.errors.values()):
            failed += 1
            continue
        for parameter, value in task.truth.items():
            hits[parameter] += abs(fit.values[parameter] - value) <= fit.errors[parameter]
    return Coverage({p: h / draws for p, h in hits.items()}, failed, draws)
