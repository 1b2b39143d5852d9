"""Entropic transport with both potentials unknown: errors of rows and columns are the residual."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import numpy as np

from sciopt._errors import OptionError
from sciopt._types import Array
from sciopt.frames import Frame, Stage
from sciopt.layout import Layout
from sciopt.linearise.base import Linearisation
from sciopt.linearise.work import Work
from sciopt.parameters import Parameter
from sciopt.transport.pairs import Pairs

__all__ = ["FullDual", "FullDualPoint"]

FLAT = 1e-15
UNIT = float(np.finfo(float).eps) / 2


class FullDual:
    r"""Entropic transport between positive masses of sum one, both potentials unknown.

    With :math:`P_{ij} = e^{(f_i + g_j - C_{ij})/\epsilon}` the merit is the Lyapunov potential
    :math:`\epsilon\sum P - a\cdot f - b\cdot g`, convex, with gradient :math:`(P1 - a,\ P^T1 - b)` and Hessian
    :math:`\frac1\epsilon\begin{pmatrix}\mathrm{diag}(P1) & P\\ P^T & \mathrm{diag}(P^T1)\end{pmatrix}`.

    Parameters
    ----------
    pairs, a, b, epsilon, tolerance
        As in `sciopt.transport.semi_dual.SemiDual`; the costs are stored.
    memory
        Bytes that dense arrays may take.
    default
        Method for ``method="auto"``.
    """

    def __init__(
        self,
        pairs: Pairs,
        a: Array,
        b: Array,
        epsilon: float,
        *,
        tolerance: float = 1e-9,
        memory: int = 1 << 31,
        default: Any = None,
    ) -> None:
        n, m = pairs.shape
        if 32 * n * m > memory:
            raise OptionError(
                f"both potentials as unknowns need {32e-9 * n * m:.3g} GB for {n} x {m} points, above memory; use SparseNewton()"
            )
        self.pairs, self.a, self.b = pairs.store(), a, b
        self.epsilon, self.tolerance, self.default_method = float(epsilon), float(tolerance), default
        self.scale = pairs.scale or 1.0
        self.stages = (Stage({"epsilon": self.epsilon}),)

    @cached_property
    def layout(self) -> Layout:
        """Potentials f of the rows, g of the columns."""
        return Layout.of({"f": Parameter(np.zeros(len(self.a))), "g": Parameter(np.zeros(len(self.b)))})

    def frame(
        self,
        theta: Array,
        previous: Frame | None = None,
        request: Mapping[str, Any] | None = None,
        key: int = 0,
        step: int = 0,
    ) -> Frame:
        """Return the one frame."""
        if previous is not None:
            return previous
        return Frame(step=step, settings={"epsilon": self.epsilon}, extra=SimpleNamespace(before=None), final=True)

    def linearise(self, theta: Array, frame: Frame, work: Work) -> FullDualPoint:
        """Return gradient and Hessian at theta."""
        return FullDualPoint(self, theta, frame, work)

    def floor(self, lin: Any) -> float:
        """Return the marginal error that rounding alone causes."""
        return 4.0 * UNIT * (2.0 * float(np.abs(lin.theta).max()) + self.scale) / self.epsilon

    def judge(self, step: Any, frame: Frame, verdict: tuple[str, str] | None) -> tuple[str, str] | None:
        """Return the verdict on a step by the marginal error."""
        lin = step.lin
        if lin is None or lin.failed:
            return verdict
        error = float(np.abs(lin.r).sum())
        step.info.update(error=error, epsilon=self.epsilon)
        if error <= self.tolerance:
            return "converged", f"marginal error {error:.1e} <= {self.tolerance:.1e} of the mass"
        if verdict is not None and error <= 50.0 * self.floor(lin):
            return "rounding_floor", f"marginal error {error:.1e} is at the rounding of the costs over epsilon"
        return None if verdict is not None and verdict[0] == "converged" else verdict


class FullDualPoint(Linearisation):
    """Gradient, Hessian and merit of a `FullDual` problem."""

    structure = "symmetric"
    objective = True

    def __init__(self, problem: FullDual, theta: Array, frame: Frame, work: Work) -> None:
        super().__init__(theta, frame, problem.layout, work)
        self.problem, self.epsilon = problem, problem.epsilon
        n, m = problem.pairs.shape
        self.null = np.concatenate([np.ones(n), -np.ones(m)])

    @property
    def offers(self) -> frozenset[str]:
        """Sparse matrices."""
        return frozenset({"sparse"})

    def at(self, theta: Array) -> FullDualPoint:
        """Return the point at other potentials."""
        return FullDualPoint(self.problem, theta, self.frame, self.work)

    def potentials(self) -> tuple[Array, Array]:
        """Return f and g of the penalty KL(P | a b^T)."""
        p, n = self.problem, len(self.problem.a)
        return self.theta[:n] - self.epsilon * np.log(p.a), self.theta[n:] - self.epsilon * np.log(p.b)

    @cached_property
    def plan(self) -> Array:
        """The plan at these potentials, dense."""
        n = len(self.problem.a)
        with np.errstate(over="ignore"):
            return np.exp((self.theta[:n, None] + (self.theta[n:] - self.problem.pairs.C)) / self.epsilon)

    def _evaluate(self) -> tuple[float, Array]:
        self.work.spend()
        p, n = self.problem, len(self.problem.a)
        P = self.plan
        self.row, self.column = P.sum(1), P.sum(0)
        r = np.concatenate([self.row - p.a, self.column - p.b])
        total = float(self.row.sum())
        if not np.isfinite(total):
            self._failed = "the plan overflows"
            return np.inf, r
        f = self.epsilon * total - float(p.a @ self.theta[:n]) - float(p.b @ self.theta[n:])
        self.rounding = FLAT * (self.epsilon * total + float(np.abs(self.theta).max()))
        return f, r

    def _sparse(self) -> Any:
        from scipy.sparse import csr_array

        return self.hessian(csr_array(self.plan))

    def hessian(self, P: Any) -> Any:
        """Return the Hessian with some of the entries of the plan; the diagonal keeps the full sums."""
        from scipy.sparse import block_array, csr_matrix, diags_array

        self._ensure()
        blocks = [[diags_array(self.row), P], [P.T, diags_array(self.column)]]
        return csr_matrix(block_array(blocks, format="csr")) / self.epsilon
