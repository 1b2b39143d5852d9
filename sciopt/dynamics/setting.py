"""What a user said about a fit of trajectories, read once; and how it is laid out for single or multiple shooting."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sciopt._errors import DataError, OptionError, ParameterError
from sciopt._tree import flatten, unflatten
from sciopt._types import Array
from sciopt.condition import Condition
from sciopt.dynamics.flow import Flow
from sciopt.dynamics.measured import Measured
from sciopt.dynamics.plan import Arrays, Plan
from sciopt.dynamics.state import StateSpec
from sciopt.dynamics.stops import Table, table
from sciopt.dynamics.tableau import Tableau, tableau_of
from sciopt.frames import Stage
from sciopt.layout import Layout
from sciopt.linearise.program import Spec
from sciopt.parameters import Parameter
from sciopt.points import fixed as fixed_points

__all__ = ["Setting"]

STAGE = 40  # most steps of a stage
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
    started: dict[str, Any] = dataclasses.field(default_factory=dict)

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
                absolute_tolerance = np.asarray(self.state.vector(atol, "atol"))
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

    # ---- layout ---------------------------------------------------------------------------------------------------
    def laid_out(self, cuts: list[Array] | None = None, nodes: Array | None = None) -> tuple[Any, Plan, Arrays, Table]:
        """Return (unknown, plan, arrays, table) for single shooting, or for segments with given states at the nodes."""
        laid = table(self.data, self.begun, self.happened, self.state.size, cuts)
        whole = dict(self.unknown) if isinstance(self.unknown, dict) else {"field": self.unknown}
        inner: Any = tuple(self.unknown) if isinstance(self.unknown, dict) else "field"
        owned = inner if isinstance(inner, tuple) else (inner,)
        if self.kind[0] != "call":
            whole["initial"] = self.initial
        if self.start is not None:
            whole["start"] = self.start
        before = Layout.of(whole if len(laid.nodes) == 0 else {**whole, "nodes": np.zeros((1, 1))})
        columns = sum(leaf.size for leaf in before.leaves if leaf.start >= 0 and _root(leaf.path) in owned)
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

    def elsewhere(self, times: Array, run: int, observed: bool) -> tuple[Setting, Any]:
        """Return the setting with a trajectory at other times, without data, and the rows of these times.

        The trajectory still reaches its last datum, so that all its nodes stay in use.
        """
        data = self.data
        rows = list(data.times)
        last = data.times[run][-1]
        rows[run] = times if times[-1] >= last else np.append(times, last)
        names, shapes, treedef = data.names, data.shapes, data.treedef
        if not observed:
            names, shapes, treedef = self.state.names, self.state.shapes, self.state.treedef
        n = sum(map(len, rows))
        new = Measured(
            tuple(rows),
            np.repeat(np.arange(data.runs), [len(r) for r in rows]),
            np.concatenate(rows),
            names,
            shapes,
            tuple(np.zeros((n, *shape)) for shape in shapes),
            (None,) * len(names),
            (None,) * len(names),
            treedef,
        )
        place = np.flatnonzero(new.run == run)[: len(times)]
        seen = (self.observe, self.picked) if observed else (None, None)
        changed: Any = replace(  # one trajectory has times of its own: no common grid
            self, data=new, observe=seen[0], picked=seen[1], regularise=None, loss="gaussian", shared=False
        )
        return changed, place

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
        from sciopt.dynamics.plan import initial_states

        whole = dict(self.unknown) if isinstance(self.unknown, dict) else {"field": self.unknown}
        if self.kind[0] != "call":
            whole["initial"] = self.initial
        whole["nodes"] = 0.0  # so that there is something free
        layout = Layout.of(whole)
        inner: Any = tuple(self.unknown) if isinstance(self.unknown, dict) else "field"
        spec = Spec.of(layout)
        flow = Flow(self.field, self.state, spec, tableau_of("Tsit5"), inner)
        plan = Plan(flow, self.observe, self.picked, self.kind, self.data.runs)
        return np.asarray(initial_states(plan, jnp.asarray(layout.start), spec.fixed_values(layout)))

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
        return tuple(Stage({"weight:continuity": c * c * rows}, STAGE, f"continuity {c:g}/sigma") for c in CONTINUITY)


def _prediction(*parts: Any) -> Any:
    return parts


def _root(path: str) -> str:
    return path.split(".")[0].split("[")[0]


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
