"""The merit from step to step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sciopt._errors import OptionError
from sciopt.plot._axes import axes_or_new, integer_ticks, literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["convergence"]


def convergence(solution: Any, *, ax: Axes | None = None, above_best: bool = False, **line: Any) -> Axes:
    """Draw the merit f against the step on a logarithmic axis; rejected steps are crossed.

    Parameters
    ----------
    solution
        A `sciopt.Solution`.
    ax : Axes, optional
        Where to draw; a new figure if None.
    above_best : bool
        Draw f minus its lowest value, which shows the rate of convergence of a fit whose residuals do not vanish.
    **line
        Options of matplotlib's ``Line2D`` for the merit.

    Returns
    -------
    Axes

    Raises
    ------
    OptionError
        The history holds no merit.
    """
    history = solution.history
    keys = list(history.keys())
    if "f" not in keys:
        raise OptionError("the history holds no merit 'f' to draw")
    f = np.asarray(history["f"], dtype=np.float64)
    steps = np.arange(f.size)
    values = f - np.nanmin(f) if above_best and f.size else f
    shown = np.where(values > 0, values, np.nan)
    axes = axes_or_new(ax)
    style = {"color": "C0", "marker": "." if f.size <= 100 else "", "linewidth": 1.5, "label": "f"} | line
    axes.plot(steps, shown, **style)
    parts = [k for k in keys if k.startswith("f/")]
    for i, key in enumerate(parts, start=1):
        part = np.asarray(history[key], dtype=np.float64)
        axes.plot(steps, np.where(part > 0, part, np.nan), color=f"C{i}", linewidth=0.9, label=literal(key[2:]))
    rejected = _column(history, keys, "accepted", f.size, 1.0) == 0
    if rejected.any():
        axes.plot(steps[rejected], shown[rejected], "x", color="C3", markersize=6, label="rejected", zorder=3)
    stage = _column(history, keys, "stage", f.size, 0.0)
    for i, place in enumerate(np.flatnonzero(np.diff(stage) > 0)):
        axes.axvline(place + 0.5, color="0.5", linestyle=":", linewidth=1, label=None if i else "next stage")
    axes.set_yscale("log")
    axes.set_xlabel("step")
    axes.set_ylabel("f - lowest f" if above_best else "merit f")
    axes.xaxis.set_major_locator(integer_ticks())
    if len(axes.get_legend_handles_labels()[0]) > 1:
        axes.legend(frameon=False)
    return axes


def _column(history: Any, keys: list[str], name: str, size: int, default: float) -> Any:
    if name not in keys:
        return np.full(size, default)
    values = np.asarray(history[name], dtype=np.float64)
    return np.where(np.isnan(values), default, values)
