"""Poisson counting problems with their maximum-likelihood answers.

``Case.rss`` is the deviance for these. Values and Fisher errors come from Fisher scoring to rounding, independent of
sciopt; ``published`` holds the errors as "fisher_errors" and the generating parameters as "truth".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from problems._case import Answer, Case
from problems.least_squares._solve import scoring

__all__ = ["CASES", "draw_flat_spectrum"]


def draw_flat_spectrum(seed: int, *, bins: int = 100, mean: float = 3.0) -> NDArray[np.float64]:
    """Poisson counts of a flat spectrum, shape (bins,): one data set of the bias study.

    The maximum-likelihood height is the mean of the counts. Neyman's chi2 (weights 1 / counts) gives the harmonic
    mean, low by about one count a bin.
    """
    return np.random.default_rng(seed).poisson(mean, bins).astype(float)


def constant(x, height):
    """Flat rate."""
    return height + 0.0 * x


def peak(x, signal, position, width, background, slope):
    """Gaussian peak of ``signal`` counts in all, on an exponential background, in bins of width 0.1.

    The peak is taken at the bin centre.
    """
    shape = np.exp(-0.5 * ((x - position) / width) ** 2) / (np.sqrt(2 * np.pi) * width)
    return 0.1 * signal * shape + background * np.exp(-slope * x)


def decay(x, counts, lifetime, background):
    """Exponential decay integrated over time bins of width 0.25 that start at ``x``, and a constant."""
    in_bin = np.exp(-x / lifetime) * (1 - np.exp(-0.25 / lifetime))
    return counts * in_bin + background


def decay_log_linear(x, log_height, rate):
    """Log-linear rate, where expected and observed information coincide."""
    return np.exp(log_height - rate * x)


def _case(
    name: str,
    model: Callable[..., NDArray[Any]],
    parameters: tuple[str, ...],
    x: NDArray[Any],
    y: NDArray[Any],
    truth: tuple[float, ...],
    starts: tuple[tuple[float, ...], ...],
) -> Case:
    def at(*theta):
        return model(x, *theta)

    values, errors = scoring(at, y, truth, counts=True)
    mu = at(*values)
    deviance = 2 * float(np.sum(mu - y - y * np.log(mu / np.where(y > 0, y, mu))))
    return Case(
        name=f"counting/{name}",
        kind="counts",
        parameters=parameters,
        starts=starts,
        answers=(Answer(deviance, values),),
        model=model,
        x=x,
        y=y,
        tags=frozenset({"counting"}),
        source="this catalogue; deviance of Baker and Cousins, Nucl. Instrum. Methods 221 (1984) 437",
        published={"truth": truth, "fisher_errors": errors},
    )


def flat_spectrum() -> Case:
    """100 bins of mean 3; the answer is the mean, its error sqrt(mean / 100)."""
    x = np.arange(100.0)
    return _case("flat_spectrum", constant, ("height",), x, draw_flat_spectrum(0), (3.0,), ((1.0,), (10.0,)))


def peak_on_background() -> Case:
    """100 bins: a peak of 200 counts on an exponential background of 12 counts a bin falling to 2."""
    truth = (200.0, 4.0, 0.4, 12.0, 0.18)
    x = 0.05 + 0.1 * np.arange(100)
    y = np.random.default_rng(11).poisson(peak(x, *truth)).astype(float)
    names = ("signal", "position", "width", "background", "slope")
    return _case(
        "peak_on_background", peak, names, x, y, truth, ((150.0, 4.2, 0.5, 8.0, 0.1), (300.0, 3.6, 0.3, 15.0, 0.3))
    )


def exponential_decay() -> Case:
    """80 time bins of a decay of 500 counts with lifetime 2, on 0.2 counts a bin; most late bins hold zero counts."""
    truth = (500.0, 2.0, 0.2)
    x = 0.25 * np.arange(80)
    y = np.random.default_rng(12).poisson(decay(x, *truth)).astype(float)
    return _case(
        "exponential_decay",
        decay,
        ("counts", "lifetime", "background"),
        x,
        y,
        truth,
        ((300.0, 1.0, 1.0), (1000.0, 4.0, 0.5)),
    )


def log_linear_decay() -> Case:
    """60 bins of exp(b - k t), where the Fisher errors equal the inverse Hessian's."""
    truth = (3.0, 0.3)
    x = 0.2 * np.arange(60)
    y = np.random.default_rng(13).poisson(decay_log_linear(x, *truth)).astype(float)
    return _case("log_linear_decay", decay_log_linear, ("log_height", "rate"), x, y, truth, ((1.0, 0.0), (4.0, 1.0)))


CASES: dict[str, Callable[[], Case]] = {
    "counting/flat_spectrum": flat_spectrum,
    "counting/peak_on_background": peak_on_background,
    "counting/exponential_decay": exponential_decay,
    "counting/log_linear_decay": log_linear_decay,
}
