"""Solution: what came back, how it went, and every derived quantity on demand."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from sciopt._errors import ConditionError, SolveFailed
from sciopt._types import Array
from sciopt.condition import split
from sciopt.history import History
from sciopt.iterate import Iterate
from sciopt.linearise.work import Work
from sciopt.statistics import Statistics
from sciopt.status import Status
from sciopt.uncertainty import prediction_error

__all__ = ["Solution"]


class Solution(Statistics):
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
            Also return the standard error of the prediction, from J C J^T (errors of the parameters only).
        condition
            Which condition's function; the first by default.
        """
        i = 0 if condition is None else self.problem.names.index(condition)
        c, binding, layout = self.problem.conditions[i], self.problem.bindings[i], self.problem.layout
        columns = split(x, c.columns)

        def at(theta: Array) -> Any:
            return np.asarray(c.function(*binding.arguments(layout.tree(theta), columns, {}, c.args)))

        y = at(self.theta)
        if not band:
            return y
        if y.dtype.kind == "c":
            raise ConditionError("predict: a band of complex output is not available; predict without band=True")
        return y, prediction_error(at, self.theta, self.covariance, layout.scale)

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
        i = 0 if name is None else self.problem.names.index(name)
        c, batch = self.problem.conditions[i], self.iterate.frame.batches[i]
        spec = next(s for s in self._lin.specs if s.name == c.name)
        z = self._lin._z[[s.name for s in self._lin.specs].index(c.name)]
        y = None if c.target is None else np.asarray(c.target)
        sigma = None if c.sigma is None or isinstance(c.sigma, tuple) else np.asarray(c.sigma)
        model = self.predict(batch.coords, condition=c.name) if c.batched else z
        return {"x": batch.coords, "y": y, "model": model, "sigma": sigma, "pulls": spec.pulls(z)}

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
        from sciopt.saving import save

        return save(self, path)

    def summary(self) -> str:
        """Return the report as text: verdict, parameters with errors, goodness of fit, rank, correlations."""
        from sciopt.report import summary

        return summary(self)

    def to_latex(self) -> str:
        """Return the parameter table in LaTeX."""
        from sciopt.report import to_latex

        return to_latex(self)

    def __repr__(self) -> str:
        """Return the text report."""
        return self.summary()

    def _repr_html_(self) -> str:
        from sciopt.report import to_html

        return to_html(self)
