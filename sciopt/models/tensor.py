"""Tensor products of bases of one coordinate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from scipy.sparse import csr_array

from sciopt._errors import OptionError
from sciopt.models.axes import Axis, SplineAxis, chebyshev, fourier
from sciopt.models.base import Model, bounds_of, whole

__all__ = ["TensorBasis", "tensor_basis"]

DENSE = 300  # up to that many functions dense linear algebra is faster than sparse bookkeeping


class TensorBasis(Model):
    r"""Linear ansatz :math:`u(x) = \sum c_{k_1 \dots k_d} \prod_i \varphi^{(i)}_{k_i}(x_i)`.

    Attributes
    ----------
    coefficients
        Array (size_1, ..., size_d), or (m, size_1, ..., size_d) for m components.
    axes
        Basis of each coordinate.
    """

    coefficients: Any
    axes: tuple[Axis, ...] = eqx.field(static=True)
    scalar: bool = eqx.field(static=True)

    linear_ansatz = True

    @property
    def size(self) -> int:
        """Number of basis functions."""
        return int(np.prod([axis.size for axis in self.axes]))

    @property
    def sparse(self) -> bool:
        """Whether most basis functions vanish at a point."""
        return any(isinstance(axis, SplineAxis) for axis in self.axes) and self.size > DENSE

    def evaluate(self, x: Any) -> Any:
        """Return the value at one point x of shape (d,)."""
        x = jnp.atleast_1d(x)
        c = jnp.asarray(self.coefficients)
        c = c[None] if self.scalar else c
        for i, axis in enumerate(self.axes):
            c = axis.contract(x[i], jnp.moveaxis(c, 1, 0))
        return c[0] if self.scalar else c

    def features(self, points: Any, orders: Sequence[int] | None = None) -> np.ndarray:
        """Return a mixed derivative of all basis functions at points, on the host.

        Parameters
        ----------
        points
            Array (n, d).
        orders
            Order of the derivative in each coordinate; zeros by default.

        Returns
        -------
        ndarray
            Shape (n, size), coefficients in C order.
        """
        points = np.asarray(points, float).reshape(-1, len(self.axes))
        orders = (0,) * len(self.axes) if orders is None else tuple(orders)
        out = self.axes[0].matrix(points[:, 0], orders[0])
        for i, axis in enumerate(self.axes[1:], 1):
            out = (out[:, :, None] * axis.matrix(points[:, i], orders[i])[:, None, :]).reshape(len(points), -1)
        return out

    def sparse_features(self, points: Any, orders: Sequence[int] | None = None) -> Any:
        """Return `features` in compressed sparse rows."""
        points = np.asarray(points, float).reshape(-1, len(self.axes))
        orders = (0,) * len(self.axes) if orders is None else tuple(orders)
        out = self.axes[0].sparse(points[:, 0], orders[0])
        for i, axis in enumerate(self.axes[1:], 1):
            out = _row_product(out, axis.sparse(points[:, i], orders[i]))
        return out


def _row_product(a: Any, b: Any) -> Any:
    """Return the products of all pairs of entries within each row of two sparse matrices."""
    na, nb = np.diff(a.indptr), np.diff(b.indptr)
    rows = np.repeat(np.arange(a.shape[0]), na * nb)
    start = np.concatenate([[0], np.cumsum(na * nb)])
    within = np.arange(start[-1]) - start[rows]
    first = a.indptr[rows] + within // np.maximum(nb[rows], 1)
    second = b.indptr[rows] + within % np.maximum(nb[rows], 1)
    columns = a.indices[first].astype(np.int64) * b.shape[1] + b.indices[second]
    return csr_array((a.data[first] * b.data[second], columns, start), shape=(a.shape[0], a.shape[1] * b.shape[1]))


def tensor_basis(
    domain: Any,
    sizes: int | Sequence[int] = 16,
    *,
    outputs: int | None = None,
    periodic: Sequence[bool] | None = None,
    axes: Sequence[Axis] | None = None,
) -> TensorBasis:
    """Return a tensor basis with zero coefficients: Chebyshev polynomials, Fourier waves where a coordinate is periodic.

    Parameters
    ----------
    domain
        A box domain with ``bounds`` (and ``periodic``), or d pairs (lower, upper).
    sizes
        Functions in each coordinate, one number for all or one each; odd in periodic coordinates (raised by one if not).
    outputs
        None for a scalar function, else the number m of components.
    periodic
        Which coordinates are periodic; the domain's own by default.
    axes
        Bases of the coordinates in place of the above, see `chebyshev`, `fourier`, `spline`.

    Raises
    ------
    OptionError
        Sizes, bounds or axes that do not fit together.

    Notes
    -----
    The unknown coefficients enter linearly: conditions that are linear in the function make a linear least-squares
    problem, solved by one column-pivoted QR factorisation. Trefethen, Spectral Methods in MATLAB (2000).

    Examples
    --------
    >>> tensor_basis([(0, 1), (0, 2)], 5).coefficients.shape
    (5, 5)
    """
    if axes is not None:
        chosen = tuple(axes)
        if not chosen or not all(isinstance(a, Axis) for a in chosen):
            raise OptionError("tensor_basis: axes must be bases of one coordinate (chebyshev, fourier, spline)")
    else:
        sides = np.atleast_2d(np.asarray(getattr(domain, "bounds", domain), float))
        sides = bounds_of("tensor_basis", sides, len(sides))
        d = len(sides)
        flags = getattr(domain, "periodic", None) if periodic is None else periodic
        flags = np.broadcast_to(np.asarray(False if flags is None else flags, bool), (d,))
        counts = [sizes] * d if isinstance(sizes, (int, np.integer)) else list(sizes)
        if len(counts) != d:
            raise OptionError(f"tensor_basis: {len(counts)} sizes for {d} coordinates")
        counts = [whole("tensor_basis", "sizes", n) for n in counts]
        chosen = tuple(
            fourier(low, high, n + (n % 2 == 0)) if wraps else chebyshev(low, high, n)
            for (low, high), n, wraps in zip(sides, counts, flags, strict=True)
        )
    m = None if outputs is None else whole("tensor_basis", "outputs", outputs)
    shape = tuple(a.size for a in chosen)
    return TensorBasis(np.zeros(shape if m is None else (m, *shape)), chosen, m is None)
