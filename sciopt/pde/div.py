"""Divergence in space."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from sciopt._errors import ConditionError
from sciopt.pde._functions import directions, name_of, point_of, shape_of, spatial
from sciopt.pde._jump import smooth

__all__ = ["div"]


def div(F: Callable[..., Any]) -> Callable[..., Any]:
    r"""Return the divergence of a vector or tensor field in space, :math:`\nabla \cdot F`.

    Parameters
    ----------
    F
        Function of one point x with value (k,), k the number of coordinates of space; or (m, k): one divergence for
        each row. A flux is ``lambda x: D(x) * so.pde.grad(u)(x)``.

    Returns
    -------
    callable
        x -> scalar, or (m,).

    Raises
    ------
    ConditionError
        F has another number of components; or a coefficient in it jumps: the flux is then continuous, not its parts
        (see `interface`).

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> float(div(lambda x: x**2)(jnp.array([1.0, 2.0])))
    6.0
    """

    def at(x: Any) -> Any:
        p = point_of(x, "div")
        places = spatial(F, p)
        shape = shape_of(F, p, "div", most=2)
        if not shape or shape[-1] != len(places):
            raise ConditionError(
                f"div needs a field of {len(places)} components (one for each coordinate of space), "
                f"but {name_of(F)}(x) has shape {shape}"
            )
        f = smooth(F, p)
        V = directions(p, places)
        rows = jax.vmap(lambda v: jax.jvp(f, (p,), (v,))[1])(V)  # (k, ..., k)
        return jnp.trace(rows, axis1=0, axis2=-1)

    at.__name__ = "div"
    return at
