"""Mixed derivatives of any order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sciopt._errors import ConditionError, OptionError
from sciopt.pde._functions import directions, point_of, shape_of
from sciopt.pde._jump import smooth
from sciopt.pde._routes import along

__all__ = ["derivative"]


def derivative(u: Callable[..., Any], orders: Sequence[int], *, route: str = "auto") -> Callable[..., Any]:
    r"""Return a mixed derivative, :math:`\partial^{k_0 + k_1 + \dots} u / \partial x_0^{k_0} \partial x_1^{k_1} \dots`.

    Parameters
    ----------
    u
        Function of one point x (d,) with a scalar or vector value.
    orders
        Order in each coordinate, time included: ``(2, 1)`` is twice in x[0] and once in x[1].
    route
        As in `partial`.

    Returns
    -------
    callable
        x -> the derivative, of the shape of u(x).

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> float(derivative(lambda x: x[0] ** 3 * x[1] ** 2, (2, 1))(jnp.array([2.0, 3.0])))
    72.0
    """
    wanted = tuple(orders)
    if not all(isinstance(k, int) and not isinstance(k, bool) and k >= 0 for k in wanted):
        raise OptionError(f"derivative: orders must be integers of at least 0, got {orders!r}")

    def at(x: Any) -> Any:
        p = point_of(x, "derivative")
        if len(wanted) != p.shape[0]:
            raise ConditionError(f"derivative: orders {wanted} are for {len(wanted)} coordinates, x has {p.shape[0]}")
        shape_of(u, p, "derivative")
        f = smooth(u, p)
        # the highest order innermost: it is the one that a Taylor series serves
        for i in sorted((i for i, k in enumerate(wanted) if k), key=lambda i: -wanted[i]):
            f = _along(f, directions(p, (i,))[0], wanted[i], route)
        return f(p)

    at.__name__ = "derivative"
    return at


def _along(f: Callable[..., Any], v: Any, order: int, route: str) -> Callable[..., Any]:
    return lambda x: along(f, x, v, order, route)
