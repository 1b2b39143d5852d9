"""Networks of sines with the start that keeps their activations spread."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from sciopt._errors import OptionError
from sciopt.models.base import Constant, Model, bounds_of, generator, scaled, whole

__all__ = ["Siren", "siren"]


class Siren(Model):
    """Layers ``sin(W x + b)``, the frequencies included in W; a linear layer at the end."""

    weights: list[Any]
    offsets: list[Any]
    bounds: Constant = eqx.field(static=True)
    scalar: bool = eqx.field(static=True)

    def evaluate(self, x: Any) -> Any:
        """Return the value at one point x of shape (d,)."""
        z = scaled(jnp.atleast_1d(x), self.bounds)
        for weight, offset in zip(self.weights[:-1], self.offsets[:-1], strict=True):
            z = jnp.sin(weight @ z + offset)
        z = self.weights[-1] @ z + self.offsets[-1]
        return z[0] if self.scalar else z


def siren(
    inputs: int,
    *,
    width: int = 20,
    depth: int = 3,
    frequency: float = 3.0,
    outputs: int | None = None,
    domain: Any = None,
    key: int = 0,
) -> Siren:
    r"""Return a network of sines.

    Parameters
    ----------
    inputs, width, depth, outputs, domain, key
        As in `mlp`.
    frequency
        :math:`\omega_0`: slopes of the first layer are uniform in :math:`\pm\omega_0` on [-1, 1]^d; those of the later
        layers in :math:`\pm\sqrt{6 / n}`, which keeps arguments of unit variance.

    Notes
    -----
    Sitzmann et al., arXiv 2006.09661, with the frequencies multiplied into the weights, so that Gauss-Newton steps see
    them at their true scale.

    Examples
    --------
    >>> siren(1, width=8)([0.3]).shape
    ()
    """
    d, width, depth = whole("siren", "inputs", inputs), whole("siren", "width", width), whole("siren", "depth", depth)
    m = 1 if outputs is None else whole("siren", "outputs", outputs)
    if not (np.isfinite(frequency) and frequency > 0):
        raise OptionError(f"siren: frequency must be positive, got {frequency!r}")
    rng = generator("siren", key)
    weights, offsets, sizes = [], [], (d, *[width] * depth, m)
    for k in range(len(sizes) - 1):
        bound = frequency if k == 0 else np.sqrt(6.0 / sizes[k])
        if k == len(sizes) - 2:
            bound = np.sqrt(6.0 / (sizes[k] + m))
        weights.append(rng.uniform(-bound, bound, (sizes[k + 1], sizes[k])))
        offsets.append(rng.uniform(-np.pi, np.pi, sizes[k + 1]) if k < len(sizes) - 2 else np.zeros(m))
    return Siren(weights, offsets, Constant(bounds_of("siren", domain, d)), outputs is None)
