"""Plots of solutions; every function returns what it drew on and shows nothing."""

from typing import Any

from sciopt.plot.convergence import convergence
from sciopt.plot.fit import fit
from sciopt.plot.spectrum import spectrum

__all__ = ["PlotAccessor", "convergence", "fit", "spectrum"]


class PlotAccessor:
    """The plots of one solution: ``solution.plot.fit()``."""

    def __init__(self, solution: Any) -> None:
        self._solution = solution

    def fit(self, *, fig: Any = None, label: str = "x") -> Any:
        """Draw data, curve, band and pulls; returns the Figure."""
        return fit(self._solution, fig=fig, label=label)

    def spectrum(self, *, ax: Any = None) -> Any:
        """Draw the singular values and the rank cut; returns the Axes."""
        return spectrum(self._solution, ax=ax)

    def convergence(self, *, ax: Any = None) -> Any:
        """Draw the merit against the steps; returns the Axes."""
        return convergence(self._solution, ax=ax)
