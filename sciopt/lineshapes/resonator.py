"""Complex response of a single resonance."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sciopt._errors import DataError
from sciopt._types import Array
from sciopt.lineshapes._guess import background, columns, linear, mesh, polish, scorer, thin
from sciopt.lineshapes._lineshape import LineShape, namespace

__all__ = ["resonator_notch", "resonator_transmission"]


def _notch(x: Any, amplitude: Any, frequency: Any, quality: Any, coupling: Any, delay: Any) -> Any:
    xp = namespace(x, amplitude, frequency, quality, coupling, delay)
    detuning = xp.asarray(x) - frequency
    dip = coupling / (1.0 + 2j * quality * detuning / frequency)
    return amplitude * xp.exp(-2j * np.pi * delay * detuning) * (1.0 - dip)


def _transmission(x: Any, amplitude: Any, frequency: Any, quality: Any, offset: Any) -> Any:
    detuning = namespace(x, amplitude, frequency, quality, offset).asarray(x) - frequency
    return amplitude / (1.0 + 2j * quality * detuning / frequency) + offset


def _line(c: Array, at: Array) -> NDArray[np.complex128]:
    """Return unit resonances at centre c0 with full width exp(c1)."""
    return 1.0 / (1.0 + 2j * (at[None] - c[:, 0, None]) / np.exp(c[:, 1, None]))


def _resonance(
    at: Array, value: NDArray[Any], degree: int = 0, centres: int = 80, count: int = 14, rounds: int = 10
) -> tuple[Array, float]:
    """Return centre and log full width of the best resonance on a polynomial, and the sum of squares left over."""
    smooth = background(at, degree)
    score = scorer(_line, at, value, smooth)
    span = at[-1] - at[0]
    widths = np.geomspace(1.4 * float(np.median(np.diff(np.unique(at)))), 2.0 * span, count)
    grid = mesh(at[:: max(1, len(at) // centres)], np.log(widths))
    best = grid[int(np.argmax(score(grid)))]
    step = max(0.3 * float(np.exp(best[1])), 0.5 * span / centres)
    low = np.array([at[0] - 0.5 * span, np.log(0.25 * widths[0])])
    high = np.array([at[-1] + 0.5 * span, np.log(10.0 * span)])
    best = polish(score, best, np.array([step, 0.4]), low, high, rounds)
    rest = value - smooth @ (smooth.T @ value)
    return best, float(np.sum(np.abs(rest) ** 2) - score(best[None])[0])


def _prepared(x: Any, y: Any, least: int, name: str) -> tuple[Array, NDArray[Any]]:
    x, y = columns(x, y, least, name)
    if x[0] <= 0:
        raise DataError(f"{name} needs frequencies > 0; x has the value {x[0]:g}")
    return x, y.astype(complex)


def _guess_transmission(x: Any, y: Any) -> dict[str, Any]:
    x, y = _prepared(x, y, 4, "resonator_transmission")
    at, value, block = thin(x, y)
    best, _ = _resonance(at, value)
    near = np.abs(x - best[0]) < 8.0 * np.exp(best[1])
    if block > 1 and near.sum() >= 20:  # a line narrower than the averages: look again at its surroundings
        at, value, _ = thin(x[near], y[near])
        best, _ = _resonance(at, value)
    amplitude, offset = linear(np.stack([_line(best[None], at)[0], np.ones_like(at)], axis=1), value)
    frequency = float(best[0])
    return {
        "amplitude": complex(amplitude),
        "frequency": frequency,
        "quality": frequency / float(np.exp(best[1])),
        "offset": complex(offset),
    }


def _carrier(x: Array, y: NDArray[Any]) -> float:
    """Delay of exp(-2 pi i delay x): the largest line of a padded FFT, which needs no unwrapped phase."""
    spacing = max(float(np.median(np.diff(np.unique(x)).astype(np.float64))), float(x[-1] - x[0]) / 20_000)
    cell = np.rint((x - x[0]) / spacing).astype(np.intp)
    length = int(2 ** np.ceil(np.log2(4 * (cell[-1] + 1))))
    sums = np.bincount(cell, np.real(y), length) + 1j * np.bincount(cell, np.imag(y), length)
    delays = np.fft.fftfreq(length, spacing)
    return -float(delays[int(np.argmax(np.abs(np.fft.fft(sums))))])


def _guess_notch(x: Any, y: Any) -> dict[str, Any]:
    x, y = _prepared(x, y, 5, "resonator_notch")
    span, middle = x[-1] - x[0], 0.5 * (x[0] + x[-1])
    u, v, _ = thin(x, y, 1000)
    carrier = _carrier(x, y)
    found = []
    for delay in carrier + np.linspace(-1.0, 1.0, 9) / span:  # a strong resonance pulls the peak
        # the quadratic background takes up what is left of the delay, so that no broad line is needed for it
        at, value, _ = thin(x, y * np.exp(2j * np.pi * delay * (x - middle)), 150)
        best, left = _resonance(at, value, 2, 60, 10, rounds=5)
        found.append((left, delay, best))
    found.sort(key=lambda entry: entry[0])

    def score(candidates: Array) -> Array:
        """Sum of squares left by the best resonance on a constant after turning back the delay, negative."""
        B = _line(candidates[:, 1:], u)
        V = v * np.exp(2j * np.pi * candidates[:, :1] * (u - middle))
        B, V = B - B.mean(axis=1, keepdims=True), V - V.mean(axis=1, keepdims=True)
        overlap, power = np.sum(B.conj() * V, axis=1), np.sum(np.abs(B) ** 2, axis=1)
        return np.abs(overlap) ** 2 / np.maximum(power, 1e-200) - np.sum(np.abs(V) ** 2, axis=1)

    ends = []
    for _, delay, best in found[:2]:
        steps = np.array([0.1 / span, 0.2 * float(np.exp(best[1])), 0.2])
        end = polish(score, np.array([delay, *best]), steps, rounds=8)
        ends.append((float(score(end[None])[0]), end))
    point = max(ends, key=lambda entry: entry[0])[1]
    design = np.stack([_line(point[None, 1:], u)[0], np.ones_like(u)], axis=1)
    residue, base = (complex(c) for c in linear(design, v * np.exp(2j * np.pi * point[0] * (u - middle))))
    frequency = float(point[1])
    return {
        "amplitude": base * complex(np.exp(-2j * np.pi * point[0] * (frequency - middle))),
        "frequency": frequency,
        "quality": frequency / float(np.exp(point[2])),
        "coupling": -residue / base if base else 1.0 + 0.0j,
        "delay": float(point[0]),
    }


resonator_notch = LineShape(
    "resonator_notch",
    _notch,
    _guess_notch,
    "amplitude exp(-2 pi i delay (x - frequency)) (1 - coupling / (1 + 2 i quality (x/frequency - 1)))",
    units={"amplitude": "{y}", "frequency": "{x}", "quality": "", "coupling": "", "delay": "1/{x}"},
    bounds={"frequency": (0.0, None), "quality": (0.0, None)},
)
"""S21 of a resonator hanging on a line (S. Probst et al., Rev. Sci. Instrum. 86 (2015) 024706, eq. 1).

``amplitude`` (complex) holds gain and phase of the line *at the resonance*, ``delay`` its electrical length in
1/{x}, ``quality`` the loaded Q_l, and ``coupling`` (complex) is Q_l/|Q_c| exp(i phi), phi the asymmetry by impedance
mismatch; the internal quality factor follows from 1/Q_i = (1 - Re coupling)/Q_l.
"""

resonator_transmission = LineShape(
    "resonator_transmission",
    _transmission,
    _guess_transmission,
    "amplitude / (1 + 2 i quality (x/frequency - 1)) + offset",
    units={"amplitude": "{y}", "frequency": "{x}", "quality": "", "offset": "{y}"},
    bounds={"frequency": (0.0, None), "quality": (0.0, None)},
)
"""Transmission through a resonator, complex Lorentzian with crosstalk ``offset`` (P. J. Petersan and S. M. Anlage,
J. Appl. Phys. 84 (1998) 3392); ``amplitude`` and ``offset`` are complex, ``quality`` is the loaded Q."""
