"""Gradient-normalised smoothness against gradient descent, super-universal and cubic Newton.

Logistic regression and the soft maximum (approximate Hessian: the weighted Gauss-Newton term), where the theory
promises a global linear rate, and the Chebyshev-Rosenbrock chain u_1 = (1 - x_1) / 2, u_i = x_i - (2 x_{i-1}^2 - 1)
from 100 starts. Semenov, Jaggi and Doikov, arXiv 2506.13710.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sciopt.condition import Condition
from sciopt.iterate import iterate
from sciopt.losses import log_sum_exp
from sciopt.methods import gradient_normalised, regularised_newton
from sciopt.problem import Problem
from sciopt.stop import Stop

__all__ = ["METHODS", "chebyshev_rosenbrock", "logistic", "run", "soft_maximum"]

Array = NDArray[np.float64]

METHODS: dict[str, Any] = {
    "gradient-normalised, practical": gradient_normalised.GradientNormalised(),
    "gradient-normalised, literal": gradient_normalised.GradientNormalised(acceptance="literal"),
    "super-universal Newton": regularised_newton.RegularisedNewton("super_universal"),
    "cubic Newton": regularised_newton.RegularisedNewton("cubic"),
    "gradient descent": regularised_newton.RegularisedNewton("gradient"),
}


def logistic(n: int = 400, P: int = 20, start: float = 0.0, seed: int = 0) -> Problem:
    """Return logistic regression on overlapping classes, badly scaled columns, started at ``start`` in every entry."""
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((n, P)) * 10.0 ** rng.uniform(-1, 1, P)
    chance = 1.0 / (1.0 + np.exp(-A @ (rng.standard_normal(P) / np.linalg.norm(A, axis=0) * 15.0)))
    labels = (rng.uniform(size=n) < chance).astype(float)
    condition = Condition(lambda v: A @ v, "labels", target=labels, loss="logistic", jacobian=lambda v: A)
    return Problem(condition, unknown=np.full(P, float(start)))


def soft_maximum(n: int = 400, P: int = 20, mu: float = 0.5, start: float = 1.0, seed: int = 0) -> Problem:
    """Return mu log sum exp((a_i x - b_i) / mu) with bounded level sets, started at ``start`` in every entry."""
    rng = np.random.default_rng(seed)
    A = rng.uniform(-1.0, 1.0, (n, P))
    A -= A.mean(axis=0)  # zero lies inside the hull of the rows
    b = rng.uniform(-1.0, 1.0, n)
    condition = Condition(lambda v: A @ v, "rows", target=b, loss=log_sum_exp.LogSumExp(mu), jacobian=lambda v: A)
    return Problem(condition, unknown=np.full(P, float(start)))


def chebyshev_rosenbrock(P: int = 4, seed: int = 0) -> Problem:
    """Return the chain in P unknowns from a start uniform in [-1, 1]^P."""

    def residual(x: Array) -> Array:
        return np.concatenate([[0.5 * (1.0 - x[0])], x[1:] - (2.0 * x[:-1] ** 2 - 1.0)])

    def jacobian(x: Array) -> Array:
        J = np.eye(P)
        J[0, 0] = -0.5
        J[np.arange(1, P), np.arange(P - 1)] = -4.0 * x[:-1]
        return J

    start = np.random.default_rng([seed, P]).uniform(-1.0, 1.0, P)
    return Problem(residual, unknown=start, jacobian=jacobian)


def _descend(problem: Problem, method: Any, steps: int, floor: float) -> list[float]:
    merits = []
    for it in iterate(problem, method, stop=Stop(stalls=50)):
        merits.append(it.lin.f)
        if it.lin.f <= floor or it.number >= steps:
            break
    return merits


def _rate(merits: Sequence[float], best: float) -> tuple[int, float]:
    """Return steps to a relative gap of 1e-6 (-1: never) and the mean factor of the gap per step up to there."""
    gap = np.maximum(np.asarray(merits) - best, 0.0)
    reached = np.flatnonzero(gap <= 1e-6 * gap[0])
    last = int(reached[0]) if len(reached) else len(gap) - 1
    return (last if len(reached) else -1), float((gap[last] / gap[0]) ** (1.0 / max(last, 1)))


def run(starts: int = 100, steps: int = 2000) -> list[dict[str, Any]]:
    """Run every method on every problem.

    Returns
    -------
    list of dict
        For the convex problems: steps to a relative gap of 1e-6 (-1 = not within ``steps``) and the mean factor of the
        gap per step. For the chain: starts solved to f < 1e-16 and the median number of steps of those.
    """
    rows: list[dict[str, Any]] = []
    convex: dict[str, Callable[[], Problem]] = {
        "logistic, from 0": logistic,
        "logistic, from 20": lambda: logistic(start=20.0),
        "soft maximum, from 1": soft_maximum,
        "soft maximum, from 20": lambda: soft_maximum(start=20.0),
    }
    for name, make in convex.items():
        best = min(_descend(make(), METHODS["gradient-normalised, practical"], 20 * steps, -np.inf))
        for label, method in METHODS.items():
            needed, factor = _rate(_descend(make(), method, steps, -np.inf), best)
            rows.append({"problem": name, "method": label, "steps": needed, "factor": factor})
    for P in (2, 4):
        for label, method in METHODS.items():
            ends = [_descend(chebyshev_rosenbrock(P, seed), method, steps, 1e-16) for seed in range(starts)]
            solved = [len(m) - 1 for m in ends if m[-1] <= 1e-16]
            median = float(np.median(solved)) if solved else float("nan")
            name = f"Chebyshev-Rosenbrock, {P} unknowns"
            rows.append({"problem": name, "method": label, "solved": len(solved), "of": starts, "steps": median})
    return rows
