"""Laplacian in space."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sciopt.pde._functions import directions, point_of, shape_of, spatial
from sciopt.pde._jump import smooth
from sciopt.pde._routes import second_sum

__all__ = ["laplacian"]


def laplacian(u: Callable[..., Any], *, route: str = "auto") -> Callable[..., Any]:
    r"""Return the Laplacian in space, :math:`\nabla^2 u = \sum_i \partial_i^2 u`.

    Parameters
    ----------
    u
        Function of one point x (d,) with a scalar or vector (m,) value, real or complex.
    route
        ``"forward"`` (value, first derivatives and their sum of second derivatives propagated together, once),
        ``"nested"`` (a forward derivative of a forward derivative for each coordinate), or ``"auto"``.

    Returns
    -------
    callable
        x -> the Laplacian, of the shape of u(x); on a product with time, time is left out.

    Notes
    -----
    The forward route is the forward Laplacian of Li et al. (arXiv 2307.08214), a collapsed Taylor mode.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> float(laplacian(lambda x: x[0] ** 2 * x[1])(jnp.array([3.0, 5.0])))
    10.0
    """

    def at(x: Any) -> Any:
        p = point_of(x, "laplacian")
        shape_of(u, p, "laplacian")
        return second_sum(smooth(u, p), p, directions(p, spatial(u, p)), route)

    at.__name__ = "laplacian"
    return at
