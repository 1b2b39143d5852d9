r"""The three identities of a flow map, as residuals at one point; all vanish for the exact map.

``X(s, t, x)`` is the map, ``b(t, x)`` the velocity field, ``v(s, t, x)`` the mean velocity, X = x + (t - s) v.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

__all__ = ["eulerian", "lagrangian", "progressive"]


def lagrangian(X: Callable[..., Any], b: Callable[..., Any], s: Any, t: Any, x: Any) -> Any:
    r"""Return :math:`\partial_t X_{s,t}(x) - b_t(X_{s,t}(x))`, shape (d,): the path moves with the field.

    Parameters
    ----------
    X, b
        Map and field.
    s, t, x
        Begin, end and state at the begin (d,).
    """
    one = jnp.ones_like(jnp.asarray(t, dtype=float))
    place, rate = jax.jvp(lambda now: X(s, now, x), (jnp.asarray(t, dtype=float),), (one,))
    return rate - b(t, place)


def eulerian(X: Callable[..., Any], b: Callable[..., Any], s: Any, t: Any, x: Any) -> Any:
    r"""Return :math:`\partial_s X_{s,t}(x) + \nabla X_{s,t}(x)\, b_s(x)`, shape (d,).

    It vanishes because the end does not depend on where along its path a state is picked up.
    """
    one = jnp.ones_like(jnp.asarray(s, dtype=float))
    return jax.jvp(lambda begin, y: X(begin, t, y), (jnp.asarray(s, dtype=float), x), (one, b(s, x)))[1]


def progressive(v: Callable[..., Any], s: Any, u: Any, t: Any, x: Any) -> Any:
    r"""Return :math:`v_{s,t}(x) - \gamma\, v_{s,u}(x) - (1 - \gamma)\, v_{u,t}(X_{s,u}(x))`, :math:`\gamma = (u-s)/(t-s)`.

    The semigroup property :math:`X_{u,t} \circ X_{s,u} = X_{s,t}`, divided by t - s.
    """
    gamma = (u - s) / (t - s)
    first = v(s, u, x)
    return v(s, t, x) - gamma * first - (1.0 - gamma) * v(u, t, x + (u - s) * first)
