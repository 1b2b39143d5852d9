"""Derivative in time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sciopt._errors import ConditionError, OptionError
from sciopt.pde._context import domain_of
from sciopt.pde._functions import directions, point_of, shape_of
from sciopt.pde._jump import smooth
from sciopt.pde._routes import along

__all__ = ["dt"]


def dt(u: Callable[..., Any], order: int = 1, *, route: str = "auto") -> Callable[..., Any]:
    r"""Return the derivative in time, :math:`\partial^k u / \partial t^k`; time is coordinate 0.

    Parameters
    ----------
    u
        Function of one point x = (t, ...) with a scalar or vector value.
    order
        Order k, at least 1.
    route
        As in `partial`.

    Returns
    -------
    callable
        x -> the derivative, of the shape of u(x).

    Raises
    ------
    ConditionError
        The domain of the condition has no time.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> float(dt(lambda x: x[0] ** 2 * x[1])(jnp.array([3.0, 2.0])))
    12.0
    """
    if isinstance(order, bool) or not isinstance(order, int) or order < 1:
        raise OptionError(f"dt: order must be an integer of at least 1, got {order!r}")

    def at(x: Any) -> Any:
        p = point_of(x, "dt")
        domain = domain_of(u)
        if domain is not None and not domain.has_time:
            raise ConditionError(f"dt: the domain {domain!r} has no time; use partial, or so.pde.Time(0, 1) * domain")
        shape_of(u, p, "dt")
        return along(smooth(u, p), p, directions(p, (0,))[0], order, route)

    at.__name__ = "dt"
    return at
