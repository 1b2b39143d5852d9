"""What a user said about a fit of trajectories, read once; and how it is laid out for single or multiple shooting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sciopt._errors import ConditionError, DataError, OptionError, ParameterError
from sciopt._tree import flatten, unflatten
from sciopt._types import Array
from sciopt.condition import Condition
from sciopt.dynamics.flow import Flow
from sciopt.dynamics.measured import Measured, measured
from sciopt.dynamics.plan import Arrays, Plan
from sciopt.dynamics.state import StateSpec, named
from sciopt.dynamics.stops import Table, happenings, table
from sciopt.dynamics.tableau import Tableau, tableau_of
from sciopt.frames import Stage
from sciopt.layout import Layout
from sciopt.linearise.program import Spec
from sciopt.parameters import Parameter
from sciopt.points import fixed as fixed_points

__all__ = ["Setting", "setting_of"]

RESERVED = ("initial", "start", "nodes", "field")
CONTINUITY = (3.0, 30.0, 300.0)  # weights of the gaps, in units of 1 / sigma


@dataclass(frozen=True)
class _Driven:
    """A field whose control is one function of time for all trajectories."""

    field: Callable[..., Any]
    control: Callable[[Any], Any]

    def __call__(self, t: Any, y: Any, p: Any) -> Any:
        return self.field(t, y, p, self.control(t))


@dataclass(frozen=True, eq=False)
class Setting:
    """Everything that does not depend on how the problem is shot; see `trajectories` for the meaning."""

    field: Callable[..., Any]
    data: Measured
    state: StateSpec
    unknown: Any
    initial: Any
    kind: tuple[Any, ...]
    begun: Array
    start: Any
    observe: Any
    picked: tuple[str, ...] | None
    controls: Any
    happened: list[Any]
    tableau: Tableau | None = None
    reason: str = ""
    rtol: float = 1e-8
    atol: Any = np.nan
    shared: bool = False
    max_steps: int = 100_000
    loss: Any = "gaussian"
    absolute: bool | None = None
    jacobian: str = "auto"
    regularise: Any = None
    started: dict[str, Any] = field(default_factory=dict)

    def with_options(self, *, solver: Any, rtol: Any, atol: Any, errors: Any, max_steps: int, **rest: Any) -> Setting:
        """Return the setting with the options of the solve; ``solver="auto"`` is settled here."""
        if errors not in (None, "absolute", "scaled"):
            raise OptionError(f"errors must be None, 'absolute' or 'scaled', got {errors!r}")
        if isinstance(max_steps, bool) or not isinstance(max_steps, (int, np.integer)) or max_steps < 1:
            raise OptionError(f"max_steps must be a positive integer, got {max_steps!r}")
        if rtol is not None and not 1e-15 < float(rtol) < 1.0:
            raise OptionError(f"rtol must lie between 1e-15 and 1, got {rtol!r}")
        known = all(s is not None for s in self.data.spread)
        absolute = known if errors is None else errors == "absolute"
        if absolute and not known:
            raise OptionError("errors='absolute' needs sigma=")
        tolerance = self._tolerance() if rtol is None else float(rtol)
        absolute_tolerance: Any = np.nan
        if atol is not None:
            if np.ndim(atol) == 0 and not isinstance(atol, dict):
                absolute_tolerance = np.full(self.state.size, float(atol))
            else:
                absolute_tolerance = np.asarray(self._vector(atol, "atol"))
            if not (absolute_tolerance >= 0).all():
                raise OptionError(f"atol must not be negative, got {atol!r}")
        new = replace(
            self, rtol=tolerance, atol=absolute_tolerance, absolute=absolute, max_steps=int(max_steps), **rest
        )
        from sciopt.dynamics.choice import chosen

        tableau, reason = (
            (tableau_of(solver), f"solver {tableau_of(solver).name}: as asked") if solver != "auto" else chosen(new)
        )
        return replace(new, tableau=tableau, reason=reason)

    def _tolerance(self) -> float:
        """A thousandth of the smallest relative sigma."""
        smallest = 1e-4
        for values, spread, keep in zip(self.data.values, self.data.spread, self.data.keep, strict=True):
            if spread is None:
                continue
            size = np.sqrt(np.mean(values[keep] ** 2)) if keep is not None else np.sqrt(np.mean(values**2))
            relative = np.median(spread) / size if size > 0 else 1e-4
            smallest = min(smallest, float(relative))
        return float(np.clip(1e-3 * smallest, 1e-11, 1e-7))

    def _vector(self, tree: Any, what: str) -> Array:
        return _vector(self.state, tree, what)

    # ---- layout ---------------------------------------------------------------------------------------------------
    def laid_out(self, cuts: list[Array] | None = None, nodes: Array | None = None) -> tuple[Any, Plan, Arrays, Table]:
        """Return (unknown, plan, arrays, table) for single shooting, or for segments with given states at the nodes."""
        laid = table(self.data, self.begun, self.happened, self.state.size, cuts)
        whole = dict(self.unknown) if isinstance(self.unknown, dict) else {"field": self.unknown}
        inner: Any = tuple(self.unknown) if isinstance(self.unknown, dict) else "field"
        if self.kind[0] != "call":
            whole["initial"] = self.initial
        if self.start is not None:
            whole["start"] = self.start
        before = Layout.of(whole if len(laid.nodes) == 0 else {**whole, "nodes": np.zeros((1, 1))})
        columns = sum(leaf.size for leaf in before.leaves if leaf.start >= 0 and _root(leaf.path) in _keys(inner))
        if before.has_ties:
            columns = sum(leaf.size for leaf in before.leaves if leaf.start >= 0 and _root(leaf.path) != "nodes")
        if len(laid.nodes):
            whole["nodes"] = np.asarray(nodes, float)
        layout = Layout.of(whole)
        if self.started:
            layout = Layout.of(_restarted(whole, layout, self.started))
        assert self.tableau is not None
        spec = Spec.of(layout)
        field = self.field
        control = None
        if callable(self.controls):
            field = _Driven(self.field, self.controls)
        elif self.controls is not None:
            control = jax.tree_util.tree_map(
                lambda *xs: jnp.stack([jnp.asarray(xs[i], float) for i in laid.run]), *self.controls
            )
        happens = bool(laid.lanes.jump.any() or laid.lanes.dose.any())
        flow = Flow(field, self.state, spec, self.tableau, inner, control is not None, happens, columns)
        plan = Plan(
            flow,
            self.observe,
            self.picked,
            self.kind,
            self.data.runs,
            len(laid.nodes),
            self.start is not None,
            self.shared,
        )
        if self.shared and (np.ptp(laid.lanes.stops, axis=0) > 0).any():
            raise OptionError("grid='shared' needs the same times (from their first one) in all trajectories")
        lanes = laid.lanes._replace(control=control)
        arrays = Arrays(
            spec.fixed_values(layout),
            lanes,
            laid.run,
            laid.source,
            laid.lane,
            laid.stop,
            self.data.time,
            np.asarray(self.rtol),
            self.sizes(),
        )
        return whole, plan, arrays, laid

    def sizes(self) -> Array:
        """Return what a gap of each entry of the state is measured in: its sigma, or 2 % of its size; shape (d,)."""
        relative = [
            float(np.median(s) / max(np.sqrt(np.mean(v**2)), 1e-300))
            for v, s in zip(self.data.values, self.data.spread, strict=True)
            if s is not None
        ]
        share = min(relative) if relative else 0.02
        return np.maximum(share, 1e-12) * self.magnitude()

    def magnitude(self) -> Array:
        """Return a typical size of each entry of the state, shape (d,)."""
        size = np.zeros(self.state.size)
        try:
            start = np.abs(self.initial_states())
            size = np.where(np.isfinite(start), start, 0.0).max(axis=0)
        except (DataError, ParameterError):
            pass
        if self.observe is None:
            place = {n: i for i, n in enumerate(self.state.entry_names())}
            for name, values in zip(self.data.names, self.data.values, strict=True):
                flat = np.sqrt(np.mean(values.reshape(len(values), -1) ** 2, axis=0))
                for j, v in enumerate(flat):
                    index = (
                        ""
                        if len(flat) == 1 and values.ndim == 1
                        else f"[{','.join(map(str, np.unravel_index(j, values.shape[1:])))}]"
                    )
                    for key in (f"{name}{index}", f"y{index}"):
                        if key in place:
                            size[place[key]] = max(size[place[key]], v)
        typical = size[size > 0]
        return np.where(size > 0, size, typical.mean() if typical.size else 1.0)

    def initial_states(self) -> Array:
        """Return the initial states at the start values, shape (T, d)."""
        from sciopt.dynamics.plan import _initial

        whole = dict(self.unknown) if isinstance(self.unknown, dict) else {"field": self.unknown}
        if self.kind[0] != "call":
            whole["initial"] = self.initial
        whole["nodes"] = 0.0  # so that there is something free
        layout = Layout.of(whole)
        inner: Any = tuple(self.unknown) if isinstance(self.unknown, dict) else "field"
        spec = Spec.of(layout)
        flow = Flow(self.field, self.state, spec, tableau_of("Tsit5"), inner)
        plan = Plan(flow, self.observe, self.picked, self.kind, self.data.runs)
        return np.asarray(_initial(plan, jnp.asarray(layout.start), spec.fixed_values(layout)))

    # ---- conditions -----------------------------------------------------------------------------------------------
    def conditions(self) -> tuple[Condition, ...]:
        """Return one condition for each measured quantity."""
        data = self.data
        out = []
        for name, values, spread, keep in zip(data.names, data.values, data.spread, data.keep, strict=True):
            loss = self.loss[name] if isinstance(self.loss, dict) and name in self.loss else self.loss
            condition = Condition(
                _prediction,
                name,
                fixed_points(data.time),
                values,
                spread,
                loss="gaussian" if isinstance(loss, dict) else loss,
                batched=True,
                keep=keep,
                absolute=self.absolute,
            )
            out.append(condition)
        return tuple(out)

    def continuity_stages(self, nodes: int) -> tuple[Stage, ...]:
        """Return the stages of multiple shooting: the gaps weigh more and more."""
        rows = nodes * self.state.size
        return tuple(Stage({"weight:continuity": c * c * rows}, name=f"continuity {c:g}/sigma") for c in CONTINUITY)


def _prediction(*parts: Any) -> Any:
    return parts


def _root(path: str) -> str:
    return path.split(".")[0].split("[")[0]


def _keys(inner: Any) -> tuple[str, ...]:
    return inner if isinstance(inner, tuple) else (inner,)


def _restarted(whole: dict[str, Any], layout: Layout, values: dict[str, Any]) -> Any:
    theta = layout.pack(values)
    leaves = []
    for leaf, (_, raw) in zip(layout.leaves, flatten(whole), strict=True):
        if leaf.start < 0:
            leaves.append(raw)
        else:
            value = leaf.read(theta)
            leaves.append(raw.started(value) if isinstance(raw, Parameter) else value)
    return unflatten(whole, leaves)


def _vector(state: StateSpec, tree: Any, what: str) -> Array:
    found = jax.tree_util.tree_structure(named(tree))
    if found != state.treedef:
        raise DataError(f"{what} has another structure than the state ({', '.join(state.names)})")
    for leaf, shape, name in zip(jax.tree_util.tree_leaves(named(tree)), state.shapes, state.names, strict=True):
        if tuple(np.shape(leaf)) != shape:
            raise DataError(f"{what}: {name} has shape {tuple(np.shape(leaf))}, the state has {shape}")
    return np.asarray(state.ravel(named(tree)))


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
    happened = happenings(jumps, doses, T, state.size, lambda tree, what: _vector(state, tree, what))
    found = Setting(field, data, state, unknown, tree, kind, begun, free_start, observe, picked, controls, happened)
    _check_field(found)
    return found


def _initial_of(initial: Any, unknown: Any, data: Measured, observe: Any, T: int) -> tuple[Any, tuple[Any, ...], Any]:
    """Return (tree of parameters or None, kind, example of a state)."""
    if isinstance(initial, str):
        if initial != "data":
            raise OptionError(f"initial={initial!r}: give a state, a function of the parameters, or 'data'")
        return _initial_from_data(data, observe)
    functions = initial if isinstance(initial, (list, tuple)) and initial and all(map(callable, initial)) else None
    if callable(initial) or functions:
        chosen = tuple(functions or [initial] * T)
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
    listed = list(start) if isinstance(start, (list, tuple, np.ndarray)) and np.ndim(start) == 1 else [start] * T
    if len(listed) != T:
        raise DataError(f"start= has {len(listed)} times, t has {T} trajectories")
    values = []
    for i, s in enumerate(listed):
        value = s.value if isinstance(s, Parameter) else s
        if not np.isscalar(value) or not np.isfinite(float(value)):
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
    from sciopt.dynamics.plan import _arity

    def seen(t: Any, y: Any) -> Any:
        return named(setting.observe(y) if _arity(setting.observe) == 1 else setting.observe(t, y, p))

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
