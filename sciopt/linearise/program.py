"""The static part of a JAX condition: what a compiled function may depend on besides its array arguments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp

from sciopt._tree import unflatten
from sciopt.condition import Binding, Condition, split
from sciopt.layout import Layout

__all__ = ["Program", "Spec"]


@dataclass(frozen=True, eq=False)
class Spec:
    """Structure of the unknown, comparable by value so that equal problems share compiled code.

    Values of fixed leaves are arguments; containers, shapes, ties and non-numeric leaves are static.
    """

    layout: Layout
    identity: tuple[Any, ...]

    @staticmethod
    def of(layout: Layout) -> Spec:
        """Read the structure off a layout."""
        marks = [0.0] * len(layout.leaves)
        structure = jax.tree_util.tree_structure(unflatten(layout.unknown, marks))
        leaves = tuple(
            (
                leaf.path,
                leaf.name,
                leaf.shape,
                leaf.complex,
                leaf.start,
                leaf.numeric and leaf.parameter.tied,
                None if leaf.numeric else _static(leaf.tree_value),
            )
            for leaf in layout.leaves
        )
        return Spec(layout, (structure, leaves))

    def __hash__(self) -> int:
        return hash(self.identity)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Spec) and self.identity == other.identity

    def leaf_values(self, theta: Any, fixed: tuple[Any, ...]) -> list[Any]:
        """Return the value of each leaf; ``fixed`` holds the values of fixed leaves in order."""
        rest, values, ties = iter(fixed), [], []
        known: dict[str, Any] = {}
        for i, leaf in enumerate(self.layout.leaves):
            if not leaf.numeric:
                values.append(leaf.tree_value)
                continue
            if leaf.parameter.tied is not None:
                ties.append(i)
                values.append(None)
                continue
            values.append(leaf.read(theta) if leaf.start >= 0 else next(rest))
            known[leaf.name] = values[-1]
        while ties:
            i = ties.pop(0)
            leaf = self.layout.leaves[i]
            try:
                values[i] = known[leaf.name] = leaf.parameter.tied(SimpleNamespace(**known))  # type: ignore[misc]
            except AttributeError:
                ties.append(i)
        return values

    def tree(self, theta: Any, fixed: tuple[Any, ...]) -> Any:
        """Return the unknown at (traced) theta."""
        return unflatten(self.layout.unknown, self.leaf_values(theta, fixed))

    def fixed_values(self, layout: Layout) -> tuple[Any, ...]:
        """Values of the fixed numeric leaves of a layout of this structure."""
        return tuple(leaf.parameter.value for leaf in layout.leaves if leaf.numeric and leaf.parameter.fixed)


def _static(value: Any) -> Any:
    try:
        hash(value)
    except TypeError:
        return id(value)
    return value


@dataclass(frozen=True)
class Program:
    """One JAX condition: function, structure, argument plan; hashable, so jit caches by value."""

    function: Callable[..., Any]
    spec: Spec
    binding: Binding
    columns: tuple[str, ...] | None
    pointwise: bool
    mode: str
    chunk: int | None
    args: Any = None

    @staticmethod
    def of(c: Condition, binding: Binding, spec: Spec) -> Program:
        """Read a condition."""
        mode = c.jacobian if c.jacobian in ("forward", "reverse", "per_sample") else "auto"
        args = tuple(_Opaque(a) for a in c.args) if c.args else None
        pointwise = not c.batched and c.points is not None
        return Program(c.function, spec, binding, c.columns, pointwise, mode, c.chunk, args)

    def rows(self, tree: Any, columns: tuple[Any, ...], settings: dict[str, Any]) -> Any:
        """Call the user's function once: at one point, or with all points."""
        extra = tuple(a.value for a in self.args) if self.args else ()
        return self.function(*self.binding.arguments(tree, columns, settings, extra))

    def output(self, theta: Any, coords: Any, fixed: tuple[Any, ...], settings: dict[str, Any]) -> Any:
        """Return the condition's output at theta, vmapped over points unless batched."""
        tree = self.spec.tree(theta, fixed)
        columns = split(coords, self.columns)
        if not self.pointwise or coords is None:
            return jnp.asarray(self.rows(tree, columns, settings))
        return mapped(lambda *p: jnp.asarray(self.rows(tree, p, settings)), columns, self.chunk)


def mapped(f: Callable[..., Any], columns: tuple[Any, ...], chunk: int | None) -> Any:
    """Apply f to every point: vmap, in chunks if asked."""
    if chunk is None:
        return jax.vmap(f)(*columns)
    return jax.lax.map(lambda p: f(*p), columns, batch_size=chunk)


@dataclass(frozen=True, eq=False)
class _Opaque:
    value: Any

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Opaque) and other.value is self.value
