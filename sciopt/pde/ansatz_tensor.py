"""Tensor bases as an ansatz: which sizes are tried, and from which coefficients each starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sciopt.condition import Condition
from sciopt.models.axes import Axis, ChebyshevAxis, FourierAxis
from sciopt.models.tensor import TensorBasis
from sciopt.pde._domain import Domain
from sciopt.pde.ansatz_points import on_nodes
from sciopt.pde.ansatz_shape import Shape

__all__ = ["Tensor", "tails"]

FIRST = {1: 16, 2: 12, 3: 7}
MOST = {1: 1000, 2: 3600, 3: 5000}  # functions of one component
FLOOR = 3e-16


@dataclass(frozen=True)
class Tensor:
    """Chebyshev polynomials in each coordinate, Fourier waves in periodic ones, on Gauss points."""

    conditions: tuple[Condition, ...]
    shape: Shape
    domain: Domain

    name = "tensor basis"
    why = "the domain is a box of at most three coordinates"

    def start(self) -> tuple[int, ...]:
        """Return the first sizes."""
        return tuple(_odd(FIRST[self.domain.dim], p) for p in self.domain.periodic)

    def label(self, sizes: tuple[int, ...]) -> str:
        """Describe an ansatz."""
        kinds = [f"{'Fourier' if p else 'Chebyshev'} {n}" for n, p in zip(sizes, self.domain.periodic, strict=True)]
        return "tensor basis " + " x ".join(kinds)

    def size(self, sizes: tuple[int, ...]) -> int:
        """Number of functions."""
        return int(np.prod(sizes))

    def made(self, sizes: tuple[int, ...], solved: Any) -> tuple[list[Condition], Any]:
        """Return the conditions on the nodes and the unknown, started from a solution with other sizes."""
        axes = self._axes(sizes)
        nodes = [axis.nodes(axis.size) for axis in axes]
        old = [None] * len(self.shape.outputs) if solved is None else self.shape.functions(solved)

        def build(m: int | None, k: int) -> TensorBasis:
            c = np.zeros(tuple(sizes) if m is None else (m, *sizes))
            last = old[k]
            if isinstance(last, TensorBasis):
                before = np.asarray(last.coefficients)
                common = tuple(slice(0, min(a, b)) for a, b in zip(before.shape, c.shape, strict=True))
                c[common] = before[common]
            return TensorBasis(c, axes, m is None)

        return [on_nodes(c, nodes) for c in self.conditions], self.shape.unknown(build)

    def larger(self, sizes: tuple[int, ...], solved: Any) -> tuple[int, ...] | None:
        """Return the next sizes by the decay of the coefficients in each coordinate, or None at the limit.

        Their rate tells about the size at which rounding is reached, an exponent below 1 because smooth functions decay
        faster than geometrically; a coordinate is left alone while another one decays more slowly by far.
        """
        ends = np.max([tails(f) for f in self.shape.functions(solved)], axis=0)
        worst, new = float(ends.max()), []
        if not np.isfinite(worst) or worst <= FLOOR:
            return None
        for n, end, wraps in zip(sizes, ends, self.domain.periodic, strict=True):
            grown = n
            if end > FLOOR and end >= 0.3 * worst:
                wanted = n * (np.log(FLOOR) / np.log(min(end, 0.5))) ** 0.5
                grown = int(np.ceil(np.clip(wanted, n + 2, 1.7 * n)))
            new.append(_odd(grown, wraps))
        most = MOST[self.domain.dim]
        while np.prod(new) > most:
            k = int(np.argmax(np.array(new) - np.array(sizes)))
            if new[k] - 2 <= sizes[k]:
                return None
            new[k] -= 2
        return tuple(new) if tuple(new) != tuple(sizes) else None

    def hopeless(self, sizes: tuple[int, ...], solved: Any) -> bool:
        """Whether the decay seen so far leaves no hope of single precision within the largest size."""
        if min(sizes) < 18:
            return False
        ends = np.max([tails(f) for f in self.shape.functions(solved)], axis=0)
        needed = [n * np.log(1e-8) / np.log(min(max(e, 1e-16), 0.9)) for n, e in zip(sizes, ends, strict=True)]
        return bool(np.prod(np.maximum(needed, sizes)) > 3 * MOST[self.domain.dim])

    def _axes(self, sizes: Sequence[int]) -> tuple[Axis, ...]:
        sides = zip(self.domain.bounds, sizes, self.domain.periodic, strict=True)
        return tuple((FourierAxis if p else ChebyshevAxis)(float(a), float(b), n) for (a, b), n, p in sides)


def tails(function: TensorBasis) -> np.ndarray:
    """Return, for each coordinate, the largest of its last coefficients relative to the largest of all."""
    c = np.abs(np.asarray(function.coefficients))
    c = c if function.scalar else c.reshape(len(c), *[axis.size for axis in function.axes])
    first = 0 if function.scalar else 1
    if not function.scalar:
        top = c.reshape(len(c), -1).max(axis=1)
        c = c / np.where(top > 0, top, 1.0).reshape(-1, *[1] * (c.ndim - 1))
    largest = c.max()
    if not largest > 0:
        return np.zeros(len(function.axes))
    # odd and even functions have every other coefficient zero: look at the last three
    return np.array(
        [np.take(c, range(-min(3, n), 0), axis=first + i).max() / largest for i, n in enumerate(c.shape[first:])]
    )


def _odd(n: int, wanted: bool) -> int:
    return n + 1 if wanted and n % 2 == 0 else n
