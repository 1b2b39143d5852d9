"""Gradient in space."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

from sciopt.pde._functions import directions, point_of, shape_of, spatial
from sciopt.pde._jump import smooth

__all__ = ["grad"]


def grad(u: Callable[..., Any]) -> Callable[..., Any]:
    r"""Return the gradient of a function in space, :math:`\nabla u`.

    Parameters
    ----------
    u
        Function of one point x (d,) with a scalar or vector (m,) value, real or complex.

    Returns
    -------
    callable
        x -> (k,) for a scalar u and (m, k) for a vector, with k the number of coordinates of space: on a product with
        time, coordinate 0 is left out. Its unit is that of u per length.

    Raises
    ------
    ConditionError
        u is no function, or has a matrix value; or a coefficient in u jumps (see `interface`).

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> grad(lambda x: x[0] ** 2 + 3.0 * x[1])(jnp.array([2.0, 1.0])).tolist()
    [4.0, 3.0]
    """

    def at(x: Any) -> Any:
        p = point_of(x, "grad")
        shape_of(u, p, "grad")
        f = smooth(u, p)
        V = directions(p, spatial(u, p))
        return jax.vmap(lambda v: jax.jvp(f, (p,), (v,))[1], out_axes=-1)(V)

    at.__name__ = "grad"
    return at
