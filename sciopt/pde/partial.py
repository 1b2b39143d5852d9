"""Derivatives along one coordinate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sciopt._errors import OptionError
from sciopt.pde._functions import directions, place_of, point_of, shape_of
from sciopt.pde._jump import smooth
from sciopt.pde._routes import along

__all__ = ["partial"]


def partial(u: Callable[..., Any], axis: str | int, order: int = 1, *, route: str = "auto") -> Callable[..., Any]:
    r"""Return a derivative along one coordinate, :math:`\partial^k u / \partial x_i^k`.

    Parameters
    ----------
    u
        Function of one point x (d,) with a scalar or vector value.
    axis
        Coordinate: its place, or in a condition on a domain its name.
    order
        Order k of the derivative, at least 1.
    route
        ``"nested"`` (forward derivatives of each other), ``"taylor"`` (one truncated Taylor series), or ``"auto"``:
        the faster one for the order.

    Returns
    -------
    callable
        x -> the derivative, of the shape of u(x).

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> float(partial(lambda x: x[0] ** 4, 0, 3)(jnp.array([2.0, 1.0])))
    48.0
    """
    if isinstance(order, bool) or not isinstance(order, int) or order < 1:
        raise OptionError(f"partial: order must be an integer of at least 1, got {order!r}")

    def at(x: Any) -> Any:
        p = point_of(x, "partial")
        shape_of(u, p, "partial")
        i = place_of(u, axis, p, "partial")
        return along(smooth(u, p), p, directions(p, (i,))[0], order, route)

    at.__name__ = "partial"
    return at
