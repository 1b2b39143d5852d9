"""The ansatz chosen from the conditions where no unknown is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from sciopt._errors import ParameterError
from sciopt._types import Array
from sciopt.condition import Condition
from sciopt.linearise import Work, linearise
from sciopt.pde.ansatz_balance import balanced
from sciopt.pde.ansatz_features import Cross, Features
from sciopt.pde.ansatz_march import March
from sciopt.pde.ansatz_points import domain_of, is_box, movable, on_faces_of_a_box
from sciopt.pde.ansatz_shape import shape_of
from sciopt.pde.ansatz_tensor import Tensor
from sciopt.problem import Problem

__all__ = ["Plan", "Trial", "ansatz"]

GOOD = 1e-6  # held-out residual, relative to that of zero, that counts as solved
BEST = 1e-13  # ... below which nothing is left to gain
FALLS = 3.0  # factor by which a larger ansatz has to lower it


@dataclass(frozen=True)
class Trial:
    """One ansatz of one size and what came of it.

    Attributes
    ----------
    label
        What was tried.
    size
        Number of functions of one component.
    residual
        Held-out residual: root of the mean square on the points of the conditions as given, relative to that of the
        function zero.
    """

    label: str
    size: int
    residual: float


@dataclass(frozen=True, eq=False)
class Plan:
    """Which ansatz is in force, what has been tried, and what comes next.

    A problem without ``unknown=`` carries one. When a solve on it ends, the engine asks for what follows: a larger
    ansatz, another kind, or the verdict.

    Attributes
    ----------
    kinds
        Kinds of ansatz, in the order in which they are tried.
    setting
        Size and options of the present one.
    trials
        The `Trial` of each solve so far.
    """

    conditions: tuple[Condition, ...]
    kinds: tuple[Any, ...]
    kind: int
    setting: Any
    shape: Any
    domain: Any
    slabs: bool = False  # whether time slabs may follow the last kind
    trials: tuple[Trial, ...] = ()
    here: tuple[tuple[Any, float], ...] = ()  # (setting, residual) of the present kind
    best: tuple[float, Any, Any, int, str] | None = None  # residual, problem, theta, number of the trial, kind's name
    final: bool = False
    checks: dict[Any, Any] = field(default_factory=dict, repr=False)

    def first(self) -> tuple[list[Condition], Any]:
        """Return the conditions and the unknown of the first problem."""
        return self.kinds[self.kind].made(self.setting, None)

    def following(self, problem: Problem, theta: Array, verdict: tuple[str, str], work: Work) -> Any:
        """Return the next problem, or the verdict ``(status, sentence)`` when there is none.

        Parameters
        ----------
        problem, theta, verdict
            The problem that was solved, where its solve ended, and how.
        work
            Takes the notes for the report.
        """
        if self.final:
            return self._verdict(work)
        kind, solved = self.kinds[self.kind], problem.layout.tree(theta)
        residual = self._held_out(solved) if verdict[0] != "nonfinite" else np.inf
        trial = Trial(kind.label(self.setting), kind.size(self.setting), residual)
        here, trials = (*self.here, (self.setting, residual)), (*self.trials, trial)
        best = self.best
        if best is None or residual < best[0]:
            best = residual, problem, theta, len(trials) - 1, kind.name
        plan = replace(self, here=here, trials=trials, best=best)
        if residual > BEST:
            setting = plan._next_setting(solved)
            if setting is not None:
                return plan._problem(self.kind, setting, solved, here)
            if best[0] > GOOD and self.kind + 1 == len(self.kinds) and self.slabs:
                march = March.begin(self.conditions, self.shape, self.domain, trials)
                if march is not None:
                    work.note(self._changed(trial, here, "time slabs"))
                    return march
            if best[0] > GOOD and self.kind + 1 < len(self.kinds):
                other = self.kinds[self.kind + 1]
                work.note(self._changed(trial, here, other.name))
                return plan._problem(self.kind + 1, other.start(), None, ())
        if best[1] is problem:
            problem.plan = plan
            return plan._verdict(work)
        again = Problem(list(best[1].conditions), best[1].layout.tree(best[2]))
        again.plan = replace(plan, final=True)
        return again

    def _changed(self, trial: Trial, here: tuple[Any, ...], other: str) -> str:
        lowest = min(r for _, r in here)
        return (
            f"ansatz changed from {self.kinds[self.kind].name} to {other}: with {trial.label} the held-out residual does not "
            f"fall fast enough (lowest {lowest:.1e} of that of zero)"
        )

    def _next_setting(self, solved: Any) -> Any:
        """Return what to try next of the present kind, or None to leave it."""
        kind = self.kinds[self.kind]
        setting, residual = self.here[-1]
        scanned = getattr(kind, "scanned", None)
        lowest = min(r for _, r in self.here)
        if scanned is not None and kind.size(setting) == kind.size(kind.start()):
            following = scanned(setting) if residual <= 10.0 * lowest else None
            if following is not None:
                return following
            setting = min(self.here, key=lambda pair: pair[1])[0]  # the best of those scanned goes on
        elif len(self.here) > 1:
            last = min(r for _, r in self.here[:-1])
            before = min((r for _, r in self.here[:-2]), default=np.inf)
            if residual > last / FALLS and (last > before / FALLS or residual < GOOD):
                return None
        return None if kind.hopeless(setting, solved) else kind.larger(setting, solved)

    def _problem(self, kind: int, setting: Any, solved: Any, here: tuple[Any, ...]) -> Problem:
        conditions, unknown = self.kinds[kind].made(setting, solved)
        problem = Problem(conditions, unknown)
        problem.plan = replace(self, kind=kind, setting=setting, here=here)
        return problem

    def _verdict(self, work: Work) -> tuple[str, str]:
        assert self.best is not None
        residual, trial = self.best[0], self.trials[self.best[3]]
        work.note(
            f"ansatz: {trial.label}, chosen after {len(self.trials)} solve(s); held-out residual {residual:.1e} of that of zero"
        )
        if residual <= GOOD:
            return "converged", f"{trial.label}: on the points given the residual is {residual:.1e} of that of zero"
        return "stalled", (
            f"no ansatz tried meets the conditions: with {trial.label} the residual on the points given is {residual:.1e} of "
            "that of zero; the conditions may contradict each other, or their solution is not smooth: then give a network, such as "
            "unknown=so.models.mlp(...)"
        )

    def _held_out(self, solved: Any) -> float:
        """Return the residual on the points of the conditions as given, relative to that of the function zero."""
        moved = [c for c in self.conditions if movable(c)] or list(self.conditions)
        problem = Problem(moved, solved)
        lin = linearise(problem)
        if lin.failed:
            return np.inf
        if "zero" not in self.checks:
            nothing = linearise(problem, np.zeros(problem.layout.size), problem.frame(lin.theta))
            self.checks["zero"] = np.inf if nothing.failed else nothing.f
        zero = self.checks["zero"]
        return float(np.sqrt(lin.f / zero)) if 0 < zero < np.inf else float(np.sqrt(2 * lin.f))


def ansatz(conditions: Sequence[Condition]) -> Plan:
    """Choose the kinds of ansatz for conditions, in the order in which they are tried.

    Boxes of up to three coordinates: tensor products of Chebyshev polynomials, Fourier waves where a coordinate is
    periodic. Boxes of more: sparse polynomials, then a trained network. Other domains: random features, then a trained
    network. Sizes (and slopes) are raised until the residual on the points given stops falling; a kind that does not get
    there gives way to the next. `Problem` asks for it when no ``unknown=`` is given.

    Parameters
    ----------
    conditions
        Conditions on points of a domain.

    Returns
    -------
    Plan

    Raises
    ------
    ParameterError
        No condition has points of a domain, or the shape of the unknown cannot be told.
    """
    listed = tuple(conditions)
    domain = domain_of(listed)
    if domain is None:
        raise ParameterError(
            "Problem needs unknown=: no condition has points of a domain from which an ansatz could be chosen"
        )
    shape = shape_of(listed)
    kinds: list[Any] = []
    if is_box(domain) and all(on_faces_of_a_box(c) for c in listed):
        kinds.append((Tensor if domain.dim <= 3 else Cross)(listed, shape, domain))
    elif domain.dim <= 3:
        kinds.append(Features(listed, shape, domain))
    if not kinds:
        kinds.append(Features(listed, shape, domain))
    first = Problem(*kinds[0].made(kinds[0].start(), None))
    if len(first.conditions) == len(listed):
        listed = balanced(listed, first, domain)
        kinds = [replace(kind, conditions=listed) for kind in kinds]
    slabs = isinstance(kinds[0], Tensor) and domain.has_time and domain.dim == 2
    return Plan(listed, tuple(kinds), 0, kinds[0].start(), shape, domain, slabs)
