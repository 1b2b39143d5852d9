"""The block of a trajectory problem: predictions and gaps, and their Jacobian put together from the lanes' blocks."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from sciopt._types import Array
from sciopt.dynamics.endpoints import endpoint_jacobian
from sciopt.dynamics.grids import Evaluation, GridState, evaluate
from sciopt.dynamics.lanes import Steps
from sciopt.dynamics.plan import linear, whole
from sciopt.frames import Frame
from sciopt.linearise.autodiff import double
from sciopt.linearise.stacked import Stacked
from sciopt.linearise.work import Work

__all__ = ["TrajectoryBlock", "TrajectoryLinearisation"]

MANY = 60  # parameters from which a reverse sweep a row is cheaper than stage tangents, if there are few rows a lane


class TrajectoryLinearisation(Stacked):
    """Rows of a trajectory problem; a solve that fails is a failed evaluation with its reason."""

    def at(self, theta: Array) -> TrajectoryLinearisation:
        """Return the linearisation at another point of the same frame."""
        return TrajectoryLinearisation(self.problem, self.pieces, theta, self.frame, self.work)

    @property
    def evaluation(self) -> Evaluation:
        """Predictions, grid and local errors at theta."""
        return evaluate(self.problem, self.theta, self.frame)

    def _evaluate(self) -> tuple[float, Array]:
        found = self.evaluation
        if found.failed:
            self.work.spend()
            self._failed = found.failed
            return np.inf, np.full(1, np.nan)
        return super()._evaluate()

    def secondary(self) -> tuple[float, Array] | None:
        """Return (value, gradient) of the regulariser, if it is a secondary objective."""
        regularise: Any = getattr(self.problem, "regularise", None)
        return regularise.secondary(self) if hasattr(regularise, "secondary") else None


class TrajectoryBlock:
    """Outputs: one array a measured quantity, then the gaps of multiple shooting."""

    sparse = False
    traced = False

    def __init__(self, problem: Any, indices: tuple[int, ...]) -> None:
        self.problem, self.indices, self.index = problem, indices, indices[0]

    def outputs(self, theta: Array, frame: Frame, work: Work) -> list[Any]:
        """Return predictions and gaps."""
        found = evaluate(self.problem, theta, frame)
        return list(found.outputs) if not found.failed else [None] * len(self.indices)

    def jacobians(self, theta: Array, frame: Frame, work: Work, z: list[Array]) -> list[Any]:
        """Return their Jacobians, dense (rows, P)."""
        data, gaps = self.jacobian(theta, evaluate(self.problem, theta, frame).grid)
        out, place, P = [], 0, theta.size
        for width in self._widths():
            out.append(np.ascontiguousarray(data[:, place : place + width]).reshape(-1, P))
            place += width
        return [*out, gaps] if self.problem.program.nodes else out

    def jacobian(self, theta: Array, grid: GridState) -> tuple[Array, Array]:
        """Return d predictions / d theta (N, m, P) and d gaps / d theta (n d, P) on a grid."""
        problem, plan = self.problem, self.problem.program
        mode = problem.setting.jacobian
        if mode == "auto" and plan.timed:
            mode = "forward"
        steps, atol = grid.steps, grid.atol
        if mode == "auto":
            return self._assembled(theta, steps, atol)
        if mode == "reverse":
            slots = _slots(int(steps.count.max(initial=1)), steps.interval.shape[1])
            interval, lo, hi = (a[:, :slots] for a in steps[:3])
            steps = Steps(interval, lo, hi, steps.count)
        with double():
            J = np.asarray(whole(plan, jnp.asarray(theta), problem.arrays, steps, atol, mode))
        N, m = len(problem.setting.data.time), sum(self._widths())
        return J[: N * m].reshape(N, m, theta.size), J[N * m :]

    def _widths(self) -> list[int]:
        return [int(np.prod(shape)) for shape in self.problem.setting.data.shapes]

    def _assembled(self, theta: Array, steps: Steps, atol: Array) -> tuple[Array, Array]:
        """Chain the lanes' own derivatives with where the lanes start."""
        problem = self.problem
        plan, table, P = problem.program, problem.table, problem.layout.size
        d, n = plan.flow.state.size, plan.nodes
        head = P - n * d
        few = self._endpoints(theta, steps, atol)
        if few is not None:
            return few, np.zeros((0, P))
        with double():
            found = linear(plan, jnp.asarray(theta), problem.arrays, steps, atol, head)
            own, field, gap_own, gap_field, initial = (np.asarray(a) for a in found)
        p = field.shape[2]
        J, G = np.zeros((*own.shape[:2], P)), np.zeros((n, d, P))
        J[:, :, :p], G[:, :, :p] = field, gap_field
        identity = plan.nodes or d <= head
        first = table.source < plan.runs
        lane = table.lane
        for run in range(plan.runs):
            rows = np.flatnonzero(first[lane] & (table.run[lane] == run))
            J[rows, :, :head] += own[rows] @ initial[run] if identity else own[rows]
        if n:
            inner = np.flatnonzero(~first)
            rows = np.flatnonzero(~first[lane])
            columns = head + (table.source[lane[rows]] - plan.runs)[:, None] * d + np.arange(d)
            for k in range(d):
                J[rows, :, columns[:, k]] += own[rows, :, k]
            before = inner - 1
            scale = np.asarray(problem.arrays.gap_scale)
            for i, b in enumerate(before):
                if first[b]:
                    G[i, :, :head] += gap_own[i] @ initial[table.run[b]]
                else:
                    at = head + (table.source[b] - plan.runs) * d
                    G[i, :, at : at + d] += gap_own[i]
                at = head + (table.source[b + 1] - plan.runs) * d
                G[i, :, at : at + d] -= np.diag(1.0 / scale)
        return J, G.reshape(n * d, P)

    def _endpoints(self, theta: Array, steps: Steps, atol: Array) -> Array | None:
        """Return d predictions / d theta by reverse sweeps where each lane has few rows, else None."""
        problem, plan, table = self.problem, self.problem.program, self.problem.table
        d, m, p = plan.flow.state.size, sum(self._widths()), plan.flow.columns
        B, N = len(table.run), len(table.lane)
        R = N // B
        fixed = plan.initial[0] != "call" and all(
            leaf.start < 0 or leaf.start < p for leaf in problem.layout.leaves if leaf.numeric
        )
        if plan.nodes or not fixed or p <= MANY or N != R * B or R * m > d:
            return None
        order = np.argsort(table.lane, kind="stable").reshape(B, R)
        if (table.lane[order] != np.arange(B)[:, None]).any():
            return None
        slots = _slots(int(steps.count.max(initial=1)), steps.interval.shape[1])
        stop, time = table.stop[order], problem.setting.data.time[order]
        with double():
            _, field = endpoint_jacobian(plan, slots, jnp.asarray(theta), problem.arrays, steps, atol, stop, time)
            found = np.asarray(field).reshape(N, m, p)
        J = np.zeros((N, m, theta.size))
        J[order.ravel(), :, :p] = found
        return J


def _slots(n: int, most: int) -> int:
    """Return the number of slots of a reverse sweep, which pays for padding: powers of 1.3."""
    size = 8.0
    while size < n:
        size *= 1.3
    return min(int(size), most)
