"""Integrals of the unknown over a domain or its boundary."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp

from sciopt._errors import OptionError
from sciopt.condition import Condition
from sciopt.pde._rows import Row, Value
from sciopt.pde.collocation import Collocation

__all__ = ["integral"]


class _Integral(Row):
    owner = "integral"
    extra = ("w",)

    def row(self, u: Any, x: Any, *rest: Any) -> Any:
        quantity = self.options["quantity"]
        f = u if quantity is None else quantity(u)
        z = jax.vmap(lambda p: jnp.asarray(f(p)))(x)
        value = self.options["value"].at(x[0])
        return jnp.atleast_1d((jnp.tensordot(rest[0], z, 1) - value) / self.options["size"])


def integral(
    points: Any,
    value: Any = 0.0,
    *,
    quantity: Callable[..., Any] | None = None,
    unknown: str = "u",
    component: int | None = None,
    weight: float = 1.0,
    name: str = "integral",
) -> Condition:
    r"""Return the condition :math:`\int f(u)\, dx = c`, one row (or one for each component), divided by the measure.

    Parameters
    ----------
    points
        Quadrature points, ``domain.interior(400, "gauss")`` or ``domain.boundary(80, rule="gauss")``; other rules give the
        mean over the points.
    value
        c, a number or vector.
    quantity
        The integrand: a function of u that returns a function of a point; u itself by default.
    unknown, component, weight, name
        As in `dirichlet`.

    Examples
    --------
    >>> from sciopt.pde import Interval
    >>> norm = integral(Interval(0, 1).interior(20, "gauss"), 1.0, quantity=lambda u: lambda x: u(x) ** 2)
    >>> norm.batched
    True
    """
    if not isinstance(points, Collocation):
        raise OptionError(f"integral needs points of a domain, such as domain.interior(400, 'gauss'); got {points!r}")
    if callable(value):
        raise OptionError("integral: the value must be a number or a vector")
    row = _Integral(unknown, component, value=Value(value, name), quantity=quantity, size=float(points.measure))
    return Condition(row, name, replace(points, with_weights=True), weight=weight, batched=True)
