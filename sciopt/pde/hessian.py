"""Matrix of second derivatives in space."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

from sciopt.pde._functions import directions, point_of, shape_of, spatial
from sciopt.pde._jump import smooth

__all__ = ["hessian"]


def hessian(u: Callable[..., Any]) -> Callable[..., Any]:
    r"""Return the matrix of second derivatives in space, :math:`\partial_i \partial_j u`.

    Parameters
    ----------
    u
        Function of one point with a scalar or vector (m,) value.

    Returns
    -------
    callable
        x -> (k, k) for a scalar u, (m, k, k) for a vector. For its trace use `laplacian`, which is cheaper.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> hessian(lambda x: x[0] * x[1] ** 2)(jnp.array([1.0, 3.0])).tolist()
    [[0.0, 6.0], [6.0, 2.0]]
    """

    def at(x: Any) -> Any:
        p = point_of(x, "hessian")
        shape_of(u, p, "hessian")
        f = smooth(u, p)
        V = directions(p, spatial(u, p))

        def first(q: Any) -> Any:
            return jax.vmap(lambda v: jax.jvp(f, (q,), (v,))[1], out_axes=-1)(V)

        return jax.vmap(lambda v: jax.jvp(first, (p,), (v,))[1], out_axes=-1)(V)

    at.__name__ = "hessian"
    return at
