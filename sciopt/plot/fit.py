"""Data, fitted curve with its band, and pulls."""

from __future__ import annotations

from typing import Any

import numpy as np

from sciopt._errors import ConditionError

__all__ = ["fit"]


def fit(solution: Any, *, fig: Any = None, label: str = "x") -> Any:
    """Draw data with error bars, the fitted curve with its 1-sigma band, and the pulls below.

    Parameters
    ----------
    solution
        A `Solution` of a fit with one real x column.
    fig
        matplotlib Figure to draw into; a new one by default.
    label
        Label of the x axis.

    Returns
    -------
    Figure

    Raises
    ------
    ConditionError
        The fit has no single real x column, or complex data.
    """
    from matplotlib.figure import Figure

    c = solution.problem.conditions[0]
    x = solution.iterate.frame.batches[0].coords
    y = None if c.target is None else np.asarray(c.target)
    if y is None or y.dtype.kind == "c" or np.ndim(x) != 1 or y.ndim != 1 or np.asarray(x).dtype.kind not in "fiu":
        raise ConditionError(f"condition {c.name!r}: this plot needs real data over one x column")
    x, spec = np.asarray(x, float), solution._lin.specs[0]
    pulls = spec.pulls(solution._lin._z[0])
    if solution.errors_kind == "scaled" and solution.dof > 0:
        pulls = pulls / np.sqrt(solution.chi2 / solution.dof)
    kept = np.arange(len(x)) if spec.keep is None else spec.keep
    figure = Figure(figsize=(6.4, 5.0), layout="constrained") if fig is None else fig
    top, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    grid = np.linspace(x.min(), x.max(), 400)
    curve, band = solution.predict(grid, band=True)
    sigma = None if c.sigma is None or np.ndim(c.sigma) > 1 or isinstance(c.sigma, tuple) else c.sigma
    top.errorbar(
        x[kept],
        y[kept],
        yerr=sigma if sigma is None or np.ndim(sigma) == 0 else np.asarray(sigma)[kept],
        fmt="o",
        ms=3.5,
        lw=1,
        color="0.25",
        label="data",
    )
    (line,) = top.plot(grid, curve, label="fit")
    if np.isfinite(band).all():
        top.fill_between(
            grid, curve - band, curve + band, color=line.get_color(), alpha=0.25, lw=0, label="1-sigma band"
        )
    top.legend(frameon=False)
    top.set_ylabel("y")
    below.axhline(0, color="0.6", lw=1)
    below.plot(x[kept], pulls, "o", ms=3, color="0.25")
    below.set_ylabel("pull")
    below.set_xlabel(label)
    return figure
