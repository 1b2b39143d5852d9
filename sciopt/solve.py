"""Solve: a loop over `iterate` with budgets, callbacks and a verdict."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from sciopt._errors import OptionError
from sciopt.history import History
from sciopt.iterate import Iterate, iterate, start_vector
from sciopt.linearise.work import OutOfBudget, Work
from sciopt.methods._contract import Method
from sciopt.solution import Solution
from sciopt.status import Status
from sciopt.stop import Stop

__all__ = ["solve"]

STEPS = 4000
THREADED = 10_000  # entries of J from which BLAS may use several threads


def solve(
    problem: Any,
    method: Method | str = "auto",
    *,
    steps: int | None = None,
    seconds: float | None = None,
    evaluations: int | None = None,
    start: Any = None,
    key: int = 0,
    stop: Stop | None = None,
    callback: Callable[[Iterate], Any] | None = None,
    progress: bool | str | None = None,
    threads: int | None = None,
    memory: float | None = None,
    mesh: Any = None,
) -> Solution:
    """Make the residual conditions of a problem vanish, as far as they can.

    Parameters
    ----------
    problem
        A `Problem`, or an object of the same protocol.
    method
        A method object, or ``"auto"``.
    steps, seconds, evaluations
        Budgets; a spent budget returns the best point with status ``budget``.
    start
        Start values (tree, dict by name or theta), or a `Solution` to go on from.
    key
        Integer that determines all random choices.
    stop
        Stop rules besides the method's own.
    callback
        Called with each `Iterate`; a true return value ends the solve.
    progress
        True or ``"bar"`` for a bar, ``"table"`` for a line a step.
    threads
        BLAS threads during the solve; by default one unless J has more than 1e7 entries.
    memory
        Bytes that a Jacobian may take (2 GiB by default). A larger one of conditions in JAX is never stored: its Gram
        matrix is summed over blocks of parameters or points.
    mesh
        A `jax.sharding.Mesh` of one axis: the rows of conditions in JAX are spread over its devices.

    Returns
    -------
    Solution
        Always, also after Ctrl-C; ``Solution.success`` says whether it converged.

    Raises
    ------
    ConditionError, ParameterError, OptionError
        For problems that cannot be evaluated at the start.

    Examples
    --------
    >>> import numpy as np
    >>> from sciopt.problem import Problem
    >>> solve(Problem(lambda v: v**2 - 2.0, unknown=np.ones(1))).status.value
    'converged'
    """
    for name, value in (("steps", steps), ("evaluations", evaluations), ("seconds", seconds), ("memory", memory)):
        if value is not None and not value > 0:
            raise OptionError(f"solve: {name} must be positive, got {value!r}")
    begun = time.perf_counter()
    work, history = Work(evaluations, seconds, memory, mesh), History()
    point, origin, rows = _point(problem, method, start)
    it: Iterate | None = None
    taken = 0
    status, message = Status.budget, f"the budget of {steps or STEPS} steps is spent"
    bar = None
    if progress:
        from sciopt.progress import progress_of

        bar = progress_of(progress, total=steps)
    if point is not None:
        history, it = History(list(rows.__getstate__())), point
    limit = ExitStack()
    try:
        for it in iterate(problem, method, start=start if point is None else point, key=key, stop=stop, work=work):
            if taken == 0:
                _limit_threads(limit, it, threads)
            if origin is None:
                origin = it.theta if len(it.theta) == problem.layout.size else start_vector(problem, start)
            history.append(it.info)
            if bar is not None:
                bar(it)
            if it.verdict is not None:
                status, message = Status[it.verdict[0]], it.verdict[1]
                break
            if callback is not None and callback(it):
                status, message = Status.stopped_by_callback, f"the callback ended the solve at step {it.number}"
                break
            taken += point is not None or it.number > 0
            if taken >= (steps or STEPS):
                break
    except OutOfBudget as spent:
        status, message = Status.budget, str(spent)
    except KeyboardInterrupt:
        status, message = Status.interrupted, "interrupted by the user; the best point so far is returned"
    finally:
        limit.close()
        if bar is not None and hasattr(bar, "close"):
            bar.close()
    if it is None or origin is None:
        raise OptionError(f"the solve ended before its start could be evaluated: {message}")
    work.evaluations = work.deadline = None
    if it.problem is not None:
        problem, origin = it.problem, it.problem.layout.start.copy()
    return Solution(problem, it, status, message, history, work, time.perf_counter() - begun, origin)


def _point(problem: Any, method: Any, start: Any) -> tuple[Iterate | None, Any, Any]:
    """Return the iterate to go on from, the start and the history of a resumed solve; (None, None, None) otherwise."""
    if isinstance(start, Solution):
        return start.iterate, start._start, start.history
    if hasattr(start, "_content"):
        from sciopt.saving import resumed

        return resumed(start, problem, method)
    return None, None, None


def _limit_threads(limit: ExitStack, it: Iterate, threads: int | None) -> None:
    """Hold BLAS to the wanted threads until ``limit`` is closed; problems below BLAS's own threshold are left alone."""
    size = it.lin.n * it.theta.size
    if "sparse" in it.lin.offers:  # vectors only: threads would spin between them
        size = min(size, THREADED + 1)
    if threads is not None or size > THREADED:
        from sciopt.linalg.threads import blas_threads

        limit.close()
        limit.enter_context(blas_threads(size, threads))
