"""A model and its data as a problem."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from sciopt._errors import DataError, OptionError
from sciopt._model import Reading, read_model
from sciopt.condition import Condition
from sciopt.effective import EffectiveVariance, spreads
from sciopt.losses import resolve
from sciopt.problem import Problem

__all__ = ["curve"]

SIGMA_LOSSES = ("gaussian", "huber", "soft_l1", "cauchy", "student_t")


def curve(
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
) -> Problem:
    """Return the problem of fitting a model to data.

    Parameters
    ----------
    model
        ``model(x, A=2.0, tau=Parameter(1.0, unit="s"))``: arguments with defaults, or named in ``start``, are
        parameters; the others take the columns of x. A ready line shape starts itself.
    x
        Array, or a tuple or dict of several columns (a dict fills arguments by name, else in order), or any object the
        model understands. A model with a single coordinate argument gets a tuple or dict whole.
    y
        Data of any shape, real or complex; the model returns the same shape. A number stands for data that all
        have this value. Masked entries are left out.
    sigma
        Standard deviations: scalar, array, covariance matrix, or ``(stat, systematics)``.
    sigma_x
        Standard deviations of x (for several columns a tuple or dict; None for exact ones): they enter by the
        effective variance sigma^2 + (f'(x) sigma_x)^2, see `sciopt.effective.EffectiveVariance`.
    errors
        ``"absolute"`` takes sigma as given (default with sigma); ``"scaled"`` sets its scale by chi2/dof.
    loss
        Name or loss object, as in `Condition`.
    start
        Dict of start values or Parameters by name, or a sequence of numbers in the order of the arguments.
    linear
        Names of parameters that enter linearly, as in `Problem`.
    jacobian
        How to differentiate, or the user's derivative of the model, as in `Condition`.
    nan
        ``"raise"`` or ``"omit"`` data that are not finite in y or x.

    Raises
    ------
    DataError, ParameterError, OptionError
        Naming the datum, parameter or option at fault.
    """
    _options(errors, loss, sigma, sigma_x, jacobian, nan)
    data, mask = _data(y)
    x, data, keep = _kept(_columns(x), data, mask, nan)
    reading = read_model(model, x, data if keep is None else np.where(keep, data, _missing(data)), start)
    if not data.ndim:
        data = np.full(_shape_of(model, reading), data)
    name = getattr(model, "__name__", "") or type(model).__name__
    absolute = None if errors is None else errors == "absolute"
    function, target = model, data
    if sigma_x is not None:
        columns = _sigma_x(sigma_x, x, data.shape)
        spread = spreads(sigma, data.shape, "sigma")
        function = EffectiveVariance(model, reading.places, reading.whole, data, spread, columns)
        target, sigma = np.zeros_like(data), 1.0
    condition = Condition(
        function,
        "model" if name == "<lambda>" else name,
        reading.x,
        target,
        sigma,
        None,
        loss,
        True,
        jacobian or "auto",
        keep=keep,
        columns=("*",) if reading.whole else None,
        absolute=absolute,
    )
    problem = Problem([condition], reading.unknown, linear=linear)
    count = data.size if keep is None else int(keep.sum())
    rows = count * (2 if data.dtype.kind == "c" else 1)
    priors = sum(getattr(v, "prior", None) is not None for v in reading.unknown.values())
    if rows + priors < problem.layout.size:
        raise DataError(
            f"{problem.layout.size} free parameters ({', '.join(problem.layout.names)}) but only {rows} data: fix some, "
            "add priors, or solve a bare Problem for the minimum-norm answer"
        )
    return problem


def _options(errors: Any, loss: Any, sigma: Any, sigma_x: Any, jacobian: Any, nan: Any) -> None:
    if nan not in ("raise", "omit"):
        raise OptionError(f"nan must be 'raise' or 'omit', got {nan!r}")
    if errors not in (None, "absolute", "scaled"):
        raise OptionError(f"errors must be 'absolute' or 'scaled', got {errors!r}")
    if loss == "gaussian":
        standard, name = True, "gaussian"
    else:
        found = resolve(loss)
        name = found.name
        standard = name in SIGMA_LOSSES or getattr(found, "standardised", False)
    if errors == "absolute" and sigma is None and sigma_x is None and standard:
        raise OptionError(
            "errors='absolute' needs sigma=; without it the data's scatter sets the scale (errors='scaled')"
        )
    if not standard and name in ("poisson", "binomial", "logistic", "softmax", "likelihood"):
        if sigma is not None or sigma_x is not None:
            raise OptionError(
                f"loss={name!r} knows the variance of its data: drop sigma and sigma_x (a systematic effect is a "
                "parameter with a prior)"
            )
    if sigma_x is not None and callable(jacobian):
        raise OptionError("jacobian= gives the derivative of the model, not of its weights: drop it, or sigma_x")


def _data(y: Any) -> tuple[Any, Any]:
    """Return y as an array, and which entries are masked (or None)."""
    mask = None
    if isinstance(y, np.ma.MaskedArray):
        mask = np.ma.getmaskarray(y) if np.ma.is_masked(y) else None
        y = y.filled(0) if mask is not None else y.data
    data = np.asarray(y)
    if data.dtype.kind not in "biufc":
        raise DataError(f"y must be numbers, got dtype {data.dtype}")
    if data.size == 0:
        raise DataError("y is empty; a fit needs data")
    if data.dtype.kind in "biu" or data.dtype.itemsize < 8:
        data = data.astype(complex if data.dtype.kind == "c" else float)
    return data, mask


def _columns(x: Any) -> Any:
    """Return x with lists of numbers as arrays and narrow types widened; other objects are left as they are."""
    if isinstance(x, dict):
        return {k: _column(v) for k, v in x.items()}
    if isinstance(x, tuple):
        return tuple(_column(v) for v in x)
    return _column(x)


def _column(x: Any) -> Any:
    if isinstance(x, list):
        try:
            array = np.asarray(x)
        except ValueError:
            return x
        x = array if array.dtype.kind in "biufc" else x
    if type(x) is not np.ndarray:
        return x
    if x.dtype.kind == "f" and x.dtype.itemsize < 8:
        return x.astype(float)
    if x.dtype.kind in "iu" and x.dtype.itemsize < 8:
        return x.astype(np.int64)  # squares of bytes overflow
    return x


def _kept(x: Any, data: Any, mask: Any, nan: str) -> tuple[Any, Any, Any]:
    """Return x, data with zeros where left out, and which data to keep (None = all)."""
    good = np.isfinite(data)
    if nan == "raise" and not good.all():
        raise DataError(f"y is not finite at {_index(good)}; use nan='omit' to leave such data out")
    keep = None if good.all() else good
    columns = x.items() if isinstance(x, dict) else enumerate(x) if isinstance(x, tuple) else [("", x)]
    for key, column in columns:
        if isinstance(column, np.ma.MaskedArray) and column.shape == data.shape and np.ma.is_masked(column):
            mask = np.ma.getmaskarray(column) | (False if mask is None else mask)
        elif type(column) is np.ndarray and column.dtype.kind in "fc" and column.shape == data.shape:
            there = np.isfinite(column)
            if there.all():
                continue
            if nan == "raise":
                name = "x" if key == "" else f"x[{key!r}]"
                raise DataError(f"{name} is not finite at {_index(there)}; use nan='omit' to leave such data out")
            keep = there if keep is None else keep & there
    if mask is not None:
        keep = ~mask if keep is None else keep & ~mask
    if keep is None:
        return x, data, None
    if not keep.any():
        raise DataError("no datum is left: all are masked or not finite")
    return x, np.where(keep, data, 0), keep


def _index(good: Any) -> str:
    return f"index {tuple(int(i) for i in np.unravel_index(int(np.argmin(good)), good.shape))}"


def _missing(data: Any) -> Any:
    return complex(np.nan, np.nan) if data.dtype.kind == "c" else np.nan


def _shape_of(model: Any, reading: Reading) -> tuple[int, ...]:
    """Evaluate the model once: a single number as data takes the shape of its output."""
    problem = Problem(
        [Condition(model, "model", reading.x, batched=True, columns=("*",) if reading.whole else None)], reading.unknown
    )
    layout = problem.layout
    x = reading.x
    columns = (
        (x,) if reading.whole else tuple(x.values()) if isinstance(x, dict) else x if isinstance(x, tuple) else (x,)
    )
    arguments = problem.bindings[0].arguments(layout.tree(layout.start), columns if x is not None else (), {}, ())
    return np.shape(model(*arguments))


def _sigma_x(sigma_x: Any, x: Any, shape: tuple[int, ...]) -> tuple[Any, ...]:
    if isinstance(x, dict):
        if not isinstance(sigma_x, dict) and len(x) > 1:
            raise DataError(f"sigma_x: give a dict, one entry a column of x ({', '.join(map(repr, x))})")
        given = sigma_x if isinstance(sigma_x, dict) else {next(iter(x)): sigma_x}
        wrong = [k for k in given if k not in x]
        if wrong:
            raise DataError(f"sigma_x has an entry {wrong[0]!r}, x has {', '.join(map(repr, x))}")
        parts = [given.get(k) for k in x]
    elif isinstance(x, tuple):
        if not isinstance(sigma_x, (tuple, list)) or len(sigma_x) != len(x):
            raise DataError(f"sigma_x: give a tuple, one entry a column of x ({len(x)}); None for an exact one")
        parts = list(sigma_x)
    else:
        parts = [sigma_x]
    return tuple(None if s is None else spreads(s, shape, "sigma_x") for s in parts)
