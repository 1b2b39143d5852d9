"""Sums of products of functions of one coordinate."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax.numpy as jnp

from sciopt.models.base import Constant, Model, bounds_of, generator, whole
from sciopt.models.perceptron import MLP, mlp

__all__ = ["Separable", "separable"]


class Separable(Model):
    """``sum over r of c_r prod over i of f_ir(x_i)``, one network f_i for each coordinate."""

    branches: list[MLP]
    mixing: Any  # (m, rank)
    bounds: Constant = eqx.field(static=True)
    scalar: bool = eqx.field(static=True)

    def evaluate(self, x: Any) -> Any:
        """Return the value at one point x of shape (d,)."""
        x = jnp.atleast_1d(x)
        product = 1.0
        for i, branch in enumerate(self.branches):
            product = product * branch.evaluate(x[i : i + 1])
        z = self.mixing @ product
        return z[0] if self.scalar else z


def separable(
    inputs: int,
    *,
    rank: int = 20,
    width: int = 20,
    depth: int = 1,
    outputs: int | None = None,
    activation: Any = "tanh",
    domain: Any = None,
    key: int = 0,
) -> Separable:
    r"""Return :math:`u(x) = \sum_{r=1}^{R} c_r \prod_i f_{ir}(x_i)` with a perceptron f_i for each coordinate.

    Parameters
    ----------
    inputs, width, depth, outputs, activation, domain, key
        As in `mlp`; width and depth are those of each coordinate's network.
    rank
        Number R of products.

    Notes
    -----
    Cho et al., Separable physics-informed neural networks, arXiv 2306.15969.

    Examples
    --------
    >>> separable(3, rank=4, width=6)([0.0, 0.1, 0.2]).shape
    ()
    """
    d, rank = whole("separable", "inputs", inputs), whole("separable", "rank", rank)
    m = 1 if outputs is None else whole("separable", "outputs", outputs)
    rng, sides = generator("separable", key), bounds_of("separable", domain, d)
    branches = [
        mlp(
            1,
            width=width,
            depth=depth,
            outputs=rank,
            activation=activation,
            domain=sides[i : i + 1],
            key=int(rng.integers(2**31)),
        )
        for i in range(d)
    ]
    mixing = rng.standard_normal((m, rank)) / rank**0.5
    return Separable(branches, mixing, Constant(sides), outputs is None)
