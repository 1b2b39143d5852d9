"""Regions of two parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sciopt.plot._axes import axes_or_new, ink, labelled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["contour"]


def contour(
    solution: Any, a: str, b: str, *, levels: Sequence[float] = (0.68, 0.95), ax: Axes | None = None, **line: Any
) -> Axes:
    """Draw the regions of two parameters in which chi2, minimised over the others, stays below its levels.

    Parameters
    ----------
    solution
        A `sciopt.Solution`.
    a, b : str
        Free parameters for the horizontal and the vertical axis.
    levels : sequence of float
        Joint probability contents.
    ax : Axes, optional
        Where to draw; a new figure if None.
    **line
        Options of matplotlib's ``Line2D`` for the contours.

    Returns
    -------
    Axes

    Notes
    -----
    The cross is the best fit with its error bars, which are the 68 % intervals of one parameter at a time and
    hence narrower than the 68 % region of both.
    """
    axes = axes_or_new(ax, (5.4, 4.4))
    curves = sorted(solution.contour(a, b, tuple(levels)), key=lambda c: -c[0])
    for level, points in curves:
        closed = np.asarray(points, dtype=np.float64)
        closed = np.vstack([closed, closed[:1]])
        style: dict[str, Any] = {"color": "C0", "linewidth": 1.4} | line
        axes.fill(closed[:, 0], closed[:, 1], color=style["color"], alpha=0.18, linewidth=0)
        style = {"linestyle": "-" if level == curves[-1][0] else "--", "label": f"{100 * level:.3g} %"} | style
        axes.plot(closed[:, 0], closed[:, 1], **style)
    x, y = float(solution.values[a]), float(solution.values[b])
    errors = getattr(solution, "errors", None) or {}
    axes.errorbar(x, y, xerr=errors.get(a), yerr=errors.get(b), fmt="+", color=ink(), capsize=0, label="best fit")
    units = getattr(solution, "units", None) or {}
    axes.set_xlabel(labelled(a, units.get(a, "")))
    axes.set_ylabel(labelled(b, units.get(b, "")))
    axes.legend(frameon=False, fontsize="small")
    return axes
