"""Random Fourier features: a perceptron of sines and cosines of random projections."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from sciopt._errors import OptionError
from sciopt.models.base import Constant, Model, bounds_of, generator, scaled, whole
from sciopt.models.perceptron import MLP, mlp

__all__ = ["FourierFeatures", "fourier_features"]


class FourierFeatures(Model):
    """A perceptron of ``[cos(B z), sin(B z)]`` with fixed frequencies B (features, d); z = x scaled to [-1, 1]."""

    body: MLP
    frequencies: Constant = eqx.field(static=True)
    bounds: Constant = eqx.field(static=True)

    def evaluate(self, x: Any) -> Any:
        """Return the value at one point x of shape (d,)."""
        phase = self.frequencies.value @ scaled(jnp.atleast_1d(x), self.bounds)
        return self.body.evaluate(jnp.concatenate([jnp.cos(phase), jnp.sin(phase)]))


def fourier_features(
    inputs: int,
    *,
    features: int = 20,
    bandwidth: float = 2.0,
    width: int = 20,
    depth: int = 2,
    outputs: int | None = None,
    activation: Any = "tanh",
    domain: Any = None,
    key: int = 0,
) -> FourierFeatures:
    """Return a perceptron of random Fourier features: frequencies normal with deviation ``bandwidth`` on [-1, 1]^d.

    Parameters
    ----------
    inputs, width, depth, outputs, activation, domain, key
        As in `mlp`.
    features
        Number of random frequencies; each gives a cosine and a sine.
    bandwidth
        Standard deviation of the frequencies, radians per unit of the scaled coordinate; positive.

    Notes
    -----
    Rahimi and Recht, NeurIPS 2007; Tancik et al., arXiv 2006.10739.

    Examples
    --------
    >>> fourier_features(2, features=4, width=8)([0.0, 0.0]).shape
    ()
    """
    d, count = whole("fourier_features", "inputs", inputs), whole("fourier_features", "features", features)
    if not (np.isfinite(bandwidth) and bandwidth > 0):
        raise OptionError(f"fourier_features: bandwidth must be positive, got {bandwidth!r}")
    rng = generator("fourier_features", key)
    body = mlp(
        2 * count,
        width=width,
        depth=depth,
        outputs=outputs,
        activation=activation,
        start="glorot",
        key=int(rng.integers(2**31)),
    )
    frequencies = bandwidth * rng.standard_normal((count, d))
    return FourierFeatures(body, Constant(frequencies), Constant(bounds_of("fourier_features", domain, d)))
