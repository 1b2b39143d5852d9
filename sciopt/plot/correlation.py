"""The correlation matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sciopt._errors import OptionError
from sciopt.plot._axes import axes_or_new, literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["correlation"]

MOST_NUMBERS = 12
MOST_NAMES = 40


def correlation(solution: Any, *, ax: Axes | None = None, cmap: str = "RdBu_r") -> Axes:
    """Draw the correlation matrix of the parameters in colour, with numbers for up to 12 parameters.

    Parameters
    ----------
    solution
        A `sciopt.Solution` with ``correlation`` (P, P) and ``names``.
    ax : Axes, optional
        Where to draw; a new figure if None.
    cmap : str
        A diverging colour map.

    Returns
    -------
    Axes

    Raises
    ------
    OptionError
        The solution has no correlation matrix.

    Notes
    -----
    Crossed cells belong to parameters without an error bar.
    """
    matrix = getattr(solution, "correlation", None)
    if matrix is None:
        raise OptionError("this solution has no correlation matrix; see error_reasons")
    matrix = np.asarray(matrix, dtype=np.float64)
    names = [literal(str(n)) for n in solution.names]
    count = len(names)
    side = float(np.clip(1.6 + 0.55 * count, 3.2, 9.0))
    axes = axes_or_new(ax, (side + 1.3, side), "compressed")
    shown = axes.imshow(matrix, cmap=cmap, vmin=-1, vmax=1, interpolation="nearest")
    if count <= MOST_NAMES:
        slanted = max(map(len, names)) > 3
        axes.set_xticks(range(count), names, rotation=45 if slanted else 0, ha="right" if slanted else "center")
        axes.set_yticks(range(count), names)
    axes.tick_params(length=0)
    if count <= MOST_NUMBERS:
        for i, j in np.ndindex(count, count):
            value = matrix[i, j]
            if not np.isfinite(value):
                axes.text(j, i, "×", ha="center", va="center", color="0.5")
                continue
            colour = "white" if abs(value) > 0.65 else "black"
            text = f"{value:.2f}".replace("-", "\N{MINUS SIGN}")
            axes.text(j, i, text, ha="center", va="center", fontsize="small", color=colour)
    axes.figure.colorbar(shown, ax=axes, shrink=0.85, label="correlation")
    return axes
