"""The pseudoinverse answer of a rank-deficient problem: the solution nearest to the start."""

from __future__ import annotations

from typing import Any

import numpy as np

from sciopt._types import Array
from sciopt.linearise.base import Linearisation

__all__ = ["null_space", "towards_start"]


def null_space(J: Array, scale: Array, rtol: float | None = None) -> Array:
    """Return an orthonormal basis (P, k) of the null space of J diag(scale): directions that the rows do not see.

    Columns are normalised before the rank is judged, so that units do not matter.
    """
    norms = np.sqrt(np.sum((J * scale) ** 2, axis=0))
    used = np.where(norms > 0, norms, 1.0)
    _, S, Vt = np.linalg.svd(J * (scale / used), full_matrices=True)
    rtol = 10 * max(J.shape) * np.finfo(float).eps if rtol is None else rtol
    rank = int(np.count_nonzero(rtol * S[0] < S)) if S.size and S[0] > 0 else 0
    basis = Vt[rank:].T / used[:, None]
    if basis.shape[1] == 0:
        return basis
    return np.linalg.qr(basis)[0]


def towards_start(lin: Linearisation, start: Array, sweeps: int = 30) -> tuple[Linearisation, int, float]:
    """Slide along the set of solutions to its point nearest to the start.

    Removes the null component of theta - start, measured in units of `Parameter.scale`, and restores the merit by
    minimum-norm Gauss-Newton steps, until the null component vanishes.

    Parameters
    ----------
    lin
        Linearisation at a minimum.
    start
        Start of the solve, shape (P,).
    sweeps
        Most corrections.

    Returns
    -------
    (Linearisation, int, float)
        The new point, the dimension of the null space, and the null component left, relative to |theta - start|.
    """
    scale, layout = lin.layout.scale, lin.layout
    left, dimension = 0.0, 0
    f0 = lin.f
    for _ in range(sweeps):
        N = null_space(lin.dense(), scale)
        dimension = N.shape[1]
        away = (lin.theta - start) / scale
        along = N @ (N.T @ away) if dimension else np.zeros_like(away)
        size = float(np.linalg.norm(away))
        left = float(np.linalg.norm(along)) / size if size > 0 else 0.0
        if left <= 1e-12:
            break
        moved = _restored(lin, along, scale, layout, f0)
        if moved is None:
            break
        lin = moved
    return lin, dimension, left


def _restored(lin: Linearisation, along: Array, scale: Array, layout: Any, f0: float) -> Linearisation | None:
    """Move against the null component, shortened until the merit can be restored."""
    best = lin.f
    tolerance = 1e-9 * best + 1e-24 * f0
    for shrink in (1.0, 0.5, 0.25, 0.1, 0.02):
        theta = np.clip(lin.theta - shrink * scale * along, layout.lower, layout.upper)
        new = lin.at(theta)
        for _ in range(12):
            if new.failed:
                break
            delta = -scale * (np.linalg.pinv(new.dense() * scale, rcond=1e-12) @ new.r)
            polished = new.at(np.clip(new.theta + delta, layout.lower, layout.upper))
            if polished.failed or polished.f > new.f * (1 + 1e-12):
                break
            done = new.f - polished.f <= 1e-12 * new.f or polished.f <= 1e-28 * max(f0, 1e-300)
            new = polished
            if done:
                break
        if not new.failed and new.f <= best + tolerance:
            return new
    return None
