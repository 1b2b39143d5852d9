"""Regression tasks for stochastic and low-rank methods: Sven's toy curve and its random polynomials.

Samples are drawn by numpy from the published seeds (the published runs drew them with another generator, so the tasks
agree in distribution, not sample by sample). Targets are standardised by the training mean and deviation.

Figures: Sven's repository, confirmation runs of 2026-09 on fresh seeds, mean squared error on the validation set.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["TASKS", "RegressionTask"]

SAMPLES = 10_000


@dataclass(frozen=True, eq=False)
class RegressionTask:
    """Data for fitting a network.

    Parameters
    ----------
    name : str
        Key in ``TASKS``.
    x, y : ndarray
        Training inputs (10,000, d) and standardised targets (10,000,).
    x_validation, y_validation : ndarray
        As many fresh samples, standardised by the training mean and deviation.
    widths : tuple of int
        Layer widths of the published network, GELU between layers.
    batch, epochs : int
        Published batch size and number of passes.
    published : mapping
        "validation_mse" by method and "settings" by method.
    source : str
        Where the figures come from.
    """

    name: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    x_validation: NDArray[np.float64]
    y_validation: NDArray[np.float64]
    widths: tuple[int, ...]
    batch: int = 32
    epochs: int = 20
    published: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""

    @property
    def parameter_count(self) -> int:
        """Weights and biases of the published network."""
        return sum((a + 1) * b for a, b in zip(self.widths[:-1], self.widths[1:], strict=True))


def _task(name, x, target, widths, published) -> RegressionTask:
    mean, deviation = np.mean(target[:SAMPLES]), np.std(target[:SAMPLES])
    y = (target - mean) / deviation
    return RegressionTask(
        name=name,
        x=x[:SAMPLES],
        y=y[:SAMPLES],
        x_validation=x[SAMPLES:],
        y_validation=y[SAMPLES:],
        widths=widths,
        published=published,
        source="Sven repository, confirmation runs of 2026-09",
    )


def toy_1d(seed: int = 54631) -> RegressionTask:
    """Curve exp(-10 x^2) sin(2 x) for x uniform on [-1, 1]; network 1-16-16-16-1 with 593 parameters."""
    x = np.random.default_rng(seed).uniform(-1.0, 1.0, (2 * SAMPLES, 1))
    target = np.exp(-10 * x[:, 0] ** 2) * np.sin(2 * x[:, 0])
    figures = {"hig": 1.775e-9, "sven": 5.086e-7, "soap": 3.37e-6, "sgd_momentum": 6.0e-6, "adamw": 1.7e-5}
    figures |= {"kfac": 1.8e-5, "adam": 3.26e-5, "lbfgs": 2.66e-4, "sgd": 1.08e-3}
    settings = {"sven": {"k": 32, "lr": 0.01, "rtol": 1e-4}, "hig": {"lr": 0.005, "tau": 1e-6}}
    return _task("sven/toy_1d", x, target, (1, 16, 16, 16, 1), {"validation_mse": figures, "settings": settings})


def monomial_exponents(variables: int, degree: int) -> NDArray[np.int64]:
    """Exponents of all monomials of total degree up to ``degree``, shape (count, variables): 210 for (6, 4)."""
    return np.array([p for p in product(range(degree + 1), repeat=variables) if sum(p) <= degree])


def dense_quartic(seed: int = 57728) -> RegressionTask:
    """All 210 monomials of degree up to 4 in six standard normal variables; network 6-16-16-16-1, 673 parameters.

    The coefficient of x^p is N(0, 1) / sqrt(prod_j (2 p_j - 1)!!), which gives every monomial the same mean square.
    """
    rng = np.random.default_rng(seed)
    exponents = monomial_exponents(6, 4)
    double_factorial = np.array([1.0, 1.0, 3.0, 15.0, 105.0])
    coefficients = rng.standard_normal(len(exponents)) / np.sqrt(np.prod(double_factorial[exponents], axis=1))
    x = rng.standard_normal((2 * SAMPLES, 6))
    powers = np.stack([x**k for k in range(5)])
    target = np.zeros(2 * SAMPLES)
    for coefficient, p in zip(coefficients, exponents, strict=True):
        target += coefficient * np.prod([powers[k, :, j] for j, k in enumerate(p)], axis=0)
    figures = {"hig": 0.0841, "sven": 0.1388, "jacobian_descent": 0.1635, "soap": 0.1818, "muon": 0.207}
    figures |= {"kfac": 0.2118, "adam": 0.2377, "sgd": 0.318, "lbfgs": 0.4855}
    settings = {"sven": {"k": 16, "lr": 0.5, "rtol": 0.03}, "hig": {"lr": 0.1, "tau": 1e-8}}
    published = {"validation_mse": figures, "settings": settings}
    return _task("sven/dense_quartic", x, target, (6, 16, 16, 16, 1), published)


def additive_cubic(seed: int = 57728) -> RegressionTask:
    """c0 + sum_j (c1j x_j + c2j x_j^2 + c3j x_j^3), 19 standard normal coefficients: the task before 2026-09."""
    rng = np.random.default_rng(seed)
    coefficients = rng.standard_normal((3, 6))
    constant = rng.standard_normal()
    x = rng.standard_normal((2 * SAMPLES, 6))
    target = constant + np.sum([x ** (k + 1) @ coefficients[k] for k in range(3)], axis=0)
    return _task("sven/additive_cubic", x, target, (6, 16, 16, 16, 1), {})


TASKS: dict[str, Callable[[], RegressionTask]] = {
    "sven/toy_1d": toy_1d,
    "sven/dense_quartic": dense_quartic,
    "sven/additive_cubic": additive_cubic,
}
