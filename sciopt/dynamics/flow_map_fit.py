"""Fits of flow maps: to a known field by its identities, or to samples by self-distillation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sciopt._errors import ConditionError, DataError, OptionError
from sciopt._types import Array
from sciopt.condition import Condition
from sciopt.dynamics.flow_map_rows import Diagonal, Distillation, DistillationProblem, Known
from sciopt.dynamics.flow_map_solution import FlowSolution
from sciopt.dynamics.flow_maps import FlowMap
from sciopt.iterate import Iterate
from sciopt.linearise.autodiff import double
from sciopt.methods._contract import Method
from sciopt.methods.averaged import Averaged
from sciopt.methods.first_order import FirstOrder
from sciopt.points import Resampled
from sciopt.problem import Problem
from sciopt.solve import solve
from sciopt.stop import Stop

__all__ = ["fit_flow_map", "fit_flow_samples"]

LOSSES = ("lagrangian", "eulerian", "progressive")
SHARE = 0.25  # of a batch off the diagonal


@dataclass(frozen=True)
class _Ordered:
    """Draws s < u < t in the times and states in the region; for autonomous maps t - s covers the whole span evenly."""

    region: tuple[tuple[float, float], ...]
    times: tuple[float, float]
    autonomous: bool

    def __call__(self, rng: np.random.Generator, n: int) -> dict[str, Array]:
        from scipy.stats import qmc

        unit = qmc.Sobol(len(self.region) + 3, rng=rng).random(1 << max(n - 1, 0).bit_length())[:n]
        low, high = self.times
        pair = unit[:, :2] * (0.0, 1.0) if self.autonomous else np.sort(unit[:, :2], axis=1)
        s, t = low + (high - low) * pair.T
        middle = s + (t - s) * (0.02 + 0.96 * unit[:, 2])
        sides = np.asarray(self.region)
        x = sides[:, 0] + unit[:, 3:] * (sides[:, 1] - sides[:, 0])
        return {"s_": s, "u_": middle, "t_": t, "x_": x}


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Draws pairs of samples, times on the diagonal, and ordered times off it."""

    x0: Any
    x1: Array
    middle: bool

    def __call__(self, rng: np.random.Generator, n: int) -> dict[str, Array]:
        k = max(round(SHARE * n), 1)
        x1 = self.x1[rng.integers(len(self.x1), size=n)]
        x0 = rng.standard_normal(x1.shape) if self.x0 is None else self.x0[rng.integers(len(self.x0), size=n)]
        s, t = np.sort(rng.uniform(size=(2, k)), axis=0)
        u = 0.5 * (s + t) if self.middle else s + (t - s) * rng.uniform(size=k)
        return {"t": rng.uniform(size=n), "s": s, "u": u, "end": t, "x0": x0, "x1": x1}


class _Drawn(Resampled):
    """Pairs drawn anew each step, with the share of rows off the diagonal and a place for the teacher."""

    def _drawn(self, rng: np.random.Generator, n: int) -> Any:
        from sciopt.points import Batch

        coords = self.draw(rng, n)
        return Batch({**coords, "share": np.float64(SHARE), "teacher": np.zeros(0)}, n)


def fit_flow_map(
    model: FlowMap,
    field: Callable[..., Any],
    *,
    region: Any,
    times: tuple[float, float] = (0.0, 1.0),
    loss: str = "lagrangian",
    points: int = 1500,
    resample: int = 0,
    method: Method | str = "auto",
    steps: int | None = None,
    seconds: float | None = None,
    evaluations: int | None = None,
    start: Any = None,
    key: int = 0,
    stop: Stop | None = None,
    callback: Callable[[Iterate], Any] | None = None,
    progress: bool | str | None = None,
) -> FlowSolution:
    r"""Fit a flow map to a known field by the residual of an identity, in the engine.

    Parameters
    ----------
    model
        Where to begin, see `flow_map`.
    field
        ``field(t, y)`` -> dy/dt, shape (d,).
    region
        d pairs (lower, upper) of states at the begin of a step.
    times
        First and last time.
    loss
        ``"lagrangian"`` (:math:`\partial_t X - b(X)`), ``"eulerian"`` (:math:`\partial_s X + \nabla X\, b`), or
        ``"progressive"`` (the semigroup, with the field on the diagonal).
    points
        Sobol points (s, t, x).
    resample
        Draw new points after that many steps; 0 keeps them.

    The other parameters are those of `solve`.

    Raises
    ------
    OptionError, DataError, ConditionError
        Naming the option, region or field at fault.

    Notes
    -----
    Boffi, Albergo and Vanden-Eijnden, arXiv:2505.18825 (2025).

    Examples
    --------
    >>> import numpy as np
    >>> from sciopt.dynamics import flow_map
    >>> turn = flow_map(2, region=[(-1, 1), (-1, 1)], width=16)
    >>> fit = fit_flow_map(turn, lambda t, y: y[::-1] * np.array([1.0, -1.0]), region=[(-1, 1), (-1, 1)], points=200)
    >>> bool(np.abs(fit.step([1.0, 0.0], 0.0, 0.5) - [np.cos(0.5), -np.sin(0.5)]).max() < 1e-3)
    True
    """
    if not isinstance(model, FlowMap):
        raise OptionError(f"model must be a flow map (sciopt.dynamics.flow_map), got {type(model).__name__}")
    if loss not in LOSSES:
        raise OptionError(f"unknown loss={loss!r}; choose one of {LOSSES}")
    sides = np.asarray(getattr(region, "bounds", region), float)
    if sides.shape != (model.d, 2) or not np.isfinite(sides).all() or not (sides[:, 0] < sides[:, 1]).all():
        raise DataError(f"region must be {model.d} finite pairs (lower, upper), got {sides.tolist()}")
    _check_field(field, sides.mean(1), times)
    draw = _Ordered(tuple((float(a), float(b)) for a, b in sides), (float(times[0]), float(times[1])), model.autonomous)
    where = Resampled(draw, points, resample)
    conditions = [Condition(Known(field, loss), loss, where, weight=1.0, jacobian="per_sample")]
    if loss == "progressive":
        conditions.append(Condition(Diagonal(field), "diagonal", where, weight=1.0, jacobian="per_sample"))
    found = solve(
        Problem(conditions, model),
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
    return FlowSolution.of(found, sides, draw.times)


def _check_field(field: Callable[..., Any], x: Array, times: tuple[float, float]) -> None:
    import jax
    import jax.numpy as jnp

    if not float(times[0]) < float(times[1]):
        raise OptionError(f"times must be (first, last) with first < last, got {times!r}")
    with double():
        got = jax.eval_shape(lambda t, y: jnp.asarray(field(t, y)), jnp.zeros(()), jnp.asarray(x))
    if got.shape != x.shape:
        raise ConditionError(f"field(t, y) returns shape {got.shape} for a state of shape {x.shape}")


def fit_flow_samples(
    model: FlowMap,
    x1: Any,
    x0: Any = None,
    *,
    loss: str = "lagrangian",
    middle: bool = False,
    batch: int = 1024,
    lr: float = 2e-3,
    decay: float = 0.99,
    method: Method | str = "auto",
    steps: int | None = 4000,
    seconds: float | None = None,
    start: Any = None,
    key: int = 0,
    callback: Callable[[Iterate], Any] | None = None,
    progress: bool | str | None = None,
) -> FlowSolution:
    """Fit a flow map that carries one sample to another, by self-distillation.

    The velocity on the diagonal is fitted to straight lines between pairs of samples (flow matching); off it the map is
    made consistent with its own diagonal. Targets come from the model as it was at the begin of the step.

    Parameters
    ----------
    model
        A flow map that depends on both times: ``flow_map(..., autonomous=False)`` on times (0, 1).
    x1, x0
        Samples at t = 1 and at t = 0, shape (n, d); standard normal numbers where x0 is None.
    loss
        ``"lagrangian"``, ``"eulerian"`` or ``"progressive"``.
    middle
        Progressive loss: the middle time is the midpoint, else uniform.
    batch
        Pairs in a batch; a quarter of them is used off the diagonal too.
    lr
        Learning rate of Adam, which falls to zero over ``steps``.
    decay
        Of the running average that is the answer.
    method, steps, seconds, start, key, callback, progress
        See `solve`.

    Raises
    ------
    OptionError, DataError
        Naming the option or sample at fault.

    Notes
    -----
    Boffi, Albergo and Vanden-Eijnden, arXiv:2505.18825 (2025). The target on the diagonal has a variance that no model
    removes, so the merit does not vanish.
    """
    if not isinstance(model, FlowMap) or model.autonomous:
        raise OptionError("model must be a flow map of both times: flow_map(..., autonomous=False)")
    if loss not in LOSSES:
        raise OptionError(f"unknown loss={loss!r}; choose one of {LOSSES}")
    samples = []
    for name, value in (("x1", x1), ("x0", x0)):
        a = None if value is None else np.asarray(value, float)
        if a is not None and (a.ndim != 2 or a.shape[1] != model.d or not len(a) or not np.isfinite(a).all()):
            raise DataError(f"{name} must be finite samples of shape (n, {model.d}), got shape {a.shape}")
        samples.append(a)
    points = _Drawn(_Pairs(samples[1], samples[0], middle), batch, 1)
    rows = Distillation(loss)
    problem = DistillationProblem(
        [Condition(rows, loss, points, weight=1.0, batched=True, columns=("*",), jacobian="reverse")], model
    )
    if method == "auto":
        import optax

        rule = optax.adam(lr if steps is None else optax.cosine_decay_schedule(lr, steps))
        method = Averaged(FirstOrder(rule), decay)
    found = solve(
        problem, method, steps=steps, seconds=seconds, start=start, key=key, callback=callback, progress=progress
    )
    return FlowSolution.of(found, None, (0.0, 1.0))
