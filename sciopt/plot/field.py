"""An unknown function on its domain: a line, an image, or a slice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sciopt._errors import OptionError
from sciopt.plot._axes import axes_or_new, literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["field"]


def field(
    solution: Any,
    name: str | None = None,
    *,
    at: dict[str, float] | None = None,
    component: int | None = None,
    counts: tuple[int, ...] = (),
    ax: Axes | None = None,
    cmap: str = "viridis",
    colorbar: bool = True,
    **line: Any,
) -> Axes:
    """Draw an unknown function along one coordinate as a line, along two as an image.

    Parameters
    ----------
    solution
        A `sciopt.Solution` of conditions on a domain, or a `sciopt.pde.Field` such as ``solution.u.map(so.pde.laplacian)``.
    name
        Which unknown function; not needed if there is one.
    at
        Coordinates held at a value, ``{"t": 0.5}``: a slice.
    component
        Which component of a vector function; its modulus by default. Complex functions are drawn by their modulus.
    counts
        Points along each free coordinate; 201 along one, 129 along two by default.
    ax : Axes, optional
        Draw here.
    cmap, colorbar
        Colour map of an image, and whether to add its bar.
    **line
        Options of matplotlib's ``Line2D`` for a line.

    Raises
    ------
    OptionError
        More than two coordinates are free.
    """
    from sciopt.pde._read import the_field

    f = solution if hasattr(solution, "on_grid") else the_field(solution, name)
    free = [n for n in f.domain.names if n not in (at or {})]
    if not 1 <= len(free) <= 2:
        raise OptionError(
            f"a plot has one or two free coordinates; hold others, at={{{free[0]!r}: 0.5}}: free are {free}"
        )
    axes, values = f.on_grid(*(counts or ((201,) if len(free) == 1 else (129, 129))), at=at)
    values = _scalar(values, len(free), component)
    title = literal(f.name if component is None else f"{f.name}[{component}]")
    if at:
        title += " at " + ", ".join(f"{literal(k)} = {v:.4g}" for k, v in at.items())
    if len(free) == 1:
        ax = axes_or_new(ax)
        ax.plot(axes[free[0]], values, **line)
        ax.set_xlabel(literal(free[0]))
        ax.set_ylabel(title)
        return ax
    flat = not (f.domain.has_time and f.domain.names[0] in free)
    ax = axes_or_new(ax, (6.0, 4.4), "compressed" if flat else "constrained")
    image = ax.pcolormesh(axes[free[0]], axes[free[1]], values.T, cmap=cmap, shading="gouraud", rasterized=True)
    if flat:
        ax.set_aspect("equal")
    ax.set_xlabel(literal(free[0]))
    ax.set_ylabel(literal(free[1]))
    if colorbar:
        ax.figure.colorbar(image, ax=ax, label=title)
    else:
        ax.set_title(title)
    return ax


def _scalar(values: Any, dims: int, component: int | None) -> Any:
    """Return one real number a point, masked where there is none."""
    if values.ndim > dims:
        if component is None:
            values = np.sqrt(np.sum(np.abs(values) ** 2, axis=tuple(range(dims, values.ndim))))
        else:
            values = values[..., component]
    elif component is not None:
        raise OptionError(f"component={component} needs a vector function")
    values = np.abs(values) if np.iscomplexobj(values) else values
    return np.ma.masked_invalid(values)
