"""Sinkhorn-Newton-Sparse as published: scaling first, then Newton steps with the largest entries of the plan."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from sciopt._errors import OptionError
from sciopt._types import Array
from sciopt.linalg.sparse import solve_sparse
from sciopt.methods._contract import Step
from sciopt.methods._options import count, positive
from sciopt.transport.full_dual import FullDualPoint

__all__ = ["SinkhornNewtonSparse"]

ARMIJO = 1e-4
HALVINGS = 30
STALL = 10  # steps
PROGRESS = 0.01  # least relative fall of the error in each of them, on the mean


class SnsState(NamedTuple):
    """Scaling iterations done, share of the plan kept, and the errors since it was last changed."""

    warmed: int
    keep: float
    errors: Array


@dataclass(frozen=True)
class SinkhornNewtonSparse:
    r"""Early-stopped Sinkhorn, then Newton's method with a sparsified Hessian.

    The Lyapunov potential of `sciopt.transport.full_dual` is minimised: ``warmup`` scaling iterations, then Newton
    steps in which only the largest entries of the plan stay off the diagonal, which keeps the full sums; conjugate
    gradients and backtracking. Convergence is linear with what was dropped.

    Parameters
    ----------
    warmup
        Scaling iterations before the first Newton step.
    keep
        Entries of the 2n x 2n Hessian that stay, over 4n, its diagonal included ("target sparsity keep/n" in the
        paper): (2 keep - 1) n entries of the plan. A stall (10 steps that lower the error by less than a per cent each)
        doubles it, and the solution's notes say so.
    newton
        Most Newton steps; None = until convergence.
    switch
        Marginal error that ends the warm-up early; None = never.
    rtol
        Relative residual of conjugate gradients.

    References
    ----------
    Tang, Shavlovsky, Rahmanian, Tardini, Thekumparampil, Xiao, Ying (2024), Accelerating Sinkhorn algorithm with
    sparse Newton iterations, ICLR, arXiv:2401.12253.
    """

    warmup: int = 20
    keep: float = 2.0
    newton: int | None = None
    switch: float | None = None
    rtol: float = 1e-8

    def __post_init__(self) -> None:
        count(self, "warmup", 0)
        positive(self, "keep")
        positive(self, "rtol", below=1.0)
        if self.newton is not None:
            count(self, "newton")
        if self.switch is not None:
            positive(self, "switch")

    def init(self, lin: Any) -> SnsState:
        """Return the state at the start; refuses problems without both potentials."""
        if not isinstance(lin, FullDualPoint):
            raise OptionError(
                "SinkhornNewtonSparse moves both potentials; use it through transport.distance(method=...)"
            )
        return SnsState(0, float(self.keep), np.zeros(0))

    def step(self, lin: FullDualPoint, state: SnsState, key: int) -> Step:
        """Take one scaling iteration or one Newton step."""
        error = float(np.abs(lin.r).sum())
        warm = state.warmed >= self.warmup or (self.switch is not None and error <= self.switch)
        if not warm:
            return self._scaling(lin, state)
        state = state._replace(warmed=max(state.warmed, self.warmup))
        taken = len(state.errors)
        if self.newton is not None and taken >= self.newton:
            verdict = ("budget", f"{self.newton} Newton steps are spent")
            return Step(lin.theta, state, False, {}, lin=lin, verdict=verdict)
        errors = np.append(state.errors, error)
        keep = state.keep
        if len(errors) > STALL and errors[-1] > (1.0 - PROGRESS) ** STALL * errors[-1 - STALL]:
            keep, errors = min(2.0 * keep, float(len(lin.problem.b))), errors[-1:]
            lin.work.note(f"Newton steps stalled at marginal error {error:.1e}; keep was raised to {keep:g}")
        return self._newton_step(lin, SnsState(state.warmed, keep, errors))

    def _scaling(self, lin: FullDualPoint, state: SnsState) -> Step:
        p, n, eps = lin.problem, len(lin.problem.a), lin.epsilon
        score = (lin.theta[n:] - p.pairs.C) / eps
        f = eps * (np.log(p.a) - _log_sums(score, 1))
        score = (f[:, None] - p.pairs.C) / eps
        g = eps * (np.log(p.b) - _log_sums(score, 0))
        theta = np.concatenate([f, g])
        new = lin.at(theta)
        info = {"scaling": 1.0, "reduction": lin.reduction(new)}
        return Step(theta, state._replace(warmed=state.warmed + 1), True, info, lin=new)

    def _newton_step(self, lin: FullDualPoint, state: SnsState) -> Step:
        from scipy.sparse import csr_array

        P = lin.plan
        wanted = min(math.ceil(max(2.0 * state.keep - 1.0, 1.0) * max(P.shape)), P.size)
        low = np.partition(P.ravel(), P.size - wanted)[P.size - wanted] if wanted < P.size else 0.0
        M = lin.hessian(csr_array(np.where(low <= P, P, 0.0)))
        delta, flag = solve_sparse(M, lin.r, structure="symmetric", how="cg", rtol=self.rtol)
        slope = float(lin.r @ delta)
        info = {"keep": state.keep, "cg": float(flag.iterations)}
        length = 1.0
        for _ in range(HALVINGS):
            new = lin.at(lin.theta + length * delta)
            actual = lin.reduction(new)
            small = abs(actual) <= lin.rounding and np.abs(new.r).sum() < np.abs(lin.r).sum()
            if not new.failed and (actual >= -ARMIJO * length * slope or small):
                info |= {"length": length, "reduction": actual}
                return Step(new.theta, state, True, info, lin=new)
            length *= 0.5
        full = float(len(lin.problem.b))
        if state.keep < full:
            wider = min(2.0 * state.keep, full)
            lin.work.note(
                f"no step along the sparse Newton direction raised the potential; keep was raised to {wider:g}"
            )
            return Step(lin.theta, state._replace(keep=wider), False, info, lin=lin)
        verdict = ("stalled", "no step along Newton's direction raises the potential")
        return Step(lin.theta, state, False, info, lin=lin, verdict=verdict)


def _log_sums(score: Array, axis: int) -> Array:
    top = score.max(axis=axis, keepdims=True)
    return np.log(np.exp(score - top).sum(axis=axis)) + top.squeeze(axis)
