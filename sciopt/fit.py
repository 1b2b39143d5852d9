"""One-line fits: a model, its data, error bars."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sciopt.curve import curve
from sciopt.iterate import Iterate
from sciopt.methods._contract import Method
from sciopt.solution import Solution
from sciopt.solve import solve
from sciopt.stop import Stop

__all__ = ["fit"]


def fit(
    model: Callable[..., Any],
    x: Any,
    y: Any,
    *,
    sigma: Any = None,
    sigma_x: Any = None,
    errors: str | None = None,
    loss: Any = "gaussian",
    start: Any = None,
    linear: Sequence[str] = (),
    jacobian: Any = None,
    nan: str = "raise",
    method: Method | str = "auto",
    steps: int | None = None,
    seconds: float | None = None,
    evaluations: int | None = None,
    key: int = 0,
    stop: Stop | None = None,
    callback: Callable[[Iterate], Any] | None = None,
    progress: bool | str | None = None,
) -> Solution:
    """Fit a model to data and return values with error bars: ``solve(curve(...))``.

    Takes the parameters of `curve` and of `solve`.

    Examples
    --------
    >>> import numpy as np
    >>> t = np.linspace(0, 4, 40)
    >>> s = fit(lambda t, A=1.0, tau=2.0: A * np.exp(-t / tau), t, 3.0 * np.exp(-t / 1.5), sigma=0.1)
    >>> round(s.values["tau"], 6)
    1.5
    """
    problem = curve(
        model,
        x,
        y,
        sigma=sigma,
        sigma_x=sigma_x,
        errors=errors,
        loss=loss,
        start=start,
        linear=linear,
        jacobian=jacobian,
        nan=nan,
    )
    return solve(
        problem,
        method,
        steps=steps,
        seconds=seconds,
        evaluations=evaluations,
        key=key,
        stop=stop,
        callback=callback,
        progress=progress,
    )
