"""Fits that the data cannot determine fully, with the answer nearest to each start.

The minima of such a fit form a set (a line, a hyperbola, a circle). The pseudoinverse answer is the point of the set
nearest to the start in the parameters' own units; ``targets`` holds it per start. How each is derived stands in the
docstrings. Where the data carry noise, the identified combinations come from a fit of the reduced full-rank model.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from problems._case import Answer, Case
from problems.least_squares._solve import noise, point, rss_of, scoring

__all__ = ["CASES"]

Points = tuple[tuple[float, ...], ...]
TIME = np.linspace(0.0, 5.0, 40)


def _case(name, model, parameters, x, y, starts, nearest, rss, note, extra=()) -> Case:
    return Case(
        name=f"rank_deficient/{name}",
        kind="curve",
        parameters=parameters,
        starts=starts,
        answers=(Answer(rss, note=note),),
        model=model,
        x=x,
        y=y,
        targets=None if nearest is None else tuple(nearest(*start) for start in starts),
        tags=frozenset({"rank_deficient", *(("zero",) if rss == 0.0 else ()), *extra}),
        source="this catalogue",
    )


def linear(rank: int) -> Case:
    """Linear model A x with a 20 by 6 matrix of the given rank and noisy data.

    Target: x0 + A^+ (b - A x0), from the exact factors A = L R: A^+ = R^T (R R^T)^-1 (L^T L)^-1 L^T, so no threshold
    on singular values enters.
    """
    rng = np.random.default_rng(100 + rank)
    left, right, b = rng.standard_normal((20, rank)), rng.standard_normal((rank, 6)), rng.standard_normal(20)
    matrix = left @ right

    def model(x, x1, x2, x3, x4, x5, x6):
        return x @ np.stack([x1, x2, x3, x4, x5, x6])

    def nearest(*start: float) -> tuple[float, ...]:
        x0 = np.array(start)
        z = np.linalg.solve(left.T @ left, left.T @ (b - matrix @ x0))
        return point(*(x0 + right.T @ np.linalg.solve(right @ right.T, z)))

    rss = float(np.sum((b - left @ np.linalg.lstsq(left, b, rcond=None)[0]) ** 2))
    starts = ((0.0,) * 6, (1.0,) * 6, (10.0, -20.0, 30.0, -40.0, 50.0, -60.0))
    names = tuple(f"x{j}" for j in range(1, 7))
    return _case(f"linear_{rank}_of_6", model, names, matrix, b, starts, nearest, rss, "affine set", ("linear",))


def sum_of_rates() -> Case:
    """Decay A exp(-(k1 + k2) t), noisy: only the sum s of the two rates is known.

    Set: k1 + k2 = s, a line; the nearest point shares the difference equally between the rates.
    """

    def model(t, amplitude, k1, k2):
        return amplitude * np.exp(-(k1 + k2) * t)

    def reduced(a, k):
        return a * np.exp(-k * TIME)

    y = reduced(2.0, 0.7) + noise(1, 0.02)
    (a, s), _ = scoring(reduced, y, (2.0, 0.7))

    def nearest(a0: float, k1: float, k2: float) -> tuple[float, ...]:
        return point(a, k1 + (s - k1 - k2) / 2, k2 + (s - k1 - k2) / 2)

    starts = ((1.0, 0.2, 0.3), (3.0, 1.0, 0.0), (2.0, -0.5, 0.9))
    rss = rss_of(reduced, (a, s), y)
    return _case("sum_of_rates", model, ("amplitude", "k1", "k2"), TIME, y, starts, nearest, rss, "line k1 + k2 = s")


def _nearest_on_hyperbola(a0: float, b0: float, c: float) -> tuple[float, float]:
    """Point of a b = c nearest to (a0, b0): stationarity in a is a^4 - a0 a^3 + b0 c a - c^2 = 0."""
    roots = np.roots([1.0, -a0, 0.0, b0 * c, -(c**2)])
    real = [float(root.real) for root in roots if abs(root.imag) < 1e-6 * abs(root)]
    best = min(real, key=lambda a: (a - a0) ** 2 + (c / a - b0) ** 2)
    for _ in range(4):
        value, slope = best**4 - a0 * best**3 + b0 * c * best - c**2, 4 * best**3 - 3 * a0 * best**2 + b0 * c
        best -= value / slope
    return best, c / best


def product_of_gains() -> Case:
    """Decay A B exp(-t / tau), noisy: a detector gain and an amplitude are known only as their product c.

    Set: A B = c, a hyperbola; the nearest point is a root of a quartic.
    """

    def model(t, amplitude, gain, tau):
        return amplitude * gain * np.exp(-t / tau)

    def reduced(c, tau):
        return c * np.exp(-TIME / tau)

    y = reduced(6.0, 1.5) + noise(2, 0.03)
    (c, tau), _ = scoring(reduced, y, (6.0, 1.5))

    def nearest(a0: float, b0: float, tau0: float) -> tuple[float, ...]:
        return point(*_nearest_on_hyperbola(a0, b0, c), tau)

    starts = ((1.0, 1.0, 1.0), (4.0, 1.0, 2.0), (2.0, 5.0, 1.0))
    rss = rss_of(reduced, (c, tau), y)
    names = ("amplitude", "gain", "tau")
    return _case("product_of_gains", model, names, TIME, y, starts, nearest, rss, "hyperbola A B = c")


def enzyme() -> Case:
    """Michaelis-Menten kcat E0 x / (Km + x) without noise: turnover and enzyme only as their product 3.

    Set: kcat E0 = 3, Km = 0.8; nearest as for ``product_of_gains``.
    """
    x = np.linspace(0.1, 6.0, 30)

    def model(x, kcat, enzyme, km):
        return kcat * enzyme * x / (km + x)

    def nearest(a0: float, b0: float, km0: float) -> tuple[float, ...]:
        return point(*_nearest_on_hyperbola(a0, b0, 3.0), 0.8)

    starts = ((1.0, 2.0, 1.0), (5.0, 0.5, 0.5), (2.0, 2.0, 2.0))
    names = ("kcat", "enzyme", "km")
    return _case("enzyme", model, names, x, 3.0 * x / (0.8 + x), starts, nearest, 0.0, "hyperbola kcat E0 = 3")


def ratio() -> Case:
    """Decay A exp(-(p / q) t), noisy: a stiffness and a friction are known only as their ratio k.

    Set: p = k q, a line through the origin; the nearest point is the projection (k, 1) (k p0 + q0) / (k^2 + 1).
    """

    def model(t, amplitude, stiffness, friction):
        return amplitude * np.exp(-(stiffness / friction) * t)

    def reduced(a, k):
        return a * np.exp(-k * TIME)

    y = reduced(1.5, 0.9) + noise(3, 0.02)
    (a, k), _ = scoring(reduced, y, (1.5, 0.9))

    def nearest(a0: float, p0: float, q0: float) -> tuple[float, ...]:
        along = (k * p0 + q0) / (k**2 + 1)
        return point(a, k * along, along)

    starts = ((1.0, 1.0, 2.0), (2.0, 3.0, 2.0), (1.0, 5.0, 8.0))
    rss = rss_of(reduced, (a, k), y)
    names = ("amplitude", "stiffness", "friction")
    return _case("ratio", model, names, TIME, y, starts, nearest, rss, "line p = k q")


def phase_and_delay() -> Case:
    """Oscillation A cos(2 (t - delay) + phase), noisy: at one known frequency a delay is a phase.

    Set: phase - 2 delay = d (modulo 2 pi), a line; from (delay0, phase0) the nearest point moves by
    (-2, 1) (d - phase0 + 2 delay0) / 5.
    """

    def model(t, amplitude, delay, phase):
        return amplitude * np.cos(2.0 * (t - delay) + phase)

    def reduced(a, d):
        return a * np.cos(2.0 * TIME + d)

    y = reduced(1.2, 0.4) + noise(4, 0.05)
    (a, d), _ = scoring(reduced, y, (1.2, 0.4))

    def nearest(a0: float, delay0: float, phase0: float) -> tuple[float, ...]:
        shift = (d - phase0 + 2 * delay0) / 5
        return point(a, delay0 - 2 * shift, phase0 + shift)

    starts = ((1.0, 0.0, 0.0), (2.0, 0.3, 0.5), (0.5, -0.2, 0.4))
    rss = rss_of(reduced, (a, d), y)
    names = ("amplitude", "delay", "phase")
    return _case("phase_and_delay", model, names, TIME, y, starts, nearest, rss, "line phase - 2 delay = d")


def quadratures() -> Case:
    """sqrt(u^2 + v^2) exp(-t / tau), noisy: a power detector loses the phase of (u, v).

    Set: the circle u^2 + v^2 = c^2; the nearest point lies on the ray through the start.
    """

    def model(t, u, v, tau):
        return np.sqrt(u**2 + v**2) * np.exp(-t / tau)

    def reduced(c, tau):
        return c * np.exp(-TIME / tau)

    y = reduced(3.0, 2.0) + noise(5, 0.02)
    (c, tau), _ = scoring(reduced, y, (3.0, 2.0))

    def nearest(u0: float, v0: float, tau0: float) -> tuple[float, ...]:
        radius = float(np.hypot(u0, v0))
        return point(c * u0 / radius, c * v0 / radius, tau)

    starts = ((1.0, 1.0, 1.0), (4.0, -3.0, 3.0), (-0.5, 2.0, 2.0))
    rss = rss_of(reduced, (c, tau), y)
    return _case("quadratures", model, ("u", "v", "tau"), TIME, y, starts, nearest, rss, "circle u^2 + v^2 = c^2")


def amplitude_and_log() -> Case:
    """Decay A exp(b - t / tau), noisy: a factor and the logarithm of another.

    Set: A = c exp(-b); with the multiplier eliminated the nearest b solves b - b0 = (c exp(-b) - A0) c exp(-b), by
    Newton's method in one variable.
    """

    def model(t, amplitude, log_gain, tau):
        return amplitude * np.exp(log_gain - t / tau)

    def reduced(c, tau):
        return c * np.exp(-TIME / tau)

    y = reduced(2.5, 1.2) + noise(6, 0.02)
    (c, tau), _ = scoring(reduced, y, (2.5, 1.2))

    def nearest(a0: float, b0: float, tau0: float) -> tuple[float, ...]:
        grid = np.linspace(b0 - 4, b0 + 4, 4001)
        b = float(grid[np.argmin((c * np.exp(-grid) - a0) ** 2 + (grid - b0) ** 2)])
        for _ in range(8):
            a = c * np.exp(-b)
            b -= (b - b0 - (a - a0) * a) / (1 + (2 * a - a0) * a)
        return point(c * np.exp(-b), b, tau)

    starts = ((1.0, 0.0, 1.0), (2.0, 1.0, 2.0), (0.5, 0.5, 0.8))
    rss = rss_of(reduced, (c, tau), y)
    names = ("amplitude", "log_gain", "tau")
    return _case("amplitude_and_log", model, names, TIME, y, starts, nearest, rss, "curve A = c exp(-b)")


def dead_parameter() -> Case:
    """Decay A exp(-t / tau), noisy, with a parameter that the model never uses: its Jacobian column is zero.

    Set: any value of it; the nearest point leaves it at its start.
    """

    def model(t, amplitude, tau, unused):
        return amplitude * np.exp(-t / tau) + 0.0 * unused

    def reduced(a, tau):
        return a * np.exp(-TIME / tau)

    y = reduced(2.0, 1.0) + noise(7, 0.02)
    values, _ = scoring(reduced, y, (2.0, 1.0))

    def nearest(a0: float, tau0: float, unused: float) -> tuple[float, ...]:
        return point(*values, unused)

    starts = ((1.0, 2.0, 0.0), (3.0, 0.5, 7.0), (1.0, 1.0, -1e3))
    names = ("amplitude", "tau", "unused")
    return _case("dead_parameter", model, names, TIME, y, starts, nearest, rss_of(reduced, values, y), "any value")


def twin_peaks() -> Case:
    """Two Gaussian peaks of one width fitted to a single peak without noise; no target.

    Minima: equal positions with the amplitudes' sum 4, or either amplitude zero and its position free. Which branch is
    nearest depends on the start and a descent method may follow another, so only the sum of squares is judged.
    """
    x = np.linspace(-4.0, 4.0, 50)

    def model(x, a1, c1, a2, c2, width):
        return a1 * np.exp(-(((x - c1) / width) ** 2)) + a2 * np.exp(-(((x - c2) / width) ** 2))

    starts = ((1.0, -0.3, 1.0, 0.8, 1.0), (3.0, 0.2, 0.5, 0.2, 1.5), (2.0, 1.0, 2.0, 1.0, 2.0))
    y = 4.0 * np.exp(-(((x - 0.3) / 1.1) ** 2))
    return _case("twin_peaks", model, ("a1", "c1", "a2", "c2", "width"), x, y, starts, None, 0.0, "three branches")


CASES: dict[str, Callable[[], Case]] = {
    "rank_deficient/linear_1_of_6": partial(linear, 1),
    "rank_deficient/linear_2_of_6": partial(linear, 2),
    "rank_deficient/linear_4_of_6": partial(linear, 4),
    "rank_deficient/sum_of_rates": sum_of_rates,
    "rank_deficient/product_of_gains": product_of_gains,
    "rank_deficient/enzyme": enzyme,
    "rank_deficient/ratio": ratio,
    "rank_deficient/phase_and_delay": phase_and_delay,
    "rank_deficient/quadratures": quadratures,
    "rank_deficient/amplitude_and_log": amplitude_and_log,
    "rank_deficient/dead_parameter": dead_parameter,
    "rank_deficient/twin_peaks": twin_peaks,
}
