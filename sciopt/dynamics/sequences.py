"""Recurrent surrogates fitted to sequences measured at irregular times."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from sciopt._errors import DataError, OptionError
from sciopt._types import Tree
from sciopt.condition import Condition
from sciopt.iterate import Iterate
from sciopt.methods._contract import Method
from sciopt.methods.first_order import FirstOrder
from sciopt.points import Minibatch
from sciopt.problem import Problem
from sciopt.solution import Solution
from sciopt.solve import solve
from sciopt.stop import Stop

__all__ = ["fit_sequences", "sequence_problem"]

DENSE = 20_000_000  # entries of J up to which the engine's default, which forms it, is used


@dataclass(frozen=True)
class _Along:
    """The model along one sequence; hashable by value, so that equal models share compiled code."""

    masked: bool

    def __call__(self, model_: Any, x_: Any, dt_: Any, *known_: Any) -> Any:
        out = model_.evaluate(x_, dt_)
        return jnp.where(known_[0], out, 0.0) if self.masked else out


def sequence_problem(
    model: Tree,
    x: Any,
    dt: Any,
    y: Any,
    *,
    sigma: Any = None,
    nan: str = "raise",
    batch: int | None = None,
) -> Problem:
    """Return the problem of fitting a recurrent model to sequences.

    Parameters
    ----------
    model
        A model with ``evaluate(x, dt)`` for one sequence, such as `sciopt.models.cfc`; it is the unknown.
    x, dt
        Inputs (sequences, times, inputs) and the time since the last input (sequences, times).
    y
        What is known at each time, (sequences, times, outputs).
    sigma
        Standard deviation: a number, or an array of the shape of y.
    nan
        ``"raise"``, or ``"omit"`` entries of y that are NaN.
    batch
        Sequences in a batch, drawn anew each step in shuffled epochs; all by default.

    Raises
    ------
    DataError, OptionError
        Naming the entry or option at fault.
    """
    if not hasattr(model, "evaluate"):
        raise OptionError(f"model must have evaluate(x, dt) for one sequence, got {type(model).__name__}")
    x, dt, y = (np.asarray(v, float) for v in (x, dt, y))
    if x.ndim != 3 or y.ndim != 3 or x.shape[:2] != y.shape[:2] or dt.shape != x.shape[:2] or not x.size:
        raise DataError(
            f"x has shape {x.shape}, dt {dt.shape}, y {y.shape}; expected (sequences, times, inputs), (sequences, times) "
            "and (sequences, times, outputs)"
        )
    for name, value in (("x", x), ("dt", dt)):
        if not np.isfinite(value).all():
            raise DataError(f"{name} is not finite at {tuple(int(i) for i in np.argwhere(~np.isfinite(value))[0])}")
    if (dt < 0).any():
        raise DataError(f"dt is negative at {tuple(int(i) for i in np.argwhere(dt < 0)[0])}: times must not run back")
    if nan not in ("raise", "omit"):
        raise OptionError(f"nan must be 'raise' or 'omit', got {nan!r}")
    there = np.isfinite(y)
    if not there.all() and nan == "raise":
        where = tuple(int(i) for i in np.argwhere(~there)[0])
        raise DataError(f"y is not finite at {where}; nan='omit' leaves such entries out")
    if not there.any():
        raise DataError("no entry of y is finite")
    whole = bool(there.all())
    masked = not whole and batch is not None
    columns = (x, dt, there) if masked else (x, dt)
    points = columns if batch is None else Minibatch(columns, min(batch, len(x)))
    spread = np.ones(()) if sigma is None else np.asarray(sigma, float)
    condition = Condition(
        _Along(masked),
        "sequences",
        points,
        np.where(there, y, 0.0),
        spread if spread.ndim == 0 or batch is None else _scalar(spread),
        keep=None if whole or masked else there,
        absolute=sigma is not None,
    )
    return Problem([condition], model)


def _scalar(sigma: Any) -> float:
    if not (sigma == sigma.flat[0]).all():
        raise OptionError("sigma must be one number where sequences are drawn in batches")
    return float(sigma.flat[0])


def fit_sequences(
    model: Tree,
    x: Any,
    dt: Any,
    y: Any,
    *,
    sigma: Any = None,
    nan: str = "raise",
    batch: int | None = None,
    method: Method | str = "auto",
    lr: float = 5e-3,
    steps: int | None = 1500,
    seconds: float | None = None,
    evaluations: int | None = None,
    start: Any = None,
    key: int = 0,
    stop: Stop | None = None,
    callback: Callable[[Iterate], Any] | None = None,
    progress: bool | str | None = None,
) -> Solution:
    """Fit a recurrent model to sequences: ``solve(sequence_problem(...))``; ``solution.params`` is the fitted model.

    Takes the parameters of `sequence_problem` and of `solve`. With ``method="auto"`` a fit whose Jacobian has at most
    2e7 entries uses the engine's default; larger ones, and those in batches, Adam whose learning rate falls from
    ``lr`` to zero over ``steps`` by half a cosine.

    Examples
    --------
    >>> import numpy as np
    >>> from sciopt.models import cfc
    >>> x, dt = np.ones((4, 6, 1)), np.full((4, 6), 0.5)
    >>> y = 1 - np.exp(-np.cumsum(dt, axis=1))[:, :, None]
    >>> fit = fit_sequences(cfc(1, units=3, backbone=(4,)), x, dt, y, steps=30)
    >>> bool(np.abs(np.asarray(fit.params(x, dt)) - y).max() < 0.01)
    True
    """
    problem = sequence_problem(model, x, dt, y, sigma=sigma, nan=nan, batch=batch)
    if method == "auto" and (batch is not None or np.size(y) * problem.layout.size > DENSE):
        import optax

        rule = optax.adam(lr if steps is None else optax.cosine_decay_schedule(lr, steps))
        method = FirstOrder(rule)
    return solve(
        problem,
        method,
        steps=steps,
        seconds=seconds,
        evaluations=evaluations,
        start=start,
        key=key,
        stop=stop,
        callback=callback,
        progress=progress,
    )
