"""Derivative along a vector of space."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from sciopt._errors import ConditionError
from sciopt.pde._functions import point_of, shape_of, spatial
from sciopt.pde._jump import smooth

__all__ = ["directional"]


def directional(u: Callable[..., Any], v: Any) -> Callable[..., Any]:
    r"""Return the derivative along a vector, :math:`v \cdot \nabla u`, in one forward pass.

    Parameters
    ----------
    u
        Function of one point x (d,) with a scalar or vector value.
    v
        Vector of shape (k,), k the number of coordinates of space, or (d,); or a function x -> vector. It is not
        normalised, and not differentiated.

    Returns
    -------
    callable
        x -> the derivative, of the shape of u(x).

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> float(directional(lambda x: x[0] * x[1], jnp.array([1.0, 1.0]))(jnp.array([2.0, 3.0])))
    5.0
    """

    def at(x: Any) -> Any:
        p = point_of(x, "directional")
        shape_of(u, p, "directional")
        w = jnp.asarray(v(x) if callable(v) else v)
        places = spatial(u, p)
        if w.shape == p.shape:
            full = w
        elif w.shape == (len(places),):
            full = jnp.zeros(p.shape, w.dtype).at[jnp.array(places)].set(w)
        else:
            raise ConditionError(f"directional: the vector has shape {w.shape}; expected ({len(places)},)")
        return jax.jvp(smooth(u, p), (p,), (full.astype(p.dtype),))[1]

    at.__name__ = "directional"
    return at
