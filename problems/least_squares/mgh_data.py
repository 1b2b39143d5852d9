"""More-Garbow-Hillstrom test functions that fit measured tables: numbers 8 to 11, 15, 17 and 19 of the 1981 paper.

Source: J. J. More, B. S. Garbow, K. E. Hillstrom, "Testing unconstrained optimization software", ACM Transactions on
Mathematical Software 7 (1981) 17-41; the numbers in the docstrings are the paper's.
"""

from __future__ import annotations

import numpy as np

__all__ = ["bard", "gaussian", "gulf_research", "kowalik_osborne", "meyer", "osborne_1", "osborne_2"]

BARD = np.array([0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39])
GAUSSIAN = np.array(
    [
        0.0009,
        0.0044,
        0.0175,
        0.054,
        0.1295,
        0.242,
        0.3521,
        0.3989,
        0.3521,
        0.242,
        0.1295,
        0.054,
        0.0175,
        0.0044,
        0.0009,
    ],
)
KOWALIK_Y = np.array([0.1957, 0.1947, 0.1735, 0.1600, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246])
KOWALIK_U = np.array([4, 2, 1, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625])
MEYER = np.array(
    [34780, 28610, 23650, 19630, 16370, 13720, 11540, 9744, 8261, 7030, 6005, 5147, 4427, 3820, 3307, 2872],
    dtype=float,
)
# fmt: off
OSBORNE_1 = np.array([
    .844, .908, .932, .936, .925, .908, .881, .850, .818, .784, .751, .718, .685, .658, .628, .603, .580,
    .558, .538, .522, .506, .490, .478, .467, .457, .448, .438, .431, .424, .420, .414, .411, .406,
])
OSBORNE_2 = np.array([
    1.366, 1.191, 1.112, 1.013, .991, .885, .831, .847, .786, .725, .746, .679, .608, .655, .616, .606, .602,
    .626, .651, .724, .649, .649, .694, .644, .624, .661, .612, .558, .533, .495, .500, .423, .395, .375,
    .372, .391, .396, .405, .428, .429, .523, .562, .607, .653, .672, .708, .633, .668, .645, .632, .591,
    .559, .597, .625, .739, .710, .729, .720, .636, .581, .428, .292, .162, .098, .054,
])
# fmt: on


def bard(x):
    """Bard (8): y_i - x1 - u_i / (v_i x2 + w_i x3)."""
    u = np.arange(1, 16)
    v = 16 - u
    w = np.minimum(u, v)
    return BARD - (x[0] + u / (v * x[1] + w * x[2]))


def gaussian(x):
    """Gaussian peak (9), fifteen points."""
    t = (8 - np.arange(1, 16)) / 2
    return x[0] * np.exp(-x[1] * (t - x[2]) ** 2 / 2) - GAUSSIAN


def meyer(x):
    """Meyer (10): thermistor resistance x1 exp(x2 / (t + x3))."""
    t = 45 + 5 * np.arange(1, 17)
    return x[0] * np.exp(x[1] / (t + x[2])) - MEYER


def gulf_research(x):
    """Gulf research and development (11), 99 equations exp(-|y_i - x2|^x3 / x1) - t_i.

    The paper's printed argument |y_i m i x2| is a known misprint of |y_i - x2|; only the latter has the published
    root (50, 25, 1.5). The hundredth equation is left out: at the root it would raise zero to a power.
    """
    t = np.arange(1, 100) / 100
    offset = 25 + (-50 * np.log(t)) ** (2 / 3) - x[1]
    distance = np.where(offset.real < 0, -offset, offset)
    return np.exp(-(distance ** x[2]) / x[0]) - t


def kowalik_osborne(x):
    """Kowalik and Osborne (15): an enzyme reaction."""
    u = KOWALIK_U
    return KOWALIK_Y - x[0] * (u**2 + u * x[1]) / (u**2 + u * x[2] + x[3])


def osborne_1(x):
    """Osborne 1 (17): two exponentials and a constant."""
    t = 10.0 * np.arange(33)
    return OSBORNE_1 - (x[0] + x[1] * np.exp(-t * x[3]) + x[2] * np.exp(-t * x[4]))


def osborne_2(x):
    """Osborne 2 (19): three Gaussian peaks on an exponential."""
    t = np.arange(65) / 10
    peaks = sum(x[1 + k] * np.exp(-((t - x[8 + k]) ** 2) * x[5 + k]) for k in range(3))
    return OSBORNE_2 - (x[0] * np.exp(-t * x[4]) + peaks)
