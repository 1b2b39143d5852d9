"""Entropic transport as a problem of the engine: the marginal error of the columns is the residual."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from sciopt._types import Array
from sciopt.frames import Frame, Stage
from sciopt.layout import Layout
from sciopt.linalg.schur import SchurComplement
from sciopt.linearise.base import Linearisation
from sciopt.linearise.work import Work
from sciopt.parameters import Parameter
from sciopt.transport.pairs import Pairs
from sciopt.transport.temperatures import first_frame, next_frame
from sciopt.transport.workspace import Workspace

__all__ = ["SemiDual", "SemiDualPoint"]

UNIT = float(np.finfo(float).eps) / 2
FAR = 2.0  # largest |log(b / column sum)| from which Newton's model is trusted
WILD = 400.0  # oscillation of a step over epsilon beyond which nearly separate parts are damped
FORCING = 0.1  # residual of a linear solve over error^1.5: superlinear, and no wasted iterations
FINEST, COARSEST = 1e-13, 1e-3  # entries of the plan that the linear solver may leave out
FLAT = 1e-13


class SemiDual:
    r"""Entropic optimal transport between positive masses of sum one, with the rows eliminated.

    The unknown is ``g``, epsilon times the column potentials that absorb the masses. With
    :math:`\alpha_i = \log a_i - \log \sum_j e^{(g_j - C_{ij})/\epsilon}` and :math:`P_{ij} =
    e^{\alpha_i + (g_j - C_{ij})/\epsilon}` the rows sum to a whatever g, and

    .. math:: F(g) = P^T 1 - b, \qquad
       J(g) = \frac1\epsilon\left(\mathrm{diag}(P^T 1) - P^T \mathrm{diag}(1/a)\, P\right), \qquad J 1 = 0,

    are gradient and Hessian of minus the dual objective, the merit. Stages lower epsilon to its target, with potentials
    extrapolated in epsilon.

    Parameters
    ----------
    pairs
        Costs C between n and m points; the columns are the unknown: m <= n is cheaper.
    a, b
        Masses (n,) and (m,), positive, each of sum 1.
    epsilon
        Weight of the entropy, in units of the cost.
    tolerance
        L1 norm of the marginal error at which the solve has converged.
    factor
        First ratio of an epsilon to the one before; adapted.
    stage_error
        Marginal error that ends a stage, over epsilon in units of the largest cost.
    threshold, slack
        See `Workspace`.
    hand_over
        Marginal error below which Newton takes over from scaling iterations that are slow at the target.
    threads, memory
        See `Workspace`.
    labels
        Group of neighbours that each column belongs to, for the linear solver; None = unknown.
    begin
        First epsilon, for which the start of the solve was made; None = the target, or the warmest.
    work
        Passes over the pairs; None = a `Workspace`.
    direct
        Scaling iterations at the target alone, without stages.
    default
        Method for ``method="auto"``.

    References
    ----------
    Cuturi and Peyré (2018), SIAM Review 60, 941 (semi-dual); Schmitzer (2019), SIAM J. Sci. Comput. 41, A1443
    (annealing, absorbed potentials, truncation).
    """

    def __init__(
        self,
        pairs: Pairs,
        a: Array,
        b: Array,
        epsilon: float,
        *,
        tolerance: float = 1e-9,
        factor: float = 0.4,
        stage_error: float = 0.3,
        threshold: float = 36.0,
        slack: float = 14.0,
        hand_over: float = 2e-3,
        threads: int | None = None,
        memory: int = 1 << 31,
        labels: Any = None,
        begin: float | None = None,
        work: Any = None,
        direct: bool = False,
        default: Any = None,
    ) -> None:
        self.pairs, self.a, self.b = pairs, a, b
        self.epsilon, self.tolerance = float(epsilon), float(tolerance)
        self.factor, self.stage_error, self.hand_over = factor, stage_error, hand_over
        self.scale = pairs.scale or 1.0
        self.work: Any = Workspace(pairs, a, b, threshold, slack, threads, memory) if work is None else work
        self.stages = (Stage({"epsilon": self.epsilon}),)
        self.direct, self.default_method = direct, default
        self.labels, self.begin = labels, begin

    @cached_property
    def layout(self) -> Layout:
        """One block of potentials, named g."""
        return Layout.of({"g": Parameter(np.zeros(len(self.b)))})

    def frame(
        self,
        theta: Array,
        previous: Frame | None = None,
        request: Mapping[str, Any] | None = None,
        key: int = 0,
        step: int = 0,
    ) -> Frame:
        """Return the frame for the next step: the same, or that of another temperature."""
        if previous is None:
            return first_frame(self, theta, step)
        return next_frame(self, theta, previous, request or {}, step)

    def linearise(self, theta: Array, frame: Frame, work: Work) -> SemiDualPoint:
        """Return gradient and Hessian at theta."""
        return SemiDualPoint(self, theta, frame, work, COARSEST)

    def floor(self, lin: Any) -> float:
        """Return the marginal error that rounding alone causes: u (|f| + |g| + |C|) / epsilon, summed over the plan."""
        f = float(np.abs(lin.alpha - self.work.log_a).max())
        g = float(np.abs(lin.theta).max()) / lin.epsilon
        return 2.0 * UNIT * (f + g + self.scale / lin.epsilon)

    def judge(self, step: Any, frame: Frame, verdict: tuple[str, str] | None) -> tuple[str, str] | None:
        """Return the verdict on a step by the marginal error, the problem's own measure."""
        lin, now = step.lin, frame.extra
        if lin is None or lin.failed:
            return verdict
        error = float(np.abs(lin.r).sum())
        if now.counted < 0:
            now.counted = self.work.passes - 1
        now.passes = self.work.passes - now.counted
        now.error = error
        now.since = 0 if error < 0.9 * now.best else now.since + 1
        now.best = min(now.best, error)
        step.info.update(error=error, epsilon=now.epsilon, active=float(lin.active))
        if error <= now.tolerance and (frame.final or float(np.abs(lin.ratio).max()) <= 0.5):
            return "converged", f"marginal error {error:.1e} <= {now.tolerance:.1e} of the mass"
        floor = self.floor(lin)
        if frame.final and error <= 50.0 * floor and (now.since >= 4 or verdict is not None):
            return "rounding_floor", (
                f"marginal error {error:.1e}: rounding of the costs over epsilon allows no less than about {floor:.0e}"
            )
        if verdict is not None and verdict[0] == "converged":
            return None if now.since < 8 else ("stalled", f"marginal error {error:.1e} no longer falls")
        if verdict is not None and not frame.final and verdict[0] == "stalled":
            return None if now.since < 8 else verdict
        return verdict


class SemiDualPoint(Linearisation):
    """Gradient, Hessian and dual objective of a `SemiDual` problem at one point."""

    structure = "symmetric"
    objective = True

    def __init__(self, problem: SemiDual, theta: Array, frame: Frame, work: Work, cut: float) -> None:
        super().__init__(theta, frame, problem.layout, work)
        self.problem, self.cut = problem, cut
        self.epsilon: float = frame.extra.epsilon
        self.alpha: Array = np.zeros(0)
        self.column: Array = np.zeros(0)
        self.active = 0

    @property
    def null(self) -> Array:  # type: ignore[override]
        """A constant added to all potentials changes nothing."""
        return np.ones(len(self.theta))

    @property
    def offers(self) -> frozenset[str]:
        """Sparse matrices and products."""
        return frozenset({"sparse"})

    def at(self, theta: Array) -> SemiDualPoint:
        """Return the point at other potentials of the same temperature."""
        cut = self.cut
        if self._f is not None:
            cut = float(np.clip(0.02 * np.abs(self.r).sum(), FINEST, COARSEST))
        return SemiDualPoint(self.problem, theta, self.frame, self.work, cut)

    def filled(self, theta: Array, alpha: Array, column: Array) -> SemiDualPoint:
        """Return the point at theta whose log scalings and column sums are known."""
        point = SemiDualPoint(self.problem, theta, self.frame, self.work, self.cut)
        point._take(alpha, column, self.active)
        return point

    def _evaluate(self) -> tuple[float, Array]:
        self.work.spend()
        beta = self.theta / self.epsilon
        if not np.isfinite(beta).all():
            self._failed = "potentials are not finite"
            return np.inf, np.full(len(beta), np.nan)
        work = self.problem.work
        if self.frame.extra.scaling and work.dense_fits:
            alpha, column = work.form_kernel(beta, self.epsilon)
            self._take(alpha, column, len(alpha) * len(beta))
        else:
            alpha, column, active = work.eliminate(beta, self.epsilon, self.cut, self)
            self._take(alpha, column, active)
        assert self._f is not None
        assert self._r is not None
        return self._f, self._r

    def _take(self, alpha: Array, column: Array, active: int) -> None:
        problem = self.problem
        self.alpha, self.column, self.active = alpha, column, active
        f, g = problem.a * alpha, problem.b * self.theta
        self._f = -self.epsilon * float(f.sum()) - float(g.sum())
        self._r = column - problem.b
        self.rounding = FLAT * (self.epsilon * float(np.abs(f).sum()) + float(np.abs(g).sum()))
        if not np.isfinite(self._f):
            self._failed, self._f = "the dual objective is not finite", np.inf

    def potentials(self) -> tuple[Array, Array]:
        """Return f and g of the penalty KL(P | a b^T)."""
        work = self.problem.work
        return self.epsilon * (self.alpha - work.log_a), self.theta - self.epsilon * work.log_b

    @property
    def ratio(self) -> Array:
        """log(b / column sum), the step of a Sinkhorn iteration over epsilon."""
        return self.problem.work.log_b - np.log(np.maximum(self.column, 1e-300))

    def safe_step(self) -> Array:
        """Return the step of a Sinkhorn iteration, which always raises the dual."""
        return self.epsilon * self.ratio

    def complement(self) -> SchurComplement | None:
        """Return epsilon times the Hessian, or None where the plan does not fit into memory."""
        work, problem = self.problem.work, self.problem
        if work.separable:
            return None
        if work.owner is not self:
            work.eliminate(self.theta / self.epsilon, self.epsilon, self.cut, self)
            if work.owner is not self:
                return None
        return SchurComplement(work.plan, problem.a, problem.b, self.column, 0.1 * self.cut, problem.labels)

    def own_step(self) -> tuple[Array, dict[str, float]]:
        """Return Newton's step on the entries that matter, or a Sinkhorn step far from the solution."""
        error = float(np.abs(self.r).sum())
        ratio = self.ratio
        if float(np.abs(ratio).max()) > FAR:
            return self.epsilon * ratio, {"safe": 1.0}
        S = self.complement()
        if S is None:
            return self.epsilon * ratio, {"safe": 1.0}
        target = max(FORCING * error * float(np.sqrt(min(error, 1.0))), 0.05 * self.frame.extra.tolerance)
        damping, taken = 0.0, 0
        step = -self.r
        for _ in range(4):
            step, iterations, _ = S.solve(-self.r, target, damping=damping)
            taken += iterations
            if float(step.max() - step.min()) <= WILD:
                break
            damping = max(2.0 * error / WILD, 4.0 * damping)
        return self.epsilon * step, {"cg": float(taken), "stored": float(self.problem.work.plan.entries)}

    def _sparse(self) -> Any:
        from scipy.sparse import csr_matrix, diags

        self._ensure()
        problem, (n, m) = self.problem, self.problem.pairs.shape
        P = np.exp(self.alpha[:, None] + self.theta / self.epsilon - problem.pairs.dense() / self.epsilon)
        P = csr_matrix(np.where(FINEST * problem.b < P, P, 0.0))
        assert P.shape == (n, m)
        return csr_matrix((diags(self.column) - P.T @ diags(1.0 / problem.a) @ P) / self.epsilon)
