"""Polynomials in many coordinates: products of Chebyshev polynomials whose degrees multiply to little."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from sciopt._errors import OptionError
from sciopt.models.axes import ChebyshevAxis
from sciopt.models.base import Constant, Model, bounds_of, whole

__all__ = ["CrossBasis", "cross_basis"]


class CrossBasis(Model):
    r"""Linear ansatz :math:`u(x) = \sum_{k \in K} c_k \prod_i T_{k_i}(z_i)` on a sparse set K of degrees.

    Attributes
    ----------
    coefficients
        Array (size,), or (m, size) for m components.
    degrees
        The set K, a constant (size, d).
    """

    coefficients: Any
    degrees: Constant = eqx.field(static=True)
    bounds: Constant = eqx.field(static=True)
    scalar: bool = eqx.field(static=True)

    linear_ansatz = True

    @property
    def size(self) -> int:
        """Number of basis functions."""
        return len(self.degrees.value)

    @property
    def _axes(self) -> list[ChebyshevAxis]:
        tops = self.degrees.value.max(axis=0).astype(int) + 1
        return [ChebyshevAxis(low, high, n) for (low, high), n in zip(self.bounds.value, tops, strict=True)]

    def evaluate(self, x: Any) -> Any:
        """Return the value at one point x of shape (d,)."""
        x, total = jnp.atleast_1d(x), 1.0
        for i, axis in enumerate(self._axes):
            total = total * _polynomials(axis.scaled(x[i]), axis.size)[self.degrees.value[:, i].astype(int)]
        return jnp.asarray(self.coefficients) @ total

    def features(self, points: Any, orders: Sequence[int] | None = None) -> np.ndarray:
        """Return a mixed derivative of all basis functions at points (n, d), shape (n, size), on the host."""
        d = len(self.bounds.value)
        points = np.asarray(points, float).reshape(-1, d)
        orders = (0,) * d if orders is None else tuple(orders)
        degrees = self.degrees.value.astype(int)
        out = np.ones((len(points), self.size))
        for i, axis in enumerate(self._axes):
            out *= axis.matrix(points[:, i], orders[i])[:, degrees[:, i]]
        return out


def _polynomials(s: Any, n: int) -> Any:
    """Return T_0(s) .. T_{n-1}(s), shape (n,)."""
    if n == 1:
        return jnp.ones_like(s)[None]

    def forth(carry: Any, _: Any) -> Any:
        last, before = carry
        new = 2.0 * s * last - before
        return (new, last), new

    one = jnp.ones_like(s)
    _, rest = jax.lax.scan(forth, (one * s, one), None, length=n - 2)
    return jnp.concatenate([jnp.stack([one, one * s]), rest])


def cross_basis(domain: Any, level: int = 8, *, outputs: int | None = None) -> CrossBasis:
    r"""Return polynomials with degrees k in the hyperbolic cross :math:`\prod_i (k_i + 1) \le \text{level} + 1`.

    Parameters
    ----------
    domain
        A box domain with ``bounds``, or d pairs (lower, upper).
    level
        Highest degree in one coordinate; degrees in several coordinates at once are lower.
    outputs
        None for a scalar function, else the number m of components.

    Raises
    ------
    OptionError
        Bounds or level that make no sense.

    Notes
    -----
    The size grows as level times a power of its logarithm, not as its d-th power; functions whose mixed derivatives are
    bounded lose little. Dung, Temlyakov and Ullrich, Hyperbolic Cross Approximation (2018).

    Examples
    --------
    >>> cross_basis([(0, 1)] * 5, 4).size
    31
    """
    sides = np.atleast_2d(np.asarray(getattr(domain, "bounds", domain), float))
    sides = bounds_of("cross_basis", sides, len(sides))
    level = whole("cross_basis", "level", level)
    degrees: list[tuple[int, ...]] = [()]
    for _ in range(len(sides)):
        degrees = [(*k, j) for k in degrees for j in range((level + 1) // int(np.prod([n + 1 for n in k])))]
        if len(degrees) > 100_000:
            raise OptionError(f"cross_basis: level={level} in {len(sides)} coordinates has over 100,000 functions")
    m = None if outputs is None else whole("cross_basis", "outputs", outputs)
    shape = (len(degrees),) if m is None else (m, len(degrees))
    return CrossBasis(np.zeros(shape), Constant(degrees), Constant(sides), m is None)
