"""What makes a fitted equation cheap to solve: the solver's own heuristics as a regulariser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sciopt._errors import OptionError
from sciopt._types import Array
from sciopt.condition import Condition
from sciopt.dynamics.grids import GridState, evaluate
from sciopt.dynamics.heuristics import KINDS, local_value_and_gradient, value, value_and_gradient
from sciopt.frames import Frame
from sciopt.linearise.work import Work

__all__ = ["Regulariser", "regulariser"]

MODES = ("auto", "rows", "null_space")


@dataclass(frozen=True)
class Regulariser:
    r"""A sum of the solver's heuristics over the accepted steps, made small.

    Parameters
    ----------
    kind
        ``"steps"`` (:math:`\sum E^{1/q}`, a smooth number of steps), ``"error"`` (:math:`\sum E h`), ``"error2"``
        (:math:`\sum E^2 h`) or ``"stiffness"`` (:math:`\sum S`).
    mode
        ``"null_space"``: move along directions that the data do not see, see `sciopt.methods.NullSpace`; ``"rows"``: one
        further row :math:`\sqrt{w M R}` for M data; ``"auto"``: null space with more unknowns than data, and where no
        errors of the data are given.
    weight
        w of the row, relative to the mean squared data row.
    level
        Null space: rms residual, relative to that at the start, up to which the data may be traded for cheapness.
    cut
        Null space: directions whose singular value is below ``cut`` times the largest count as unseen, softly; 0 takes
        the exact null space.
    local
        Number of steps drawn at random for each gradient; 0 takes all.

    Raises
    ------
    OptionError
        Unknown kind or mode, or a number out of range.

    Notes
    -----
    Pal, Ma, Shah and Rackauckas, ICML (2021), PMLR 139:8325 regularise by the accumulated error and stiffness. The value of
    the accumulated error is pinned by the step-size controller; the sum of :math:`E^{1/q}` follows the number of steps.
    Fits of whole trajectories gain nothing: their steps are those of the true system.

    Examples
    --------
    >>> Regulariser("steps", weight=1e-5).mode
    'auto'
    """

    kind: str = "steps"
    mode: str = "auto"
    weight: float = 1e-5
    level: float = 2e-4
    cut: float = 1e-3
    local: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise OptionError(f"unknown regulariser {self.kind!r}; choose one of {KINDS}")
        if self.mode not in MODES:
            raise OptionError(f"Regulariser(mode={self.mode!r}): choose one of {MODES}")
        for name in ("weight", "level"):
            if not (np.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise OptionError(f"Regulariser({name}=...): must be positive, got {getattr(self, name)!r}")
        if not 0 <= self.cut < 1:
            raise OptionError(f"Regulariser(cut=...): must be in [0, 1), got {self.cut!r}")
        if isinstance(self.local, bool) or int(self.local) != self.local or self.local < 0:
            raise OptionError(f"Regulariser(local=...): must be a whole number >= 0, got {self.local!r}")

    def mode_of(self, problem: Any) -> str:
        """Return ``"rows"`` or ``"null_space"`` for a trajectory problem."""
        if self.mode != "auto":
            return self.mode
        return "null_space" if problem.layout.size > rows_of(problem) or not _known(problem) else "rows"

    def blocks(self, problem: Any) -> tuple[Any, ...]:
        """Return the further rows of a trajectory problem."""
        if self.mode_of(problem) == "null_space":
            return ()
        return (RegulariserBlock(self, problem, len(problem.conditions)),)

    def method(self, problem: Any, inner: Any) -> Any:
        """Return the method for a trajectory problem, made of the one that fits the data alone."""
        if self.mode_of(problem) == "rows":
            return inner
        from sciopt.methods.null_space import NullSpace

        return NullSpace(inner, level=self.level, cut=self.cut)

    def secondary(self, lin: Any) -> tuple[float, Array] | None:
        """Return (value, gradient) as a secondary objective of a linearisation."""
        if self.mode_of(lin.problem) == "rows" or lin.failed:
            return None
        return self.at(lin.problem, lin.theta, lin.evaluation.grid, lin.theta.view(np.uint64))

    def at(self, problem: Any, theta: Array, grid: GridState, seed: Any = 0) -> tuple[float, Array]:
        """Return (value, gradient) at theta on a grid."""
        if self.local:
            rng = np.random.default_rng(np.atleast_1d(np.asarray(seed, np.uint64)))
            return local_value_and_gradient(problem, self.kind, theta, grid, rng, self.local)
        return value_and_gradient(problem, self.kind, theta, grid)

    def value(self, problem: Any, theta: Array, grid: GridState, seed: Any = 0) -> float:
        """Return the value at theta on a grid."""
        return self.at(problem, theta, grid, seed)[0] if self.local else value(problem, self.kind, theta, grid)


def regulariser(name: str) -> Regulariser:
    """Return the regulariser of a name: ``"steps"``, ``"error"``, ``"error2"`` or ``"stiffness"``."""
    return Regulariser(name)


def rows_of(problem: Any) -> int:
    """Return the number of data rows of a trajectory problem."""
    conditions = problem.conditions[: len(problem.setting.data.names)]
    return sum(int(np.size(c.target) if c.keep is None else np.sum(c.keep)) for c in conditions)


def _known(problem: Any) -> bool:
    return all(c.sigma is not None for c in problem.conditions[: len(problem.setting.data.names)])


class RegulariserBlock:
    """The row sqrt(w M R) of a trajectory problem."""

    sparse = False
    traced = False

    def __init__(self, rule: Regulariser, problem: Any, index: int) -> None:
        self.rule, self.problem, self.indices, self.index = rule, problem, (index,), index
        self.conditions = (Condition(_solver_cost, "solver_cost", weight=1.0, batched=True),)
        self.scale = rule.weight * rows_of(problem)

    def outputs(self, theta: Array, frame: Frame, work: Work) -> list[Any]:
        """Return the row, or None where the trajectories cannot be solved."""
        found = evaluate(self.problem, theta, frame)
        if found.failed:
            return [None]
        return [np.sqrt(self.scale * np.maximum([self.rule.value(self.problem, theta, found.grid, frame.step)], 0.0))]

    def jacobians(self, theta: Array, frame: Frame, work: Work, z: list[Array]) -> list[Any]:
        """Return its gradient, shape (1, P)."""
        found = evaluate(self.problem, theta, frame)
        R, g = self.rule.at(self.problem, theta, found.grid, frame.step)
        root = np.sqrt(self.scale * R)
        return [(0.5 * self.scale / root * g if root > 0 else 0.0 * g)[None]]


def _solver_cost(*parts: Any) -> Any:
    return parts
