"""The plan between two clouds as lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sciopt._errors import DataError
from sciopt.plot._axes import axes_or_new, ink

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["entries_of", "transport_pairs"]

SHOWN = 20_000  # points drawn of each cloud


def entries_of(solution: Any, most: int, key: int = 0) -> tuple[Any, Any, Any, int]:
    """Return rows, columns and masses of the ``most`` largest pairs of a plan, and how many there are.

    Plans that are not stored pair by pair are sampled instead, with equal masses; the count is then -1.
    """
    plan = solution.plan
    if hasattr(plan, "sparse"):
        n, m = plan.shape
        if n * m > 4_000_000:
            i, j = plan.sample(key, most)
            return i, j, np.full(len(i), solution.setting.mass / len(i)), -1
        plan = plan.sparse()
    P = plan.tocoo()
    order = np.argsort(-P.data, kind="stable")[:most]
    return P.row[order], P.col[order], P.data[order], len(P.data)


def transport_pairs(
    solution: Any, *, ax: Axes | None = None, most: int = 1000, axes_of_points: tuple[int, int] = (0, 1), **line: Any
) -> Axes:
    """Draw two clouds and lines between the points that the plan couples, the wider the more mass.

    Parameters
    ----------
    solution
        A transport solution between clouds of dimension two or more.
    ax : Axes, optional
        Where to draw; a new figure if None.
    most : int
        Lines drawn: the pairs of most mass. The title says how many there are.
    axes_of_points
        The two coordinates to show.
    **line
        Options of matplotlib's ``LineCollection``.

    Returns
    -------
    Axes

    Raises
    ------
    DataError
        The measures have no positions in a plane.
    """
    from matplotlib.collections import LineCollection

    x, y = solution.setting.x.points, solution.setting.y.points
    p, q = axes_of_points
    if x.shape[1] <= max(p, q) or y.shape[1] <= max(p, q):
        raise DataError(
            f"pairs need positions of dimension {max(p, q) + 1} or more, got {x.shape[1]}; draw the plan instead"
        )
    i, j, mass, count = entries_of(solution, most)
    axes = axes_or_new(ax, (6.0, 6.0), layout="compressed")
    segments = np.stack([x[i][:, [p, q]], y[j][:, [p, q]]], axis=1)
    width = 0.2 + 1.3 * mass / mass.max() if len(mass) else 1.0
    axes.add_collection(
        LineCollection(list(segments), **({"linewidths": width, "colors": ink(), "alpha": 0.35} | line))
    )
    for points, weights, colour, name in ((x, solution.setting.a, "C0", "x"), (y, solution.setting.b, "C1", "y")):
        step = max(1, len(points) // SHOWN)
        some = points[::step]
        size = 40.0 * weights[::step] / weights.max() if len(points) <= 1000 else 2.0
        axes.scatter(some[:, p], some[:, q], s=size, color=colour, label=name, zorder=3, linewidths=0)
    shown = f"{len(i)} pairs drawn at random" if count < 0 else f"{len(i)} of {count} pairs"
    axes.set_title(shown if count < 0 or len(i) < count else f"{count} pairs", fontsize="medium")
    axes.set_aspect("equal")
    axes.autoscale_view()
    axes.legend(loc="best")
    return axes
