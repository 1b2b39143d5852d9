"""The parameters of a solution as a LaTeX table."""

from __future__ import annotations

import re
from typing import Any

from sciopt.report.pdg import plus_minus
from sciopt.report.table import Row, parameter_rows

__all__ = ["to_latex"]

SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "µ": r"$\mu$",
    "μ": r"$\mu$",
    "Ω": r"$\Omega$",
    "°": r"$^\circ$",
    "±": r"$\pm$",
}


def to_latex(solution: Any) -> str:
    r"""Write the parameters as a ``tabular`` with columns parameter, value ``\pm`` error, unit.

    Parameters
    ----------
    solution
        A `sciopt.Solution`, or any object with its attributes.

    Returns
    -------
    str
        Plain LaTeX without packages. Values and errors are rounded together; a parameter without an error carries
        the reason (fixed, tied, ...) in a last column if there is any.
    """
    rows, _ = parameter_rows(solution)
    units = any(row.unit for row in rows)
    remarks = any(row.remark for row in rows)
    header = ["Parameter", "Value", *(["Unit"] if units else []), *(["Remark"] if remarks else [])]
    lines = [rf"\begin{{tabular}}{{{'l' * len(header)}}}", r"\hline", " & ".join(header) + r" \\", r"\hline"]
    for row in rows:
        cells = [escaped(row.name), _value(row)]
        cells += [escaped(row.unit)] if units else []
        cells += [escaped(row.remark)] if remarks else []
        lines.append(" & ".join(cells) + r" \\")
    return "\n".join([*lines, r"\hline", r"\end{tabular}"])


def escaped(text: str) -> str:
    """Return text with the characters that LaTeX reads as commands made harmless."""
    return "".join(SPECIAL.get(character, character) for character in text)


def _value(row: Row) -> str:
    if row.estimate is None:
        return escaped(row.value)
    text = plus_minus(*row.estimate).replace("±", r"\pm")
    text = text.replace("inf", r"\infty").replace("nan", r"\mathrm{nan}")
    return "$" + re.sub(r"e([+-]\d+)", lambda m: rf" \times 10^{{{int(m[1])}}}", text) + "$"
