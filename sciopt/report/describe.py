"""Problems as HTML: what is asked, of which unknown."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np

from sciopt.report.html import table
from sciopt.report.pdg import number

__all__ = ["problem_html"]

MOST_PARAMETERS = 20


def problem_html(problem: Any) -> str:
    """Write a problem as an HTML fragment: its conditions, and its unknown.

    Parameters
    ----------
    problem
        A `sciopt.Problem`.

    Returns
    -------
    str
        One row a condition (what its rows are, number of points, loss), one row a parameter (start, bounds, unit);
        an array is one row.
    """
    conditions = [_condition(c) for c in problem.conditions]
    unknown = [_leaf(leaf) for leaf in problem.layout.leaves if leaf.numeric]
    parts = [
        f"<strong>Problem</strong>: {problem.layout.size} free numbers, structure {escape(problem.structure)}",
        table(["condition", "rows", "points", "loss"], conditions, frozenset({2})),
        table(["unknown", "start", "bounds", "unit", ""], unknown[:MOST_PARAMETERS], frozenset({1})),
    ]
    if len(unknown) > MOST_PARAMETERS:
        parts.append(f"<div>… and {len(unknown) - MOST_PARAMETERS} more</div>")
    return '<div style="line-height:1.45">\n' + "\n".join(parts) + "\n</div>"


def _condition(c: Any) -> list[str]:
    batch = c.points.first(np.random.default_rng(0))
    kind = (
        f"equations, weight {number(c.weight)}"
        if c.equation
        else "data"
        if c.sigma is not None
        else "data, sigma unknown"
    )
    if c.target is None and c.sigma is None and not c.equation:
        kind = "residuals"
    count = "" if batch.n is None else str(batch.n)
    return [escape(c.name), kind, count, escape(str(getattr(c.loss, "name", c.loss)))]


def _leaf(leaf: Any) -> list[str]:
    parameter = leaf.parameter
    if leaf.shape:
        start = "array " + " × ".join(map(str, leaf.shape))
    else:
        start = "" if parameter.value is None else number(np.asarray(parameter.value).item())
    lower, upper = parameter.limits
    bounds = "" if np.isinf(lower) and np.isinf(upper) else f"[{number(lower)}, {number(upper)}]"
    remark = "fixed" if parameter.fixed else "tied" if parameter.tied is not None else ""
    return [escape(leaf.name), escape(start), bounds, escape(parameter.unit), remark]
