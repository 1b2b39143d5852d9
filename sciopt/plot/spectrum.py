"""Singular values of the scaled Jacobian, with the cut between what is known and what is not."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["spectrum"]


def spectrum(solution: Any, *, ax: Any = None) -> Any:
    """Draw the singular values of the column-scaled whitened Jacobian and the rank cut.

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

    S = solution.singular_values
    if ax is None:
        ax = Figure(figsize=(6.4, 4.0), layout="constrained").subplots()
    rank, n = solution.rank, len(solution.residual)
    cut = 10 * max(n, len(S)) * np.finfo(float).eps * S[0]
    shown = np.maximum(S, 1e-3 * cut)
    order = np.arange(1, len(S) + 1)
    ax.semilogy(order[:rank], shown[:rank], "o", label=f"identified ({rank})")
    if rank < len(S):
        ax.semilogy(order[rank:], shown[rank:], "x", color="C3", label=f"not identified ({len(S) - rank})")
    ax.axhline(cut, color="0.5", ls="--", lw=1, label="rounding")
    ax.set_xlabel("number")
    ax.set_ylabel("singular value of the scaled Jacobian")
    ax.set_xticks(order if len(order) <= 15 else order[:: len(order) // 10])
    ax.legend(frameon=False)
    return ax
