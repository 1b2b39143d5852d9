"""More-Garbow-Hillstrom test functions of any size: numbers 20 to 35 of the 1981 paper.

Each function takes its size (n parameters, m equations where free) and returns the residual function.

Source: J. J. More, B. S. Garbow, K. E. Hillstrom, "Testing unconstrained optimization software", ACM Transactions on
Mathematical Software 7 (1981) 17-41; the numbers in the docstrings are the paper's.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

__all__ = [
    "brown_almost_linear",
    "broyden_banded",
    "broyden_tridiagonal",
    "chebyquad",
    "discrete_boundary",
    "discrete_integral",
    "extended_powell",
    "extended_rosenbrock",
    "linear_full_rank",
    "linear_rank_1",
    "linear_rank_1_zeros",
    "penalty_1",
    "penalty_2",
    "trigonometric",
    "variably_dimensioned",
    "watson",
]

Residual = Callable[..., np.ndarray]


def watson(n: int) -> Residual:
    """Watson (20), 31 equations: a polynomial solution of a differential equation."""
    t = np.arange(1, 30) / 29
    powers = t[:, None] ** np.arange(n)
    slopes = np.zeros((29, n))
    slopes[:, 1:] = np.arange(1, n) * powers[:, :-1]

    def residual(x):
        inner = slopes @ x - (powers @ x) ** 2 - 1
        return np.concatenate([inner, np.array([x[0], x[1] - x[0] ** 2 - 1])])

    return residual


def extended_rosenbrock(n: int) -> Residual:
    """n/2 independent valleys (21), n even."""

    def residual(x):
        odd, even = x[0::2], x[1::2]
        return np.ravel(np.stack([10 * (even - odd**2), 1 - odd], axis=1))

    return residual


def extended_powell(n: int) -> Residual:
    """n/4 independent singular functions of Powell (22), n a multiple of 4."""

    def residual(x):
        a, b, c, d = x[0::4], x[1::4], x[2::4], x[3::4]
        rows = [a + 10 * b, np.sqrt(5.0) * (c - d), (b - 2 * c) ** 2, np.sqrt(10.0) * (a - d) ** 2]
        return np.ravel(np.stack(rows, axis=1))

    return residual


def penalty_1(n: int) -> Residual:
    """Penalty I (23), n + 1 equations."""

    def residual(x):
        return np.concatenate([np.sqrt(1e-5) * (x - 1), np.array([np.sum(x**2) - 0.25])])

    return residual


def penalty_2(n: int) -> Residual:
    """Penalty II (24), 2 n equations."""
    i = np.arange(2, n + 1)
    y = np.exp(i / 10) + np.exp((i - 1) / 10)
    weight = np.arange(n, 0, -1)

    def residual(x):
        e = np.exp(x / 10)
        chain = np.sqrt(1e-5) * (e[1:] + e[:-1] - y)
        ends = np.sqrt(1e-5) * (e[1:] - np.exp(-0.1))
        return np.concatenate([np.array([x[0] - 0.2]), chain, ends, np.array([np.sum(weight * x**2) - 1])])

    return residual


def variably_dimensioned(n: int) -> Residual:
    """Variably dimensioned function (25), n + 2 equations."""
    j = np.arange(1, n + 1)

    def residual(x):
        total = np.sum(j * (x - 1))
        return np.concatenate([x - 1, np.array([total, total**2])])

    return residual


def trigonometric(n: int) -> Residual:
    """Trigonometric function (26)."""
    i = np.arange(1, n + 1)

    def residual(x):
        return n - np.sum(np.cos(x)) + i * (1 - np.cos(x)) - np.sin(x)

    return residual


def brown_almost_linear(n: int) -> Residual:
    """Brown's almost linear function (27)."""

    def residual(x):
        return np.concatenate([x[:-1] + np.sum(x) - (n + 1), np.array([np.prod(x) - 1])])

    return residual


def discrete_boundary(n: int) -> Residual:
    """Discrete boundary value problem (28): second differences of u'' = (u + t + 1)^3 / 2."""
    h = 1 / (n + 1)
    t = h * np.arange(1, n + 1)

    def residual(x):
        edge = np.zeros(1)
        left, right = np.concatenate([edge, x[:-1]]), np.concatenate([x[1:], edge])
        return 2 * x - left - right + h**2 * (x + t + 1) ** 3 / 2

    return residual


def discrete_integral(n: int) -> Residual:
    """Discrete integral equation (29): the same problem through its Green function."""
    h = 1 / (n + 1)
    t = h * np.arange(1, n + 1)
    green = h / 2 * np.minimum.outer(t, t) * (1 - np.maximum.outer(t, t))

    def residual(x):
        return x + green @ (x + t + 1) ** 3

    return residual


def broyden_tridiagonal(n: int) -> Residual:
    """Broyden's tridiagonal function (30)."""

    def residual(x):
        edge = np.zeros(1)
        left, right = np.concatenate([edge, x[:-1]]), np.concatenate([x[1:], edge])
        return (3 - 2 * x) * x - left - 2 * right + 1

    return residual


def broyden_banded(n: int) -> Residual:
    """Broyden's banded function (31): five neighbours below, one above."""
    lag = np.arange(n)[:, None] - np.arange(n)[None, :]
    band = ((lag >= -1) & (lag <= 5) & (lag != 0)).astype(float)

    def residual(x):
        return x * (2 + 5 * x**2) + 1 - band @ (x * (1 + x))

    return residual


def linear_full_rank(n: int, m: int) -> Residual:
    """Linear function of full rank (32)."""

    def residual(x):
        mean = 2 / m * np.sum(x)
        return np.concatenate([x - mean - 1, np.full(m - n, -1.0) - mean])

    return residual


def linear_rank_1(n: int, m: int) -> Residual:
    """Linear function of rank one (33): i (x1 + 2 x2 + ... + n xn) - 1."""
    i, j = np.arange(1, m + 1), np.arange(1, n + 1)

    def residual(x):
        return i * np.sum(j * x) - 1

    return residual


def linear_rank_1_zeros(n: int, m: int) -> Residual:
    """Linear function of rank one with zero columns and rows (34): x1 and xn do not enter."""
    i, j = np.arange(1, m + 1), np.arange(1, n + 1)
    row = np.where((i == 1) | (i == m), 0, i - 1)
    column = np.where((j == 1) | (j == n), 0, j)

    def residual(x):
        return row * np.sum(column * x) - 1

    return residual


def chebyquad(n: int, m: int) -> Residual:
    """Chebyquad (35): equal-weight quadrature of the first m shifted Chebyshev polynomials."""
    i = np.arange(1, m + 1)
    exact = np.zeros(m)
    exact[1::2] = -1 / (i[1::2] ** 2 - 1.0)

    def residual(x):
        z = 2 * x - 1
        before, now = np.ones(n), z
        means = []
        for _ in range(m):
            means.append(np.sum(now) / n)
            before, now = now, 2 * z * now - before
        return np.array(means) - exact

    return residual
