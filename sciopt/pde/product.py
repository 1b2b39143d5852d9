"""Products of domains: time and space, cylinders."""

from __future__ import annotations

from typing import Any

import numpy as np

from sciopt._errors import OptionError
from sciopt._types import Array
from sciopt.pde._domain import Domain
from sciopt.pde._patch import Patch, product

__all__ = ["Product"]


class Product(Domain):
    """All pairs of a point of one domain and a point of another; written ``A * B``.

    Parameters
    ----------
    first, second
        The factors. Time, if any, is the first.

    Notes
    -----
    A face of a factor, times the other factor, is a face of the product and keeps its name.

    Examples
    --------
    >>> from sciopt.pde.interval import Interval
    >>> from sciopt.pde.time import Time
    >>> Product(Time(0, 1), Interval(0, 2)).measure
    2.0
    """

    def __init__(self, first: Domain, second: Domain) -> None:
        if second.has_time:
            raise OptionError("time comes first in a product: so.pde.Time(0, 1) * space")
        same = set(first.names) & set(second.names)
        if same:
            name = sorted(same)[0]
            raise OptionError(f"both factors have a coordinate {name!r}; name them apart, such as Interval(0, 1, 'z')")
        both = set(first._faces()) & set(second._faces())
        if both:
            raise OptionError(f"both factors have a face {sorted(both)[0]!r}; only one can")
        self.first, self.second = first, second
        self.names = first.names + second.names
        self.periodic = first.periodic + second.periodic
        self.has_time = first.has_time

    @property
    def bounds(self) -> Array:
        """Lower and upper end of each coordinate, shape (d, 2)."""
        return np.concatenate([self.first.bounds, self.second.bounds])

    def _inside(self, x: Array, slack: float) -> Any:
        k = self.first.dim
        return self.first._inside(x[:, :k], slack) & self.second._inside(x[:, k:], slack)

    def _patches(self) -> tuple[Patch, ...]:
        k = self.first.dim
        return tuple(product(a, b, k, self.has_time) for a in self.first._patches() for b in self.second._patches())

    def _faces(self) -> dict[str, tuple[Patch, ...]]:
        return self._times(self.first._faces(), self.second._faces())

    def _all_faces(self) -> dict[str, tuple[Patch, ...]]:
        return self._times(self.first._all_faces(), self.second._all_faces())

    def _times(self, first: dict[str, Any], second: dict[str, Any]) -> dict[str, tuple[Patch, ...]]:
        k, out = self.first.dim, {}
        for name, patches in first.items():
            out[name] = tuple(product(a, b, k, self.has_time) for a in patches for b in self.second._patches())
        for name, patches in second.items():
            out[name] = tuple(product(a, b, k, self.has_time) for a in self.first._patches() for b in patches)
        return out

    def __eq__(self, other: object) -> bool:
        """Products are equal if their factors are."""
        return isinstance(other, Product) and (self.first, self.second) == (other.first, other.second)

    def __hash__(self) -> int:
        """Hash of the factors."""
        key: tuple[Any, ...] = (type(self), self.first, self.second)
        return hash(key)

    def __repr__(self) -> str:
        """The factors."""
        return f"{self.first!r} * {self.second!r}"
