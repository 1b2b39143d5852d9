"""Singular values of the whitened Jacobian: what the data can tell, and what they cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sciopt._errors import OptionError
from sciopt.plot._axes import axes_or_new, ink, integer_ticks, literal
from sciopt.report.content import direction_in_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["spectrum"]

MOST_NAMED = 6
FEW = 60


def spectrum(solution: Any, *, ax: Axes | None = None, **line: Any) -> Axes:
    """Draw the singular values, the rank that is kept, and the directions that the data leave open.

    Parameters
    ----------
    solution
        A `sciopt.Solution` with ``singular_values`` (of the column-scaled, whitened Jacobian) and ``rank``.
    ax : Axes, optional
        Where to draw; a new figure if None.
    **line
        Options of matplotlib's ``Line2D`` for the kept values.

    Returns
    -------
    Axes

    Raises
    ------
    OptionError
        The solution has no singular values.

    Notes
    -----
    Full marks are kept, open ones cut: directions to their right have no error bar. The grey zone lies below the
    rounding of the Jacobian, max(n, P) eps s_1. An arrow marks a value below the frame. Null directions are
    written as combinations of parameters.
    """
    given = getattr(solution, "singular_values", None)
    if given is None or np.size(given) == 0:
        raise OptionError("this solution has no singular values to draw")
    held = len(getattr(solution, "at_bound", None) or ())  # parameters at a bound have no singular direction
    total = max(len(getattr(solution, "names", None) or ()) - held, np.size(given))
    values = np.zeros(total)
    values[: np.size(given)] = given  # fewer rows than unknowns: the rest is exactly zero
    rank = int(solution.rank)
    axes = axes_or_new(ax, (6.4, 4.4))
    if not values[0] > 0:
        raise OptionError("every singular value is zero: the residual does not depend on the parameters")
    floor = _floor(solution, total, values[0])
    drawn, below = _within(values, floor)
    index = np.arange(1, total + 1)
    size = 7 if total <= FEW else 3
    style = {"color": "C0", "marker": "o", "linestyle": "-", "linewidth": 0.8, "markersize": size} | line
    axes.plot(index[:rank], drawn[:rank], label=f"kept: rank {rank} of {total}", zorder=3, **style)
    if rank < total:
        seen = ~below[rank:]
        open_style = {"color": "C3", "linestyle": "none", "markerfacecolor": "none", "markersize": size, "zorder": 3}
        label = f"cut: {total - rank} not identified"
        axes.plot(index[rank:][seen], drawn[rank:][seen], marker="o", label=label if seen.any() else None, **open_style)
        axes.plot(
            index[rank:][~seen], drawn[rank:][~seen], marker="v", label=None if seen.any() else label, **open_style
        )
        axes.axvline(rank + 0.5, color="C3", linestyle="--", linewidth=1.2, label="cut")
    bottom = min(float(drawn.min()), floor) / 8
    axes.set_yscale("log")
    named = _named_directions(solution, rank)
    decades = np.log10(values[0] / bottom)
    axes.set_ylim(bottom, values[0] * 6 * 10 ** (decades * 0.055 * len(named)))
    axes.axhspan(bottom, floor, color=ink(), alpha=0.08, linewidth=0, label="below rounding of J")
    axes.set_xlim(0.4, total + 0.6)
    axes.set_xlabel("singular direction")
    axes.set_ylabel("singular value")
    axes.xaxis.set_major_locator(integer_ticks())
    if named:
        axes.text(
            0.985,
            0.975,
            literal("\n".join(named)),
            transform=axes.transAxes,
            ha="right",
            va="top",
            fontsize="small",
            color="C3",
            bbox={"facecolor": axes.get_facecolor(), "edgecolor": "none", "alpha": 0.85, "pad": 2},
        )
    axes.legend(frameon=False, fontsize="small", loc="best")
    return axes


def _floor(solution: Any, total: int, largest: float) -> float:
    rows = sum(int(part[1]) for part in (getattr(solution, "chi2_by_condition", None) or {}).values())
    return float(max(rows, total) * np.finfo(np.float64).eps * largest)


def _within(values: Any, floor: float) -> tuple[Any, Any]:
    """Lift what lies far below the rounding to the edge of the frame, and say which values were lifted."""
    edge = floor / 30
    return np.maximum(values, edge), values < edge


def _named_directions(solution: Any, rank: int) -> list[str]:
    """Return the lines that name the null directions, none if there are none."""
    directions = list(getattr(solution, "null_directions", None) or ())
    if not directions:
        return []
    lines = [f"{rank + 1 + i}: {direction_in_words(d, most=4)}" for i, d in enumerate(directions[:MOST_NAMED])]
    more = [f"and {len(directions) - MOST_NAMED} more"] if len(directions) > MOST_NAMED else []
    return ["not identified", *lines, *more]
