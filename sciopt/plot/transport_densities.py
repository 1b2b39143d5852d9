"""Two densities on a line and the map between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sciopt._errors import DataError
from sciopt.plot._axes import figure_or_new

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["transport_densities"]


def transport_densities(solution: Any, *, fig: Figure | None = None, label: str = "position") -> Figure:
    """Draw two densities on a line above each other, and beside them the map with the spread of the plan.

    Parameters
    ----------
    solution
        A transport solution on a line: histograms, densities, or points.
    fig : Figure, optional
        Where to draw; a new one if None.
    label : str
        Name of the axis, with its unit.

    Returns
    -------
    Figure
        With the axes: densities, map.

    Raises
    ------
    DataError
        The measures are not on a line.
    """
    s = solution.setting
    if s.x.points.shape[1] != 1 or s.y.points.shape[1] != 1:
        raise DataError(f"densities are drawn on a line; these measures have dimension {s.x.points.shape[1]}")
    figure = figure_or_new(fig, (8.0, 3.6))
    left, right = figure.subplots(1, 2)
    for measure, masses, colour, name in ((s.x, s.a, "C0", "x"), (s.y, s.b, "C1", "y")):
        place = measure.points[:, 0]
        by = np.argsort(place, kind="stable")
        if measure.axes is None:
            left.hist(
                place,
                bins=min(100, max(10, len(place) // 20)),
                weights=masses,
                color=colour,
                alpha=0.5,
                label=name,
                density=True,
            )
            continue
        gaps = np.gradient(place[by]) if len(place) > 1 else np.ones(1)
        density = masses[by] / gaps
        left.fill_between(place[by], density, color=colour, alpha=0.3)
        left.plot(place[by], density, color=colour, label=name)
    left.set_xlabel(label)
    left.set_ylabel("mass per unit length")
    left.legend()
    target, spread = solution.map
    place = s.x.points[:, 0]
    by = np.argsort(place, kind="stable")
    by = by[s.a[by] > 0]
    mean, width = target[by, 0], spread[by]
    right.plot(place[by], mean, color="C0", label="map")
    right.fill_between(place[by], mean - width, mean + width, color="C0", alpha=0.2, label="spread of the plan")
    ends = [float(place[by].min()), float(place[by].max())]
    right.plot(ends, ends, color="0.5", linewidth=0.8, linestyle=":", label="identity")
    right.set_xlabel(f"{label}, x")
    right.set_ylabel(f"{label}, y")
    right.legend()
    return figure
