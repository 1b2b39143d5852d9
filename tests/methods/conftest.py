"""The loop that drives a method in these tests."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sciopt.linalg.threads import blas_threads
from sciopt.linearise import Work, linearise


def _drive(method: Any, problem: Any, steps: int, **options: Any) -> SimpleNamespace:
    with blas_threads(1):
        return _steps(method, problem, steps, **options)


def _steps(
    method: Any, problem: Any, steps: int, *, key: int = 0, first: int = 0, state: Any = None, theta: Any = None
):
    """Take steps ``first`` to ``first + steps - 1``; stops at a verdict."""
    theta = np.array(problem.layout.start if theta is None else theta, float)
    work = Work()
    frame = problem.frame(theta, None, {}, key, first)
    lin = linearise(problem, theta, frame, work)
    state = method.init(lin) if state is None else state
    history, merits, verdict = [], [lin.f], None
    for k in range(first, first + steps):
        step = method.step(lin, state, key * 1_000_003 + k)
        theta, state, verdict = step.theta, step.state, step.verdict
        history.append(step)
        new = problem.frame(theta, frame, step.request, key, k + 1)
        lin = step.lin if step.lin is not None and new is frame else linearise(problem, theta, new, work)
        frame = new
        merits.append(lin.f)
        if verdict is not None:
            break
    return SimpleNamespace(
        theta=theta, state=state, lin=lin, steps=history, merits=np.array(merits), verdict=verdict, work=work
    )


@pytest.fixture
def drive() -> Callable[..., Any]:
    """Return ``drive(method, problem, steps, key=, first=, state=, theta=)``."""
    return _drive
