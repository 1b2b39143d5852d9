"""Phase portraits: fitted trajectories in the plane of two quantities, over the fitted vector field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sciopt._errors import OptionError
from sciopt.plot._axes import axes_or_new, literal
from sciopt.plot.trajectory import DENSE, _setting

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["phase"]

ARROWS = 15


def phase(
    solution: Any,
    x: str | None = None,
    y: str | None = None,
    *,
    field: bool = True,
    until: float | None = None,
    ax: Axes | None = None,
    **line: Any,
) -> Axes:
    """Draw the fitted trajectories in the plane of two entries of the state, with data and vector field.

    Parameters
    ----------
    solution
        A `sciopt.dynamics.ODESolution`.
    x, y
        Names of two entries of the state; the first two by default.
    field
        Also draw the direction of the fitted field on a grid. Further entries of the state are held at their mean
        along the first trajectory.
    until
        Time to which the trajectories are drawn; the last datum by default.
    ax : Axes, optional
        Where to draw; a new figure if None.
    **line
        Options of matplotlib's ``Line2D`` for the trajectories.

    Returns
    -------
    Axes

    Raises
    ------
    OptionError
        The state has no such entry, or only one.
    """
    setting = _setting(solution)
    state = setting.state
    names = state.entry_names()
    if len(names) < 2:
        raise OptionError("a phase portrait needs a state of two entries or more")
    across, up = names[0] if x is None else x, names[1] if y is None else y
    for name in (across, up):
        if name not in names:
            raise OptionError(f"the state has no entry {name!r}; entries: {', '.join(names)}")
    i, j = names.index(across), names.index(up)
    axes = axes_or_new(ax, (5.2, 4.8))
    mean = np.zeros(len(names))
    for run in range(setting.data.runs):
        times = setting.data.times[run]
        dense = np.linspace(times[0], times[-1] if until is None else until, DENSE)
        curve = _flat(state, solution.predict(dense, run=run), DENSE)
        mean = curve.mean(0) if run == 0 else mean
        axes.plot(curve[:, i], curve[:, j], **line)
    _data(axes, setting, across, up)
    if field:
        _arrows(axes, solution, state, mean, i, j, float(setting.data.times[0][0]))
    axes.set_xlabel(literal(across))
    axes.set_ylabel(literal(up))
    return axes


def _flat(state: Any, tree: Any, n: int) -> Any:
    leaves: Any = tree if not isinstance(tree, dict) else None
    whole: list[Any] = _leaves(tree) if leaves is None or isinstance(tree, tuple) else [tree]
    parts: list[Any] = [np.reshape(v, (n, -1)) for v in whole]
    parts = [np.concatenate([p.real, p.imag], 1) if np.iscomplexobj(p) else p for p in parts]
    return np.concatenate(parts, axis=1)


def _leaves(tree: Any) -> list[Any]:
    if isinstance(tree, dict):
        return [leaf for v in tree.values() for leaf in _leaves(v)]
    if isinstance(tree, (list, tuple)):
        return [leaf for v in tree for leaf in _leaves(v)]
    return [tree]


def _data(axes: Axes, setting: Any, x: str, y: str) -> None:
    """Draw the data if both entries were measured as they are."""
    data = setting.data
    if setting.observe is not None:
        return
    columns = {}
    for name, shape, values, keep in zip(data.names, data.shapes, data.values, data.keep, strict=True):
        flat = values.reshape(len(data.time), -1)
        good = np.ones(flat.shape, bool) if keep is None else keep.reshape(flat.shape)
        where = "y" if name == "data" else name
        for k in range(flat.shape[1]):
            label = where if not shape else f"{where}[{','.join(map(str, np.unravel_index(k, shape)))}]"
            columns[label] = (flat[:, k], good[:, k])
    if x in columns and y in columns:
        both = columns[x][1] & columns[y][1]
        axes.plot(columns[x][0][both], columns[y][0][both], "o", ms=3, alpha=0.6)


def _arrows(axes: Axes, solution: Any, state: Any, mean: Any, i: int, j: int, t: float) -> None:
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    X, Y = np.meshgrid(np.linspace(left, right, ARROWS), np.linspace(low, high, ARROWS))
    points = np.tile(mean, (X.size, 1))
    points[:, i], points[:, j] = X.ravel(), Y.ravel()
    rates = solution.field_at(t, points)
    U, V = rates[:, i] / (right - left), rates[:, j] / (high - low)
    length = np.hypot(U, V)
    good = np.isfinite(length) & (length > 0)
    axes.quiver(
        X.ravel()[good], Y.ravel()[good], (U / length)[good], (V / length)[good], alpha=0.3, pivot="mid", scale=30
    )
    axes.set_xlim(left, right)
    axes.set_ylim(low, high)
