"""One-line fits: a model, its data, error bars."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from sciopt._errors import DataError, OptionError, ParameterError
from sciopt.condition import Condition
from sciopt.iterate import Iterate
from sciopt.methods._contract import Method
from sciopt.parameters import Parameter
from sciopt.problem import Problem
from sciopt.solution import Solution
from sciopt.solve import solve
from sciopt.stop import Stop

__all__ = ["curve", "fit"]


def curve(
    model: Callable[..., Any],
    x: Any,
    y: Any,
    *,
    sigma: Any = None,
    errors: str | None = None,
    loss: Any = "gaussian",
    start: Any = None,
    jacobian: Any = None,
    nan: str = "raise",
) -> Problem:
    """Return the problem of fitting a model to data.

    Parameters
    ----------
    model
        ``model(x, A=2.0, tau=Parameter(1.0, unit="s"))``: arguments with defaults, or named in ``start``, are
        parameters; the others take x in order. A ready line shape starts itself.
    x
        Array, or a tuple or dict of several columns, or any object the model understands.
    y
        Data of any shape, real or complex; the model returns the same shape.
    sigma
        Standard deviations: scalar, array, covariance matrix, or ``(stat, systematics)``.
    errors
        ``"absolute"`` takes sigma as given (default with sigma); ``"scaled"`` sets its scale by chi2/dof.
    loss
        Name or loss object, as in `Condition`.
    start
        Dict of start values or Parameters by name, or a sequence of numbers in the order of the arguments.
    jacobian
        How to differentiate, or the user's derivative of the model, as in `Condition`.
    nan
        ``"raise"`` or ``"omit"`` data that are not finite.

    Raises
    ------
    DataError, ParameterError, OptionError
        Naming the datum, parameter or option at fault.
    """
    if nan not in ("raise", "omit"):
        raise OptionError(f"nan must be 'raise' or 'omit', got {nan!r}")
    if errors not in (None, "absolute", "scaled"):
        raise OptionError(f"errors must be 'absolute' or 'scaled', got {errors!r}")
    if errors == "absolute" and sigma is None and loss == "gaussian":
        raise OptionError(
            "errors='absolute' needs sigma=; without it the data's scatter sets the scale (errors='scaled')"
        )
    data = np.asarray(y)
    if data.dtype.kind not in "biufc":
        raise DataError(f"y must be numbers, got dtype {data.dtype}")
    if data.size == 0:
        raise DataError("y is empty; a fit needs data")
    good = np.isfinite(data)
    if nan == "raise" and not good.all():
        place = np.unravel_index(int(np.argmin(good)), data.shape)
        raise DataError(f"y is not finite at index {tuple(map(int, place))}; use nan='omit' to leave such data out")
    unknown = _unknown(model, x, data, start)
    keep = None
    if not good.all():
        keep, data = good, np.where(good, data, 0)
    name = getattr(model, "__name__", "") or type(model).__name__
    condition = Condition(
        model,
        "model" if name == "<lambda>" else name,
        x,
        data,
        sigma,
        None,
        loss,
        True,
        jacobian or "auto",
        keep=keep,
        absolute=None if errors is None else errors == "absolute",
    )
    problem = Problem([condition], unknown)
    rows = int(good.sum()) * (2 if data.dtype.kind == "c" else 1)
    priors = sum(getattr(v, "prior", None) is not None for v in unknown.values())
    if rows + priors < problem.layout.size:
        raise DataError(
            f"{problem.layout.size} free parameters ({', '.join(problem.layout.names)}) but only {rows} data: fix some, "
            "add priors, or solve(curve) as a bare Problem for the minimum-norm answer"
        )
    return problem


def fit(
    model: Callable[..., Any],
    x: Any,
    y: Any,
    *,
    sigma: Any = None,
    errors: str | None = None,
    loss: Any = "gaussian",
    start: Any = None,
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
    problem = curve(model, x, y, sigma=sigma, errors=errors, loss=loss, start=start, jacobian=jacobian, nan=nan)
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


def _unknown(model: Callable[..., Any], x: Any, y: Any, start: Any) -> dict[str, Any]:
    arguments = list(inspect.signature(model).parameters.values())
    given = _named(arguments, start)
    found: dict[str, Any] = {}
    first = True
    for a in arguments:
        if a.kind is a.VAR_POSITIONAL:
            continue
        if a.name in given or a.default is not a.empty:
            default = None if a.default is a.empty else a.default
            found[a.name] = _started(default, given.pop(a.name, None))
        elif not first and start is None and not hasattr(model, "guess"):
            raise ParameterError(
                f"parameter {a.name!r} has no start value: give it a default, or start={{{a.name!r}: ...}}"
            )
        elif not first and hasattr(model, "guess"):
            found[a.name] = None
        first = False
    if given and any(a.kind is a.VAR_POSITIONAL for a in arguments):
        found.update(given)
        given = {}
    if given:
        raise ParameterError(
            f"start names {next(iter(given))!r}, which is no argument of the model; arguments: {', '.join(a.name for a in arguments)}"
        )
    missing = [
        k
        for k, v in found.items()
        if v is None or (isinstance(v, Parameter) and v.value is None and v.prior is None and v.tied is None)
    ]
    if missing and hasattr(model, "guess"):
        guess = model.guess(x, y)
        for k in missing:
            found[k] = found[k].started(guess[k]) if isinstance(found[k], Parameter) else guess[k]
    if not found:
        raise ParameterError("the model has no parameters: give its arguments defaults, or name them in start=")
    return found


def _named(arguments: Sequence[inspect.Parameter], start: Any) -> dict[str, Any]:
    if start is None:
        return {}
    if isinstance(start, dict):
        return dict(start)
    values = list(start)
    if any(a.kind is a.VAR_POSITIONAL for a in arguments):
        return {f"p{i}": v for i, v in enumerate(values)}
    names = [a.name for a in arguments][-len(values) :] if len(values) < len(arguments) else []
    if len(names) != len(values):
        raise ParameterError(f"start has {len(values)} values, the model has {len(arguments)} arguments (x included)")
    return dict(zip(names, values, strict=True))


def _started(default: Any, given: Any) -> Any:
    if given is None:
        return default
    if isinstance(default, Parameter) and not isinstance(given, Parameter):
        return default.started(given)
    return given
