"""One step along a solution branch: the equations on a grid, and an arc length that ties the parameter to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from sciopt._types import Array
from sciopt.frames import Frame, Stage
from sciopt.layout import Layout
from sciopt.linearise import Linearisation, Work
from sciopt.pde.grid_linearise import GridLinearisation
from sciopt.pde.grid_problem import GridProblem

__all__ = ["ArcStep"]


class ArcStep:
    r"""F(u, p) = 0 together with :math:`\langle\tau, (u, p) - (u_0, p_0)\rangle = s`.

    Parameters
    ----------
    problem
        The equations.
    name
        The setting that plays the parameter p.
    origin
        (u_0, p_0), shape (n + 1,).
    tangent
        Direction tau, shape (n + 1,), of length one in the metric.
    metric
        Weights (n + 1,) of the scalar product.
    length
        Arc length s.
    """

    def __init__(
        self, problem: GridProblem, name: str, origin: Array, tangent: Array, metric: Array, length: float
    ) -> None:
        self.problem, self.name, self.origin, self.length = problem, name, origin, length
        self.covector = metric * tangent
        self.predicted = origin + length * tangent
        self.layout = Layout.of({**problem.layout.tree(origin[:-1]), name: float(origin[-1])})
        self.stages = (Stage(problem.stages[0].settings),)
        # The last row should weigh as much as the others in the merit of a line search.
        slope = problem.function.slope(origin[:-1], self.settings(origin[-1]), name)
        self.size = float(np.linalg.norm(slope)) / float(np.sqrt(metric[-1])) or 1.0

    def settings(self, value: Any) -> dict[str, Any]:
        """Return the settings with the parameter at a value."""
        return {**self.problem.stages[0].settings, self.name: float(value)}

    def frame(
        self,
        theta: Array,
        previous: Frame | None = None,
        request: Mapping[str, Any] | None = None,
        key: int = 0,
        step: int = 0,
    ) -> Frame:
        """Return the one frame."""
        return Frame((), 0, step, self.stages[0].settings) if previous is None else previous

    def linearise(self, theta: Array, frame: Frame, work: Work) -> ArcLinearisation:
        """Return r and the bordered J at theta."""
        return ArcLinearisation(self, theta, frame, work)


class ArcLinearisation(Linearisation):
    """The bordered system [J, F_p; tau^T]."""

    structure = "square"

    def __init__(self, problem: ArcStep, theta: Array, frame: Frame, work: Work) -> None:
        super().__init__(theta, frame, problem.layout, work)
        self.problem = problem
        inner = Frame((), 0, frame.step, problem.settings(theta[-1]))
        self.inner = GridLinearisation(problem.problem, theta[:-1], inner, work)

    @property
    def offers(self) -> frozenset[str]:
        """The Jacobian is sparse."""
        return frozenset({"sparse"})

    def at(self, theta: Array) -> ArcLinearisation:
        """Return the linearisation at another point."""
        return ArcLinearisation(self.problem, theta, self.frame, self.work)

    def _evaluate(self) -> tuple[float, Array]:
        arc = self.problem
        f, rows = self.inner.f, self.inner.r
        self._failed = self.inner.failed
        last = arc.size * (float(arc.covector @ (self.theta - arc.origin)) - arc.length)
        return f + 0.5 * last * last, np.append(rows, last)

    def _sparse(self) -> Any:
        from scipy.sparse import block_array, csr_array

        arc = self.problem
        self._slope = arc.problem.function.slope(self.theta[:-1], self.inner.frame.settings, arc.name)
        row = arc.size * arc.covector
        return block_array(
            [
                [csr_array(self.inner.sparse()), csr_array(self._slope[:, None])],
                [csr_array(row[None, :-1]), csr_array(row[None, -1:])],
            ],
            format="csr",
        )

    def preconditioner(self) -> Callable[[Array], Array] | None:
        """Return block elimination with the approximate inverse of J, or None where a direct solve is faster."""
        inner = self.inner.preconditioner()
        if inner is None:
            return None
        self.sparse()
        row = self.problem.size * self.problem.covector
        near = inner(self._slope)
        pivot = float(row[-1] - row[:-1] @ near) or 1.0

        def apply(b: Array) -> Array:
            y = inner(b[:-1])
            last = (b[-1] - float(row[:-1] @ y)) / pivot
            return np.append(y - last * near, last)

        return apply
