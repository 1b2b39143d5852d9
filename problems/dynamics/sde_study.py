"""Error bars of SDE fits: how often the truth lies within one standard error."""

from __future__ import annotations

import time

import numpy as np

from problems.dynamics.stochastic import SDE_CASES, SDECase

__all__ = ["coverage", "report"]


def coverage(case: SDECase, draws: int, paths: int = 1000, measured: int = 1000) -> dict[str, np.ndarray]:
    """Fit ``draws`` independent data sets; returns pulls, (estimate - truth) / error, one array a parameter.

    Parameters
    ----------
    case
        The equation.
    draws
        Data sets, each with its own noise of measurement and of simulation.
    paths, measured
        Paths of the simulation and of the data.
    """
    pulls: dict[str, list[float]] = {name: [] for name in case.truth}
    for key in range(draws):
        fit = case.fit(case.sample(key, measured), key=key, paths=paths)
        for name, true in case.truth.items():
            error = fit.errors[name]
            pulls[name].append((fit.values[name] - true) / error if error and fit.success else np.nan)
    return {name: np.array(p) for name, p in pulls.items()}


def report(draws: int) -> str:
    """Table of coverage, mean pull and time of every case."""
    lines = [
        f"{'case':20s} {'parameter':10s} {'within 1 sigma':>14s} {'mean pull':>10s} {'rms pull':>9s} {'failed':>7s}"
    ]
    for case in SDE_CASES.values():
        began = time.process_time()
        pulls = coverage(case, draws)
        spent = (time.process_time() - began) / draws
        for name, p in pulls.items():
            inside = np.mean(np.abs(p) < 1)
            lines.append(
                f"{case.name:20s} {name:10s} {100 * inside:13.1f}% {np.nanmean(p):10.2f} "
                f"{np.sqrt(np.nanmean(p**2)):9.2f} {int(np.isnan(p).sum()):7d}"
            )
        lines.append(f"{case.name:20s} {draws} draws, {spent:.2f} CPU s each, data drawn included")
    return "\n".join(lines)
