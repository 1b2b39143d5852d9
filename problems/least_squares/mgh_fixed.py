"""More-Garbow-Hillstrom test functions of fixed size, numbers 1 to 4, 7, 12 to 14, 16 and 18 of the 1981 paper.

Each takes the parameter vector and returns the residual vector; all accept complex parameters. A branch looks at the
real part only.

Source: J. J. More, B. S. Garbow, K. E. Hillstrom, "Testing unconstrained optimization software", ACM Transactions on
Mathematical Software 7 (1981) 17-41; the numbers in the docstrings are the paper's.
"""

from __future__ import annotations

import numpy as np

__all__ = [
    "beale",
    "biggs_exp6",
    "box_3d",
    "brown_badly_scaled",
    "brown_dennis",
    "freudenstein_roth",
    "helical_valley",
    "jennrich_sampson",
    "powell_badly_scaled",
    "powell_singular",
    "rosenbrock",
    "wood",
]


def rosenbrock(x):
    """Curved valley (1): 10 (x2 - x1^2), 1 - x1."""
    return np.array([10 * (x[1] - x[0] ** 2), 1 - x[0]])


def freudenstein_roth(x):
    """Two cubics (2), with a root at (5, 4) and a local minimum at (11.41, -0.897)."""
    first = -13 + x[0] + ((5 - x[1]) * x[1] - 2) * x[1]
    second = -29 + x[0] + ((x[1] + 1) * x[1] - 14) * x[1]
    return np.array([first, second])


def powell_badly_scaled(x):
    """Powell's badly scaled equations (3): the root is near (1.1e-5, 9.1)."""
    return np.array([1e4 * x[0] * x[1] - 1, np.exp(-x[0]) + np.exp(-x[1]) - 1.0001])


def brown_badly_scaled(x):
    """Brown's badly scaled function (4): root at (1e6, 2e-6)."""
    return np.array([x[0] - 1e6, x[1] - 2e-6, x[0] * x[1] - 2])


def beale(x):
    """Beale's function (5): y_i - x1 (1 - x2^i)."""
    y = np.array([1.5, 2.25, 2.625])
    i = np.array([1, 2, 3])
    return y - x[0] * (1 - x[1] ** i)


def jennrich_sampson(x):
    """Jennrich and Sampson (6), ten equations 2 + 2 i - exp(i x1) - exp(i x2)."""
    i = np.arange(1, 11)
    return 2 + 2 * i - (np.exp(i * x[0]) + np.exp(i * x[1]))


def helical_valley(x):
    """Helical valley (7); the angle of (x1, x2) in turns, continued through x1 = 0 as in MINPACK."""
    on_axis = x[0].real == 0
    safe = np.where(on_axis, 1, x[0])
    off_axis = np.arctan(x[1] / safe) / (2 * np.pi) + np.where(x[0].real < 0, 0.5, 0.0)
    turns = np.where(on_axis, np.where(x[1].real < 0, -0.25, 0.25), off_axis)
    radius = np.sqrt(x[0] ** 2 + x[1] ** 2)
    return np.array([10 * (x[2] - 10 * turns), 10 * (radius - 1), x[2]])


def box_3d(x):
    """Box's three-dimensional function (12), ten equations: three exponentials that may coincide."""
    t = 0.1 * np.arange(1, 11)
    return np.exp(-t * x[0]) - np.exp(-t * x[1]) - x[2] * (np.exp(-t) - np.exp(-10 * t))


def powell_singular(x):
    """Powell's singular function (13): rank 2 of 4 at the root."""
    cross = (x[1] - 2 * x[2]) ** 2
    return np.array(
        [x[0] + 10 * x[1], np.sqrt(5.0) * (x[2] - x[3]), cross, np.sqrt(10.0) * (x[0] - x[3]) ** 2],
    )


def wood(x):
    """Wood's function (14): two coupled valleys."""
    return np.array(
        [
            10 * (x[1] - x[0] ** 2),
            1 - x[0],
            np.sqrt(90.0) * (x[3] - x[2] ** 2),
            1 - x[2],
            np.sqrt(10.0) * (x[1] + x[3] - 2),
            (x[1] - x[3]) / np.sqrt(10.0),
        ],
    )


def brown_dennis(x):
    """Brown and Dennis (16), twenty sums of two squares."""
    t = np.arange(1, 21) / 5
    return (x[0] + t * x[1] - np.exp(t)) ** 2 + (x[2] + x[3] * np.sin(t) - np.cos(t)) ** 2


def biggs_exp6(x):
    """Biggs' six-parameter sum of exponentials (18), thirteen equations."""
    t = 0.1 * np.arange(1, 14)
    y = np.exp(-t) - 5 * np.exp(-10 * t) + 3 * np.exp(-4 * t)
    return x[2] * np.exp(-t * x[0]) - x[3] * np.exp(-t * x[1]) + x[5] * np.exp(-t * x[4]) - y
