"""The merit against the steps."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["convergence"]


def convergence(solution: Any, *, ax: Any = None) -> Any:
    """Draw the merit of each step on a logarithmic axis; rejected steps are marked.

    Parameters
    ----------
    solution
        A `Solution`.
    ax
        matplotlib Axes; a new figure by default.

    Returns
    -------
    Axes
    """
    from matplotlib.figure import Figure

    if ax is None:
        ax = Figure(figsize=(6.4, 4.0), layout="constrained").subplots()
    f, accepted = solution.history["f"], np.ones(len(solution.history))
    if "accepted" in solution.history.keys():
        accepted = np.nan_to_num(solution.history["accepted"], nan=1.0)
    steps = np.arange(len(f))
    ax.semilogy(steps, np.maximum(f, 1e-300), "-o", ms=3)
    rejected = accepted == 0
    if rejected.any():
        ax.semilogy(steps[rejected], np.maximum(f[rejected], 1e-300), "x", color="C3", label="rejected")
        ax.legend(frameon=False)
    ax.set_xlabel("step")
    ax.set_ylabel("merit")
    return ax
