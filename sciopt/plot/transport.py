"""``solution.plot`` of transport: the plots as methods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sciopt.plot.transport_convergence import transport_convergence
from sciopt.plot.transport_densities import transport_densities
from sciopt.plot.transport_pairs import transport_pairs
from sciopt.plot.transport_plan import transport_plan
from sciopt.plot.transport_strip import transport_strip

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["TransportPlots"]


class TransportPlots:
    """Plots of one transport solution; none shows or saves by itself.

    Parameters
    ----------
    solution
        A `sciopt.transport.TransportSolution`.
    """

    __slots__ = ("_solution",)

    def __init__(self, solution: Any) -> None:
        self._solution = solution

    def __repr__(self) -> str:
        """List the plots."""
        return "plots: pairs, plan, densities, strip, convergence"

    def pairs(
        self, *, ax: Axes | None = None, most: int = 1000, axes_of_points: tuple[int, int] = (0, 1), **line: Any
    ) -> Axes:
        """Draw matched lines between clouds; see `sciopt.plot.transport_pairs`."""
        return transport_pairs(self._solution, ax=ax, most=most, axes_of_points=axes_of_points, **line)

    def plan(self, *, fig: Figure | None = None, bins: int = 200, cmap: str = "viridis") -> Figure:
        """Draw the plan with its marginals; see `sciopt.plot.transport_plan`."""
        return transport_plan(self._solution, fig=fig, bins=bins, cmap=cmap)

    def densities(self, *, fig: Figure | None = None, label: str = "position") -> Figure:
        """Draw densities on a line and the map; see `sciopt.plot.transport_densities`."""
        return transport_densities(self._solution, fig=fig, label=label)

    def strip(
        self,
        *,
        times: Sequence[float] = (0.0, 0.25, 0.5, 0.75, 1.0),
        shape: tuple[int, int] | None = None,
        fig: Figure | None = None,
        cmap: str = "magma",
    ) -> Figure:
        """Draw the way from x to y; see `sciopt.plot.transport_strip`."""
        return transport_strip(self._solution, times=times, shape=shape, fig=fig, cmap=cmap)

    def convergence(self, *, fig: Figure | None = None) -> Figure:
        """Draw marginal error and interval; see `sciopt.plot.transport_convergence`."""
        return transport_convergence(self._solution, fig=fig)
