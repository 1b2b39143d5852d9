"""The profile of chi2 along one parameter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sciopt.plot._axes import axes_or_new, ink, labelled
from sciopt.report.pdg import rounded

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["profile"]


def profile(solution: Any, name: str, *, level: float = 0.68, ax: Axes | None = None, **line: Any) -> Axes:
    r"""Draw how chi2 grows when one parameter is held beside its best value and all others follow.

    Parameters
    ----------
    solution
        A `sciopt.Solution`.
    name : str
        A free parameter.
    level : float
        Probability content of the interval that is shaded.
    ax : Axes, optional
        Where to draw; a new figure if None.
    **line
        Options of matplotlib's ``Line2D`` for the profile.

    Returns
    -------
    Axes

    Notes
    -----
    The dashed parabola is :math:`((\theta - \hat\theta)/\sigma)^2`; where the profile leaves it, the error bar is
    no good summary and the interval is to be quoted instead.
    """
    from scipy.special import gammaincinv

    interval = solution.profile(name, level)
    scan, delta = np.asarray(interval.scan, float), np.asarray(interval.delta, float)
    order = np.argsort(scan)
    scan, delta = scan[order], delta[order]
    axes = axes_or_new(ax)
    height = 2.0 * float(gammaincinv(0.5, level))
    error = (getattr(solution, "errors", None) or {}).get(name)
    spread = None if error is None or np.ndim(error) else float(error)
    axes.plot(scan, delta, **({"color": "C0", "linewidth": 1.8, "label": "profile"} | line))
    if spread is not None and np.isfinite(spread) and spread > 0:
        x = np.linspace(scan[0], scan[-1], 200)
        parabola = ((x - interval.value) / spread) ** 2
        axes.plot(x, parabola, "--", color=ink(), alpha=0.6, linewidth=1, label="parabola of the error")
    low = scan[0] if interval.lower is None else interval.lower
    high = scan[-1] if interval.upper is None else interval.upper
    half = 0.5 * float(high - low)
    ends = [rounded(float(v), 0.1 * half)[0] if v is not None else "open" for v in (interval.lower, interval.upper)]
    axes.axvspan(low, high, color="C0", alpha=0.12, linewidth=0, label=f"{100 * level:.3g} %: {ends[0]} to {ends[1]}")
    axes.axhline(height, color=ink(), linewidth=0.8, linestyle=":")
    axes.axvline(interval.value, ymax=0.65, color=ink(), linewidth=0.8, alpha=0.6)
    finite = delta[np.isfinite(delta)]
    axes.set_ylim(0, 1.45 * max(1.4 * height, float(finite.max(initial=0.0))))
    axes.set_xlim(scan[0], scan[-1])
    axes.set_xlabel(labelled(name, (getattr(solution, "units", None) or {}).get(name, "")))
    axes.set_ylabel("increase of chi2")
    axes.legend(frameon=False, fontsize="small", loc="upper center")
    return axes
