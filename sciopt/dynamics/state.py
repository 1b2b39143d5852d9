"""The state of an equation: any pytree of numbers, and its flat float64 vector."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sciopt._errors import ConditionError, DataError

__all__ = ["Named", "StateSpec", "named"]


@jax.tree_util.register_pytree_with_keys_class
class Named(dict):
    """A dict whose entries can also be read as attributes: ``p.alpha`` for ``p["alpha"]``."""

    def __getattr__(self, name: str) -> Any:
        """Return an entry by name."""
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"no entry named {name!r}; there are: {', '.join(map(str, self))}") from None

    def tree_flatten_with_keys(self) -> tuple[tuple[Any, ...], tuple[str, ...]]:
        """Return the entries with their keys, sorted, as JAX does for dicts: the order of writing does not matter."""
        keys = tuple(sorted(self, key=str))
        return tuple((jax.tree_util.DictKey(k), self[k]) for k in keys), keys

    @classmethod
    def tree_unflatten(cls, keys: tuple[str, ...], values: Any) -> Named:
        """Rebuild from entries."""
        return cls(zip(keys, values, strict=True))


def named(tree: Any) -> Any:
    """Return the tree with its dicts readable by attribute."""
    if isinstance(tree, dict):
        return Named({k: named(v) for k, v in tree.items()})
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*map(named, tree))
    if type(tree) in (list, tuple):
        return type(tree)(map(named, tree))
    return tree


@dataclass(frozen=True)
class StateSpec:
    """Structure of a state, comparable by value.

    Attributes
    ----------
    treedef
        Containers (dicts as `Named`).
    shapes
        Shape of each leaf.
    complexes
        Which leaves are complex; they take two blocks of the vector, real parts first.
    names
        Name of each leaf.
    """

    treedef: Any
    shapes: tuple[tuple[int, ...], ...]
    complexes: tuple[bool, ...]
    names: tuple[str, ...]

    @staticmethod
    def of(tree: Any, what: str = "initial") -> StateSpec:
        """Read the structure off an example.

        Raises
        ------
        DataError
            A leaf is no number or array of numbers.
        """
        pairs, treedef = jax.tree_util.tree_flatten_with_path(named(tree))
        if not pairs:
            raise DataError(f"{what} has no numbers: the state of the equation is empty")
        shapes, complexes, names = [], [], []
        for path, leaf in pairs:
            name = jax.tree_util.keystr(path) or "y"
            dtype = getattr(leaf, "dtype", None)
            kind = np.asarray(leaf).dtype.kind if dtype is None else np.dtype(dtype).kind
            if kind not in "biufc":
                raise DataError(f"{what}: entry {name} is {leaf!r}, no number")
            shapes.append(tuple(np.shape(leaf)))
            complexes.append(kind == "c")
            names.append(name.replace("['", ".").replace("']", "").lstrip("."))
        return StateSpec(treedef, tuple(shapes), tuple(complexes), tuple(names))

    @property
    def size(self) -> int:
        """Number d of real entries."""
        sizes = zip(self.shapes, self.complexes, strict=True)
        return sum(math.prod(s) * (2 if c else 1) for s, c in sizes)

    def entry_names(self) -> list[str]:
        """Return the name of each real entry of the vector."""
        out = []
        for name, shape, z in zip(self.names, self.shapes, self.complexes, strict=True):
            base = [f"{name}[{','.join(map(str, i))}]" for i in np.ndindex(*shape)] if shape else [name]
            out += [f"{b}.re" for b in base] + [f"{b}.im" for b in base] if z else base
        return out

    def ravel(self, tree: Any) -> Any:
        """Return the vector of a state, shape (d,)."""
        parts = []
        for leaf, z in zip(jax.tree_util.tree_leaves(named(tree)), self.complexes, strict=True):
            flat = jnp.ravel(jnp.asarray(leaf))
            parts += [jnp.real(flat), jnp.imag(flat)] if z else [flat]
        parts = [p.astype(jnp.float64) for p in parts]
        return parts[0] if len(parts) == 1 else jnp.concatenate(parts)

    def unravel(self, vector: Any) -> Any:
        """Return the state of a vector."""
        leaves, place = [], 0
        for shape, z in zip(self.shapes, self.complexes, strict=True):
            n = math.prod(shape)
            if z:
                leaf = vector[place : place + n] + 1j * vector[place + n : place + 2 * n]
            else:
                leaf = vector[place : place + n]
            leaves.append(leaf.reshape(shape))
            place += n * (2 if z else 1)
        return jax.tree_util.tree_unflatten(self.treedef, leaves)

    def vector(self, tree: Any, what: str) -> Any:
        """Return the vector of a tree of this structure; `DataError` says what ``what`` has wrong."""
        found = jax.tree_util.tree_structure(named(tree))
        if found != self.treedef:
            raise DataError(f"{what} has another structure than the state ({', '.join(self.names)})")
        for leaf, shape, name in zip(jax.tree_util.tree_leaves(named(tree)), self.shapes, self.names, strict=True):
            if tuple(np.shape(leaf)) != shape:
                raise DataError(f"{what}: {name} has shape {tuple(np.shape(leaf))}, the state has {shape}")
        return np.asarray(self.ravel(named(tree)))

    def check_rate(self, rate: Any) -> None:
        """Raise `ConditionError` unless a field returned the structure of the state."""
        pairs, treedef = jax.tree_util.tree_flatten_with_path(named(rate))
        if treedef != self.treedef:
            mine = ", ".join(self.names)
            theirs = ", ".join(jax.tree_util.keystr(p) or type(leaf).__name__ for p, leaf in pairs) or "nothing"
            raise ConditionError(
                f"the field returned another structure than the state: the state has ({mine}), the field returned "
                f"({theirs}); return dy/dt in the form of y"
            )
        for (_, leaf), name, shape, z in zip(pairs, self.names, self.shapes, self.complexes, strict=True):
            if tuple(np.shape(leaf)) != shape:
                raise ConditionError(
                    f"the field returned shape {tuple(np.shape(leaf))} for {name!r}, the state has shape {shape} there"
                )
            if jnp.iscomplexobj(leaf) and not z:
                raise ConditionError(
                    f"the field returned complex numbers for {name!r}, whose initial value is real; give a complex one"
                )
