"""What the rows say: chi2, covariance, errors, rank; the statistical half of a `Solution`."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from sciopt._types import Array
from sciopt.iterate import Iterate
from sciopt.linearise import linearise
from sciopt.losses import Likelihood
from sciopt.uncertainty import Uncertainty, constrained, information_root, sandwich, uncertainty

__all__ = ["Statistics"]

STANDARDISED = ("gaussian", "huber", "soft_l1", "cauchy", "student_t")  # losses of (z - y) / sigma


class Statistics:
    """Quantities derived from the linearisation at the answer, computed when asked for."""

    problem: Any
    theta: Array
    iterate: Iterate

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the entries of theta."""
        return self.problem.layout.names

    @cached_property
    def _lin(self) -> Any:
        lin: Any = self.iterate.lin
        if lin is None:  # after a pickle
            return linearise(self.problem, self.theta, self.iterate.frame)
        return lin if np.array_equal(lin.theta, self.theta) else lin.at(self.theta)

    @cached_property
    def uncertainty(self) -> Uncertainty:
        """Covariance (sigma taken as given), spectrum, rank and null directions."""
        layout = self.problem.layout
        held = (self.theta <= layout.lower) | (self.theta >= layout.upper)
        root = information_root(self._lin) if self.information == "observed" else None
        equations = self._equations
        if root is None and equations is not None:
            return constrained(self._lin.dense(), equations, held, layout.scale)
        known = uncertainty(self._lin.dense() if root is None else root, held, layout.scale)
        if any(getattr(c, "scatter", None) is not None for c in getattr(self.problem, "conditions", ())):
            return sandwich(known, self._lin.dense(), _scatter(self._lin, layout.tree(self.theta)))
        return known

    @property
    def _equations(self) -> Array | None:
        """Mask of the rows that are equations next to data; None if there are only data, or only equations."""
        conditions = getattr(self.problem, "conditions", ())
        if not any(c.equation for c in conditions) or all(c.equation for c in conditions):
            return None
        return np.concatenate([np.full(s.size, s.condition.equation) for s in self._lin.specs])

    @property
    def information(self) -> str:
        """What errors come from: ``"expected"`` (Fisher: J^T J), or ``"observed"`` (second derivatives, unbinned data)."""
        unbinned = any(isinstance(c.loss, Likelihood) for c in getattr(self.problem, "conditions", ()))
        return "observed" if unbinned else "expected"

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
        """Deviance and number of rows of each condition that carries data and has a goodness of fit."""
        pairs = list(zip(self._lin.specs, self._lin._z, strict=True))
        out = {s.name: (s.deviance(z), s.size) for s, z in pairs if not s.condition.equation and s.loss.statistical}
        return {} if set(out) == {"prior"} and self.information == "observed" else out

    @property
    def chi2(self) -> float:
        """Sum of the deviances of the data rows (the sum of squares if no sigma was given)."""
        return float(sum(c for c, _ in self.chi2_by_condition.values()))

    @property
    def dof(self) -> int:
        """Data rows minus identified (next to equations: effective) parameters; zero without a goodness of fit."""
        rows = sum(n for _, n in self.chi2_by_condition.values())
        effective = self.uncertainty.effective
        return rows - (self.rank if effective is None else round(effective)) if rows else 0

    @property
    def errors_kind(self) -> str:
        """``"absolute"`` if sigma was taken as given, ``"scaled"`` if chi2/dof was used to set the scale."""
        given = [c.absolute for c in self.problem.conditions if c.absolute is not None]
        if given:
            return "absolute" if all(given) else "scaled"
        rows = [c for c in self.problem.conditions if not c.equation]
        known = [c.sigma is not None or c.loss.name not in STANDARDISED for c in rows]
        return "absolute" if all(known) else "scaled"

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
        errors: dict[str, Any] = {}
        reasons: dict[str, str] = {}
        with np.errstate(all="ignore"):
            sigma = np.sqrt(self.covariance.diagonal())
        known, exact = np.isfinite(sigma), self.errors_kind != "absolute" and self.dof <= 0
        for leaf in self.problem.layout.leaves:
            if not leaf.numeric:
                continue
            if leaf.start < 0:
                errors[leaf.name] = None
                reasons[leaf.name] = "fixed" if leaf.parameter.fixed else "tied to other parameters"
            elif known[leaf.slice].all() and not exact:
                errors[leaf.name] = _shaped(sigma, leaf)
            else:
                bad = leaf.start + int(np.argmin(known[leaf.slice]))
                other = "as many parameters as data" if self.dof <= 0 else "the Jacobian is not finite"
                errors[leaf.name], reasons[leaf.name] = None, self.uncertainty.reasons.get(bad, other)
        return errors, reasons

    @property
    def errors(self) -> dict[str, Any]:
        """Standard error of each parameter by name; None where it cannot be known (see ``error_reasons``)."""
        return self._errors[0]

    @property
    def error_reasons(self) -> dict[str, str]:
        """Why a parameter has no error."""
        return self._errors[1]


def _scatter(lin: Any, tree: Any) -> Array:
    """Return the covariance of the whitened rows: that of a condition's ``scatter``, else the identity."""
    total = np.eye(lin.n)
    for s, (name, where) in zip(lin.specs, lin.rows.items(), strict=True):
        c = s.condition
        if getattr(c, "scatter", None) is None:
            continue
        if callable(c.scatter):
            i = [x.name for x in lin.problem.conditions].index(name)
            found = c.scatter(tree, lin.frame.batches[i].coords)
        else:
            found = c.scatter
        half = s.scaled(np.asarray(found, float), None)
        total[where, where] = s.scaled(np.ascontiguousarray(half.T), None)
    return total


def _shaped(sigma: Array, leaf: Any) -> Any:
    """Return a leaf's errors in its shape: a number for a scalar, (2, ...) real and imaginary for complex arrays."""
    if not leaf.shape:
        s = float(sigma[leaf.start])
        return complex(s, sigma[leaf.start + 1]) if leaf.complex else s
    return sigma[leaf.slice].reshape((2, *leaf.shape) if leaf.complex else leaf.shape)
