"""Reading what a user said about a fit of trajectories: data, initial states, starts, controls; checked once."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sciopt._errors import ConditionError, DataError, OptionError, ParameterError
from sciopt._tree import flatten, unflatten
from sciopt._types import Array
from sciopt.dynamics.measured import Measured, measured
from sciopt.dynamics.plan import arity
from sciopt.dynamics.setting import Setting
from sciopt.dynamics.state import StateSpec, named
from sciopt.dynamics.stops import happenings
from sciopt.parameters import Parameter

__all__ = ["setting_of"]

RESERVED = ("initial", "start", "nodes", "field")


def _plain(tree: Any) -> Any:
    """Return a tree with its parameters replaced by their values."""
    pairs = flatten(tree)
    return unflatten(tree, [leaf.value if isinstance(leaf, Parameter) else leaf for _, leaf in pairs])


def _held(tree: Any) -> Any:
    """Return the tree with its plain numbers as fixed parameters."""
    leaves = []
    for path, leaf in flatten(tree):
        if isinstance(leaf, Parameter):
            leaves.append(leaf)
        else:
            value = np.asarray(leaf)
            if value.dtype.kind not in "biufc" or not np.isfinite(value).all():
                raise DataError(f"initial: entry {path or 'y'} is {leaf!r}; give a finite number or a Parameter")
            leaves.append(Parameter(value.astype(complex if value.dtype.kind == "c" else float)[()], fixed=True))
    return unflatten(tree, leaves)


def setting_of(
    field: Any,
    t: Any,
    y: Any,
    unknown: Any,
    initial: Any,
    sigma: Any,
    start: Any,
    observe: Any,
    controls: Any,
    jumps: Any,
    doses: Any,
    nan: str,
    mask: Any,
) -> Setting:
    """Read what the user gave; see `trajectories`."""
    if not callable(field):
        raise ConditionError(f"field must be a function field(t, y, p), got {type(field).__name__}")
    if observe is not None and not callable(observe):
        raise ConditionError(f"observe must be a function observe(t, y, p), got {type(observe).__name__}")
    data = measured(t, y, sigma, nan, mask)
    T = data.runs
    unknown = {} if unknown is None else unknown
    if isinstance(unknown, dict):
        for word in RESERVED:
            if word in unknown:
                raise ParameterError(
                    f"unknown has an entry {word!r}, a name kept for the fit itself; call it differently"
                )
    tree, kind, example = _initial_of(initial, unknown, data, observe, T)
    state = StateSpec.of(example)
    picked = _picked(state, data, observe)
    begun, free_start = _starts_of(start, data)
    if controls is not None and not callable(controls):
        if not (isinstance(controls, (list, tuple)) and len(controls) == T):
            raise DataError(f"controls must be a function of time, or a list of {T} trees, one a trajectory")
        controls = [named(c) for c in controls]
    happened = happenings(jumps, doses, T, state.size, lambda tree, what: state.vector(tree, what))
    found = Setting(field, data, state, unknown, tree, kind, begun, free_start, observe, picked, controls, happened)
    _check_field(found)
    return found


def _initial_of(initial: Any, unknown: Any, data: Measured, observe: Any, T: int) -> tuple[Any, tuple[Any, ...], Any]:
    """Return (tree of parameters or None, kind, example of a state)."""
    if isinstance(initial, str):
        if initial != "data":
            raise OptionError(f"initial={initial!r}: give a state, a function of the parameters, or 'data'")
        return _initial_from_data(data, observe)
    functions: Any = initial if isinstance(initial, (list, tuple)) and initial and all(map(callable, initial)) else None
    if callable(initial) or functions:
        chosen: tuple[Any, ...] = tuple(functions or [initial] * T)
        if len(chosen) != T:
            raise DataError(f"initial= has {len(chosen)} functions, t has {T} trajectories")
        p = named(_plain(unknown))
        return None, ("call", chosen), jax.eval_shape(lambda: named(chosen[0](p)))
    if isinstance(initial, list) and len(initial) == T and (T > 1 or not all(map(np.isscalar, initial))):
        held = [_held(part) for part in initial]
        specs = [StateSpec.of(_plain(part)) for part in held]
        for i, spec in enumerate(specs):
            if spec != specs[0]:
                raise DataError(f"initial state of trajectory {i} has another structure than that of trajectory 0")
        return held, ("tree",), _plain(held[0])
    if isinstance(initial, list) and not any(isinstance(p, Parameter) for p in initial):
        initial = np.asarray(initial, float)
    held = _held(initial)
    return held, ("same",), _plain(held)


def _initial_from_data(data: Measured, observe: Any) -> tuple[Any, tuple[Any, ...], Any]:
    if observe is not None:
        raise OptionError("initial='data' needs the whole state among the data; with observe= give the initial state")
    parts = []
    for i in range(data.runs):
        row = int(np.flatnonzero(data.run == i)[0])
        for name, keep in zip(data.names, data.keep, strict=True):
            if keep is not None and not keep[row].all():
                raise DataError(f"initial='data': {name} of trajectory {i} is missing in its first row; give initial=")
        leaves = [Parameter(np.array(v[row])[()]) for v in data.values]
        parts.append(_dicts(jax.tree_util.tree_unflatten(data.treedef, leaves)))
    if data.runs == 1:
        return parts[0], ("same",), _plain(parts[0])
    return parts, ("tree",), _plain(parts[0])


def _dicts(tree: Any) -> Any:
    return {k: _dicts(v) for k, v in tree.items()} if isinstance(tree, dict) else tree


def _picked(state: StateSpec, data: Measured, observe: Any) -> tuple[str, ...] | None:
    """Check the form of the data against the state; return which keys were measured."""
    if observe is not None:
        return None
    if data.treedef == state.treedef:
        for name, mine, theirs in zip(state.names, state.shapes, data.shapes, strict=True):
            if mine != theirs:
                raise DataError(f"each row of {name} has shape {theirs}, the state has shape {mine}; give observe=")
        return None
    names = {n.split(".")[0].split("[")[0] for n in state.names}
    if set(data.names) <= names and all("." not in n for n in data.names):
        sizes = dict(zip(state.names, state.shapes, strict=True))
        for name, shape in zip(data.names, data.shapes, strict=True):
            if name in sizes and sizes[name] != shape:
                raise DataError(f"each row of {name!r} has shape {shape}, the state has {sizes[name]} there")
        return data.names
    raise DataError(
        f"the data have entries ({', '.join(data.names)}), the state has ({', '.join(state.names)}); name the data by "
        "entries of the state, or say with observe= what was measured"
    )


def _starts_of(start: Any, data: Measured) -> tuple[Array, Any]:
    """Return (start times, tree of unknown ones or None)."""
    T = data.runs
    first = np.array([row[0] for row in data.times])
    if start is None:
        return first, None
    several = isinstance(start, (list, tuple, np.ndarray)) and np.ndim(start) == 1
    listed: list[Any] = list(start) if several else [start] * T
    if len(listed) != T:
        raise DataError(f"start= has {len(listed)} times, t has {T} trajectories")
    values = []
    for i, s in enumerate(listed):
        value: Any = s.value if isinstance(s, Parameter) else s
        if np.iscomplexobj(value) or np.ndim(value) or not np.isfinite(float(value)):
            raise DataError(f"start of trajectory {i} must be a finite number, got {value!r}")
        values.append(float(value))
    free = any(isinstance(s, Parameter) and s.free for s in listed)
    if not free:
        return np.array(values), None
    held = [s if isinstance(s, Parameter) else Parameter(float(s), fixed=True) for s in listed]
    return np.array(values), held[0] if len({id(s) for s in listed}) == 1 else held


def _check_field(setting: Setting) -> None:
    """Trace the field once with shapes only: what is wrong with it is said before anything is compiled."""
    p = named(_plain(setting.unknown))
    extra = (
        ()
        if setting.controls is None
        else ((setting.controls(0.0),) if callable(setting.controls) else (setting.controls[0],))
    )
    example = named(setting.state.unravel(np.ones(setting.state.size)))
    t = float(setting.begun[0])

    def once(t: Any, y: Any) -> Any:
        out = setting.field(t, y, p, *extra)
        setting.state.check_rate(out)
        return 0.0

    try:
        jax.eval_shape(once, t, example)
    except (ConditionError, DataError):
        raise
    except Exception as error:  # whatever the user's function raises
        raise ConditionError(f"field(t, y, p) failed at the start: {type(error).__name__}: {error}") from error
    if setting.observe is None:
        return

    def seen(t: Any, y: Any) -> Any:
        return named(setting.observe(y) if arity(setting.observe) == 1 else setting.observe(t, y, p))

    try:
        out = jax.eval_shape(seen, t, example)
    except Exception as error:
        raise ConditionError(f"observe failed at the start: {type(error).__name__}: {error}") from error
    leaves, treedef = jax.tree_util.tree_flatten(out)
    data = setting.data
    if treedef != data.treedef or [tuple(leaf.shape) for leaf in leaves] != list(data.shapes):
        raise ConditionError(
            f"observe returns {[tuple(leaf.shape) for leaf in leaves]} where a row of the data has "
            f"{dict(zip(data.names, data.shapes, strict=True))}"
        )
    if any(jnp.issubdtype(leaf.dtype, jnp.complexfloating) for leaf in leaves):
        raise ConditionError("observe returns complex numbers; return real and imaginary parts as two entries")
