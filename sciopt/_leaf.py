"""One leaf of an unknown: what is fitted of it, under which name, and where it sits in theta."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from sciopt._errors import ParameterError
from sciopt._tree import is_number
from sciopt.parameters import Parameter

__all__ = ["Leaf", "Told", "check_prior", "entry_name", "entry_names", "leaf_of"]


@dataclass(frozen=True)
class Leaf:
    """One leaf of the unknown: where it sits in theta and what is known about it."""

    name: str
    path: str
    parameter: Parameter
    shape: tuple[int, ...]
    complex: bool
    start: int  # first entry in theta; -1 when fixed or tied
    named: bool  # a Parameter or a scalar: shown as a row of its own
    numeric: bool = True
    tree_value: Any = None  # non-numeric leaves pass through untouched

    @cached_property
    def size(self) -> int:
        """Number of entries of theta that the leaf takes (two per complex number)."""
        return math.prod(self.shape) * (2 if self.complex else 1)

    @cached_property
    def slice(self) -> slice:
        """The leaf's part of theta."""
        return slice(self.start, self.start + self.size)

    def read(self, theta: Any) -> Any:
        """Return the leaf's value from theta (numpy, complex-step or traced JAX vector)."""
        if not self.complex:
            return theta[self.start] if not self.shape else theta[self.slice].reshape(self.shape)
        half = self.start + self.size // 2
        if not self.shape:
            return theta[self.start] + 1j * theta[half]
        return (theta[self.start : half] + 1j * theta[half : self.start + self.size]).reshape(self.shape)


def leaf_of(path: str, raw: Any, place: int) -> Leaf:
    """Read a leaf of the unknown; ``place`` is its first entry in theta should it be free."""
    if type(raw) is float and math.isfinite(raw):  # the common case of a fit, without the checks it cannot fail
        return Leaf(path, path, Parameter.plain(raw, path), (), False, place, True)
    if not is_number(raw):
        return Leaf(path, path, Parameter(0.0, fixed=True), (), False, -1, False, numeric=False, tree_value=raw)
    given = isinstance(raw, Parameter)
    parameter = raw if given else Parameter(raw, name=path)
    name = parameter.name or path
    if given and parameter.name is None:
        parameter.check(name)
    value = parameter.value
    if value is None and parameter.prior is not None and hasattr(parameter.prior, "mean"):
        value = parameter.prior.mean
    if value is None and parameter.tied is None:
        raise ParameterError(f"parameter {name!r} has no start value; give Parameter(value) or start={{{name!r}: ...}}")
    array = np.asarray(0.0 if value is None else value)
    if array.dtype.kind != "c" and array.dtype != np.float64:
        array = array.astype(np.float64)
    plain = array if array.shape else array[()]
    if plain is not parameter.value:
        parameter = parameter.started(plain)
    if parameter.tied is None and hasattr(parameter.prior, "rows"):
        check_prior(name, parameter.prior, array)
    start = place if parameter.free else -1
    return Leaf(name, path, parameter, array.shape, array.dtype.kind == "c", start, given or not array.shape)


def check_prior(name: str, prior: Any, value: np.ndarray) -> None:
    """Raise `ParameterError` unless a prior makes one row for each entry of a value."""
    rows = np.size(prior.rows(value))
    if rows != value.size:
        raise ParameterError(
            f"parameter {name!r}: its prior makes {rows} rows for a value of shape {value.shape}; give one for each entry"
        )


def entry_name(leaf: Leaf, place: int) -> str:
    """Return the name of one of the entries of theta that a leaf takes."""
    part, which = divmod(place, math.prod(leaf.shape))
    base = leaf.name
    if leaf.shape:
        base += f"[{','.join(str(int(i)) for i in np.unravel_index(which, leaf.shape))}]"
    return base + (".im" if part else ".re") if leaf.complex else base


def entry_names(leaf: Leaf) -> list[str]:
    """Return the name of each entry of theta that a leaf takes."""
    if not leaf.shape:
        base = [leaf.name]
    else:
        base = [f"{leaf.name}[{','.join(map(str, i))}]" for i in np.ndindex(*leaf.shape)]
    return [f"{b}.re" for b in base] + [f"{b}.im" for b in base] if leaf.complex else base


class Told(Sequence[str]):
    """What is told of each entry of theta, made when asked for: a million names are not kept."""

    def __init__(self, leaves: Sequence[Leaf], told: Callable[[Leaf, int], str]) -> None:
        self._leaves, self._told = tuple(leaves), told
        self._starts = [leaf.start for leaf in self._leaves]
        self._size = sum(leaf.size for leaf in self._leaves)

    def __len__(self) -> int:
        """Number of entries."""
        return self._size

    def __getitem__(self, place: Any) -> Any:
        """Return one entry, or a tuple for a slice."""
        if isinstance(place, slice):
            return tuple(self[i] for i in range(*place.indices(self._size)))
        place = place + self._size if place < 0 else place
        if not 0 <= place < self._size:
            raise IndexError(place)
        leaf = self._leaves[bisect_right(self._starts, place) - 1]
        return self._told(leaf, int(place) - leaf.start)

    def __eq__(self, other: object) -> bool:
        """Compare entry by entry."""
        if not isinstance(other, Sequence) or len(other) != self._size:
            return False
        return all(a == b for a, b in zip(self, other, strict=True))

    def __hash__(self) -> int:
        """Hash of the size and the ends."""
        return hash((self._size, self[0], self[-1]))
