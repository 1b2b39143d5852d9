"""Fits of differential equations to trajectories: single or multiple shooting, then the answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from sciopt._errors import OptionError
from sciopt.dynamics.checks import examined
from sciopt.dynamics.grids import adaptive
from sciopt.dynamics.ode_problem import TrajectoryProblem, trajectories
from sciopt.dynamics.ode_solution import ODESolution
from sciopt.dynamics.shooting import EXPLAINED, cut_times, explained, node_states
from sciopt.iterate import Iterate
from sciopt.methods._contract import Method
from sciopt.methods.trust_region import TrustRegion
from sciopt.solution import Solution
from sciopt.solve import solve
from sciopt.stop import Stop

__all__ = ["fit_ode"]

SEGMENTED = 200  # steps of the multiple-shooting solve
POLISH = 60  # steps of the single-shooting solve from the segments' answer
NEURAL = 30  # unknowns of the field from which steps are damped in all directions alike
DESCRIBED = 0.8  # share of the data's scatter that a fit without sigma should explain
ENDED = ("interrupted", "stopped_by_callback")
WORSE = 4.0  # a polish whose merit exceeds that of the data rows before it so many times has failed


def fit_ode(
    field: Callable[..., Any],
    t: Any,
    y: Any,
    *,
    unknown: Any,
    initial: Any = "data",
    sigma: Any = None,
    start: Any = None,
    observe: Callable[..., Any] | None = None,
    controls: Any = None,
    jumps: Any = (),
    doses: Any = (),
    solver: Any = "auto",
    shooting: Any = "auto",
    guess: Callable[..., Any] | None = None,
    regularise: Any = None,
    rtol: float | None = None,
    atol: Any = None,
    grid: str = "each",
    max_steps: int = 100_000,
    loss: Any = "gaussian",
    nan: str = "raise",
    mask: Any = None,
    errors: str | None = None,
    jacobian: str = "auto",
    method: Method | str = "auto",
    steps: int | None = None,
    seconds: float | None = None,
    key: int = 0,
    stop: Stop | None = None,
    callback: Callable[[Iterate], Any] | None = None,
    progress: bool | str | None = None,
) -> ODESolution:
    r"""Fit :math:`\dot y = f(t, y, p)` to trajectories and return values with error bars.

    Takes the parameters of `trajectories` and of `sciopt.solve`, and:

    Parameters
    ----------
    shooting
        ``"single"``; ``"multiple"`` (segments of two data intervals, at most 50); a number of segments; a row of times to
        cut at; ``"auto"``: multiple if the trajectories at the start explain less than half of the data's scatter.
        With segments, the states at the cuts are further unknowns, and gaps between segments are equations whose weight
        grows over three stages; a single-shooting solve from there ends the fit. "auto" tries the other way too if the
        answer does not describe the data.
    guess
        ``guess(t, row)`` -> state at a cut, for entries that were not measured.
    regularise
        ``"steps"``, ``"error"``, ``"error2"``, ``"stiffness"`` or a regulariser object: what makes the fitted equation
        cheap to solve; None (the default) for fits of whole trajectories, which gain nothing by it.

    Returns
    -------
    ODESolution

    Raises
    ------
    DataError, ParameterError, OptionError, ConditionError
        Naming the trajectory, entry or option at fault.

    Notes
    -----
    Multiple shooting: H. G. Bock, in Modelling of Chemical Reaction Systems, Springer (1981) 102.

    Examples
    --------
    >>> import numpy as np
    >>> t = np.linspace(0.0, 2.0, 9)
    >>> fit = fit_ode(lambda t, y, p: -p.k * y, t, np.exp(-1.5 * t), unknown={"k": 1.0}, initial=1.0, sigma=0.01)
    >>> round(fit.values["k"], 6)
    1.5
    """
    if isinstance(shooting, str) and shooting not in ("auto", "single", "multiple"):
        raise OptionError(
            f"shooting={shooting!r}: give 'auto', 'single', 'multiple', a number of segments, or times to cut at"
        )
    if isinstance(regularise, str):
        from sciopt.dynamics.regularise import regulariser

        regularise = regulariser(regularise)
    problem = trajectories(
        field,
        t,
        y,
        unknown=unknown,
        initial=initial,
        sigma=sigma,
        start=start,
        observe=observe,
        controls=controls,
        jumps=jumps,
        doses=doses,
        solver=solver,
        rtol=rtol,
        atol=atol,
        grid=grid,
        max_steps=max_steps,
        loss=loss,
        nan=nan,
        mask=mask,
        errors=errors,
        jacobian=jacobian,
        regularise=regularise,
    )
    run = _Run(problem, shooting, guess, method, stop, _Budget(steps, seconds), key, callback, progress)
    if not isinstance(shooting, str) or shooting == "multiple":
        answer = run.multiple()
    else:
        answer = run.single() if shooting == "single" else run.automatic()
    return examined(answer)


class _Run:
    """One call of `fit_ode`."""

    def __init__(
        self,
        problem: TrajectoryProblem,
        shooting: Any,
        guess: Any,
        method: Any,
        stop: Stop | None,
        budget: _Budget,
        key: int,
        callback: Any,
        progress: Any,
    ) -> None:
        self.problem, self.shooting, self.guess, self.method, self.budget = problem, shooting, guess, method, budget
        self.stop = stop
        self.options = {"key": key, "callback": callback, "progress": progress}

    def automatic(self) -> ODESolution:
        """Choose by the start; if the answer does not describe the data, try the other way and keep the better one."""
        problem = self.problem
        long = max(len(np.unique(row)) for row in problem.setting.data.times) > 4
        if problem.regularise is not None or problem.program.timed or problem.program.shared or not long:
            return self.single()
        poor = explained(problem, problem.layout.start) < EXPLAINED
        first = self.multiple() if poor else self.single()
        if describes(first) or self.budget.spent or first.status.value in ENDED:
            return first
        second = self.single() if poor else self.multiple()
        return second if data_merit(second) < data_merit(first) else first

    def single(self, begin: Any = None, most: int | None = None) -> ODESolution:
        """Solve by single shooting, from the start or from ``begin`` with at most ``most`` steps."""
        left = self.budget.left
        if most is not None:
            left["steps"] = most if left["steps"] is None else min(most, left["steps"])
        chosen = self.method
        if chosen == "auto":
            chosen = _regularised(self.problem, _method(self.problem, begin is not None))
        last = solve(
            self.problem,
            chosen,
            start=begin,
            stop=self.stop or _noise_level(self.problem),
            **left,
            **self.options,
        )
        self.budget.use(last)
        return ODESolution.of(last)

    def multiple(self) -> ODESolution:
        """Solve by multiple shooting, then by single shooting from there."""
        first = self._segments()
        if first is None:
            return self.single()
        if first.status.value in ENDED or self.budget.spent:
            return first
        begin = first.theta[: self.problem.layout.size]
        if explained(self.problem, begin) > EXPLAINED:
            last = self.single(begin, POLISH if self.problem.program.flow.columns <= NEURAL else None)
            if data_merit(last) <= WORSE * data_merit(first):
                last.shooting = first
                told = f"multiple shooting first: {first.problem.program.nodes} nodes, {first.nit} steps, {first.status.value}"
                last.notes = [*last.notes, told]
                return last
        first.notes = [
            *first.notes,
            "single shooting from the segments' answer did not keep the fit; theirs is returned",
        ]
        return first

    def _segments(self) -> ODESolution | None:
        problem = self.problem
        cuts = cut_times(problem, "multiple" if isinstance(self.shooting, str) else self.shooting)
        if not any(len(c) for c in cuts):
            return None
        cut = problem.shot(cuts, node_states(problem, cuts, self.guess))
        if isinstance(self.shooting, str) and self.shooting == "auto" and adaptive(cut, cut.layout.start).failed:
            return None
        from sciopt.methods.levenberg_marquardt import LevenbergMarquardt

        chosen = self.method
        if chosen == "auto":
            scaling = "none" if problem.program.flow.columns > NEURAL else "more"
            chosen = LevenbergMarquardt(damping="nielsen", geodesic=False, scaling=scaling)
        left = self.budget.left
        left["steps"] = SEGMENTED if left["steps"] is None else min(SEGMENTED, left["steps"])
        first = solve(cut, chosen, stop=Stop(reduction=1e-4, step=1e-5), **left, **self.options)
        self.budget.use(first)
        return ODESolution.of(first)


class _Budget:
    """Steps and seconds of both solves together."""

    def __init__(self, steps: int | None, seconds: float | None) -> None:
        self.steps, self.seconds, self.begun = steps, seconds, time.monotonic()

    def use(self, solution: Solution) -> None:
        if self.steps is not None:
            self.steps -= solution.nit

    @property
    def spent(self) -> bool:
        out = self.seconds is not None and time.monotonic() - self.begun >= self.seconds
        return out or (self.steps is not None and self.steps <= 0)

    @property
    def left(self) -> dict[str, Any]:
        seconds = None if self.seconds is None else max(self.seconds - (time.monotonic() - self.begun), 1e-3)
        return {"steps": self.steps, "seconds": seconds}


def _method(problem: TrajectoryProblem, near: bool) -> Any:
    if problem.program.flow.columns <= NEURAL:
        return TrustRegion() if near else "auto"
    from sciopt.methods.levenberg_marquardt import LevenbergMarquardt

    return LevenbergMarquardt(damping="nielsen", geodesic=False)


def _regularised(problem: TrajectoryProblem, method: Any) -> Any:
    """Return the method that also makes the regulariser small, if there is one that asks for it."""
    return problem.regularise.method(problem, method) if hasattr(problem.regularise, "method") else method


def _noise_level(problem: TrajectoryProblem) -> Stop | None:
    """With more unknowns than a quarter of the data, a fit that has reached the noise would go on to fit the noise."""
    conditions = problem.conditions[: len(problem.setting.data.names)]
    rows = sum(int(np.size(c.target) if c.keep is None else np.sum(c.keep)) for c in conditions)
    if problem.program.flow.columns <= max(NEURAL, rows // 4) or any(c.sigma is None for c in conditions):
        return None
    return Stop(merit=0.5 * rows)


def data_merit(solution: Solution) -> float:
    """Return the merit of the rows that are not gaps."""
    lin = solution.iterate.lin
    if lin.failed:
        return np.inf
    rows = lin.rows.get("continuity", slice(0, 0))
    r = np.delete(lin.r, np.arange(rows.start, rows.stop))
    return 0.5 * float(r @ r)


def describes(solution: ODESolution) -> bool:
    """Whether the fit describes the data: chi2 near its rows where sigma is known, else most of their scatter."""
    conditions = solution.problem.conditions[: len(solution.problem.setting.data.names)]
    if all(c.sigma is not None for c in conditions) and all(c.loss.name == "gaussian" for c in conditions):
        rows = sum(int(np.size(c.target) if c.keep is None else np.sum(c.keep)) for c in conditions)
        return 2.0 * data_merit(solution) <= 3.0 * rows
    return explained(solution.problem, solution.theta) > DESCRIBED
