"""Functions of time and space that are a tensor basis on each of many time slabs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from sciopt._errors import OptionError
from sciopt.models.axes import Axis, ChebyshevAxis, SplineAxis, local_spline
from sciopt.models.base import Model
from sciopt.models.tensor import TensorBasis

__all__ = ["Piecewise"]


class Piecewise(Model):
    """Tensor bases on consecutive slabs of coordinate 0; a point belongs to the slab that its time falls into.

    Sizes may differ from slab to slab: coefficients are padded with zeros and knots with repeated ends, so that one
    compiled evaluation serves all slabs.

    Attributes
    ----------
    coefficients
        Array (slabs, m, sizes...).
    breaks
        Ends of the slabs, (slabs + 1,).
    """

    coefficients: Any
    breaks: Any
    knots: tuple[Any, ...]  # for each further coordinate: (slabs, knots) or an empty array
    axes: tuple[Axis, ...] = eqx.field(static=True)  # of the largest slab
    scalar: bool = eqx.field(static=True)

    @staticmethod
    def of(parts: Sequence[TensorBasis]) -> Piecewise:
        """Join consecutive slabs; `OptionError` if they do not fit together."""
        if not parts:
            raise OptionError("Piecewise needs one slab at least")
        times = [part.axes[0] for part in parts]
        for a, b in pairwise(times):
            if abs(a.high - b.low) > 1e-9 * (b.high - a.low):
                raise OptionError(f"Piecewise: a slab ends at {a.high:g}, the next begins at {b.low:g}")
        if not all(isinstance(t, ChebyshevAxis) for t in times):
            raise OptionError("Piecewise: coordinate 0 needs a Chebyshev basis on every slab")
        d = len(parts[0].axes)
        axes = tuple(max((part.axes[i] for part in parts), key=lambda a: a.size) for i in range(d))
        rows = []
        for part in parts:
            c = np.asarray(part.coefficients, float)
            c = c[None] if part.scalar else c
            for i, axis in enumerate(part.axes, 1):
                if (
                    isinstance(axis, SplineAxis) and axis.periodic
                ):  # unfolded: the first coefficients once more at the end
                    c = np.concatenate([c, np.take(c, range(axis.degree), axis=i)], axis=i)
            rows.append(c)
        shape = np.max([c.shape for c in rows], axis=0)
        rows = [np.pad(c, [(0, a - b) for a, b in zip(shape, c.shape, strict=True)]) for c in rows]
        knots: list[Any] = []
        for i, axis in enumerate(axes):
            if isinstance(axis, SplineAxis):
                knots.append(np.stack([_padded(part.axes[i], axis) for part in parts]))
            else:
                knots.append(np.zeros((len(parts), 0)))
        breaks = np.array([times[0].low, *(t.high for t in times)])
        return Piecewise(np.stack(rows), breaks, tuple(knots), axes, parts[0].scalar)

    def evaluate(self, x: Any) -> Any:
        """Return the value at one point x of shape (d,)."""
        x = jnp.atleast_1d(x)
        breaks = jnp.asarray(self.breaks)
        k = jnp.clip(jnp.searchsorted(breaks, x[0], side="right") - 1, 0, breaks.shape[0] - 2)
        low, high = breaks[k], breaks[k + 1]
        time = self.axes[0]
        inside = time.low + (x[0] - low) * ((time.high - time.low) / (high - low))
        c = jnp.asarray(self.coefficients)[k]
        c = time.contract(inside, jnp.moveaxis(c, 1, 0))
        for i, axis in enumerate(self.axes[1:], 1):
            c = jnp.moveaxis(c, 1, 0)
            if not isinstance(axis, SplineAxis):
                c = axis.contract(x[i], c)
                continue
            place = x[i]
            if axis.periodic:
                place = axis.low + jnp.mod(place - axis.low, axis.high - axis.low)
            c = local_spline(place, jnp.asarray(self.knots[i])[k], c, axis.degree)
        return c[0] if self.scalar else c


def _padded(axis: Any, largest: SplineAxis) -> np.ndarray:
    return np.pad(axis.knots, (0, len(largest.knots) - len(axis.knots)), mode="edge")
