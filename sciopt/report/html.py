"""A solution as HTML for notebooks: inline styles only, readable on light and dark backgrounds."""

from __future__ import annotations

from html import escape
from typing import Any

from sciopt._types import Array
from sciopt.report.content import Content, content_of, correlation_of
from sciopt.report.sparkline import sparkline

__all__ = ["to_html"]

LARGEST_TINTED = 12
TONES = {"good": ("#2da44e", "45,164,78"), "caution": ("#d4a017", "212,160,23"), "bad": ("#cf222e", "207,34,46")}
CELL = "padding:.15em .7em;text-align:left;border:0;background:transparent"
RIGHT = "padding:.15em .7em;text-align:right;border:0;background:transparent"
RULE = "border-bottom:1px solid rgba(128,128,128,.45)"
TABLE = "border-collapse:collapse;margin:.5em 0;font-variant-numeric:tabular-nums"


def to_html(solution: Any) -> str:
    """Write a solution as an HTML fragment, verdict first.

    Parameters
    ----------
    solution
        A `sciopt.Solution`, or any object with its attributes.

    Returns
    -------
    str
        One ``div``: a verdict on green, amber or red; goodness of fit with a sparkline of the convergence; parameters;
        rank; the correlation matrix, tinted, for at most 12 unknowns; cost and notes. Names and messages are escaped.
    """
    content = content_of(solution)
    parts = [
        _verdict(content),
        _lines((content.quality,) if content.quality else ()),
        _conditions(content),
        _parameters(content),
        _lines(content.rank),
        _correlations(content, solution),
        sparkline(getattr(solution, "history", None)),
        _footer(content),
    ]
    return '<div style="line-height:1.45">\n' + "\n".join(part for part in parts if part) + "\n</div>"


def table(header: list[str], body: list[list[str]], right: frozenset[int] = frozenset()) -> str:
    """Write an HTML table from escaped cells; columns in ``right`` are aligned to the right."""
    styles = [RIGHT if j in right else CELL for j in range(len(header))]
    head = "".join(f'<th style="{s};{RULE}">{c}</th>' for s, c in zip(styles, header, strict=True))
    rows = "\n".join(
        "<tr>" + "".join(f'<td style="{s}">{c}</td>' for s, c in zip(styles, cells, strict=True)) + "</tr>"
        for cells in body
    )
    return f'<table style="{TABLE}">\n<tr>{head}</tr>\n{rows}\n</table>'


def _verdict(content: Content) -> str:
    verdict = content.verdict
    solid, rgb = TONES[verdict.tone]
    lines = [f"<strong>{escape(verdict.word)}</strong>" + (f": {escape(verdict.why)}" if verdict.why else "")]
    lines += [f"but {escape(text)}" for text in verdict.caveats]
    lines += [f"<em>try:</em> {escape(text)}" for text in verdict.advice]
    style = f"border-left:.35em solid {solid};background:rgba({rgb},.16);padding:.4em .8em;margin:.3em 0"
    return f'<div style="{style}">' + "<br>".join(lines) + "</div>"


def _lines(lines: tuple[str, ...]) -> str:
    return f'<div style="margin:.4em 0">{"<br>".join(escape(line) for line in lines)}</div>' if lines else ""


def _conditions(content: Content) -> str:
    if not content.conditions:
        return ""
    body = [[escape(name), f"{chi2:.4g}", str(rows)] for name, chi2, rows in content.conditions]
    return table(["condition", "chi2", "rows"], body, frozenset({1, 2}))


def _parameters(content: Content) -> str:
    if not content.rows:
        return ""
    header = ["parameter", "value", "", "error", "unit", "start", "bounds", ""]
    body = []
    for row in content.rows:
        tint = f'<span style="background:rgba({TONES["caution"][1]},.25);padding:0 .3em">{escape(row.remark)}</span>'
        remark = tint if row.limited else escape(row.remark)
        sign = "±" if row.error else ""
        cells = [row.name, row.value, sign, row.error, row.unit, row.start, row.bounds]
        body.append([*(escape(cell) for cell in cells), remark])
    kept = [0, 1] + [j for j in range(2, len(header)) if any(cells[j] for cells in body)]
    text = table([header[j] for j in kept], [[cells[j] for j in kept] for cells in body], frozenset({1} & set(kept)))
    if content.shared_reason:
        text += f"\n<div>no errors: {escape(content.shared_reason)}</div>"
    if content.left_out:
        text += f"\n<div>… and {content.left_out} more rows; see <code>solution.values</code></div>"
    return text


def _correlations(content: Content, solution: Any) -> str:
    names = list(getattr(solution, "names", None) or ())
    if not 2 <= len(names) <= LARGEST_TINTED:
        pairs = [f"({a}, {b}) {value:+.2f}" for a, b, value in content.correlations]
        return _lines(("correlations: " + ", ".join(pairs),)) if pairs else ""
    matrix = correlation_of(solution)
    return "" if matrix is None else _matrix([escape(n) for n in names], matrix)


def _matrix(names: list[str], matrix: Array) -> str:
    """Lower triangle of the correlation matrix, red for positive and blue for negative entries."""
    head = "".join(f'<th style="{RIGHT};{RULE}">{name}</th>' for name in names[:-1])
    rows = []
    for i, name in enumerate(names[1:], start=1):
        cells = "".join(_tinted(float(matrix[i, j])) for j in range(i))
        cells += f'<td style="{CELL}"></td>' * (len(names) - 1 - i)
        rows.append(f'<tr><th style="{CELL}">{name}</th>{cells}</tr>')
    corner = f'<th style="{CELL};{RULE}">correlation</th>'
    return f'<table style="{TABLE}">\n<tr>{corner}{head}</tr>\n' + "\n".join(rows) + "\n</table>"


def _tinted(value: float) -> str:
    if value != value:
        return f'<td style="{RIGHT}">–</td>'
    rgb = "214,69,65" if value > 0 else "52,120,200"
    tint = f"rgba({rgb},{0.7 * abs(value):.2f})"
    return f'<td style="{RIGHT};background:{tint}">{value:+.2f}</td>'


def _footer(content: Content) -> str:
    lines = [escape(content.counts)] if content.counts else []
    if content.method:
        lines.append(f"method: <code>{escape(content.method)}</code>")
    lines += [f"note: {escape(note)}" for note in content.notes]
    return f'<div style="margin:.4em 0;opacity:.8;font-size:90%">{"<br>".join(lines)}</div>' if lines else ""
