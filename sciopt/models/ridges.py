"""Random ridge functions with fitted coefficients."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from numpy.polynomial import polynomial

from sciopt._errors import OptionError
from sciopt.models.base import Constant, Model, bounds_of, generator, scaled, whole

__all__ = ["RandomFeatures", "random_features"]


class RandomFeatures(Model):
    r"""Linear ansatz :math:`u(x) = \sum_k c_k \tanh(w_k \cdot z + b_k) + c_0`, z = x scaled to [-1, 1], w and b fixed.

    Attributes
    ----------
    coefficients
        Array (size,), or (m, size) for m components; the constant comes first.
    slopes, offsets
        Constants (size - 1, d) and (size - 1,).
    """

    coefficients: Any
    slopes: Constant = eqx.field(static=True)
    offsets: Constant = eqx.field(static=True)
    bounds: Constant = eqx.field(static=True)
    scalar: bool = eqx.field(static=True)

    linear_ansatz = True

    @property
    def size(self) -> int:
        """Number of basis functions."""
        return len(self.offsets.value) + 1

    def evaluate(self, x: Any) -> Any:
        """Return the value at one point x of shape (d,)."""
        c = jnp.asarray(self.coefficients)
        ridge = jnp.tanh(self.slopes.value @ scaled(jnp.atleast_1d(x), self.bounds) + self.offsets.value)
        return c[..., 0] + c[..., 1:] @ ridge

    def features(self, points: Any, orders: Sequence[int] | None = None) -> np.ndarray:
        """Return a mixed derivative of all basis functions at points (n, d), shape (n, size), on the host."""
        d = len(self.bounds.value)
        points = np.asarray(points, float).reshape(-1, d)
        orders = (0,) * d if orders is None else tuple(orders)
        z = np.asarray(scaled(points, self.bounds))
        t = np.tanh(z @ self.slopes.value.T + self.offsets.value)
        stretch = 2.0 / (self.bounds.value[:, 1] - self.bounds.value[:, 0])
        factor = np.prod((self.slopes.value * stretch) ** np.asarray(orders), axis=1)
        out = np.empty((len(points), self.size))
        out[:, 0] = float(not any(orders))
        out[:, 1:] = polynomial.polyval(t, _tanh_derivative(sum(orders))) * factor
        return out


@lru_cache
def _tanh_derivative(order: int) -> tuple[float, ...]:
    """Return coefficients c with d^order tanh / dz^order = polynomial c in t = tanh z."""
    c = np.array([0.0, 1.0])
    for _ in range(order):
        c = polynomial.polymul(polynomial.polyder(c), (1.0, 0.0, -1.0))
    return tuple(float(v) for v in c)


def random_features(
    domain: Any,
    size: int = 300,
    *,
    slope: float = 2.0,
    outputs: int | None = None,
    key: int = 0,
) -> RandomFeatures:
    r"""Return tanh ridges with slopes uniform in :math:`\pm R`, each through a uniformly drawn point of the box.

    Parameters
    ----------
    domain
        A domain with ``bounds``, or d pairs (lower, upper): inputs are scaled to [-1, 1]^d.
    size
        Number of functions, a constant included.
    slope
        Largest slope R in scaled coordinates. Too large costs orders of magnitude; without ``unknown=`` it is chosen by
        the held-out residual.
    outputs
        None for a scalar function, else the number m of components.
    key
        Integer; the same key gives the same features, and more of them extend fewer.

    Notes
    -----
    Huang, Zhu and Siew, Neurocomputing 70 (2006) 489 (extreme learning machines); Chen et al., arXiv 2207.13380 (random
    feature method for partial differential equations).

    Examples
    --------
    >>> random_features([(0, 1), (0, 1)], 50).coefficients.shape
    (50,)
    """
    sides = np.atleast_2d(np.asarray(getattr(domain, "bounds", domain), float))
    sides = bounds_of("random_features", sides, len(sides))
    size = whole("random_features", "size", size, 2)
    if not (np.isfinite(slope) and slope > 0):
        raise OptionError(f"random_features: slope must be positive, got {slope!r}")
    rng, d = generator("random_features", key), len(sides)
    draws = rng.uniform(-1.0, 1.0, (size - 1, 2 * d))
    slopes = slope * draws[:, :d]
    offsets = -np.sum(slopes * draws[:, d:], axis=1)
    m = None if outputs is None else whole("random_features", "outputs", outputs)
    shape = (size,) if m is None else (m, size)
    return RandomFeatures(np.zeros(shape), Constant(slopes), Constant(offsets), Constant(sides), m is None)
