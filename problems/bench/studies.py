"""Studies of methods on their papers' tasks, and of error bars: ``python -m problems.bench sven | smoothness | ...``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import process_time

import numpy as np

import sciopt as so

__all__ = ["STUDIES"]


def sven(seeds: int) -> str:
    """Return Sven's two regression tasks, mini-batches of 32, 20 epochs, as tables."""
    from problems.least_squares.sven_study import METHODS, run, table

    parts = []
    for task in METHODS:
        parts += [
            f"{task}: validation error (mean square of standardised targets), {seeds} seeds",
            table(run(task, range(seeds))),
            "",
        ]
    return "\n".join(parts).rstrip()


def smoothness(seeds: int) -> str:
    """Return steps of gradient-normalised smoothness against its baselines; ``seeds`` starts of the chain."""
    from problems.least_squares.smoothness_study import run

    lines = [f"{'problem':34s} {'method':34s} {'steps':>8s} {'rate or solved':>16s}"]
    for row in run(starts=seeds):
        last = f"{row['solved']} of {row['of']}" if "solved" in row else f"{row['factor']:.3f}"
        lines.append(f"{row['problem']:34s} {row['method']:34s} {row['steps']:8.0f} {last:>16s}")
    return "\n".join(lines)


def steps(seeds: int) -> str:
    """Return the relative L2 error on 2-D Poisson, 257 parameters, 1,020 fixed points, after 120 steps."""
    from problems.pde.poisson_network import poisson_network
    from sciopt import methods

    rules: Mapping[str, object] = {
        "ratio targeting": methods.RatioTargeting(),
        "Levenberg-Marquardt, target ratio, geodesic": methods.LevenbergMarquardt(),
        "Levenberg-Marquardt, Nielsen, geodesic": methods.LevenbergMarquardt(damping="nielsen"),
        "gradient-normalised, practical": methods.GradientNormalised(),
        "Sven, safeguarded": methods.Sven(),
        "SSBroyden": methods.SSBroyden(),
    }
    lines = [f"{'method':46s} {'median':>9s} {'worst':>9s} {'CPU s/run':>10s}   after 120 steps, {seeds} seeds"]
    for label, method in rules.items():
        errors, used = [], []
        for seed in range(seeds):
            problem, error = poisson_network(seed)
            so.solve(problem, method, steps=2)  # compiles
            begun = process_time()
            solution = so.solve(problem, method, steps=120)
            used.append(process_time() - begun)
            errors.append(error(solution.theta))
        lines.append(f"{label:46s} {np.median(errors):9.1e} {max(errors):9.1e} {np.mean(used):10.1f}")
    return "\n".join(lines)


def counting(seeds: int) -> str:
    """Return the bias of the height of a flat spectrum, 100 bins of mean 3, over ``seeds`` data sets."""
    from problems.least_squares.counting_study import run

    lines = [f"{'objective':12s} {'bias / sigma':>13s} {'+-':>6s} {'covered':>8s} {'failed':>7s}   {seeds} data sets"]
    for name, b in run(max(seeds, 2)).items():
        lines.append(f"{name:12s} {b.bias:13.3f} {b.error:6.3f} {100 * b.coverage:6.1f} % {b.failed:7d}")
    return "\n".join(lines)


def coverage(seeds: int) -> str:
    """Return how often 1-sigma errors cover the truth on three nonlinear problems, over ``seeds`` draws each."""
    from problems.least_squares.coverage_study import PROBLEMS, run

    lines = [f"{'problem':12s} {'parameter':10s} {'covered':>8s}   {seeds} draws"]
    for problem in PROBLEMS:
        found = run(problem, seeds)
        for parameter, share in found.coverage.items():
            lines.append(f"{problem:12s} {parameter:10s} {100 * share:6.2f} %")
        if found.failed:
            lines.append(f"{problem:12s} {found.failed} fits failed and count as not covered")
    return "\n".join(lines)


def transport_large(seeds: int) -> str:
    """Return certified intervals of W2 between clouds of up to a million points; CPU time is the median of ``seeds``."""
    from problems.transport.large_study import run, table

    return table(run(seeds))


def sde(seeds: int) -> str:
    """Return the coverage of SDE error bars over ``seeds`` draws of each equation."""
    from problems.dynamics.sde_study import report

    return report(seeds)


def neural_sde(seeds: int) -> str:
    """Return the error of the neural spiral SDE after 25 CPU seconds, and what solving it costs."""
    from problems.dynamics.neural_spiral import report

    return report(seeds)


def sequences(seeds: int) -> str:
    """Return the test errors of closed-form cells on pendulum sequences."""
    from problems.dynamics.sequence_study import report

    return report(seeds)


def flow_maps(seeds: int) -> str:
    """Return the errors of learnt flow maps."""
    from problems.dynamics.flow_study import report

    return report(seeds)


def cheap(seeds: int) -> str:
    """Return errors and steps of fits with and without regularisers of the solver's heuristics."""
    from problems.dynamics.cheap_study import report

    return report(seeds)


def dynamics(seeds: int) -> str:
    """Return fits of trajectories against solve_ivp with lmfit and with scipy's least squares."""
    from problems.dynamics.ode_study import table

    return table(seeds)


def grids(seeds: int) -> str:
    """Return time, memory and residual of nonlinear equations on grids; ``seeds`` warm solves of each."""
    from problems.pde.grid_study import grid_study

    return grid_study(seeds)


STUDIES: dict[str, Callable[[int], str]] = {
    "grids": grids,
    "sde": sde,
    "neural_sde": neural_sde,
    "sequences": sequences,
    "flow_maps": flow_maps,
    "cheap": cheap,
    "sven": sven,
    "smoothness": smoothness,
    "steps": steps,
    "counting": counting,
    "coverage": coverage,
    "transport_large": transport_large,
    "dynamics": dynamics,
}
