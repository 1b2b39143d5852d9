"""The map between a pytree of unknowns and the vector theta that methods move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import numpy as np

from sciopt._errors import ParameterError
from sciopt._leaf import Leaf, Told, check_prior, entry_name, entry_names, leaf_of
from sciopt._tree import flatten, unflatten
from sciopt._types import Array, Tree
from sciopt.parameters import Parameter

__all__ = ["Layout", "Leaf"]

MANY = 20_000  # entries from which names are not kept


@dataclass(frozen=True, eq=False)
class Layout:
    """Names, places, bounds and scales of the free scalars of an unknown.

    Built by `Layout.of(unknown)`; ``theta`` has one entry for each free real scalar, complex leaves take two
    blocks (real parts, then imaginary parts).

    Attributes
    ----------
    names
        Name of each entry of theta, such as ``"tau"``, ``"w[3]"`` or ``"z.im"``.
    start, lower, upper, scale
        Arrays of shape (P,).
    units
        Unit label of each entry.
    """

    unknown: Tree
    leaves: tuple[Leaf, ...]
    names: Sequence[str]
    units: Sequence[str]
    start: Array
    lower: Array
    upper: Array
    scale: Array
    has_ties: bool = False
    simple: bool = False  # flat dict of free real scalars in order: theta is the argument list
    _index: dict[str, int] = field(default_factory=dict, repr=False)

    @staticmethod
    def of(unknown: Tree) -> Layout:
        """Read an unknown.

        Parameters
        ----------
        unknown
            Any pytree; numeric leaves are fitted, `Parameter` leaves with their options.

        Raises
        ------
        ParameterError
            Nothing to fit, duplicate names, a start value missing or not finite.
        """
        leaves: list[Leaf] = []
        place = 0
        for path, raw in flatten(unknown):
            leaf = leaf_of(path or "theta", raw, place)
            if leaf.start >= 0:
                place += leaf.size
            leaves.append(leaf)
        parts = [leaf for leaf in leaves if leaf.start >= 0]
        names, units, index = _told(parts, place)
        if not parts:
            raise ParameterError("nothing to fit: every leaf of the unknown is fixed, tied or not a number")
        named = [leaf.name for leaf in leaves if leaf.numeric]
        double = sorted({n for n in named if named.count(n) > 1}) if len(named) < 2000 else []
        if double:
            raise ParameterError(f"two parameters share the name {double[0]!r}; give each its own name=")
        size = sum(leaf.size for leaf in parts)
        start, lower, upper, scale = np.empty(size), np.full(size, -np.inf), np.full(size, np.inf), np.ones(size)
        for leaf in parts:
            if not leaf.shape and not leaf.complex:
                i, p = leaf.start, leaf.parameter
                start[i], scale[i] = p.value, p.scale
                lower[i], upper[i] = p.limits
                continue
            value = np.asarray(leaf.parameter.value)
            flat = np.concatenate([np.real(value).ravel(), np.imag(value).ravel()]) if leaf.complex else value.ravel()
            start[leaf.slice] = flat
            lower[leaf.slice], upper[leaf.slice] = leaf.parameter.limits
            scale[leaf.slice] = leaf.parameter.scale
        ties = any(leaf.numeric and leaf.parameter.tied is not None for leaf in leaves)
        simple = isinstance(unknown, dict) and all(
            leaf.numeric and leaf.start == i and not leaf.complex and not leaf.shape and leaf.path in unknown
            for i, leaf in enumerate(leaves)
        )
        for array in (start, lower, upper, scale):
            array.flags.writeable = False
        layout = Layout(unknown, tuple(leaves), names, units, start, lower, upper, scale, ties, simple, index)
        if ties:
            _check_ties(layout)
        return layout

    @property
    def size(self) -> int:
        """Number P of free real scalars."""
        return len(self.names)

    @cached_property
    def bounded(self) -> bool:
        """Whether any entry has a finite bound."""
        return bool(np.isfinite(self.lower).any() or np.isfinite(self.upper).any())

    @cached_property
    def has_complex(self) -> bool:
        """Whether a free leaf is complex."""
        return any(leaf.complex and leaf.start >= 0 for leaf in self.leaves)

    def index(self, name: str) -> int:
        """Place of a named entry in theta; `ParameterError` lists the names if it is unknown."""
        try:
            return self._index[name] if self._index else self.names.index(name)
        except (KeyError, ValueError):
            known = ", ".join(self.names[:20])
            raise ParameterError(f"no free parameter named {name!r}; free parameters: {known}") from None

    def part(self, places: Any, start: Any = None) -> Layout:
        """Return the layout of some entries of theta only: their names, bounds, scales and units, without leaves.

        Parameters
        ----------
        places
            Places in theta, ascending.
        start
            Start of the whole theta, shape (P,); the layout's own by default.
        """
        names = tuple(self.names[i] for i in places)
        return replace(
            self,
            unknown=None,
            leaves=(),
            names=names,
            units=tuple(self.units[i] for i in places),
            start=np.array((self.start if start is None else start)[places]),
            lower=self.lower[places],
            upper=self.upper[places],
            scale=self.scale[places],
            has_ties=False,
            simple=False,
            _index={n: i for i, n in enumerate(names)},
        )

    def leaf_values(self, theta: Any) -> list[Any]:
        """Value of each leaf at theta, fixed and tied ones included, in tree order."""
        values: list[Any] = []
        for leaf in self.leaves:
            if not leaf.numeric:
                values.append(leaf.tree_value)
            elif leaf.start >= 0:
                values.append(leaf.read(theta))
            else:
                values.append(leaf.parameter.value)
        if self.has_ties:
            self._tie(values)
        return values

    def tree(self, theta: Any) -> Tree:
        """Return the unknown with every `Parameter` replaced by its value at theta."""
        if self.simple:
            return dict(zip(self.unknown, theta, strict=True))
        return unflatten(self.unknown, self.leaf_values(theta))

    def values(self, theta: Any) -> dict[str, Any]:
        """Value of each numeric leaf by name."""
        pairs = zip(self.leaves, self.leaf_values(theta), strict=True)
        return {leaf.name: value for leaf, value in pairs if leaf.numeric}

    def pack(self, tree: Tree) -> Array:
        """Return theta for a tree of the same structure (or a dict of values by name).

        Raises
        ------
        ParameterError
            A name is unknown, or a leaf has another shape.
        """
        known = {leaf.path: leaf for leaf in self.leaves} | {leaf.name: leaf for leaf in self.leaves}
        if isinstance(tree, dict):
            whole = {k: np.asarray(v) if k in known and isinstance(v, (list, tuple)) else v for k, v in tree.items()}
            given = dict(flatten(whole)) if isinstance(self.unknown, dict) else whole
        else:
            pairs = flatten(tree)
            if len(pairs) != len(self.leaves):
                raise ParameterError(f"start has {len(pairs)} leaves, the unknown has {len(self.leaves)}")
            given = {leaf.name: value for leaf, (_, value) in zip(self.leaves, pairs, strict=True)}
        theta = self.start.copy()
        for name, value in given.items():
            if name not in known:
                raise ParameterError(f"no parameter named {name!r}; parameters: {', '.join(list(known)[:20])}")
            leaf = known[name]
            if leaf.start < 0 or not leaf.numeric:
                continue
            plain = value.value if isinstance(value, Parameter) else value
            array = np.asarray(plain)
            if array.shape != leaf.shape:
                raise ParameterError(f"parameter {name!r}: start has shape {array.shape}, expected {leaf.shape}")
            if not np.all(np.isfinite(array)):
                raise ParameterError(f"parameter {name!r}: start {plain!r} is not finite")
            flat = np.concatenate([np.real(array).ravel(), np.imag(array).ravel()]) if leaf.complex else array.ravel()
            if np.any((flat < self.lower[leaf.slice]) | (flat > self.upper[leaf.slice])):
                low, high = leaf.parameter.limits
                raise ParameterError(f"parameter {name!r}: start {plain!r} lies outside its bounds [{low:g}, {high:g}]")
            theta[leaf.slice] = flat
        return theta

    def _tie(self, values: list[Any]) -> None:
        known = {
            leaf.name: value
            for leaf, value in zip(self.leaves, values, strict=True)
            if leaf.numeric and leaf.parameter.tied is None
        }
        waiting = [i for i, leaf in enumerate(self.leaves) if leaf.numeric and leaf.parameter.tied is not None]
        problem: AttributeError | None = None
        while waiting:
            later = []
            for i in waiting:
                leaf = self.leaves[i]
                tied = leaf.parameter.tied
                assert tied is not None
                try:
                    values[i] = known[leaf.name] = tied(SimpleNamespace(**known))
                except AttributeError as error:
                    later.append(i)
                    problem = error
                except Exception as error:
                    error.add_note(f"in the tie of parameter {leaf.name!r}")
                    raise
            if len(later) == len(waiting):
                name = self.leaves[later[0]].name
                raise ParameterError(
                    f"parameter {name!r}: its tie needs a parameter that does not exist or depends on itself ({problem})"
                )
            waiting = later


def _told(parts: list[Leaf], size: int) -> tuple[Sequence[str], Sequence[str], dict[str, int]]:
    """Return names, units and places by name; for very many entries they are made when asked for, without an index."""
    if size > MANY:
        return Told(parts, entry_name), Told(parts, lambda leaf, _: leaf.parameter.unit), {}
    names = tuple(name for leaf in parts for name in entry_names(leaf))
    units = tuple(unit for leaf in parts for unit in [leaf.parameter.unit] * leaf.size)
    return names, units, {name: i for i, name in enumerate(names)}


def _check_ties(layout: Layout) -> None:
    """Raise `ParameterError` naming a tie that fails, or is no finite number, at the start."""
    try:
        with np.errstate(all="ignore"):
            values = layout.leaf_values(layout.start)
    except ParameterError:
        raise
    except Exception as error:  # whatever the user's function raises
        where = " ".join(getattr(error, "__notes__", ()))
        raise ParameterError(f"{type(error).__name__} {where}: {error}") from error
    for leaf, value in zip(layout.leaves, values, strict=True):
        if not leaf.numeric or leaf.parameter.tied is None:
            continue
        array = np.asarray(value)
        if array.dtype.kind not in "biufc" or not np.isfinite(array).all():
            raise ParameterError(f"parameter {leaf.name!r}: its tie gives {value!r} at the start, no finite number")
        if hasattr(leaf.parameter.prior, "rows"):
            check_prior(leaf.name, leaf.parameter.prior, array)
