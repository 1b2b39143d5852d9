"""Damped oscillation."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sciopt._types import Array
from sciopt.lineshapes._guess import columns, linear, mesh, polish
from sciopt.lineshapes._lineshape import LineShape, namespace

__all__ = ["damped_oscillation"]


def _damped(x: Any, amplitude: Any, frequency: Any, phase: Any, tau: Any, offset: Any) -> Any:
    xp = namespace(x, amplitude, frequency, phase, tau, offset)
    x = xp.asarray(x)
    return amplitude * xp.exp(-x / tau) * xp.cos(2.0 * np.pi * frequency * x + phase) + offset


def _periodogram(t: Array, y: Array, spacing: float, decay: Array) -> tuple[Array, Array]:
    """Sum of squares explained by d cos, d sin and 1, for all frequencies of a padded FFT (damped Lomb-Scargle).

    Points go to the nearest cell of a grid of ``spacing``; the three sums over points that the normal equations need
    are Fourier sums of d y, d and d^2, the last at twice the frequency.
    """
    cell = np.rint(t / spacing).astype(np.intp)
    length = int(2 ** np.ceil(np.log2(4 * (cell[-1] + 1))))
    bins = np.arange(length // 2 + 1)

    def sums(weights: Array) -> NDArray[np.complex128]:
        return np.fft.fft(np.bincount(cell, weights, length))

    y = y - y.mean()
    dy, d1, d2 = sums(decay * y)[bins], sums(decay)[bins], sums(decay * decay)
    double, power = d2[(2 * bins) % length], float(d2[0].real)
    normal = np.empty((len(bins), 3, 3))
    normal[:, 0, 0], normal[:, 1, 1], normal[:, 2, 2] = 0.5 * (power + double.real), 0.5 * (power - double.real), len(t)
    normal[:, 0, 1] = normal[:, 1, 0] = -0.5 * double.imag
    normal[:, 0, 2] = normal[:, 2, 0] = d1.real
    normal[:, 1, 2] = normal[:, 2, 1] = -d1.imag
    normal += 1e-9 * power * np.eye(3)
    right = np.stack([dy.real, -dy.imag, np.zeros(len(bins))], axis=1)
    answer = np.linalg.solve(normal, right[..., None])[..., 0]
    return bins / (length * spacing), np.einsum("fi,fi->f", right, answer)


def _design(t: Array, frequency: float, tau: float) -> Array:
    d, angle = np.exp(-t / tau), 2.0 * np.pi * frequency * t
    return np.stack([d * np.cos(angle), d * np.sin(angle), np.ones_like(t)], axis=1)


def _guess_damped(x: Any, y: Any) -> dict[str, float]:
    x, y = columns(x, y, 6, "damped_oscillation")
    origin = float(x[0])
    t = x - origin
    span, gaps = float(t[-1]), np.diff(t)
    gaps = gaps[gaps > 0]
    even = float(gaps.max()) < 1.001 * float(gaps.min())
    spacing = span / (len(np.unique(t)) - 1)
    top = 0.5 / spacing if even else 1.0 / spacing  # uneven points see beyond the mean Nyquist frequency
    cell = spacing if even else 1.0 / (8.0 * top)
    found = []
    for tau in span * np.array([0.03, 0.07, 0.15, 0.3, 0.6, 1.5, 10.0]):
        frequency, power = _periodogram(t, y, cell, np.exp(-t / tau))
        power = np.where((frequency >= 0.3 / span) & (frequency <= top), power, 0.0)
        best = int(np.argmax(power))
        found.append((float(power[best]), float(frequency[best]), float(tau)))
    _, frequency, tau = max(found)
    keep = slice(None) if len(t) <= 4000 else slice(0, max(4000, int(np.searchsorted(t, 6.0 * tau))))
    tk, yk = t[keep], y[keep]

    def score(candidates: Array) -> Array:
        out = []
        for f, log_tau in candidates:
            design = _design(tk, f, float(np.exp(log_tau)))
            out.append(-float(np.sum((design @ linear(design, yk) - yk) ** 2)))
        return np.array(out)

    width = 1.0 / min(span, 4.0 * tau)
    start = mesh(frequency + width * np.array([-0.2, -0.1, 0.0, 0.1, 0.2]), np.log(tau) + np.array([-0.4, 0.0, 0.4]))
    start = start[int(np.argmax(score(start)))]
    low, high = np.array([0.1 / span, np.log(0.005 * span)]), np.array([top, np.log(100.0 * span)])
    frequency, log_tau = polish(score, start, np.array([0.04 * width, 0.2]), low, high, rounds=8)
    tau = float(np.exp(log_tau))
    a, b, c = linear(_design(tk, float(frequency), tau), yk)
    phase = np.arctan2(-b, a) - 2.0 * np.pi * frequency * origin
    with np.errstate(over="ignore"):
        amplitude = float(np.hypot(a, b) * np.exp(origin / tau))
    return {
        "amplitude": amplitude,
        "frequency": float(frequency),
        "phase": float(np.angle(np.exp(1j * phase))),
        "tau": tau,
        "offset": float(c),
    }


damped_oscillation = LineShape(
    "damped_oscillation",
    _damped,
    _guess_damped,
    "amplitude exp(-x/tau) cos(2 pi frequency x + phase) + offset",
    units={"amplitude": "{y}", "frequency": "1/{x}", "phase": "rad", "tau": "{x}", "offset": "{y}"},
    bounds={"frequency": (0.0, None)},
)
"""Ringing at ``frequency`` (cycles, not radians, per unit of x) with 1/e time ``tau``.

The start comes from a least-squares periodogram with damping (N. R. Lomb, Astrophys. Space Sci. 39 (1976) 447), at
even or uneven x.
"""
