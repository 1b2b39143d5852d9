"""Marginal error by stage, and the certified interval as a band."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sciopt._errors import OptionError
from sciopt.plot._axes import figure_or_new

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["transport_convergence"]


def transport_convergence(solution: Any, *, fig: Figure | None = None) -> Figure:
    """Draw how a transport solve went: marginal error and epsilon by step, with the interval that it proves as a band.

    A multiscale solve has no marginal error; its interval is drawn against the number of clusters.

    Parameters
    ----------
    solution
        An entropic or multiscale transport solution.
    fig : Figure, optional
        Where to draw; a new one if None.

    Returns
    -------
    Figure
        With the axes: error (entropic solves), interval of the distance.

    Raises
    ------
    OptionError
        An exact solution, which has no history.
    """
    refinement = getattr(solution, "refinement", ())
    if refinement:
        return _refinement(solution, refinement, fig)
    history = solution.history
    if len(history) == 0 or "error" not in history.keys():
        raise OptionError("an exact plan is found at once: there is no history to draw; see its interval")
    figure = figure_or_new(fig, (7.0, 3.4))
    left, right = figure.subplots(1, 2, width_ratios=(4, 1))
    error, epsilon = np.asarray(history["error"]), np.asarray(history["epsilon"])
    steps = np.arange(len(error))
    left.semilogy(steps, np.where(error > 0, error, np.nan), ".-", color="C0", label="marginal error (L1)")
    left.semilogy(
        steps, epsilon / (solution.scale or 1.0), color="C1", drawstyle="steps-post", label="epsilon / largest cost"
    )
    for place in np.flatnonzero(np.diff(epsilon) < 0):
        left.axvline(place + 0.5, color="0.7", linewidth=0.6, zorder=0)
    left.set_xlabel("step")
    left.legend()
    low, high = solution.distance_interval
    right.axhspan(low, high, color="C2", alpha=0.3, label="certified")
    right.plot([0.0, 1.0], [solution.distance] * 2, color="C0", label="plan")
    right.set_xticks([])
    right.set_title("distance", fontsize="medium")
    right.legend(fontsize="small")
    return figure


def _refinement(solution: Any, rows: Any, fig: Figure | None) -> Figure:
    figure = figure_or_new(fig, (6.0, 3.4))
    axes = figure.subplots()
    p = solution.exponent
    clusters = np.array([r["clusters"] for r in rows], float)
    low, high = (np.maximum([r[k] for r in rows], 0.0) ** (1.0 / p) for k in ("lower", "upper"))
    axes.fill_between(clusters, low, high, color="C2", alpha=0.3, label="certified")
    axes.errorbar(clusters, 0.5 * (low + high), 0.5 * (high - low), fmt="none", color="C2", capsize=4)
    axes.set_xscale("log", base=2)
    axes.set_xlabel("clusters")
    axes.set_ylabel("distance")
    axes.legend()
    return figure
