"""What a report says, read once from a solution; text, HTML and LaTeX only lay it out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sciopt._types import Array
from sciopt.report.pdg import number
from sciopt.report.size import has_data, is_small
from sciopt.report.table import Row, parameter_rows
from sciopt.report.verdict import Verdict, verdict_of

__all__ = ["Content", "content_of"]

MOST_CORRELATIONS = 6
STRONG = 0.5


@dataclass(frozen=True, eq=False)
class Content:
    """The parts of a report in reading order.

    Attributes
    ----------
    verdict : Verdict
        Status, reason and advice.
    quality : str
        Goodness of fit and how the errors were scaled.
    conditions : tuple of (name, chi2, rows)
        One a condition that counts in chi2; empty if there is only one.
    rows, left_out : tuple of Row, int
        Parameters, and how many rows were left out for length.
    shared_reason : str
        Why there are no errors, if that is the same for every one of several rows.
    rank : tuple of str
        Rank of the Jacobian and what it leaves open.
    correlations : tuple of (name, name, float)
        The strongest ones above 0.5 in size.
    counts, method : str
        Cost of the solve and how it was done.
    notes : tuple of str
        Remarks of the solve.
    """

    verdict: Verdict
    quality: str
    conditions: tuple[tuple[str, float, int], ...]
    rows: tuple[Row, ...]
    left_out: int
    shared_reason: str
    rank: tuple[str, ...]
    correlations: tuple[tuple[str, str, float], ...]
    counts: str
    method: str
    notes: tuple[str, ...]


def content_of(solution: Any) -> Content:
    """Read a solution.

    Parameters
    ----------
    solution
        A `sciopt.Solution`, or any object with its attributes; those that it lacks are left out.
    """
    rows, left_out = parameter_rows(solution)
    reasons = {row.reason for row in rows}
    shared = next(iter(reasons)) if len(reasons) == 1 and len(rows) > 2 else ""
    return Content(
        verdict=verdict_of(solution),
        quality=_quality(solution),
        conditions=_conditions(solution),
        rows=tuple(replace(row, reason="") for row in rows) if shared else tuple(rows),
        left_out=left_out,
        shared_reason=shared,
        rank=_rank(solution),
        correlations=_strongest(solution),
        counts=_counts(solution),
        method=_method(solution),
        notes=tuple(str(note) for note in getattr(solution, "notes", None) or ()),
    )


def correlation_of(solution: Any) -> Array | None:
    """Return the correlation matrix (P, P), or None if there are no data or it is too large to be asked for."""
    if not is_small(solution) or not has_data(solution):
        return None
    matrix = getattr(solution, "correlation", None)
    return None if matrix is None else np.asarray(matrix, dtype=np.float64)


def direction_in_words(direction: dict[str, float], most: int = 6) -> str:
    """Write a null direction as a combination of parameters: ``0.71 A - 0.71 B``."""
    largest = max((abs(c) for c in direction.values()), default=0.0)
    terms = sorted(((n, c) for n, c in direction.items() if abs(c) >= 0.01 * largest), key=lambda t: -abs(t[1]))
    text = ""
    for name, coefficient in terms[:most]:
        sign = "-" if coefficient < 0 else "+"
        text += (
            f" {sign} {abs(coefficient):.2g} {name}"
            if text
            else f"{'-' if sign == '-' else ''}{abs(coefficient):.2g} {name}"
        )
    return text + (f" + {len(terms) - most} smaller terms" if len(terms) > most else "")


def _quality(solution: Any) -> str:
    if not has_data(solution):
        history = getattr(solution, "history", None)
        if history is None or "f" not in list(history.keys()):
            return ""
        values = np.asarray(history["f"])
        return f"merit f = {number(float(values[-1]))}" if values.size else ""
    chi2, dof = solution.chi2, getattr(solution, "dof", None) if is_small(solution) else None
    if not is_small(solution):
        return f"chi2 = {number(chi2)} of {sum(n for _, n in solution.chi2_by_condition.values())} rows"
    if dof is None or not dof > 0:
        return f"chi2 = {number(chi2)}; no degrees of freedom left: the quality of the fit cannot be judged"
    if any(
        getattr(c, "scatter", None) is not None for c in getattr(getattr(solution, "problem", None), "conditions", ())
    ):
        return f"chi2/dof = {chi2:.4g}/{dof:.6g} = {chi2 / dof:.3g}; rows are correlated, so that it has no p-value"
    if getattr(solution, "errors_kind", "absolute") == "absolute":
        return f"chi2/dof = {chi2:.4g}/{dof:.6g} = {chi2 / dof:.3g}, p-value {_p_value(chi2, dof)}"
    return f"sqrt(chi2/dof) = {np.sqrt(chi2 / dof):.4g} with dof = {dof:.6g}; errors scaled by sqrt(chi2/dof)"


def _p_value(chi2: float, dof: float) -> str:
    """Return the chance of a larger chi2 if model and sigma are right."""
    from scipy.special import gammaincc

    p = float(gammaincc(0.5 * dof, 0.5 * max(chi2, 0.0)))
    return f"{p:.2g}" if p > 1e-99 else "below 1e-99"


def _conditions(solution: Any) -> tuple[tuple[str, float, int], ...]:
    parts = getattr(solution, "chi2_by_condition", None) or {}
    if len(parts) < 2:
        return ()
    return tuple((str(name), float(part[0]), int(part[1])) for name, part in parts.items())


def _rank(solution: Any) -> tuple[str, ...]:
    names = getattr(solution, "names", None) or ()
    if not is_small(solution):
        return (f"{len(names)} unknowns: rank, spectrum and errors are worked out only when asked for",)
    rank = getattr(solution, "rank", None)
    if rank is None:
        return ()
    held = len(getattr(solution, "at_bound", None) or ())
    head = f"rank {rank} of {len(names) - held}" + (f" ({held} at a bound left out)" if held else "")
    values = getattr(solution, "singular_values", None)
    if values is not None and 0 < rank <= len(values) and values[rank - 1] > 0:
        head += f", condition number {values[0] / values[rank - 1]:.2g}"
    directions = list(getattr(solution, "null_directions", None) or ())
    lines = [f"not identified: {direction_in_words(d)}" for d in directions[:MOST_CORRELATIONS]]
    if len(directions) > MOST_CORRELATIONS:
        lines.append(f"and {len(directions) - MOST_CORRELATIONS} more directions that are not identified")
    return (head, *lines)


def _strongest(solution: Any) -> tuple[tuple[str, str, float], ...]:
    matrix = correlation_of(solution)
    if matrix is None or matrix.shape[0] < 2:
        return ()
    i, j = np.triu_indices(matrix.shape[0], 1)
    values = np.where(np.isfinite(matrix[i, j]), matrix[i, j], 0.0)
    order = np.argsort(-np.abs(values), kind="stable")[:MOST_CORRELATIONS]
    names = solution.names
    return tuple((names[i[k]], names[j[k]], float(values[k])) for k in order if abs(values[k]) > STRONG)


def _counts(solution: Any) -> str:
    counts = [
        (getattr(solution, "nit", None), "step", "steps"),
        (getattr(solution, "nfev", None), "evaluation", "evaluations"),
        (getattr(solution, "njev", None), "Jacobian", "Jacobians"),
    ]
    parts = [f"{n} {one if n == 1 else many}" for n, one, many in counts if n is not None]
    seconds = getattr(solution, "seconds", None)
    return ", ".join([*parts, *([f"{seconds:.2g} s"] if seconds is not None else [])])


def _method(solution: Any) -> str:
    method = getattr(solution, "method", None)
    if method is None:
        return ""
    text = method if isinstance(method, str) else repr(method)
    return text if len(text) <= 100 else text[:97] + "..."
