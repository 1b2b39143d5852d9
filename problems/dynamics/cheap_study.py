"""Fits with and without the solver's heuristics as regulariser: error, steps and evaluations at prediction."""

from __future__ import annotations

import time
from typing import Any

from problems.dynamics.flow_regression import fit_twist, rmse
from problems.dynamics.moons import accuracy, fit_moons
from sciopt import dynamics

__all__ = ["cost_of", "report"]


def cost_of(fit: dynamics.ODESolution) -> tuple[int, int]:
    """Return (steps, evaluations of the field) of one solve of all points as one system, rejected steps included."""
    runs = fit.problem.setting.data.runs
    evaluations = fit.evaluations() // runs
    return (evaluations - 1) // fit.problem.program.flow.tableau.evaluations, evaluations


def report(seeds: int) -> str:
    """Table of the twist (64 and 256 points) and of the two moons."""
    rules: dict[str, Any] = {
        "none": None,
        "steps, null space": dynamics.Regulariser("steps", mode="null_space"),
        "error, null space": dynamics.Regulariser("error", mode="null_space"),
        "steps, row 1e-4": dynamics.Regulariser("steps", mode="rows", weight=1e-4),
        "steps, local": dynamics.Regulariser("steps", mode="null_space", local=2),
    }
    lines = [f"{'task':10s} {'regulariser':18s} {'seed':>4s} {'rmse':>9s} {'steps':>6s} {'NFE':>5s} {'CPU s':>7s}"]
    for seed in range(seeds):
        for name, rule in rules.items():
            begun = time.process_time()
            fit = fit_twist(64, seed, regularise=rule, steps=120)
            spent = time.process_time() - begun
            steps, evaluations = cost_of(fit)
            lines.append(
                f"{'twist 64':10s} {name:18s} {seed:4d} {rmse(fit):9.2e} {steps:6d} {evaluations:5d} {spent:7.1f}"
            )
    for name, rule in (("none", None), ("steps, null space", dynamics.Regulariser("steps", level=6.5e-4))):
        begun = time.process_time()
        fit = fit_twist(256, 0, regularise=rule, steps=120)
        spent = time.process_time() - begun
        steps, evaluations = cost_of(fit)
        lines.append(f"{'twist 256':10s} {name:18s} {0:4d} {rmse(fit):9.2e} {steps:6d} {evaluations:5d} {spent:7.1f}")
    lines.append(f"{'':29s} {'seed':>4s} {'accuracy':>9s}")
    for seed in range(seeds):
        for name, rule in (("none", None), ("steps, null space", dynamics.Regulariser("steps", level=0.2))):
            begun = time.process_time()
            fit = fit_moons(128, seed, regularise=rule, steps=80)
            spent = time.process_time() - begun
            steps, evaluations = cost_of(fit)
            lines.append(
                f"{'moons':10s} {name:18s} {seed:4d} {accuracy(fit):9.4f} {steps:6d} {evaluations:5d} {spent:7.1f}"
            )
    return "\n".join(lines)
