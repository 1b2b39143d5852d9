"""Fitted trajectories over time, with data, bands and pulls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sciopt._errors import OptionError
from sciopt.plot._axes import axes_or_new, figure_or_new, ink, literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["solver_steps", "trajectory"]

DENSE = 300


def trajectory(
    solution: Any,
    *,
    run: int = 0,
    until: float | None = None,
    ax: Axes | None = None,
    fig: Figure | None = None,
    **line: Any,
) -> Axes | Figure:
    r"""Draw each measured quantity of a trajectory: data with error bars, fitted curve with its band, and pulls.

    Parameters
    ----------
    solution
        A `sciopt.dynamics.ODESolution`.
    run
        Which trajectory.
    until
        Time to which the curve is drawn; beyond the data the band shows how the extrapolation loses hold. The last
        datum by default.
    ax : Axes, optional
        Draw the curves only, here.
    fig : Figure, optional
        Draw all panels into this figure; a new one if neither is given.
    **line
        Options of matplotlib's ``Line2D`` for the curves.

    Returns
    -------
    Axes or Figure

    Raises
    ------
    OptionError
        The solution is no fit of trajectories, or has no such trajectory.

    Notes
    -----
    The band is :math:`\pm\sqrt{\mathrm{diag}(G C G^T)}`; it is absent where the curve depends on what the data leave
    open.
    """
    setting = _setting(solution)
    data = setting.data
    if not 0 <= run < data.runs:
        raise OptionError(f"there is no trajectory {run}; the fit had {data.runs}")
    first, last = data.times[run][0], data.times[run][-1]
    end = last if until is None else float(until)
    if not end > first:
        raise OptionError(f"until={until!r} is not after the first datum at {first:g}")
    if ax is not None:
        return _curves(axes_or_new(ax), solution, run, first, end, line)
    figure = figure_or_new(fig, (6.4, 5.2))
    upper, lower = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [3, 1]})
    _curves(upper, solution, run, first, end, line)
    upper.set_xlabel("")
    for name in data.names:
        found = solution.data_of(name)
        mine = data.run == run
        pulls = np.reshape(found["pulls"], (len(data.time), -1))[mine]
        lower.plot(data.time[mine], pulls, "o", ms=3)
    lower.axhline(0.0, color=ink(), lw=0.8)
    lower.set_ylabel("pull" if solution.errors_kind == "absolute" else "residual")
    lower.set_xlabel("time")
    figure.align_ylabels([upper, lower])
    return figure


def _curves(axes: Axes, solution: Any, run: int, first: float, end: float, line: Any) -> Axes:
    data = solution.problem.setting.data
    times = np.linspace(first, end, DENSE)
    value, band = solution.predict(times, band=True, run=run, observed=True)
    mine = data.run == run
    for name in data.names:
        k = data.names.index(name)
        curve, error = (np.reshape(_part(tree, name), (DENSE, -1)) for tree in (value, band))
        seen = data.values[k].reshape(len(data.time), -1)[mine]
        keep = None if data.keep[k] is None else data.keep[k].reshape(len(data.time), -1)[mine]
        spread = None if data.spread[k] is None else data.spread[k].reshape(len(data.time), -1)[mine]
        for j in range(curve.shape[1]):
            label = name if curve.shape[1] == 1 else f"{name}[{j}]"
            (drawn,) = axes.plot(times, curve[:, j], label=literal(label), **line)
            colour = drawn.get_color()
            axes.fill_between(
                times, curve[:, j] - error[:, j], curve[:, j] + error[:, j], color=colour, alpha=0.25, lw=0
            )
            good = slice(None) if keep is None else keep[:, j]
            bars = None if spread is None else spread[:, j][good]
            axes.errorbar(data.time[mine][good], seen[:, j][good], bars, fmt="o", ms=3, color=colour, lw=1)
    axes.set_xlabel("time")
    axes.legend()
    return axes


def _part(tree: Any, name: str) -> Any:
    for key in name.split(".") if isinstance(tree, dict) else ():
        tree = tree[key]
    return tree


def _setting(solution: Any) -> Any:
    setting = getattr(solution.problem, "setting", None)
    if setting is None or not hasattr(setting, "data"):
        raise OptionError("this solution is no fit of trajectories; see sciopt.dynamics.fit_ode")
    return setting


def solver_steps(solution: Any, *, ax: Axes | None = None, **line: Any) -> Axes:
    """Draw the step lengths of the solver along the fitted trajectories.

    Parameters
    ----------
    solution
        A `sciopt.dynamics.ODESolution`.
    ax : Axes, optional
        Where to draw; a new figure if None.
    **line
        Options of matplotlib's ``Line2D``.

    Returns
    -------
    Axes
        Steps are short where the field is hard; their number and the evaluations of the field stand in the title.
    """
    _setting(solution)
    axes, steps = axes_or_new(ax), solution.steps
    for run in np.unique(steps["run"]):
        mine = steps["run"] == run
        order = np.argsort(steps["time"][mine])
        axes.semilogy(steps["time"][mine][order], steps["h"][mine][order], **{"marker": ".", "lw": 1, **line})
    axes.set_xlabel("time")
    axes.set_ylabel("step length")
    axes.set_title(f"{solution.solver}: {len(steps['h'])} steps, {solution.evaluations()} evaluations")
    return axes
