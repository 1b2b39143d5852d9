"""An unknown function at several instants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sciopt._errors import OptionError
from sciopt.plot._axes import figure_or_new
from sciopt.plot.field import field

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["field_frames"]


def field_frames(
    solution: Any, name: str | None = None, *, times: Any = 5, fig: Figure | None = None, **options: Any
) -> Figure:
    """Draw an unknown function of time and space at several instants, one panel each, on one scale.

    Parameters
    ----------
    solution, name
        As in `field`; the domain is a product with time.
    times
        Number of instants, evenly spaced over the domain's, or the instants.
    fig : Figure, optional
        Draw into this figure.
    **options
        As in `field`.

    Notes
    -----
    For an animation draw the same panel anew for each instant: ``field(solution, at={"t": t}, ax=ax)``.

    Raises
    ------
    OptionError
        The domain has no time.
    """
    from sciopt.pde._read import the_field

    f = solution if hasattr(solution, "on_grid") else the_field(solution, name)
    if not f.domain.has_time:
        raise OptionError(f"{f.domain!r} has no time; use field")
    instants = (
        np.linspace(f.domain.bounds[0, 0], f.domain.bounds[0, 1], int(times))
        if np.ndim(times) == 0
        else np.asarray(times, float)
    )
    figure = figure_or_new(fig, (2.6 * len(instants), 2.6))
    panels = np.atleast_1d(figure.subplots(1, len(instants), sharex=True, sharey=True))
    held = dict(options.pop("at", None) or {})
    images = f.domain.dim - 1 - len(held) == 2
    for ax, t in zip(panels, instants, strict=True):
        more = {"colorbar": False} if images else {}
        field(f, at={f.domain.names[0]: float(t), **held}, ax=ax, **more, **options)
        ax.set_title(f"{f.domain.names[0]} = {t:.3g}")
        if ax is not panels[0]:
            ax.set_ylabel("")
    if images:
        drawn = [ax.collections[0] for ax in panels]
        low = min(float(m.get_array().min()) for m in drawn)
        high = max(float(m.get_array().max()) for m in drawn)
        for m in drawn:
            m.set_clim(low, high)
        figure.colorbar(drawn[-1], ax=list(panels), label=f.name)
    else:
        panels[0].set_ylabel(f.name)
    return figure
