"""Solution: what came back, how it went, and every derived quantity on demand."""

from __future__ import annotations

from copy import deepcopy
from functools import cached_property
from typing import Any

import numpy as np

from sciopt._errors import SolveFailed
from sciopt._types import Array
from sciopt.history import History
from sciopt.iterate import Iterate
from sciopt.linearise.work import Work
from sciopt.prediction import data_of, predicted
from sciopt.report.reported import Reported
from sciopt.statistics import Statistics
from sciopt.status import Status

__all__ = ["Solution"]


class Solution(Reported, Statistics):
    """The answer of a solve; derived quantities are computed when asked for.

    Attributes
    ----------
    problem, method, key, history
        What was solved, by what, with which key, and how it went.
    status, message, success
        How it ended; only ``Status.converged`` is a success.
    theta
        Reported point, shape (P,), one entry for each of ``names``.
    nfev, njev, nit, seconds
        Residual evaluations, Jacobians, steps, wall time.
    notes
        Sentences on what was promoted or replaced on the way.
    """

    def __init__(
        self,
        problem: Any,
        it: Iterate,
        status: Status,
        message: str,
        history: History,
        work: Work,
        seconds: float,
        start: Array,
    ) -> None:
        self.problem, self.method, self.key, self.history = problem, it.method, it.key, history
        self.status, self.message, self.seconds = status, message, seconds
        self.theta = it.theta if it.estimate is None else it.estimate
        self.iterate = it
        self._start = start
        self.nfev, self.njev, self.nit = work.nfev, work.njev, it.number
        self.columns, self.notes = work.columns, list(work.notes)

    @property
    def success(self) -> bool:
        """Whether the solve converged."""
        return self.status is Status.converged

    def raise_if_failed(self) -> Solution:
        """Return self, or raise `SolveFailed` with the status if the solve did not converge."""
        if not self.success:
            raise SolveFailed(f"{self.status.value}: {self.message}")
        return self

    # ---- parameters -----------------------------------------------------------------------------------------------
    @cached_property
    def params(self) -> Any:
        """The unknown, fitted: a tree like the one given."""
        return self.problem.layout.tree(self.theta)

    @cached_property
    def values(self) -> dict[str, Any]:
        """Value of each parameter by name, fixed and tied ones included."""
        return {
            n: v.item() if np.ndim(v) == 0 and hasattr(v, "item") else v
            for n, v in self.problem.layout.values(self.theta).items()
        }

    @property
    def start(self) -> dict[str, Any]:
        """Start value of each parameter by name."""
        return self.problem.layout.values(self._start)

    @property
    def units(self) -> dict[str, str]:
        """Unit label of each parameter."""
        return {leaf.name: leaf.parameter.unit for leaf in self.problem.layout.leaves if leaf.numeric}

    @property
    def bounds(self) -> dict[str, tuple[float | None, float | None]]:
        """Bounds of each parameter."""
        return {leaf.name: leaf.parameter.bounds for leaf in self.problem.layout.leaves if leaf.numeric}

    @property
    def fixed(self) -> set[str]:
        """Names of fixed parameters."""
        return {leaf.name for leaf in self.problem.layout.leaves if leaf.numeric and leaf.parameter.fixed}

    @cached_property
    def at_bound(self) -> dict[str, str]:
        """Which free entries sit at a bound, and at which."""
        layout, out = self.problem.layout, {}
        for name, value, low, high in zip(layout.names, self.theta, layout.lower, layout.upper, strict=True):
            if value <= low or value >= high:
                out[name] = "lower" if value <= low else "upper"
        return out

    # ---- use ------------------------------------------------------------------------------------------------------
    def predict(self, x: Any, *, band: bool = False, condition: str | None = None) -> Any:
        """Evaluate the fitted model at other points.

        Parameters
        ----------
        x
            Points in the form given to the fit.
        band
            Also return the standard error of the prediction, sqrt(diag(G C G^T)) with G its derivatives (errors of the
            parameters only). NaN where the prediction depends on what the data leave open; for complex output the
            error of the real part + i times that of the imaginary part.
        condition
            Which condition's function; the first by default.
        """
        return predicted(self, x, band, condition)

    def profile(self, name: str, level: float = 0.68) -> Any:
        """Return the profile interval of a parameter; see `sciopt.analysis.profile`."""
        from sciopt.analysis import profile

        return profile(self, name, level)

    def limit(self, name: str, level: float = 0.95, side: str = "upper") -> float:
        """Return the one-sided limit of a parameter; see `sciopt.analysis.limit`."""
        from sciopt.analysis import limit

        return limit(self, name, level, side)

    def contour(self, a: str, b: str, levels: Any = (0.68, 0.95)) -> Any:
        """Return joint regions of two parameters; see `sciopt.analysis.contour`."""
        from sciopt.analysis import contour

        return contour(self, a, b, levels)

    def data_of(self, name: str | None = None) -> dict[str, Any]:
        """Return ``x``, ``y``, ``model``, ``sigma`` and ``pulls`` of a condition (the first by default)."""
        return data_of(self, name)

    def __getattr__(self, name: str) -> Any:
        """Return an unknown function by name where the problem has one: ``solution.u(points)``."""
        field = getattr(self.__dict__.get("problem"), "field", None)
        found = None if field is None or name.startswith("_") else field(self, name)
        if found is None:
            raise AttributeError(f"a Solution of this problem has no attribute {name!r}")
        return found

    @property
    def plot(self) -> Any:
        """Plots: ``solution.plot.fit()``, ``.spectrum()``, ``.convergence()``."""
        from sciopt.plot import PlotAccessor

        return PlotAccessor(self)

    def save(self, path: Any) -> Any:
        """Write the solution to an npz file that `sciopt.load` reads; returns the path.

        The file holds every number, the method's state, key and frame, so that ``solve(problem, start=load(path))``
        goes on bit for bit. It holds no code: the model is not in it.
        """
        from sciopt.saved import save
        from sciopt.saving import content_of

        return save(content_of(self), path)

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Pickle whole where the model can be imported by name, else as a `SavedSolution` without it."""
        from sciopt.saving import reduced

        return reduced(self)

    def __copy__(self) -> Solution:
        """Return a copy that shares everything."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        return other

    def __deepcopy__(self, memo: dict[int, Any]) -> Solution:
        """Return a copy with its own numbers; problem and iterate are immutable and shared."""
        shared = {"problem", "iterate", "method", "_lin", "uncertainty"}
        other = object.__new__(type(self))
        memo[id(self)] = other
        for name, value in self.__dict__.items():
            other.__dict__[name] = value if name in shared else deepcopy(value, memo)
        return other
