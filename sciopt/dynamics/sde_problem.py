"""A stochastic differential equation and measured moments as a problem."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from sciopt._errors import ConditionError, DataError, OptionError
from sciopt._types import Array, Tree
from sciopt.condition import Condition
from sciopt.dynamics.sde_cost import cheap
from sciopt.dynamics.sde_data import Moments, Paths
from sciopt.dynamics.sde_ensemble import Ensemble, TimeGrid
from sciopt.dynamics.sde_moments import check_kinds, moment_names
from sciopt.dynamics.sde_rows import MomentRows, Noise, Scatter
from sciopt.dynamics.state import named
from sciopt.layout import Layout
from sciopt.linearise.autodiff import double
from sciopt.problem import Problem

__all__ = ["sde"]

FEW = 60  # up to that many parameters: common random numbers; above: fresh noise each step


def sde(
    drift: Callable[..., Any],
    diffusion: Callable[..., Any],
    data: Paths | Moments | tuple[Any, Any],
    *,
    unknown: Tree,
    initial: Any = None,
    observe: Callable[..., Any] | None = None,
    moments: tuple[str, ...] = ("mean", "covariance"),
    weights: str | float = "diagonal",
    paths: int | None = None,
    noise: str = "diagonal",
    interpretation: str = "ito",
    scheme: str = "auto",
    dt: float | None = None,
    t0: float | None = None,
    resample: int | None = None,
    nan: str = "raise",
    regularise: str | None = None,
    weight: float = 1e-2,
    rtol: float = 1e-2,
    atol: float = 1e-2,
) -> Problem:
    r"""Return the problem of fitting dy = a(t, y) dt + g(t, y) dW to the moments of measured paths.

    The rows are moments of a simulated ensemble minus the measured ones, each divided by the standard error of their
    difference. The noise of the simulation belongs to the frame (common random numbers), so that rows are smooth
    functions of the unknown; errors come from the sandwich :math:`A J^T \Sigma J A`, :math:`A = (J^T J)^{-1}`, where
    :math:`\Sigma` is the covariance of all rows, the sampling noise of the simulation included.

    Parameters
    ----------
    drift, diffusion
        ``f(t, y, p)`` for one path: y of shape (d,), p the unknown; diffusion returns (d,), or (d, m) for
        ``noise="general"``.
    data
        `Paths`, `Moments`, or a tuple (t, y) of times (K,) and paths (n, K, d).
    unknown
        Start values: any pytree.
    initial
        State of all paths at ``t0`` (d,), states to begin from (k, d), or a function ``initial(p)`` or
        ``initial(p, z)`` with standard normal z (d,). By default the measured states at the first time.
    observe
        ``observe(t, y, p)``: what is measured of a state.
    moments
        Of ``"mean"``, ``"variance"``, ``"covariance"``, ``"lagged"`` (with the next time), ``"third"``, ``"fourth"``.
    weights
        ``"diagonal"``: rows are divided by their own standard error. ``"whitened"``, or the relative eigenvalue (1e-2)
        of the correlation matrix under which directions are left out: rows are combined to independent ones.
    paths
        Simulated paths; as many as measured by default, at least 1000.
    noise, interpretation, scheme, dt
        See `Ensemble` and `TimeGrid`; dt is a hundredth of the time span by default.
    t0
        Time at which the paths begin; the first time of the data by default.
    resample
        Draw new noise after that many steps; 0 keeps it. By default 0 up to 60 parameters, 1 above.
    nan
        For data given as a tuple, see `Paths`.
    regularise
        ``"steps"``, ``"error"`` or ``"error2"``: one more row makes the equation cheap for an adaptive solver.
    weight, rtol, atol
        Of that row (relative to the mean squared moment row), and the tolerances of the solver.

    Raises
    ------
    DataError, OptionError, ConditionError
        Naming the datum, option or function at fault.

    Notes
    -----
    Matching finitely many moments does not identify every process: leaving out the second moments lets the noise
    shrink. Moment estimators and their covariance: Hansen, Econometrica 50 (1982) 1029; with simulated moments:
    Duffie and Singleton, Econometrica 61 (1993) 929.
    """
    data = Paths(*data, nan=nan) if isinstance(data, tuple) else data
    if not isinstance(data, (Paths, Moments)):
        raise OptionError(f"data must be Paths, Moments or a tuple (t, y), got {type(data).__name__}")
    kinds, layout = check_kinds(moments), Layout.of(unknown)
    ensemble = Ensemble(drift, diffusion, noise, interpretation, scheme)
    begin = float(data.t[0] if t0 is None else t0)
    start, function, random = _initial(initial, data, observe, begin)
    known = function is None and bool(data.t[0] <= begin)
    keep = np.flatnonzero(data.t > begin) if known else np.arange(len(data.t))
    if not keep.size:
        raise DataError(f"no time lies after the start t0 = {begin:g}")
    times = data.t[keep]
    grid = TimeGrid.through(begin, times, dt)
    count = max(1000, data.n) if paths is None else paths
    if isinstance(count, bool) or int(count) != count or count < 2:
        raise OptionError(f"paths must be a number of at least 2, got {paths!r}")
    rows = MomentRows(ensemble, kinds, observe, function, random)
    tree = named(layout.tree(layout.start))
    d, processes = _look(rows, tree, start, times)
    values, scatter, sigma = _measured(data, kinds, keep, times, count)
    mix = None
    if weights != "diagonal":
        mix = _mixing(weights, scatter)
        values, sigma = mix @ values, np.full(len(mix), np.sqrt(1.0 + data.n / count))
    every = (0 if layout.size <= FEW else 1) if resample is None else resample
    condition = Condition(
        rows,
        "moments",
        Noise(grid, times, int(count), processes, d, int(every), start, mix),
        values,
        sigma,
        batched=True,
        columns=("*",),
        absolute=True,
        scatter=Scatter(rows, scatter if isinstance(data, Paths) else None, data.n),
    )
    _same_size(rows, tree, condition, times, len(values))
    problem = Problem([condition], unknown)
    return problem if regularise is None else cheap(problem, regularise, weight, rtol, atol)


def _initial(initial: Any, data: Any, observe: Any, begin: float) -> tuple[Any, Any, bool]:
    """Return (states to begin from or None, function of the unknown or None, whether it takes normal numbers)."""
    if initial is None:
        if isinstance(data, Moments) or observe is not None or begin != data.t[0]:
            raise OptionError(
                "initial= is needed: the measured values do not give the states at the begin (only Paths of the whole "
                "state, begun at their first time, do)"
            )
        first = data.y[:, 0]
        if np.isnan(first).any():
            raise DataError(f"path {int(np.argwhere(np.isnan(first))[0, 0])} has no first value; give initial=")
        return (first[0] if (first == first[0]).all() else first), None, False
    if callable(initial):
        random = len(inspect.signature(initial).parameters) > 1
        return None, initial, random
    start = np.atleast_1d(np.asarray(initial, float))
    if start.ndim > 2 or not np.isfinite(start).all():
        raise DataError(f"initial must be finite, of shape (d,) or (k, d), got shape {start.shape}")
    return start, None, False


def _look(rows: MomentRows, tree: Any, start: Any, times: Array) -> tuple[int, int]:
    """Return components of the state and Wiener processes after one look at every function."""
    with double():
        if rows.initial is None:
            y = jnp.asarray(start if start.ndim == 1 else start[0])
        else:
            d = 1
            if rows.random:  # the length of z is that of the state: try until both agree
                d = next((k for k in range(1, 33) if _size(rows.initial, tree, k) == k), 0)
                if not d:
                    raise ConditionError("initial(p, z) must return as many components as z has")
            y = jnp.ravel(jnp.asarray(rows.initial(tree, jnp.zeros(d)) if rows.random else rows.initial(tree)))
        return len(y), rows.ensemble.processes(y, tree)


def _size(initial: Any, tree: Any, k: int) -> int:
    try:
        return int(jnp.size(initial(tree, jnp.zeros(k))))
    except (TypeError, ValueError, IndexError):
        return -1


def _measured(data: Any, kinds: Any, keep: Any, times: Array, count: int) -> tuple[Array, Any, Array]:
    """Return measured moments, their covariance (or a variance vector) and the standard errors of the rows."""
    if isinstance(data, Moments):
        if len(keep) < len(data.t) and "lagged" in kinds:
            raise DataError("moments 'lagged' must begin after the start of the paths")
        data = Moments(data.t[keep], {k: v if k == "lagged" else v[keep] for k, v in data.values.items()}, data.n)
        values, variance = data.vector(kinds), _gaussian(data, kinds)
        scatter = np.diag(variance)
    else:
        values, scatter = data.moments(kinds, keep)
        variance = np.diag(scatter)
    flat = np.flatnonzero(~(variance > 0))
    if flat.size:
        d = data.d if isinstance(data, Moments) else data.y.shape[2]
        raise DataError(
            f"the measured {moment_names(kinds, times, d)[flat[0]]} does not vary from path to path, so that it has no "
            "error; leave that time or component out"
        )
    return values, scatter, np.sqrt(variance * (1.0 + data.n / count))


def _gaussian(data: Moments, kinds: tuple[str, ...]) -> Array:
    """Variances of the moments of n paths, as they are for normal distributions."""
    if "covariance" in data.values:
        C = data.values["covariance"]
    elif "variance" in data.values:
        C = data.values["variance"][:, :, None] * np.eye(data.d)
    else:
        raise OptionError("Moments need 'variance' or 'covariance': they set the statistical errors of the others")
    V = np.einsum("kii->ki", C)
    lower = np.tril_indices(data.d)
    parts = {
        "mean": V,
        "variance": 2.0 * V**2,
        "covariance": (V[:, :, None] * V[:, None, :] + C**2)[:, lower[0], lower[1]],
        "third": 6.0 * V**3,
        "fourth": 96.0 * V**4,
    }
    if "lagged" in kinds:
        parts["lagged"] = V[1:] * V[:-1] + data.values["lagged"] ** 2
    return np.concatenate([np.ravel(parts[k]) for k in kinds]) / data.n


def _mixing(weights: Any, scatter: Array) -> Array:
    """Return the matrix (k, rows) that makes the strong directions of the rows independent, with unit variance."""
    cut = 1e-2 if weights == "whitened" else weights
    if isinstance(cut, (str, bool)) or not 0 < cut < 1:
        raise OptionError(f"weights must be 'diagonal', 'whitened' or an eigenvalue cut in (0, 1), got {weights!r}")
    s = np.sqrt(np.diag(scatter))
    values, vectors = np.linalg.eigh(scatter / np.outer(s, s))
    strong = values > cut * values[-1]
    return (vectors[:, strong] / np.sqrt(values[strong])).T / s


def _same_size(rows: MomentRows, tree: Any, condition: Condition, times: Array, n: int) -> None:
    """Raise if the simulation measures other components than the data have."""
    import jax

    coords = condition.points.first(np.random.default_rng(0)).coords
    with double():
        got = jax.eval_shape(lambda c: rows(tree, c), jax.tree_util.tree_map(jnp.asarray, coords))
    if got.shape != (n,):
        raise ConditionError(
            f"the model gives {got.shape[0]} moments at {len(times)} times, the data {n}: observe(t, y, p) must return as "
            "many components as are measured"
        )
