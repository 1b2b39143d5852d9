"""Solutions and problems as text, HTML and LaTeX; rounding of values and errors."""

from sciopt.report.describe import problem_html
from sciopt.report.html import to_html
from sciopt.report.latex import to_latex
from sciopt.report.pdg import plus_minus, rounded, value_with_error
from sciopt.report.text import one_line, summary

__all__ = ["one_line", "plus_minus", "problem_html", "rounded", "summary", "to_html", "to_latex", "value_with_error"]
