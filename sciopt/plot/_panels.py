"""Panels for complex data and for images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sciopt.plot._axes import figure_or_new, ink, literal
from sciopt.plot._data import Curve, pull_label, pull_scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_complex", "draw_image", "draw_nyquist"]

Model = tuple[Any, Any, Any]


def draw_complex(fig: Figure, curves: list[Curve], models: list[Model], line: dict[str, Any]) -> Figure:
    """Draw modulus and phase one above the other, and the complex plane beside them."""
    grid = fig.add_gridspec(2, 2, width_ratios=[1.15, 1])
    modulus = fig.add_subplot(grid[0, 0])
    phase = fig.add_subplot(grid[1, 0], sharex=modulus)
    for i, (curve, (x, value, _)) in enumerate(zip(curves, models, strict=True)):
        marker, style = _styles(i, len(curves), curve.x.size, line)
        length = np.abs(curve.y)
        with np.errstate(divide="ignore", invalid="ignore"):
            angle_error = None if curve.sigma is None else np.minimum(curve.sigma / length, np.pi)
        modulus.errorbar(curve.x, length, yerr=curve.sigma, **marker)
        modulus.plot(x, np.abs(value), **style)
        phase.errorbar(curve.x, _phase_of_data(curve), yerr=angle_error, **marker)
        phase.plot(x, np.unwrap(np.angle(value)), **style)
    phase.locator_params(axis="x", nbins=5)
    modulus.set_ylabel("modulus")
    modulus.tick_params(labelbottom=False)
    phase.set_ylabel("phase (rad)")
    phase.set_xlabel(literal(curves[0].labels[0]))
    draw_nyquist(fig.add_subplot(grid[:, 1]), curves, models, line)
    fig.align_ylabels([modulus, phase])
    return fig


def draw_nyquist(ax: Axes, curves: list[Curve], models: list[Model], line: dict[str, Any]) -> Axes:
    """Draw data and model in the complex plane with equal scales."""
    single = len(curves) == 1
    for i, (curve, (_, value, _)) in enumerate(zip(curves, models, strict=True)):
        marker, style = _styles(i, len(curves), curve.x.size, line)
        label = "data" if single else literal(curve.name)
        error = curve.sigma
        ax.errorbar(curve.y.real, curve.y.imag, xerr=error, yerr=error, label=label, **marker)
        ax.plot(value.real, value.imag, label="model" if single else None, **style)
    ax.set_aspect("equal", adjustable="datalim")
    ax.set_xlabel("real part")
    ax.set_ylabel("imaginary part")
    ax.legend(frameon=False)
    return ax


def draw_image(solution: Any, curve: Curve, ax: Axes | None, fig: Figure | None) -> Axes | Figure:
    """Draw data and model on one colour scale, and the pulls on one that is symmetric about zero."""
    pulls = curve.pulls / pull_scale(solution)
    residual = pulls.reshape(curve.y.shape) if pulls.size == curve.y.size else curve.model - curve.y
    title = pull_label(solution) if pulls.size == curve.y.size else "model - data"
    largest = float(np.nanmax(np.abs(residual), initial=0.0)) or 1.0
    if ax is not None:
        _colour_bar(ax, [ax], _mesh(ax, curve, residual, title, "RdBu_r", -largest, largest))
        return ax
    tall = curve.y.shape[0] / curve.y.shape[1] if curve.grid is None else 1.0
    figure = figure_or_new(fig, (10.5, float(np.clip(3.0 * tall, 2.4, 6.0)) + 0.6))
    panels = list(figure.subplots(1, 3, sharex=True, sharey=True))
    both = np.concatenate([curve.y.ravel(), curve.model.ravel()])
    low, high = float(np.nanmin(both)), float(np.nanmax(both))
    _mesh(panels[0], curve, curve.y, "data", "viridis", low, high)
    shown = _mesh(panels[1], curve, curve.model, "model", "viridis", low, high)
    _colour_bar(figure, panels[:2], shown)
    _colour_bar(figure, panels[2:], _mesh(panels[2], curve, residual, title, "RdBu_r", -largest, largest))
    for panel in panels:
        panel.label_outer()
    return figure


def _styles(i: int, count: int, size: int, line: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    marker = {
        "fmt": ".",
        "markersize": 3 if size > 200 else 6,
        "elinewidth": 0.6 if size > 200 else 1.0,
        "color": ink() if count == 1 else f"C{i}",
        "alpha": 0.8,
        "zorder": 2,
    }
    return marker, {"color": f"C{i}", "linewidth": 1.8, "zorder": 3} | line


def _phase_of_data(curve: Curve) -> Any:
    """Return the phase of the data on the branch that is nearest to the model."""
    order = np.argsort(curve.x, kind="stable")
    phase = np.empty(curve.x.size)
    phase[order] = np.unwrap(np.angle(curve.model[order]))
    return phase + np.angle(curve.y * np.conj(curve.model))


def _mesh(ax: Axes, curve: Curve, values: Any, title: str, colours: str, low: float, high: float) -> Any:
    if curve.grid is not None:
        shown = ax.pcolormesh(
            *curve.grid, values, cmap=colours, vmin=low, vmax=high, shading="nearest", rasterized=True
        )
        ax.set_xlabel(literal(curve.grid_names[0]))
        ax.set_ylabel(literal(curve.grid_names[1]))
    else:
        shown = ax.imshow(values, cmap=colours, vmin=low, vmax=high, origin="lower", interpolation="nearest")
        ax.set_xlabel("column")
        ax.set_ylabel("row")
    ax.set_title(title, fontsize="medium")
    return shown


def _colour_bar(owner: Any, panels: list[Any], shown: Any) -> None:
    figure = owner if hasattr(owner, "colorbar") else owner.get_figure()
    figure.colorbar(shown, ax=panels, shrink=0.9, pad=0.02)
