"""Displacement interpolation as a strip of images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sciopt._errors import DataError
from sciopt.plot._axes import figure_or_new

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["transport_strip"]


def transport_strip(
    solution: Any,
    *,
    times: Sequence[float] = (0.0, 0.25, 0.5, 0.75, 1.0),
    shape: tuple[int, int] | None = None,
    fig: Figure | None = None,
    cmap: str = "magma",
) -> Figure:
    """Draw the measure at several times on its way from x to y.

    Parameters
    ----------
    solution
        A transport solution in the plane: images, or clouds, which are binned.
    times
        Times between 0 and 1, one panel each.
    shape
        Pixels along both axes; by default those of the grid, or 64 by 64 for clouds.
    fig : Figure, optional
        Where to draw; a new one if None.
    cmap : str
        Colour map, the same scale in all panels.

    Returns
    -------
    Figure

    Raises
    ------
    DataError
        The measures are not in a plane.
    """
    from sciopt.transport import interpolate

    s = solution.setting
    if s.x.points.shape[1] != 2 or s.y.points.shape[1] != 2:
        raise DataError(f"a strip shows measures in a plane; these have dimension {s.x.points.shape[1]}")
    points = np.concatenate([s.x.points, s.y.points])
    grid = s.x.axes if s.x.axes is not None else s.y.axes
    n, m = shape or ((len(grid[0]), len(grid[1])) if grid is not None else (64, 64))
    low, high = points.min(0), points.max(0)
    pad = 0.5 * (high - low) / np.maximum([n - 1, m - 1], 1)
    pad[pad == 0] = 0.5
    edges = [np.linspace(low[k] - pad[k], high[k] + pad[k], (n, m)[k] + 1) for k in range(2)]
    pictures = []
    for t in times:
        middle = interpolate(solution, t=float(t))
        pictures.append(np.histogram2d(*middle.points.T, bins=edges, weights=middle.weights)[0])
    top = max(float(p.max()) for p in pictures)
    figure = figure_or_new(fig, (2.0 * len(times), 2.3))
    panels = np.atleast_1d(figure.subplots(1, len(times)))
    for axes, picture, t in zip(panels, pictures, times, strict=True):
        axes.imshow(picture, vmin=0.0, vmax=top, cmap=cmap, interpolation="nearest")
        axes.set_title(f"t = {t:g}", fontsize="medium")
        axes.set_xticks([])
        axes.set_yticks([])
    return figure
