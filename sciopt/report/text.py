"""A solution as plain text."""

from __future__ import annotations

import textwrap
from typing import Any

from sciopt.report.content import Content, content_of
from sciopt.report.pdg import value_with_error
from sciopt.report.table import Row

__all__ = ["one_line", "summary"]

WIDTH = 110


def summary(solution: Any) -> str:
    """Write a solution as text, verdict first.

    Parameters
    ----------
    solution
        A `sciopt.Solution`, or any object with its attributes.

    Returns
    -------
    str
        Verdict and advice; goodness of fit; the parameter table, values and errors rounded together; the rank of the
        Jacobian with its open directions; correlations above 0.5; cost; notes. No line ends in a newline.
    """
    content = content_of(solution)
    blocks = [_verdict(content), _quality(content), _parameters(content), _structure(content), _cost(content)]
    return "\n\n".join(block for block in blocks if block)


def one_line(solution: Any) -> str:
    """Write the status and the first few parameters in one line, for lists and logs.

    Returns
    -------
    str
        Such as ``Solution(converged: A = 2.50(8), tau = 1.31(12) s)``.
    """
    content = content_of(solution)
    parts = []
    for row in content.rows[:6]:
        text = row.flags if row.estimate is None else value_with_error(*row.estimate)
        parts.append(f"{row.name} = {text}{' ' + row.unit if row.unit else ''}")
    hidden = len(content.rows) + content.left_out - len(parts)
    return f"Solution({content.verdict.word}: {', '.join(parts)}{f', ... {hidden} more' if hidden else ''})"


def _verdict(content: Content) -> str:
    verdict = content.verdict
    lines = _wrapped(verdict.word, verdict.why)
    for caveat in verdict.caveats:
        lines += _wrapped("  but", caveat)
    for advice in verdict.advice:
        lines += _wrapped("  try", advice)
    return "\n".join(lines)


def _wrapped(head: str, text: str) -> list[str]:
    if not text:
        return [head]
    return textwrap.wrap(f"{head}: {text}", WIDTH, subsequent_indent="       ", break_long_words=False)


def _quality(content: Content) -> str:
    lines = textwrap.wrap(content.quality, WIDTH)
    if content.conditions:
        cells = [(name, f"{chi2:.4g}", str(rows)) for name, chi2, rows in content.conditions]
        lines += _columns([("condition", "chi2", "rows"), *cells], "<>>", indent="  ")
    return "\n".join(lines)


def _parameters(content: Content) -> str:
    if not content.rows:
        return ""
    header = Row("parameter", "value", "error", "unit", "start", "bounds", "")
    body: list[tuple[str, ...]] = []
    for row in (header, *content.rows):
        sign = "±" if row.error else ""
        body.append((row.name, row.value, sign, row.error, row.unit, row.start, row.bounds, row.remark))
    lines = _columns(body, "<>^<<<<<")
    if content.shared_reason:
        lines += _wrapped("no errors", content.shared_reason)
    if content.left_out:
        lines.append(f"... and {content.left_out} more rows; see solution.values and solution.errors")
    return "\n".join(lines)


def _columns(body: list[tuple[str, ...]], align: str, indent: str = "") -> list[str]:
    """Lay out rows of cells; columns that are empty below the header are left out."""
    kept = [j for j in range(len(align)) if any(cells[j] for cells in body[1:])]
    widths = {j: max(len(cells[j]) for cells in body) for j in kept}
    lines = []
    for cells in body:
        text = indent
        for j in kept:
            gap = " " if align[j] == "^" or (j and align[j - 1] == "^" and j - 1 in kept) else "  "
            text += ("" if j == kept[0] else gap) + f"{cells[j]:{align[j]}{widths[j]}}"
        lines.append(text.rstrip())
    return lines


def _structure(content: Content) -> str:
    lines = list(content.rank)
    if content.correlations:
        pairs = [f"({a}, {b}) {value:+.2f}" for a, b, value in content.correlations]
        lines += textwrap.wrap("correlations: " + ", ".join(pairs), WIDTH, subsequent_indent="  ")
    return "\n".join(lines)


def _cost(content: Content) -> str:
    lines = [text for text in (content.counts, f"method: {content.method}" if content.method else "") if text]
    for note in content.notes:
        lines += textwrap.wrap(f"note: {note}", WIDTH, subsequent_indent="  ")
    return "\n".join(lines)
