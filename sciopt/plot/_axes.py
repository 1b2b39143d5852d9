"""What all plots share: axes, labels and colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["axes_or_new", "figure_or_new", "ink", "integer_ticks", "labelled", "pyplot"]


def pyplot() -> Any:
    """Return matplotlib.pyplot; `ModuleNotFoundError` says what to install."""
    try:
        import matplotlib.pyplot as plt
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("plots need matplotlib: install it, or use summary() and to_html()") from error
    return plt


def axes_or_new(ax: Axes | None, size: tuple[float, float] = (6.0, 4.0), layout: str = "constrained") -> Axes:
    """Return the axes given, or those of a new figure of that size in inches.

    Axes of fixed aspect need ``layout="compressed"``, else their labels leave the canvas.
    """
    if ax is not None:
        return ax
    _, new = pyplot().subplots(figsize=size, layout=layout)
    return new


def figure_or_new(fig: Figure | None, size: tuple[float, float]) -> Figure:
    """Return the figure given, or a new one of that size in inches."""
    return fig if fig is not None else pyplot().figure(figsize=size, layout="constrained")


def labelled(name: str, unit: str = "") -> str:
    """Return the label of an axis: ``tau (s)``."""
    return f"{literal(name)} ({literal(unit)})" if unit else literal(name)


def literal(text: str) -> str:
    """Return text that matplotlib shows as it is, dollar signs included."""
    return text.replace("$", r"\$")


def integer_ticks() -> Any:
    """Return a locator that puts ticks at integers only."""
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(integer=True)


def ink() -> Any:
    """Return the colour of text, which stands out on the background of any style."""
    return pyplot().rcParams["text.color"]
