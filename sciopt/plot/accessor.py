"""``solution.plot``: the plots as methods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["PlotAccessor"]


class PlotAccessor:
    """Plots of one solution; each method takes ``ax=`` and never shows or saves by itself.

    Parameters
    ----------
    solution
        A `sciopt.Solution`.
    """

    __slots__ = ("_solution",)

    def __init__(self, solution: Any) -> None:
        self._solution = solution

    def __repr__(self) -> str:
        """List the plots."""
        return "plots: fit, residuals, convergence, spectrum, correlation, profile(name), contour(a, b)"

    def fit(
        self,
        *,
        ax: Axes | None = None,
        fig: Figure | None = None,
        condition: str | None = None,
        label: str | None = None,
        **line: Any,
    ) -> Axes | Figure:
        """Draw data, model, band and pulls; see `sciopt.plot.fit`."""
        from sciopt.plot.fit import fit

        return fit(self._solution, ax=ax, fig=fig, condition=condition, label=label, **line)

    def residuals(
        self, *, ax: Axes | None = None, fig: Figure | None = None, condition: str | None = None, **line: Any
    ) -> Axes | Figure:
        """Draw the pulls and their distribution; see `sciopt.plot.residuals`."""
        from sciopt.plot.residuals import residuals

        return residuals(self._solution, ax=ax, fig=fig, condition=condition, **line)

    def convergence(self, *, ax: Axes | None = None, above_best: bool = False, **line: Any) -> Axes:
        """Draw the merit from step to step; see `sciopt.plot.convergence`."""
        from sciopt.plot.convergence import convergence

        return convergence(self._solution, ax=ax, above_best=above_best, **line)

    def spectrum(self, *, ax: Axes | None = None, **line: Any) -> Axes:
        """Draw the singular values and the kept rank; see `sciopt.plot.spectrum`."""
        from sciopt.plot.spectrum import spectrum

        return spectrum(self._solution, ax=ax, **line)

    def correlation(self, *, ax: Axes | None = None, cmap: str = "RdBu_r") -> Axes:
        """Draw the correlation matrix; see `sciopt.plot.correlation`."""
        from sciopt.plot.correlation import correlation

        return correlation(self._solution, ax=ax, cmap=cmap)

    def profile(self, name: str, *, level: float = 0.68, ax: Axes | None = None, **line: Any) -> Axes:
        """Draw chi2 along one parameter; see `sciopt.plot.profile`."""
        from sciopt.plot.profile import profile

        return profile(self._solution, name, level=level, ax=ax, **line)

    def contour(
        self, a: str, b: str, *, levels: Sequence[float] = (0.68, 0.95), ax: Axes | None = None, **line: Any
    ) -> Axes:
        """Draw regions of two parameters; see `sciopt.plot.contour`."""
        from sciopt.plot.contour import contour

        return contour(self._solution, a, b, levels=levels, ax=ax, **line)
