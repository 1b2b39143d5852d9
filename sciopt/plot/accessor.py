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
        return (
            "plots: fit, residuals, convergence, spectrum, correlation, profile(name), contour(a, b); "
            "of trajectories: trajectory, phase, solver_steps; of fields: field, field_frames, field_residual"
        )

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

    def trajectory(
        self,
        *,
        run: int = 0,
        until: float | None = None,
        ax: Axes | None = None,
        fig: Figure | None = None,
        **line: Any,
    ) -> Axes | Figure:
        """Draw fitted trajectories with data, bands and pulls; see `sciopt.plot.trajectory`."""
        from sciopt.plot.trajectory import trajectory

        return trajectory(self._solution, run=run, until=until, ax=ax, fig=fig, **line)

    def phase(
        self,
        x: str | None = None,
        y: str | None = None,
        *,
        field: bool = True,
        until: float | None = None,
        ax: Axes | None = None,
        **line: Any,
    ) -> Axes:
        """Draw fitted trajectories and the field in a plane of the state; see `sciopt.plot.phase`."""
        from sciopt.plot.phase import phase

        return phase(self._solution, x, y, field=field, until=until, ax=ax, **line)

    def solver_steps(self, *, ax: Axes | None = None, **line: Any) -> Axes:
        """Draw the step lengths of the solver along the fitted trajectories; see `sciopt.plot.solver_steps`."""
        from sciopt.plot.trajectory import solver_steps

        return solver_steps(self._solution, ax=ax, **line)

    def field(
        self, name: str | None = None, *, at: dict[str, float] | None = None, ax: Axes | None = None, **options: Any
    ) -> Axes:
        """Draw an unknown function of a differential equation; see `sciopt.plot.field`."""
        from sciopt.plot.field import field

        return field(self._solution, name, at=at, ax=ax, **options)

    def field_frames(
        self, name: str | None = None, *, times: Any = 5, fig: Figure | None = None, **options: Any
    ) -> Figure:
        """Draw an unknown function at several instants; see `sciopt.plot.field_frames`."""
        from sciopt.plot.field_frames import field_frames

        return field_frames(self._solution, name, times=times, fig=fig, **options)

    def field_residual(self, condition: str | None = None, *, n: int = 4000, ax: Axes | None = None) -> Axes:
        """Draw where an equation is met and where not; see `sciopt.plot.field_residual`."""
        from sciopt.plot.field_residual import field_residual

        return field_residual(self._solution, condition, n=n, ax=ax)
