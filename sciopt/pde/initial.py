"""Prescribed values at the first instant."""

from __future__ import annotations

from typing import Any

from sciopt._errors import OptionError
from sciopt.condition import Condition
from sciopt.pde._rows import Row, Value, made
from sciopt.pde.collocation import Collocation
from sciopt.pde.dt import dt

__all__ = ["initial"]


class _Initial(Row):
    owner = "initial"

    def row(self, u: Any, x: Any, *rest: Any) -> Any:
        order = self.options["order"]
        return self.difference(dt(u, order)(x) if order else u(x), self.options["value"], x)


def initial(
    points: Any,
    value: Any = 0.0,
    *,
    order: int = 0,
    unknown: str = "u",
    component: int | None = None,
    weight: float = 1.0,
    name: str = "",
) -> Condition:
    r"""Return the condition :math:`\partial_t^k u = g` at the first instant.

    Parameters
    ----------
    points
        ``domain.initial(n)``.
    value
        g: number, vector or function of one point x = (t, ...).
    order
        k: 0 for the value; an equation of second order in time needs k = 1 too.
    unknown, component, weight, name
        As in `dirichlet`.

    Examples
    --------
    >>> from sciopt.pde import Interval, Time
    >>> initial((Time(0, 1) * Interval(0, 1)).initial(20), 0.0, order=1).name
    'initial velocity'
    """
    if isinstance(order, bool) or not isinstance(order, int) or order < 0:
        raise OptionError(f"initial: order must be an integer of at least 0, got {order!r}")
    if isinstance(points, Collocation) and not (
        points.domain.has_time and points.face == (points.domain._time_face("-"),)
    ):
        raise OptionError("initial needs points of the first instant: (so.pde.Time(0, 1) * space).initial(n)")
    label = name or ("initial", "initial velocity")[order] if order < 2 or name else f"initial, derivative {order}"
    return made(_Initial(unknown, component, value=Value(value, label), order=order), points, label, weight)
