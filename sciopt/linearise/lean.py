"""The short way for the commonest fit: one numpy model, real independent Gaussian data."""

from __future__ import annotations

from typing import Any

import numpy as np

from sciopt._types import Array
from sciopt.condition import split
from sciopt.frames import Frame
from sciopt.linearise.host import TINY, TROUBLE, HostBlock
from sciopt.linearise.work import Work

__all__ = ["Lean"]


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
        self.scale = spec.scale if np.ndim(spec.scale) else float(spec.scale)

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
        if type(self.scale) is not float or self.scale != 1.0:
            r *= self.scale
        return 0.5 * float(r.dot(r)), r, z

    def jacobian(self, theta: Array, work: Work) -> Array | None:
        """Return the whitened Jacobian (n, P) by complex step, or None where it is not finite."""
        P, function, columns, shape = theta.size, self.function, self.columns, self.shape
        out, scale = np.empty((P, shape[0])), self.scale
        moved = theta.astype(complex)
        imaginary, divide = moved.imag, np.divide  # pyright: ignore[reportAttributeAccessIssue]
        work.columns += P
        with np.errstate(all="ignore"):
            for j, value in enumerate(theta.tolist()):
                h = TINY * abs(value) or TINY
                imaginary[j] = h
                z: Any = function(*columns, *moved)
                imaginary[j] = 0.0
                if type(z) is not np.ndarray or z.shape != shape:
                    return None
                if z.dtype.kind == "c":
                    divide(z.imag, h, out[j])  # pyright: ignore[reportAttributeAccessIssue]
                else:  # the model does not depend on theta_j
                    out[j] = 0.0
        if type(scale) is not float or scale != 1.0:
            out *= scale
        return out.T if np.isfinite(np.add.reduce(out, axis=None)) else None
