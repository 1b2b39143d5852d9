"""The short way for the commonest fit: one numpy model, real independent Gaussian data."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from sciopt._types import Array
from sciopt.condition import split
from sciopt.frames import Frame
from sciopt.linearise.host import TINY, TROUBLE, HostBlock
from sciopt.linearise.work import Work

__all__ = ["Lean"]

TOGETHER = 20_000  # entries of J above which one call for all columns is no faster than one call each


@functools.cache
def _unit(P: int) -> Any:
    return 1j * np.eye(P)


def _fits(z: Any, shape: tuple[int, ...]) -> bool:
    return type(z) is np.ndarray and z.shape == shape


class Lean:
    """Evaluates the rows (model - y) / sigma of a single host condition with nothing in between.

    Gives the same numbers as the general way; anything unusual (another shape or dtype, an exception) makes it step
    aside by returning None.
    """

    __slots__ = ("columns", "function", "index", "name", "scale", "shape", "y")

    def __init__(self, block: HostBlock, spec: Any, frame: Frame) -> None:
        self.index, self.name, self.function = block.index, spec.name, block.condition.function
        self.columns = split(frame.batches[block.index].coords, block.condition.columns)
        self.y, self.shape = np.ascontiguousarray(spec.y), spec.shape
        scale = spec.scale if np.ndim(spec.scale) else float(spec.scale)
        self.scale = None if type(scale) is float and scale == 1.0 else scale

    @staticmethod
    def of(blocks: tuple[Any, ...], specs: list[Any], frame: Frame) -> Lean | None:
        """Return the short way if the problem is of that kind, else None."""
        if len(blocks) != 1 or type(blocks[0]) is not HostBlock or not blocks[0].lean:
            return None
        spec = specs[0]
        plain = (
            spec.gaussian and not spec.complex and spec.keep is None and spec.whitener is None and len(spec.shape) == 1
        )
        return Lean(blocks[0], spec, frame) if plain else None

    def evaluate(self, theta: Array) -> tuple[float, Array, Array] | None:
        """Return (merit, whitened residual, output), or None where the general way is needed."""
        try:
            z = self.function(*self.columns, *theta)
        except TROUBLE:
            return None
        if type(z) is not np.ndarray or z.dtype != np.float64 or z.shape != self.shape:
            return None
        r = z - self.y
        if self.scale is not None:
            r *= self.scale
        return 0.5 * float(r.dot(r)), r, z

    def augmented(self, theta: Array, r: Array, work: Work) -> Array | None:
        """Return the whitened Jacobian with r as a further column, (n, P + 1) in column-major order.

        The Jacobian is by complex step; None where it is not finite or the model returns something unusual.
        """
        P, n = theta.size, self.shape[0]
        A = np.empty((P + 1, n))
        J, A[P] = A[:P], r
        h = TINY * np.abs(theta)
        if not h.all():
            h[h == 0.0] = TINY
        work.columns += P
        together = work.modes.get(("together", self.index))
        with np.errstate(all="ignore"):
            if together is None:
                together = work.modes["together", self.index] = self._agrees(theta, h, J, work)
                good = together or self._one_by_one(theta, h, J)
            else:
                good = self._together(theta, h, J) if together else self._one_by_one(theta, h, J)
        if not good or not math.isfinite(np.add.reduce(J, axis=None)):
            return None
        if self.scale is not None:
            J *= self.scale
        return A.T

    def _one_by_one(self, theta: Array, h: Array, out: Array) -> bool:
        function, columns, shape = self.function, self.columns, self.shape
        moved: Any = theta.astype(complex)
        imaginary = moved.imag
        for j, step in enumerate(h.tolist()):
            imaginary[j] = step
            z: Any = function(*columns, *moved)
            imaginary[j] = 0.0
            if not _fits(z, shape):
                return False
            if z.dtype.kind == "c":
                np.divide(z.imag, step, out[j])
            else:  # the model does not depend on theta_j
                out[j] = 0.0
        return True

    def _together(self, theta: Array, h: Array, out: Array) -> bool:
        """Evaluate all columns in one call: parameter j as a column of P values, the j-th with its step."""
        moved = _unit(theta.size) * h
        moved += theta[:, None]
        z: Any = self.function(*self.columns, *moved[:, :, None])
        if not _fits(z, out.shape) or z.dtype.kind != "c":
            return False
        np.divide(z.imag, h[:, None], out)
        return True

    def _agrees(self, theta: Array, h: Array, J: Array, work: Work) -> bool:
        """Fill J by one call, and tell whether its columns add up to a derivative taken alone.

        They do for a model that works element by element. J v is compared to rounding, for one v of mixed components.
        """
        if J.size > TOGETHER:
            return False
        at, v, alone = work.modes.pop(("direction", self.index), (None, None, None))
        try:
            if not self._together(theta, h, J):
                return False
            if at is None or not np.array_equal(at, theta):
                v = h / TINY * (1.0 + np.modf(0.618033988749895 * np.arange(1, h.size + 1))[0])
                work.columns += 1
                z = self.function(*self.columns, *(theta + 1j * TINY * v))
                alone = np.imag(z) / TINY
        except Exception:  # a model that branches on a parameter, say, may fail in any way
            return False
        if np.shape(alone) != self.shape:
            return False
        terms = J * v[:, None]
        return bool((np.abs(np.add.reduce(terms, 0) - alone) <= 1e-13 * np.add.reduce(np.abs(terms), 0)).all())
