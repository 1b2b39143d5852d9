"""Fits of differential equations to trajectories: single or multiple shooting, then the answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from sciopt._errors import OptionError
from sciopt.dynamics.grids import adaptive, evaluate
from sciopt.dynamics.ode_solution import ODESolution
from sciopt.dynamics.shooting import EXPLAINED, cut_times, explained, node_states
from sciopt.dynamics.trajectories import TrajectoryProblem, trajectories
from sciopt.iterate import Iterate
from sciopt.methods._contract import Method
from sciopt.solution import Solution
from sciopt.solve import solve
from sciopt.stop import Stop

__all__ = ["fit_ode"]

NEURAL = 30  # unknowns of the field from which steps are damped in all directions alike
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
        grows over three stages; a single-shooting solve from there ends the fit.
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
    budget = _Budget(steps, seconds)
    options = {"key": key, "callback": callback, "progress": progress}
    first: Solution | None = None
    begin: Any = None
    if _multiple(problem, shooting):
        first = _shoot(problem, shooting, guess, method, budget, options)
        if first is not None:
            if first.status.value in ("interrupted", "stopped_by_callback") or budget.spent:
                return _answer(first, None)
            begin = first.theta[: problem.layout.size]
    last = solve(
        problem,
        _method(problem) if method == "auto" else method,
        start=begin if begin is None or _solvable(problem, begin) else None,
        stop=stop or _noise_level(problem),
        **budget.left,
        **options,
    )
    if first is not None and not last.iterate.lin.f <= WORSE * _data_merit(first):
        last.notes.append(
            "the single-shooting solve from the segments' answer did not keep the fit; the segments are returned"
        )
        first.notes.append(last.notes[-1])
        return _answer(first, None)
    return _answer(last, first)


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


def _multiple(problem: TrajectoryProblem, shooting: Any) -> bool:
    if isinstance(shooting, str):
        if shooting != "auto":
            return shooting == "multiple"
        if problem.regularise is not None or problem.program.timed or problem.program.shared:
            return False
        enough = max(len(np.unique(row)) for row in problem.setting.data.times) > 4
        return enough and explained(problem, problem.layout.start) < EXPLAINED
    return True


def _shoot(
    problem: TrajectoryProblem, shooting: Any, guess: Any, method: Any, budget: _Budget, options: dict[str, Any]
) -> Solution | None:
    cuts = cut_times(problem, "multiple" if isinstance(shooting, str) else shooting)
    if not any(len(c) for c in cuts):
        return None
    cut = problem.shot(cuts, node_states(problem, cuts, guess))
    from sciopt.methods.levenberg_marquardt import LevenbergMarquardt

    chosen = (
        LevenbergMarquardt(damping="nielsen", geodesic=False, scaling=_scaling(problem)) if method == "auto" else method
    )
    first = solve(cut, chosen, stop=Stop(reduction=1e-4, step=1e-5), **budget.left, **options)
    budget.use(first)
    return first


def _scaling(problem: TrajectoryProblem) -> str:
    return "none" if problem.program.flow.columns > NEURAL else "more"


def _method(problem: TrajectoryProblem) -> Any:
    if problem.program.flow.columns <= NEURAL:
        return "auto"
    from sciopt.methods.levenberg_marquardt import LevenbergMarquardt

    return LevenbergMarquardt(damping="nielsen", geodesic=False)


def _noise_level(problem: TrajectoryProblem) -> Stop | None:
    """With more unknowns than a quarter of the data, a fit that has reached the noise would go on to fit the noise."""
    conditions = problem.conditions[: len(problem.setting.data.names)]
    rows = sum(int(np.size(c.target) if c.keep is None else np.sum(c.keep)) for c in conditions)
    if problem.program.flow.columns <= max(NEURAL, rows // 4) or any(c.sigma is None for c in conditions):
        return None
    return Stop(merit=0.5 * rows)


def _solvable(problem: TrajectoryProblem, theta: Any) -> bool:
    return adaptive(problem, theta).failed is None


def _data_merit(first: Solution) -> float:
    lin = first.iterate.lin
    evaluate(first.problem, lin.theta, lin.frame)
    rows = lin.rows.get("continuity", slice(0, 0))
    r = np.delete(lin.r, np.arange(rows.start, rows.stop))
    return 0.5 * float(r @ r)


def _answer(solution: Solution, first: Solution | None) -> ODESolution:
    answer = ODESolution.of(solution, first)
    if first is not None:
        answer.notes = [
            *answer.notes,
            f"multiple shooting first: {first.problem.program.nodes} nodes, {first.nit} steps, {first.status.value}",
        ]
    return answer
