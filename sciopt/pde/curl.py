"""Curl in space."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from sciopt._errors import ConditionError
from sciopt.pde._functions import directions, name_of, point_of, shape_of, spatial
from sciopt.pde._jump import smooth

__all__ = ["curl"]


def curl(F: Callable[..., Any]) -> Callable[..., Any]:
    r"""Return the curl of a vector field, :math:`\nabla \times F`.

    Parameters
    ----------
    F
        Function of one point with value (3,) in three dimensions of space, (2,) in two.

    Returns
    -------
    callable
        x -> (3,) in three dimensions; in two the scalar :math:`\partial_x F_y - \partial_y F_x`.

    Raises
    ------
    ConditionError
        Space has another number of dimensions, or F another number of components.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> float(curl(lambda x: jnp.array([-x[1], x[0]]))(jnp.array([0.3, 0.4])))
    2.0
    """

    def at(x: Any) -> Any:
        p = point_of(x, "curl")
        places = spatial(F, p)
        shape = shape_of(F, p, "curl")
        if len(places) not in (2, 3):
            raise ConditionError(f"curl needs two or three dimensions of space, there are {len(places)}")
        if shape != (len(places),):
            raise ConditionError(
                f"curl needs a field of {len(places)} components, but {name_of(F)}(x) has shape {shape}"
            )
        f = smooth(F, p)
        D = jax.vmap(lambda v: jax.jvp(f, (p,), (v,))[1])(directions(p, places))  # D[i, j] = d_i F_j
        if len(places) == 2:
            return D[0, 1] - D[1, 0]
        return jnp.stack([D[1, 2] - D[2, 1], D[2, 0] - D[0, 2], D[0, 1] - D[1, 0]])

    at.__name__ = "curl"
    return at
