"""How derivatives of higher order are computed: nested, by a Taylor series, or as a forward sum."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from sciopt._errors import OptionError
from sciopt.pde._forward import forward_sum

__all__ = ["along", "second_sum"]


TAYLOR = (
    5  # order from which one Taylor series is cheaper than nested derivatives (measured: problems/pde/operator_study)
)


def along(f: Callable[..., Any], x: Any, v: Any, order: int, route: str = "auto") -> Any:
    """Return the derivative of that order of f at x along v."""
    if route not in ("auto", "nested", "taylor"):
        raise OptionError(f"unknown route={route!r}; choose 'auto', 'nested' or 'taylor'")
    if route == "taylor" or (route == "auto" and order >= TAYLOR):
        try:
            return _taylor(f, x, v, order)
        except NotImplementedError:  # a primitive without a Taylor rule
            if route == "taylor":
                raise
    g = f
    for _ in range(order):
        g = _pushed(g, v)
    return g(x)


def _pushed(f: Callable[..., Any], v: Any) -> Callable[..., Any]:
    return lambda x: jax.jvp(f, (x,), (v,))[1]


def _taylor(f: Callable[..., Any], x: Any, v: Any, order: int) -> Any:
    """Return the derivative by one truncated Taylor series."""
    from jax.experimental.jet import jet

    series = [v, *(jnp.zeros_like(v) for _ in range(order - 1))]
    return jet(f, (x,), (series,))[1][-1]


def second_sum(f: Callable[..., Any], x: Any, V: Any, route: str = "auto") -> Any:
    """Return the sum over rows v of V of the second derivatives of f at x along v."""
    if route not in ("auto", "nested", "forward"):
        raise OptionError(f"unknown route={route!r}; choose 'auto', 'nested' or 'forward'")
    if len(V) == 1 and route != "forward":  # one direction: two nested derivatives are cheapest
        return along(f, x, V[0], 2, "nested")
    if route == "nested":
        return jnp.sum(jax.vmap(lambda v: along(f, x, v, 2, "nested"))(V), axis=0)
    return forward_sum(f, x, V)
