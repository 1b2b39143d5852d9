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
from sciopt.status import Status
from sciopt.uncertainty import Uncertainty, prediction_error, uncertainty

__all__ = ["Solution"]


class Solution:
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
    @property
    def names(self) -> tuple[str, ...]:
        """Names of the entries of theta."""
        return self.problem.layout.names

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

    # ---- statistics -----------------------------------------------------------------------------------------------
    @cached_property
    def _lin(self) -> Any:
        lin = self.iterate.lin
        return lin if np.array_equal(lin.theta, self.theta) else lin.at(self.theta)

    @cached_property
    def uncertainty(self) -> Uncertainty:
        """Covariance (sigma taken as given), spectrum, rank and null directions."""
        layout = self.problem.layout
        held = (self.theta <= layout.lower) | (self.theta >= layout.upper)
        return uncertainty(self._lin.dense(), held, layout.scale)

    @property
    def residual(self) -> Array:
        """Whitened residual, shape (n,)."""
        return self._lin.r

    @property
    def rank(self) -> int:
        """Numerical rank of the column-scaled Jacobian over the parameters not at a bound."""
        return self.uncertainty.rank

    @property
    def singular_values(self) -> Array:
        """Singular values of the column-scaled whitened Jacobian."""
        return self.uncertainty.singular_values

    @property
    def null_directions(self) -> list[dict[str, float]]:
        """Directions of which the data say nothing, as coefficients by parameter name."""
        null = self.uncertainty.null
        return [{n: float(c) for n, c in zip(self.names, v, strict=True) if abs(c) > 1e-8} for v in null.T]

    @cached_property
    def chi2_by_condition(self) -> dict[str, tuple[float, int]]:
        """Deviance and number of rows of each condition that carries data."""
        return {
            s.name: (s.deviance(z), s.size)
            for s, z in zip(self._lin.specs, self._lin._z, strict=True)
            if not s.condition.equation
        }

    @property
    def chi2(self) -> float:
        """Sum of the deviances of the data rows (the sum of squares if no sigma was given)."""
        return float(sum(c for c, _ in self.chi2_by_condition.values()))

    @property
    def dof(self) -> int:
        """Data rows minus identified parameters."""
        return sum(n for _, n in self.chi2_by_condition.values()) - self.rank

    @property
    def errors_kind(self) -> str:
        """``"absolute"`` if sigma was taken as given, ``"scaled"`` if chi2/dof was used to set the scale."""
        given = [c.absolute for c in self.problem.conditions if c.absolute is not None]
        if given:
            return "absolute" if all(given) else "scaled"
        known = all(
            c.sigma is not None or getattr(c.loss, "name", "") not in ("gaussian",) for c in self.problem.conditions
        )
        return "absolute" if known else "scaled"

    @cached_property
    def covariance(self) -> Array:
        """Covariance of theta, shape (P, P), in the order of ``names``; NaN where an error cannot be known."""
        C = self.uncertainty.covariance
        if self.errors_kind == "absolute":
            return C
        return C * (self.chi2 / self.dof) if self.dof > 0 else np.full_like(C, np.nan)

    @property
    def correlation(self) -> Array:
        """Correlation matrix of theta, shape (P, P)."""
        with np.errstate(all="ignore"):
            d = np.sqrt(np.diag(self.covariance))
            return self.covariance / np.outer(d, d)

    @cached_property
    def _errors(self) -> tuple[dict[str, Any], dict[str, str]]:
        layout, errors, reasons = self.problem.layout, {}, {}
        with np.errstate(all="ignore"):
            sigma = np.sqrt(np.diag(self.covariance))
        for leaf in layout.leaves:
            if not leaf.numeric:
                continue
            if leaf.start < 0:
                errors[leaf.name], reasons[leaf.name] = (
                    None,
                    "fixed" if leaf.parameter.fixed else "tied to other parameters",
                )
                continue
            s = sigma[leaf.slice]
            if np.isfinite(s).all() and (self.errors_kind == "absolute" or self.dof > 0):
                whole = (
                    s[0]
                    if not leaf.shape and not leaf.complex
                    else s.reshape((2, *leaf.shape) if leaf.complex else leaf.shape)
                )
                errors[leaf.name] = complex(s[0], s[1]) if leaf.complex and not leaf.shape else whole
                continue
            bad = leaf.start + int(np.argmin(np.isfinite(s)))
            reason = self.uncertainty.reasons.get(
                bad, "as many parameters as data" if self.dof <= 0 else "the Jacobian is not finite"
            )
            errors[leaf.name], reasons[leaf.name] = None, reason
        return {n: float(e) if isinstance(e, np.floating) else e for n, e in errors.items()}, reasons

    @property
    def errors(self) -> dict[str, Any]:
        """Standard error of each parameter by name; None where it cannot be known (see ``error_reasons``)."""
        return self._errors[0]

    @property
    def error_reasons(self) -> dict[str, str]:
        """Why a parameter has no error."""
        return self._errors[1]

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
