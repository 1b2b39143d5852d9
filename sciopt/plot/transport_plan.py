"""The plan as a heat map with its marginals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sciopt.plot._axes import figure_or_new, ink
from sciopt.plot.transport_pairs import entries_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["transport_plan"]

DENSE = 4_000_000
SAMPLE = 200_000


def transport_plan(solution: Any, *, fig: Figure | None = None, bins: int = 200, cmap: str = "viridis") -> Figure:
    """Draw the plan as an image, the masses of x on its left and those of y above it.

    Parameters
    ----------
    solution
        A transport solution. On a line rows and columns are sorted by position.
    fig : Figure, optional
        Where to draw; a new one if None.
    bins : int
        Rows and columns of the image; larger plans are summed into so many.
    cmap : str
        Colour map; the scale is that of the square root of the mass.

    Returns
    -------
    Figure
        With the axes: plan, masses of x, masses of y.
    """
    from matplotlib.colors import PowerNorm

    s = solution.setting
    n, m = len(s.a), len(s.b)
    rows, columns = _ranks(s.x.points, n), _ranks(s.y.points, m)
    image, height, width = _binned(solution, rows, columns, bins)
    figure = figure_or_new(fig, (6.0, 6.0))
    grid = figure.add_gridspec(2, 2, width_ratios=(1, 4), height_ratios=(1, 4))
    centre = figure.add_subplot(grid[1, 1])
    left, top = figure.add_subplot(grid[1, 0], sharey=centre), figure.add_subplot(grid[0, 1], sharex=centre)
    centre.imshow(
        image,
        origin="lower",
        aspect="auto",
        extent=(0, m, 0, n),
        cmap=cmap,
        norm=PowerNorm(0.5),
        interpolation="nearest",
    )
    for axes, masses, ranks, places, vertical in (
        (left, s.a, rows, height, True),
        (top, s.b, columns, width, False),
    ):
        size = len(masses)
        sums = np.bincount(ranks * places // size, masses, minlength=places)
        at = (np.arange(places) + 0.5) * size / places
        if vertical:
            axes.fill_betweenx(at, sums, color="C0", alpha=0.6, step="mid")
            axes.invert_xaxis()
        else:
            axes.fill_between(at, sums, color="C1", alpha=0.6, step="mid")
    left.set_ylabel("points of x, sorted by position" if s.x.points.shape[1] == 1 else "points of x")
    centre.set_xlabel("points of y, sorted by position" if s.y.points.shape[1] == 1 else "points of y")
    left.set_xlabel("mass")
    top.set_ylabel("mass")
    centre.tick_params(labelleft=False)
    top.tick_params(labelbottom=False)
    for axes in (left, top):
        axes.spines[["top", "right"]].set_color(ink())
    return figure


def _ranks(points: Any, n: int) -> Any:
    """Return the place of each point along a line, or its index."""
    ranks = np.arange(n)
    if points.shape[1] == 1:
        ranks = np.empty(n, int)
        ranks[np.argsort(points[:, 0], kind="stable")] = np.arange(n)
    return ranks


def _binned(solution: Any, rows: Any, columns: Any, bins: int) -> tuple[Any, int, int]:
    n, m = len(rows), len(columns)
    height, width = min(bins, n), min(bins, m)
    image = np.zeros((height, width))
    plan = solution.plan
    if hasattr(plan, "blocks") and n * m <= DENSE:
        for first, P in plan.blocks():
            part = np.zeros((len(P), width))
            np.add.at(part.T, columns * width // m, P.T)
            np.add.at(image, rows[first : first + len(P)] * height // n, part)
        return image, height, width
    i, j, mass, _ = entries_of(solution, DENSE if not hasattr(plan, "sparse") else SAMPLE)
    np.add.at(image, (rows[i] * height // n, columns[j] * width // m), mass)
    return image, height, width
