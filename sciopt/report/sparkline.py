"""A small picture of the convergence as inline SVG."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np

__all__ = ["sparkline"]

WIDTH, HEIGHT, EDGE = 220.0, 44.0, 5.0
MOST_POINTS = 200


def sparkline(history: Any) -> str:
    """Draw log10 of the merit against the step; an empty text if there are fewer than two finite values.

    Parameters
    ----------
    history
        Object with ``keys()`` and ``history["f"]``, the merit after each step, shape (steps,).

    Returns
    -------
    str
        An ``svg`` element in the text colour of the page, with the first and last value as its title.
    """
    if history is None or "f" not in list(history.keys()):
        return ""
    f = np.asarray(history["f"], dtype=np.float64)
    f = f[np.isfinite(f) & (f > 0)]
    if f.size < 2:
        return ""
    first, last = float(f[0]), float(f[-1])
    if f.size > MOST_POINTS:
        f = f[np.linspace(0, f.size - 1, MOST_POINTS).round().astype(int)]
    y = np.log10(f)
    low, high = float(y.min()), float(y.max())
    height = (high - y) / (high - low) if high > low else np.full(y.size, 0.5)
    xs = EDGE + (WIDTH - 2 * EDGE) * np.linspace(0.0, 1.0, y.size)
    ys = EDGE + (HEIGHT - 2 * EDGE) * height
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(xs, ys, strict=True))
    title = escape(f"merit f from {first:.3g} to {last:.3g}")
    return (
        f'<svg width="{WIDTH:.0f}" height="{HEIGHT:.0f}" viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}" role="img" '
        f'aria-label="{title}" style="display:block"><title>{title}</title>'
        f'<polyline points="{points}" fill="none" stroke="currentColor" stroke-width="1.5" opacity=".8"/>'
        f'<circle cx="{xs[-1]:.1f}" cy="{ys[-1]:.1f}" r="2.5" fill="currentColor"/></svg>'
    )
