"""A pendulum: sequences measured at irregular times, and its exact flow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["energy", "pendulum_flow", "pendulum_sequences"]

Array = NDArray[np.float64]
STEP = 0.01


def _rate(y: Array, damping: float) -> Array:
    return np.stack([y[..., 1], -np.sin(y[..., 0]) - damping * y[..., 1]], axis=-1)


def pendulum_flow(y: Array, t: Array | float, damping: float = 0.0) -> Array:
    """Return the states (..., 2) a time t (...) later: angle'' = -sin(angle) - damping angle'.

    Classical Runge-Kutta steps of at most 0.01; their error is about 1e-10 a unit of time.
    """
    y, t = np.asarray(y, float), np.asarray(t, float)[..., None]
    steps = max(int(np.ceil(np.max(np.abs(t)) / STEP)), 1)
    h = t / steps
    for _ in range(steps):
        a = _rate(y, damping)
        b = _rate(y + 0.5 * h * a, damping)
        c = _rate(y + 0.5 * h * b, damping)
        d = _rate(y + h * c, damping)
        y = y + h * (a + 2 * b + 2 * c + d) / 6
    return y


def energy(y: Array) -> Array:
    """Return the energy of the states (..., 2): 0 at rest, 2 at the separatrix."""
    return 0.5 * y[..., 1] ** 2 + 1.0 - np.cos(y[..., 0])


def pendulum_sequences(
    sequences: int, times: int = 24, damping: float = 0.1, key: int = 0, unseen: int = 0
) -> tuple[Array, Array, Array]:
    """Return (x, dt, y): the angle alone is seen, at irregular times; the next state is wanted.

    Parameters
    ----------
    sequences, times
        Numbers of sequences and of measurements in each.
    damping
        Of the pendulum.
    key
        Integer that determines starts (angle within 1.5, velocity within 1) and gaps (0.05 to 1).
    unseen
        Answers at the begin of each sequence that are NaN: from one angle alone the velocity cannot be known.

    Returns
    -------
    x, dt, y
        Measured angles (sequences, times, 1), the time from each to the next (sequences, times), and angle and
        velocity there (sequences, times, 2).
    """
    rng = np.random.default_rng([key, 31])
    y = np.stack([rng.uniform(-1.5, 1.5, sequences), rng.uniform(-1.0, 1.0, sequences)], axis=-1)
    dt = rng.uniform(0.05, 1.0, (sequences, times))
    states = [y]
    for k in range(times):
        states.append(pendulum_flow(states[-1], dt[:, k], damping))
    whole = np.stack(states, axis=1)
    y = whole[:, 1:].copy()
    y[:, :unseen] = np.nan
    return whole[:, :-1, :1], dt, y
