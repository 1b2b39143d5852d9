"""A model whose inputs and outputs are of the order of one."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from sciopt._errors import OptionError
from sciopt.models import Model
from sciopt.pde._domain import Domain

__all__ = ["Scaled", "scaled"]


class Scaled(Model):
    """``offset + size * body(z)`` with z the point scaled from the domain's box to [-1, 1] in each coordinate."""

    body: Any
    bounds: tuple[tuple[float, float], ...] = eqx.field(static=True)
    size: float | tuple[float, ...] = eqx.field(static=True)
    offset: float | tuple[float, ...] = eqx.field(static=True)

    def evaluate(self, x: Any) -> Any:
        """Return the value at one point."""
        low, high = np.array(self.bounds).T
        z = (jnp.asarray(x) - low) * (2.0 / (high - low)) - 1.0
        return jnp.asarray(self.offset) + jnp.asarray(self.size) * self.body(z)


def scaled(model: Any, domain: Domain, size: Any = 1.0, offset: Any = 0.0) -> Scaled:
    r"""Return a model in physical units: :math:`u(x) = u_0 + U\, N(z)`, z in :math:`[-1, 1]^d`.

    A network with weights of the order of one then sees inputs and makes outputs of the order of one, whatever the units
    of the problem: metres and millimetres, seconds and microseconds give the same iterates if the weights of the
    conditions follow the units too (`balanced`).

    Parameters
    ----------
    model
        N; a model that scales its inputs itself is given its domain as [-1, 1]^d.
    domain
        Whose bounding box is scaled.
    size
        U, the typical size of the unknown above u_0: a number, or one for each component.
    offset
        u_0.

    Raises
    ------
    OptionError
        A size that is zero or not finite.

    Examples
    --------
    >>> import sciopt as so
    >>> rod = so.pde.Interval(0, 1e-3)
    >>> temperature = scaled(so.models.mlp(1, width=8), rod, size=50.0, offset=293.0)
    >>> 200 < float(temperature([0.0005])) < 400
    True
    """
    U, u0 = np.asarray(size, float), np.asarray(offset, float)
    if not (np.isfinite(U).all() and U.all() and np.isfinite(u0).all()):
        raise OptionError(f"scaled: size must be finite and not zero and offset finite, got {size!r} and {offset!r}")
    sides = tuple((float(a), float(b)) for a, b in domain.bounds)
    return Scaled(model, sides, _plain(U), _plain(u0))


def _plain(a: Any) -> float | tuple[float, ...]:
    return float(a) if a.ndim == 0 else tuple(map(float, a))
