"""Pulls of all data, and their distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sciopt.plot._axes import figure_or_new, ink, literal
from sciopt.plot._data import Curve, curves_of, pull_label, pull_scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["residuals"]


def residuals(
    solution: Any, *, ax: Axes | None = None, fig: Figure | None = None, condition: str | None = None, **line: Any
) -> Axes | Figure:
    """Draw the pulls against x, and their histogram against the normal distribution.

    Parameters
    ----------
    solution
        A `sciopt.Solution` of a problem with data.
    ax : Axes, optional
        Draw the pulls only, here.
    fig : Figure, optional
        Draw both panels into this figure; a new one if neither is given.
    condition : str, optional
        Only this data set.
    **line
        Options of matplotlib's ``Line2D`` for the markers.

    Returns
    -------
    Axes or Figure
        ``ax`` if it was given, else the figure.

    Notes
    -----
    A pull is (model - data)/sigma. Where sigma is not known it is residual/sqrt(chi2/dof). If model and errors are
    right, about 68 % lie in the shaded band; structure along x speaks against the model, wide tails against sigma.
    """
    curves = curves_of(solution, condition)
    scale = pull_scale(solution)
    if ax is not None:
        return _scatter(ax, solution, curves, scale, line)
    figure = figure_or_new(fig, (8.0, 3.8))
    left, right = figure.subplots(1, 2, sharey=True, gridspec_kw={"width_ratios": [3, 1]})
    _scatter(left, solution, curves, scale, line)
    _histogram(right, np.concatenate([c.pulls for c in curves]) / scale)
    return figure


def _scatter(ax: Axes, solution: Any, curves: list[Curve], scale: float, line: dict[str, Any]) -> Axes:
    total = sum(c.pulls.size for c in curves)
    ax.axhspan(-1, 1, color=ink(), alpha=0.08, linewidth=0)
    ax.axhline(0, color=ink(), linewidth=0.8, alpha=0.6)
    for i, curve in enumerate(curves):
        x = curve.pull_x if curve.kind != "image" else np.arange(float(curve.pulls.size))
        style = {"marker": ".", "linestyle": "none", "markersize": 6 if total <= 400 else 2, "color": f"C{i}"} | line
        ax.plot(x, curve.pulls / scale, label=literal(curve.name), **style)
    largest = max(3.0, *(float(np.nanmax(np.abs(c.pulls), initial=0.0)) / scale for c in curves))
    ax.set_ylim(-1.15 * largest, 1.15 * largest)
    one_axis = {c.labels[0] for c in curves}
    index = any(c.kind == "image" for c in curves) or len(one_axis) > 1
    ax.set_xlabel("index" if index else literal(next(iter(one_axis))))
    ax.set_ylabel(pull_label(solution))
    if len(curves) > 1:
        ax.legend(frameon=False)
    return ax


def _histogram(ax: Axes, pulls: Any) -> None:
    finite = pulls[np.isfinite(pulls)]
    bins = int(np.clip(np.sqrt(finite.size) * 1.5, 6, 60))
    reach = max(3.0, float(np.abs(finite).max(initial=0.0)))
    ax.hist(
        finite,
        bins=np.linspace(-reach, reach, bins + 1).tolist(),
        density=True,
        orientation="horizontal",
        color=ink(),
        alpha=0.35,
        label=f"{finite.size} pulls",
    )
    z = np.linspace(-1.15 * reach, 1.15 * reach, 200)
    ax.plot(np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi), z, color="C3", linewidth=1.5, label="normal")
    ax.set_xlabel("density")
    ax.set_xlim(left=0)
    ax.tick_params(labelleft=False)
    bottom, top = ax.get_xlim()
    ax.set_xlim(bottom, 1.1 * top)
    ax.legend(frameon=False, fontsize="small", loc="upper right")
