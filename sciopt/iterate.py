"""The one loop: a public, resumable generator over steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from sciopt._errors import ConditionError, OptionError
from sciopt._types import Array
from sciopt.frames import BALANCE, Frame
from sciopt.linearise import Linearisation, Work, linearise
from sciopt.linearise.elsewhere import residuals_elsewhere
from sciopt.methods._contract import Method, Step
from sciopt.methods.auto import choose
from sciopt.stop import Stop

__all__ = ["Iterate", "iterate"]


@dataclass(slots=True, eq=False)
class Iterate:
    """Where a solve stands after a step.

    Attributes
    ----------
    number
        Steps taken so far; 0 is the start.
    theta
        Current point, shape (P,).
    estimate
        What the method reports instead of theta, or None.
    lin
        Linearisation at theta on ``frame``.
    state, frame, key
        All that a resume needs besides theta.
    info
        Numbers of the step, ``f`` included.
    accepted
        Whether the step moved theta.
    verdict
        ``(status, sentence)`` once the solve is finished, else None.
    problem
        The problem in force, where a plan has put another one in place of that given; None = the one given.
    """

    number: int
    theta: Array
    lin: Linearisation
    state: Any
    frame: Frame
    key: int
    info: dict[str, float]
    accepted: bool
    method: Method
    estimate: Array | None = None
    verdict: tuple[str, str] | None = None
    stalled: int = 0
    problem: Any = None


def iterate(
    problem: Any,
    method: Method | str = "auto",
    *,
    start: Any = None,
    key: int = 0,
    stop: Stop | None = None,
    work: Work | None = None,
) -> Iterator[Iterate]:
    """Yield the iterates of a solve, the start first, until a verdict.

    Parameters
    ----------
    problem
        A `Problem` or any object of the same protocol (``layout``, ``frame``, ``stages``).
    method
        A method, or ``"auto"``.
    start
        Start values: a tree like the unknown, a dict by name, theta, or an `Iterate` to go on from.
    key
        Integer; the same key gives the same bits.
    stop
        Stop rules; the method's own are always on.
    work
        Counters and budgets.

    Raises
    ------
    ConditionError
        The residual is not finite at the start.

    Examples
    --------
    >>> import numpy as np
    >>> from sciopt.problem import Problem
    >>> steps = list(iterate(Problem(lambda v: v**2 - 2.0, unknown=np.ones(1))))
    >>> round(float(steps[-1].theta[0]), 12)
    1.414213562373
    """
    stop = stop or Stop()
    work = work if work is not None else Work()
    if getattr(problem, "linear", ()):
        start, problem = _reduced(problem, start)
    if isinstance(start, Iterate):
        problem = problem if start.problem is None else start.problem
        it = _resumed(problem, start, work)
    else:
        it = _first(problem, method, start, int(key), work)
        yield it
    last_stage = len(getattr(problem, "stages", (None,))) - 1
    while it.verdict is None:
        step = it.method.step(it.lin, it.state, (it.key << 32) + it.number)
        it = _after(problem, it, step, stop, last_stage, work)
        if it.verdict is not None and hasattr(getattr(problem, "plan", None), "following"):
            problem, it = _followed(problem, it, method, work)
        yield it


def _first(problem: Any, method: Method | str, start: Any, key: int, work: Work) -> Iterate:
    theta = start_vector(problem, start)
    frame = problem.frame(theta, None, {}, key, 0)
    lin = linearise(problem, theta, frame, work)
    if lin.failed:
        values = ", ".join(f"{n}={v:.6g}" for n, v in list(zip(problem.layout.names, theta, strict=True))[:8])
        raise ConditionError(
            f"not finite at the start ({values}): {lin.failed}; choose another start or mend the model"
        )
    if method == "auto":
        method = choose(problem, lin)
    elif isinstance(method, str):
        raise OptionError(f"unknown method {method!r}; give a method object such as so.TrustRegion(), or 'auto'")
    elif isinstance(method, type) or not isinstance(method, Method):
        raise OptionError(
            f"method must be an object with init and step (did you mean {getattr(method, '__name__', method)}()?)"
        )
    estimate = getattr(lin, "complete", None)
    info = {"f": lin.f, **{k.replace("*", ""): v for k, v in frame.settings.items() if k.startswith(BALANCE)}}
    return Iterate(0, theta, lin, method.init(lin), frame, key, info, True, method, estimate)


def _reduced(problem: Any, start: Any) -> tuple[Any, Any]:
    """Return the start and the problem of the unknowns that are not eliminated."""
    from sciopt.linearise.eliminated import reduced

    smaller = reduced(problem)
    if smaller is problem or isinstance(start, Iterate):
        return start, smaller
    return start_vector(problem, start)[smaller.moving], smaller


def _resumed(problem: Any, it: Iterate, work: Work) -> Iterate:
    if len(it.theta) != problem.layout.size:
        raise OptionError(
            f"the solve to go on from moves {len(it.theta)} unknowns, this problem {problem.layout.size}; go on with the same "
            "linear=, or begin anew from its values: start=solution.values"
        )
    lin = linearise(problem, it.theta, it.frame, work)
    return Iterate(
        it.number,
        it.theta,
        lin,
        it.state,
        it.frame,
        it.key,
        it.info,
        it.accepted,
        it.method,
        it.estimate,
        None,
        it.stalled,
        it.problem,
    )


def _after(problem: Any, it: Iterate, step: Step, stop: Stop, last_stage: int, work: Work) -> Iterate:
    number = it.number + 1
    request = dict(step.request) if step.request else {}
    verdict = step.verdict
    if verdict is None and stop.rules:
        f = step.lin.f if step.lin is not None else np.nan
        verdict = stop.judge(step, f if np.isfinite(f) else it.lin.f)
    if hasattr(problem, "judge"):  # a problem with its own measure of convergence has the last word
        verdict = problem.judge(step, it.frame, verdict)
    if verdict is not None and verdict[0] in ("stalled", "rounding_floor") and _vanished(step.lin):
        verdict = ("converged", "the residual is at the rounding of the terms that cancel in it")
    stalled = 0 if step.accepted else it.stalled + 1
    if verdict is None and stalled >= stop.stalls:
        verdict = ("stalled", f"{stalled} steps in a row were rejected")
    final = it.frame.stage >= last_stage if it.frame.final is None else it.frame.final
    if verdict is not None and verdict[0] != "nonfinite" and not final:
        request["stage"], verdict = True, None
    if verdict is not None and verdict[0] != "nonfinite":
        request["plateau"] = True  # points may answer with others, on which the verdict has to be met again
    if getattr(problem, "adaptive", False):
        request["residuals"] = partial(residuals_elsewhere, problem, step.theta, it.frame, work)
    frame = problem.frame(step.theta, it.frame, request, it.key, number)
    same = frame is it.frame
    if not same and verdict is not None and verdict[0] != "nonfinite":
        verdict = None  # met on one batch only
    theta = step.theta if same or frame.start is None else frame.start
    lin = step.lin if step.lin is not None and same else linearise(problem, theta, frame, work)
    info = dict(step.info)
    info["f"] = lin.f
    info["accepted"] = float(step.accepted)
    if last_stage or frame.final is not None:
        info["stage"] = float(frame.stage)
    estimate = step.estimate
    if hasattr(lin, "complete"):  # linear unknowns are eliminated: report the point of the whole problem
        estimate = getattr(lin if estimate is None else lin.at(estimate), "complete")  # noqa: B009
    return Iterate(
        number,
        theta,
        lin,
        step.state,
        frame,
        it.key,
        info,
        step.accepted,
        it.method,
        estimate,
        verdict,
        stalled,
        it.problem,
    )


def _followed(problem: Any, it: Iterate, method: Method | str, work: Work) -> tuple[Any, Iterate]:
    """Ask the plan of a problem what comes after it: another problem, begun at its start, or the final verdict."""
    assert it.verdict is not None
    following = problem.plan.following(problem, it.theta if it.estimate is None else it.estimate, it.verdict, work)
    if isinstance(following, tuple):
        return problem, replace(it, verdict=following, problem=problem)
    work.modes.clear()  # what was learnt of the conditions was learnt on another unknown
    new = _first(following, method, None, it.key, work)
    info = {**new.info, "unknowns": float(following.layout.size)}
    return following, replace(new, number=it.number, info=info, problem=following)


def _vanished(lin: Linearisation | None) -> bool:
    """Tell whether a method that cannot go on has nothing left to do."""
    if lin is None or lin.failed or lin.structure == "symmetric" or lin.n * lin.theta.size > 10_000_000:
        return False
    from sciopt.methods._rounding import vanishes

    return vanishes(lin)


def start_vector(problem: Any, start: Any) -> Array:
    """Return theta for a start given as None, theta, a tree, or a dict by name."""
    layout = problem.layout
    if start is None:
        return np.array(layout.start)
    if isinstance(start, np.ndarray) and start.shape == (layout.size,):
        theta = np.asarray(start, float).copy()
        if not np.isfinite(theta).all():
            raise ConditionError(f"start: entry {layout.names[int(np.argmin(np.isfinite(theta)))]!r} is not finite")
        return theta
    return layout.pack(start)
