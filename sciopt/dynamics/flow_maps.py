"""Flow maps: a network for the solution operator of a differential equation, from any time to any other."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from sciopt._errors import DataError, OptionError
from sciopt._types import Array
from sciopt.linearise.autodiff import double
from sciopt.models.base import whole
from sciopt.models.perceptron import MLP, mlp

__all__ = ["FlowMap", "flow_map"]


class FlowMap(eqx.Module):
    r"""The map :math:`X_{s,t}(x) = x + (t - s)\,v_{s,t}(x)` with a network v; made by `flow_map`.

    :math:`X_{s,s} = x` holds by construction, and :math:`v_{t,t}` is the velocity field.

    Attributes
    ----------
    net
        Network of (s, t, x), or of (t - s, x) for an autonomous field.
    autonomous
        Whether only t - s matters.
    """

    net: MLP
    autonomous: bool = eqx.field(static=True)

    @property
    def d(self) -> int:
        """Number of components of the state."""
        return len(self.net.offsets[-1])

    def v(self, s: Any, t: Any, x: Any) -> Any:
        """Return the mean velocity from s to t of the path through x (d,) at s; traceable."""
        times = jnp.stack([t - s]) if self.autonomous else jnp.stack([s, t])
        return self.net.evaluate(jnp.concatenate([times, x]))

    def at(self, s: Any, t: Any, x: Any) -> Any:
        """Return the state at t of the path through x (d,) at s; traceable."""
        return x + (t - s) * self.v(s, t, x)

    def __call__(self, x: Any, s: Any, t: Any) -> Array:
        """Return the states at t of the paths through x at s.

        Parameters
        ----------
        x
            States, shape (d,) or (n, d).
        s, t
            Times, numbers or arrays (n,).
        """
        x = np.asarray(x, float)
        if x.ndim not in (1, 2) or x.shape[-1] != self.d:
            raise DataError(f"x has shape {x.shape}; expected ({self.d},) or (n, {self.d})")
        rows = np.atleast_2d(x)
        s, t = (np.broadcast_to(np.asarray(v, float), (len(rows),)) for v in (s, t))
        with double():
            out = np.asarray(_mapped(self, jnp.asarray(rows), jnp.asarray(s), jnp.asarray(t)))
        return out if x.ndim == 2 else out[0]

    def compose(self, x: Any, step: float, count: int, s: float = 0.0) -> Array:
        """Return the states after 0, 1, ..., count steps of one length, shape (count + 1, n, d).

        Parameters
        ----------
        x
            States at s, shape (d,) or (n, d).
        step
            Length of a step in time.
        count
            Number of steps; an autonomous map may go on beyond the times it was fitted on.
        s
            Time at the begin.
        """
        whole("compose", "count", count)
        rows = np.atleast_2d(np.asarray(x, float))
        if rows.shape[-1] != self.d:
            raise DataError(f"x has shape {np.shape(x)}; expected ({self.d},) or (n, {self.d})")
        with double():
            return np.asarray(_composed(self, jnp.asarray(rows), float(step), count, float(s)))


@eqx.filter_jit
def _mapped(model: FlowMap, x: Any, s: Any, t: Any) -> Any:
    return jax.vmap(model.at)(s, t, x)


@eqx.filter_jit
def _composed(model: FlowMap, x: Any, step: Any, count: int, s: Any) -> Any:
    def advance(y: Any, k: Any) -> tuple[Any, Any]:
        now = jnp.zeros(()) if model.autonomous else s + k * step
        new = jax.vmap(lambda row: model.at(now, now + step, row))(y)
        return new, new

    _, states = jax.lax.scan(advance, x, jnp.arange(count))
    return jnp.concatenate([x[None], states])


def flow_map(
    d: int,
    *,
    region: Any,
    times: tuple[float, float] = (0.0, 1.0),
    autonomous: bool = True,
    width: int = 48,
    depth: int = 1,
    activation: Any = "tanh",
    start: str = "auto",
    key: int = 0,
) -> FlowMap:
    """Return an untrained flow map.

    Parameters
    ----------
    d
        Components of the state.
    region
        d pairs (lower, upper): states that the network is scaled to.
    times
        First and last time; an autonomous map covers steps of at most their distance.
    autonomous
        Whether the field does not depend on time.
    width, depth, activation, start, key
        Of the network, see `sciopt.models.mlp`.

    Raises
    ------
    OptionError
        Times that do not increase, or options that the network refuses.

    Examples
    --------
    >>> import numpy as np
    >>> step = flow_map(2, region=[(-1, 1), (-1, 1)])
    >>> bool((step(np.ones(2), 0.3, 0.3) == 1.0).all())
    True

    References
    ----------
    Boffi, Albergo and Vanden-Eijnden, arXiv:2505.18825 (2025).
    """
    d = whole("flow_map", "d", d)
    low, high = (float(v) for v in times)
    if not (np.isfinite([low, high]).all() and low < high):
        raise OptionError(f"flow_map: times must be (first, last) with first < last, got {times!r}")
    span = [(0.0, high - low)] if autonomous else [(low, high), (low, high)]
    sides = np.asarray(getattr(region, "bounds", region), float)
    if sides.shape != (d, 2):
        raise OptionError(f"flow_map: region must be {d} pairs (lower, upper), got shape {sides.shape}")
    net = mlp(
        d + len(span),
        outputs=d,
        width=width,
        depth=depth,
        activation=activation,
        domain=[*span, *sides.tolist()],
        start=start,
        key=key,
    )
    return FlowMap(net, autonomous)
