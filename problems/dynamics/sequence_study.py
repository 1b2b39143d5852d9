"""Closed-form cells on a pendulum seen through its angle at irregular times, against a neural ODE of equal task."""

from __future__ import annotations

import time
from functools import cache
from typing import Any

import numpy as np

from problems.dynamics.pendulum import pendulum_sequences
from sciopt import dynamics, models

__all__ = ["VARIANTS", "error_of", "fit_variant", "report"]

VARIANTS = ("default", "no gate", "pure", "mixed memory", "wired", "no time")
UNITS, STEPS, BATCH = 16, 2500, 64


@cache
def _data() -> tuple[Any, Any]:
    return pendulum_sequences(512, key=0, unseen=2), pendulum_sequences(256, key=1, unseen=2)


def fit_variant(variant: str, steps: int = STEPS, key: int = 0) -> tuple[Any, float, float]:
    """Fit one variant; returns (solution, mean squared test error, CPU seconds after compilation)."""
    (x, dt, y), (x_test, dt_test, y_test) = _data()
    options: dict[str, Any] = {"units": UNITS, "backbone": (2 * UNITS,)}
    if variant in ("no gate", "pure"):
        options["mode"] = variant.replace(" ", "_")
    elif variant == "mixed memory":
        options["mixed_memory"] = True
    elif variant == "wired":
        options |= {"units": 2 * UNITS, "wiring": models.sparse_wiring(1, 2 * UNITS, density=0.5)}
    elif variant == "no time":
        dt, dt_test = np.full_like(dt, 0.5), np.full_like(dt_test, 0.5)
    cell = models.cfc(1, outputs=2, key=key, **options)
    dynamics.fit_sequences(cell, x, dt, y, nan="omit", batch=BATCH, steps=2)  # compiles
    begun = time.process_time()
    fit = dynamics.fit_sequences(cell, x, dt, y, nan="omit", batch=BATCH, steps=steps, key=key)
    spent = time.process_time() - begun
    return fit, float(np.nanmean((np.asarray(fit.params(x_test, dt_test)) - y_test) ** 2)), spent


def error_of(variant: str) -> float:
    """Return the mean squared test error of a variant."""
    return fit_variant(variant)[1]


def report(seeds: int) -> str:
    """Table of the variants; the variance of the targets is 0.30."""
    lines = [f"{'cell':14s} {'seed':>4s} {'unknowns':>8s} {'test error':>11s} {'CPU s':>7s}"]
    for seed in range(seeds):
        for variant in VARIANTS:
            fit, error, spent = fit_variant(variant, key=seed)
            lines.append(f"{variant:14s} {seed:4d} {fit.problem.layout.size:8d} {error:11.2e} {spent:7.1f}")
    return "\n".join(lines)
