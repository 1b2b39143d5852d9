"""The renderings that every answer has."""

__all__ = ["Reported"]


class Reported:
    """Text, HTML and LaTeX of a solution, fresh or read from a file."""

    def summary(self) -> str:
        """Return the report as text: verdict, parameters with errors, goodness of fit, rank, correlations."""
        from sciopt.report.text import summary

        return summary(self)

    def to_latex(self) -> str:
        """Return the parameter table in LaTeX."""
        from sciopt.report.latex import to_latex

        return to_latex(self)

    def __repr__(self) -> str:
        """Return the text report."""
        return self.summary()

    def _repr_html_(self) -> str:
        from sciopt.report.html import to_html

        return to_html(self)
