"""Reference answers: Cole and Hopf's integrals for Burgers' equation, a spectral solver for periodic ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["burgers_exact", "periodic_reference"]

Array = NDArray[np.float64]


def burgers_exact(points: Array, viscosity: float, nodes: int = 300) -> Array:
    r"""Return Burgers' u(t, x) from u(0, x) = -sin(pi x) at points (n, 2) = (t, x).

    Cole and Hopf's quotient of heat kernels by Gauss-Hermite quadrature; doubling ``nodes`` changes nothing beyond
    rounding for the viscosities used here (Basdevant et al., Comput. Fluids 14 (1986) 23).
    """
    z, w = np.polynomial.hermite.hermgauss(nodes)
    t, x = np.asarray(points, float).T
    y = x[:, None] - np.sqrt(4.0 * viscosity * np.maximum(t, 1e-300))[:, None] * z
    exponent = -np.cos(np.pi * y) / (2.0 * np.pi * viscosity)
    kernel = np.exp(exponent - exponent.max(axis=1, keepdims=True)) * w
    return -(kernel * np.sin(np.pi * y)).sum(axis=1) / kernel.sum(axis=1)


def periodic_reference(
    start: Callable[[Any], Any],
    linear: Callable[[Any], Any],
    nonlinear: Callable[[Any, Any, Any, Any], Any],
    times: tuple[float, ...],
    modes: int,
    steps: int,
    period: float = 2.0,
    low: float = -1.0,
) -> Callable[[Any], Any]:
    """Solve a periodic equation by Fourier modes and exponential time differencing of fourth order.

    Parameters
    ----------
    start
        Initial values.
    linear
        Symbol of the linear part for wave numbers k (rad per unit length).
    nonlinear
        ``nonlinear(v, to_grid, to_modes, k)``: the other terms, modes to modes.
    times
        Instants kept; multiples of the step.
    modes, steps
        Grid points, and steps for the whole time ``times[-1]``.

    Returns
    -------
    callable
        points (n, 2) = (t, x), t among ``times`` -> u.

    Notes
    -----
    Kassam and Trefethen, SIAM J. Sci. Comput. 26 (2005) 1214: the coefficients are means over a circle. The initial
    modes are those of a grid eight times finer, so that a kink is truncated and not aliased.
    """
    h = times[-1] / steps
    fine = low + period * np.arange(8 * modes) / (8 * modes)
    v = np.fft.rfft(start(fine))[: modes // 2 + 1] / 8.0
    v[-1] = 0.0
    k = 2.0 * np.pi / period * np.arange(modes // 2 + 1)
    L = linear(k).astype(complex)
    circle = np.exp(1j * np.pi * (np.arange(1, 65) - 0.5) / 32)
    z = h * L[:, None] + circle
    e, half = np.exp(h * L), np.exp(0.5 * h * L)
    q = h * np.mean((np.exp(z / 2) - 1) / z, axis=1)
    f1 = h * np.mean((-4 - z + np.exp(z) * (4 - 3 * z + z**2)) / z**3, axis=1)
    f2 = h * np.mean((2 + z + np.exp(z) * (z - 2)) / z**3, axis=1)
    f3 = h * np.mean((-4 - 3 * z - z**2 + np.exp(z) * (4 - z)) / z**3, axis=1)
    keep = np.arange(len(k)) < modes / 3  # products of two modes do not come back under a third one's name

    def grid(v: Any) -> Any:
        return np.fft.irfft(v, modes)

    def back(u: Any) -> Any:
        return np.fft.rfft(u) * keep

    def force(v: Any) -> Any:
        return nonlinear(v, grid, back, k)

    wanted = {round(t / h): t for t in times}
    kept: dict[float, Any] = {0.0: v.copy()} if 0 in wanted else {}
    for n in range(1, steps + 1):
        n1 = force(v)
        a = half * v + q * n1
        n2 = force(a)
        b = half * v + q * n2
        n3 = force(b)
        c = half * a + q * (2 * n3 - n1)
        v = e * v + f1 * n1 + 2 * f2 * (n2 + n3) + f3 * force(c)
        if n in wanted:
            kept[wanted[n]] = v.copy()

    def at(points: Array) -> Any:
        out = np.empty(len(points))
        for t, modes_then in kept.items():
            here = np.flatnonzero(points[:, 0] == t)
            phase = np.exp(1j * np.outer(points[here, 1] - low, k))
            twice = np.where(np.arange(len(k)) > 0, 2.0, 1.0)
            out[here] = np.real(phase @ (twice * modes_then)) / modes
        return out

    return at
