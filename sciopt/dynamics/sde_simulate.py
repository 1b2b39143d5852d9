"""Paths of a stochastic differential equation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sciopt._errors import DataError, OptionError
from sciopt._types import Array
from sciopt.dynamics.sde_ensemble import Ensemble, TimeGrid
from sciopt.dynamics.sde_rows import MomentRows, Noise, observed
from sciopt.dynamics.state import named
from sciopt.linearise.autodiff import double

__all__ = ["simulate_sde"]


def simulate_sde(
    drift: Callable[..., Any],
    diffusion: Callable[..., Any],
    t: Any,
    initial: Any,
    p: Any = None,
    *,
    paths: int = 1,
    noise: str = "diagonal",
    interpretation: str = "ito",
    scheme: str = "auto",
    dt: float | None = None,
    key: int = 0,
) -> Array:
    """Simulate dy = a(t, y) dt + g(t, y) dW on a fixed grid of steps.

    Parameters
    ----------
    drift, diffusion, noise, interpretation, scheme
        See `sciopt.dynamics.fit_sde`.
    t
        Increasing times (K,); the paths begin at t[0].
    initial
        State at t[0] for all paths (d,), or one for each (paths, d).
    p
        Parameters handed to the functions.
    paths
        Number of paths.
    dt
        Longest step; a hundredth of the span by default.
    key
        Integer that determines the noise.

    Returns
    -------
    ndarray (paths, K, d)

    Examples
    --------
    >>> y = simulate_sde(lambda t, y, p: -y, lambda t, y, p: 0 * y, [0.0, 1.0], [1.0], dt=1e-3)
    >>> round(float(y[0, 1, 0]), 6)
    0.367879
    """
    t, start = np.atleast_1d(np.asarray(t, float)), np.atleast_1d(np.asarray(initial, float))
    if start.ndim > 2 or not np.isfinite(start).all():
        raise DataError(f"initial must be finite, of shape (d,) or (paths, d), got shape {start.shape}")
    if start.ndim == 2 and len(start) != paths:
        raise DataError(f"initial holds {len(start)} states for {paths} paths; give one for each, or one for all")
    if isinstance(paths, bool) or int(paths) != paths or paths < 1:
        raise OptionError(f"paths must be a whole number of at least 1, got {paths!r}")
    ensemble = Ensemble(drift, diffusion, noise, interpretation, scheme)
    with double():
        processes = ensemble.processes(start if start.ndim == 1 else start[0], named(p))
    grid = TimeGrid.through(float(t[0]), t, dt)
    made = Noise(grid, t, int(paths), processes, start.shape[-1], 0, start)
    coords = made.first(np.random.default_rng(key)).coords
    return observed(MomentRows(ensemble, ("mean",)), p, coords)
