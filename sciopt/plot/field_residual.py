"""Where an equation is met, and where not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sciopt._errors import OptionError
from sciopt.plot._axes import axes_or_new, literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["field_residual"]


def field_residual(
    solution: Any, condition: str | None = None, *, n: int = 4000, ax: Axes | None = None, cmap: str = "magma"
) -> Axes:
    """Draw the size of an equation's residual on fresh points.

    Parameters
    ----------
    solution
        A `sciopt.Solution` of conditions on a domain.
    condition
        Name of the condition; the first by default.
    n
        Number of points.
    ax : Axes, optional
        Draw here.
    cmap
        Colour map.

    Notes
    -----
    With more than two coordinates the first two are drawn. Bright spots are where points are missing; a pattern over
    the whole domain says that the ansatz is too small.

    Raises
    ------
    OptionError
        No such condition, or its points belong to no domain.
    """
    from matplotlib.colors import LogNorm

    from sciopt.linearise import Work
    from sciopt.linearise.elsewhere import residuals_elsewhere
    from sciopt.points import count

    problem = solution.problem
    i = 0 if condition is None else problem.names.index(condition) if condition in problem.names else -1
    if i < 0 or not hasattr(problem.conditions[i].points, "domain"):
        raise OptionError(f"no condition {condition!r} on a domain; conditions: {', '.join(problem.names)}")
    points = problem.conditions[i].points
    coords = points._coords(np.random.default_rng([solution.key, 1]), n) if points.rule != "fixed" else points.given
    r = residuals_elsewhere(problem, solution.theta, solution.iterate.frame, Work(), i, coords)
    x = coords[0] if isinstance(coords, tuple) else coords
    label = literal(f"|{problem.names[i]}|")
    ax = axes_or_new(ax)
    assert count(coords) == len(r)
    if x.shape[1] == 1:
        order = np.argsort(x[:, 0])
        ax.semilogy(x[order, 0], np.maximum(r[order], np.finfo(float).tiny))
        ax.set_xlabel(literal(points.domain.names[0]))
        ax.set_ylabel(label)
        return ax
    low = max(float(np.quantile(r, 0.01)), 1e-6 * float(r.max()), np.finfo(float).tiny)
    norm = LogNorm(low, max(float(r.max()), 10 * low))
    dots = ax.scatter(x[:, 0], x[:, 1], c=np.maximum(r, low), s=4, cmap=cmap, norm=norm, rasterized=True)
    ax.set_xlabel(literal(points.domain.names[0]))
    ax.set_ylabel(literal(points.domain.names[1]))
    ax.figure.colorbar(dots, ax=ax, label=label)
    return ax
