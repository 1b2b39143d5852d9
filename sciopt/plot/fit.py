"""Data, fitted model and pulls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sciopt._errors import OptionError, SciOptError
from sciopt.plot._axes import axes_or_new, figure_or_new, ink, labelled, literal
from sciopt.plot._data import Curve, curves_of, pull_label, pull_scale
from sciopt.plot._panels import draw_complex, draw_image, draw_nyquist

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["fit"]

DENSE = 400


def fit(
    solution: Any,
    *,
    ax: Axes | None = None,
    fig: Figure | None = None,
    condition: str | None = None,
    label: str | None = None,
    **line: Any,
) -> Axes | Figure:
    r"""Draw the data with their error bars, the fitted model with its 1-sigma band, and the pulls.

    Parameters
    ----------
    solution
        A `sciopt.Solution` of a problem with data.
    ax : Axes, optional
        Draw the data panel only, here (complex data: the complex plane; images: the pulls).
    fig : Figure, optional
        Draw all panels into this figure; a new one if neither is given.
    condition : str, optional
        Only this data set; by default all are laid over each other.
    label : str, optional
        Label of the x axis; by default that of the condition, or the name of the model's first argument.
    **line
        Options of matplotlib's ``Line2D`` for the model curve.

    Returns
    -------
    Axes or Figure
        ``ax`` if it was given, else the figure.

    Raises
    ------
    OptionError
        No condition has data, or images and curves are mixed and ``condition`` does not choose.

    Notes
    -----
    The band is :math:`\pm\sqrt{\mathrm{diag}(G C G^T)}` with the covariance C of the parameters and the derivatives G
    of the model. Pulls are whitened residuals (model - data)/sigma. Complex data are shown as modulus, phase and in
    the complex plane, without a band; images as data, model and pulls; data without one numerical coordinate
    against their index.
    """
    curves = [c if label is None else c.relabelled(label) for c in curves_of(solution, condition)]
    kinds = {c.kind for c in curves}
    if len(kinds) > 1 or (kinds == {"image"} and len(curves) > 1):
        raise OptionError(f"choose one data set with condition=; there are {', '.join(c.name for c in curves)}")
    models = [_model(solution, c) for c in curves]
    if kinds == {"image"}:
        return draw_image(solution, curves[0], ax, fig)
    if kinds == {"complex"}:
        if ax is not None:
            return draw_nyquist(ax, curves, models, line)
        return draw_complex(figure_or_new(fig, (9.0, 4.5)), curves, models, line)
    if ax is not None:
        return _data_panel(axes_or_new(ax), curves, models, line)
    figure = figure_or_new(fig, (6.4, 5.2))
    upper, lower = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [3, 1]})
    _data_panel(upper, curves, models, line)
    upper.set_xlabel("")
    _pull_panel(lower, solution, curves)
    lower.set_xlabel(literal(curves[0].labels[0]))
    figure.align_ylabels([upper, lower])
    return figure


def _model(solution: Any, curve: Curve) -> tuple[Any, Any, Any]:
    """Return x, model and its error: between the data if the model can be asked there, else at the data."""
    order = np.argsort(curve.x, kind="stable")
    at_data = curve.x[order], curve.model.reshape(-1)[order], None
    if curve.kind == "image" or not curve.continuous or curve.x.size < 2:
        return at_data
    low, high = float(curve.x.min()), float(curve.x.max())
    logarithmic = low > 0 and high > 100 * low and _evenly_spaced(np.log(curve.x[order]))
    dense = np.geomspace(low, high, DENSE) if logarithmic else np.linspace(low, high, DENSE)
    try:
        if curve.kind == "line":
            value, error = solution.predict(dense, band=True, condition=curve.name)
        else:
            value, error = solution.predict(dense, condition=curve.name), None
    except (SciOptError, ValueError, TypeError, IndexError):
        return at_data  # a loaded solution without its problem, or a model that is bound to its own points
    value = np.asarray(value)
    if value.shape != dense.shape:
        return at_data
    return dense, value, None if error is None else np.asarray(error)


def _evenly_spaced(x: Any) -> bool:
    steps = np.diff(x)
    return bool(steps.size and steps.min() > 0 and steps.max() < 1.5 * steps.min())


def _data_panel(ax: Axes, curves: list[Curve], models: list[tuple[Any, Any, Any]], line: dict[str, Any]) -> Axes:
    single = len(curves) == 1
    for i, (curve, (x, value, error)) in enumerate(zip(curves, models, strict=True)):
        style = {"color": f"C{i}", "linewidth": 1.8, "zorder": 3} | line
        many = curve.x.size > 200
        ax.errorbar(
            curve.x,
            curve.y,
            yerr=curve.sigma,
            xerr=curve.sigma_x,
            fmt=".",
            markersize=3 if many else 6,
            elinewidth=0.6 if many else 1.0,
            color=ink() if single else f"C{i}",
            alpha=0.8,
            label="data" if single else literal(curve.name),
            zorder=2,
        )
        if error is not None and np.isfinite(error).any():
            label = "1-sigma band" if single else None
            ax.fill_between(x, value - error, value + error, color=style["color"], alpha=0.25, linewidth=0, label=label)
        if curve.continuous:
            ax.plot(x, value, label="model" if single else None, **style)
        else:
            ax.plot(x, value, label="model" if single else None, drawstyle="steps-mid", **style)
    if curves[0].continuous and all(_logarithmic(m[0]) for m in models):
        ax.set_xscale("log")
    ax.set_xlabel(literal(curves[0].labels[0]))
    ax.set_ylabel(literal(curves[0].labels[1]))
    by_label = dict(zip(*reversed(ax.get_legend_handles_labels()), strict=True))
    wanted = [name for name in ("data", "model", "1-sigma band") if name in by_label] if single else list(by_label)
    ax.legend([by_label[name] for name in wanted], wanted, frameon=False)
    return ax


def _logarithmic(x: Any) -> bool:
    """Whether points are dense and spaced evenly in log x."""
    return x.size == DENSE and bool(x[0] > 0) and x[-1] > 100 * x[0] and _evenly_spaced(np.log(x))


def _pull_panel(ax: Axes, solution: Any, curves: list[Curve]) -> None:
    scale = pull_scale(solution)
    ax.axhspan(-1, 1, color=ink(), alpha=0.08, linewidth=0)
    ax.axhline(0, color=ink(), linewidth=0.8, alpha=0.6)
    largest = 3.0
    for i, curve in enumerate(curves):
        pulls = curve.pulls / scale
        color = ink() if len(curves) == 1 else f"C{i}"
        size = 3 if pulls.size > 200 else 6
        ax.plot(curve.pull_x, pulls, ".", markersize=size, alpha=0.8, color=color)
        largest = max(largest, float(np.nanmax(np.abs(pulls), initial=0.0)))
    ax.set_ylim(-1.15 * largest, 1.15 * largest)
    ax.set_ylabel(labelled(pull_label(solution)))
