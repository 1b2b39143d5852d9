"""Exactly periodic functions: any model of cosines and sines of the periodic coordinates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from sciopt._errors import OptionError
from sciopt.models.base import Constant, Model, bounds_of, whole

__all__ = ["Periodic", "periodic"]


class Periodic(Model):
    """A model of the embedded point: cosines and sines of the periodic coordinates, the others as they are."""

    body: Any
    waves: Constant = eqx.field(static=True)  # 2 pi / period for each coordinate, 0 where it is not periodic
    harmonics: int = eqx.field(static=True)
    bounds: Constant = eqx.field(static=True)

    def evaluate(self, x: Any) -> Any:
        """Return the value at one point x of shape (d,)."""
        return self.body(self.embed(jnp.atleast_1d(x)))

    def embed(self, x: Any) -> Any:
        """Return the embedded point; every entry lies in [-1, 1] on the domain."""
        low, high = self.bounds.value[:, 0], self.bounds.value[:, 1]
        parts = []
        for i, wave in enumerate(self.waves.value):
            if wave == 0.0:
                parts.append((x[i] - 0.5 * (low[i] + high[i])) * (2.0 / (high[i] - low[i])))
                continue
            for k in range(1, self.harmonics + 1):
                phase = k * wave * (x[i] - low[i])
                parts += [jnp.cos(phase), jnp.sin(phase)]
        return jnp.stack(parts)


def periodic(
    build: Callable[[int], Any], domain: Any, periods: Mapping[int, float | None] | None = None, *, harmonics: int = 1
) -> Periodic:
    """Return a model that is periodic, with all its derivatives, in the given coordinates.

    Parameters
    ----------
    build
        ``build(inputs) -> model`` makes the model of the embedded point, such as
        ``lambda n: so.models.mlp(n, width=20, key=0)``.
    domain
        A domain with ``bounds``, or pairs (lower, upper).
    periods
        Coordinate -> period (None: the domain's length there). By default the coordinates that the domain names
        periodic.
    harmonics
        Waves a periodic coordinate.

    Raises
    ------
    OptionError
        No periodic coordinate, one that does not exist, or a period that is not positive.

    Examples
    --------
    >>> from sciopt.models import mlp
    >>> u = periodic(lambda n: mlp(n, width=8), [(0, 1), (-1, 1)], {1: None})
    >>> bool(abs(u([0.3, -1.0]) - u([0.3, 1.0])) < 1e-15)
    True
    """
    sides = np.asarray(getattr(domain, "bounds", domain), float)
    sides = bounds_of("periodic", sides, len(np.atleast_2d(sides)))
    if periods is None:
        flags = np.broadcast_to(np.asarray(getattr(domain, "periodic", False), bool), (len(sides),))
        periods = {int(i): None for i in np.flatnonzero(flags)}
    if not periods:
        raise OptionError("periodic: no coordinate is periodic; give periods={coordinate: length}")
    waves = np.zeros(len(sides))
    for i, length in periods.items():
        if not 0 <= i < len(sides):
            raise OptionError(f"periodic: there is no coordinate {i}; points have {len(sides)}")
        length = sides[i, 1] - sides[i, 0] if length is None else length
        if not (np.isfinite(length) and length > 0):
            raise OptionError(f"periodic: the period of coordinate {i} must be positive, got {length!r}")
        waves[i] = 2.0 * np.pi / length
    count = whole("periodic", "harmonics", harmonics)
    inputs = int(np.sum(waves == 0) + 2 * count * np.sum(waves > 0))
    return Periodic(build(inputs), Constant(waves), count, Constant(sides))
