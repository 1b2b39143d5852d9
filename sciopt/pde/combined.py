"""Union, difference and intersection of domains."""

from __future__ import annotations

from typing import Any

import numpy as np

from sciopt._errors import OptionError
from sciopt._types import Array
from sciopt.pde._domain import Domain
from sciopt.pde._patch import Patch

__all__ = ["Combined"]


class Combined(Domain):
    """Two domains of the same space, combined; written ``A | B``, ``A - B``, ``A & B``.

    Parameters
    ----------
    first, second
        Domains with the same coordinates.
    how
        ``"|"`` union, ``"-"`` difference, ``"&"`` intersection.

    Notes
    -----
    Faces keep their names; a name that both parts have gets ``#1`` for the first and ``#2`` for the second. The normal
    of a hole points into the hole, out of the domain.

    Examples
    --------
    >>> from sciopt.pde.box import Box
    >>> corner = Box((0, 2), (0, 2)) - Box((1, 2), (1, 2))
    >>> corner.contains([[0.5, 0.5], [1.5, 1.5]]).tolist()
    [True, False]
    """

    def __init__(self, first: Domain, second: Domain, how: str) -> None:
        if how not in ("|", "-", "&"):
            raise OptionError(f"Combined: how must be '|', '-' or '&', got {how!r}")
        if first.names != second.names:
            raise OptionError(
                f"domains with coordinates {', '.join(first.names)} and {', '.join(second.names)} cannot be combined"
            )
        if first.has_time or second.has_time or any(first.periodic) or any(second.periodic):
            raise OptionError("combine the domains of space first, without periodic coordinates, then take the product")
        self.first, self.second, self.how = first, second, how
        self.names, self.periodic = first.names, first.periodic

    @property
    def bounds(self) -> Array:
        """Lower and upper end of each coordinate, shape (d, 2)."""
        a, b = self.first.bounds, self.second.bounds
        if self.how == "|":
            return np.stack([np.minimum(a[:, 0], b[:, 0]), np.maximum(a[:, 1], b[:, 1])], axis=1)
        if self.how == "&":
            return np.stack([np.maximum(a[:, 0], b[:, 0]), np.minimum(a[:, 1], b[:, 1])], axis=1)
        return a

    def _inside(self, x: Array, slack: float) -> Any:
        a = self.first._inside(x, slack)
        if self.how == "-":
            return a & ~self.second._inside(x, -slack)
        b = self.second._inside(x, slack)
        return a | b if self.how == "|" else a & b

    def _patches(self) -> tuple[Patch, ...]:
        A, B = self.first, self.second
        if self.how == "|":
            return (*A._patches(), *(p.restricted(lambda x, n: ~A._inside(x, 0.0)) for p in B._patches()))
        if self.how == "-":
            return tuple(p.restricted(lambda x, n: ~B._inside(x, 0.0)) for p in A._patches())
        return tuple(p.restricted(lambda x, n: B._inside(x, 0.0)) for p in A._patches())

    def _faces(self) -> dict[str, tuple[Patch, ...]]:
        A, B = self.first, self.second
        step = 1e-6 * float(np.max(self.sizes))

        def parting(x: Array, n: Any) -> Any:
            """Where the domain lies behind the face and not before it."""
            return self._inside(x - step * n, 0.0) & ~self._inside(x + step * n, 0.0)

        def alone(x: Array, n: Any) -> Any:
            """The same, without the stretches that the first boundary has already."""
            return parting(x, n) & ~(A._inside(x, 1e-9) & ~A._inside(x, -1e-9))

        mine, theirs = A._faces(), B._faces()
        out: dict[str, tuple[Patch, ...]] = {}
        for name, patches in mine.items():
            out[f"{name}#1" if name in theirs else name] = tuple(p.restricted(parting) for p in patches)
        for name, patches in theirs.items():
            sides = [p.flipped() if self.how == "-" else p for p in patches]
            out[f"{name}#2" if name in mine else name] = tuple(p.restricted(alone) for p in sides)
        return {name: patches for name, patches in out.items() if sum(p.extent() for p in patches) > 0}

    def __eq__(self, other: object) -> bool:
        """Combinations are equal if their parts are."""
        return isinstance(other, Combined) and (self.first, self.second, self.how) == (
            other.first,
            other.second,
            other.how,
        )

    def __hash__(self) -> int:
        """Hash of the parts."""
        return hash((type(self), self.first, self.second, self.how))

    def __repr__(self) -> str:
        """The parts."""
        return f"({self.first!r} {self.how} {self.second!r})"
