"""Prescribed combinations of value and normal derivative on a boundary."""

from __future__ import annotations

from typing import Any

from sciopt.condition import Condition
from sciopt.pde._rows import Row, Value, made, on_faces
from sciopt.pde.directional import directional

__all__ = ["robin"]


class _Robin(Row):
    owner = "robin"
    extra = ("n",)

    def row(self, u: Any, x: Any, *rest: Any) -> Any:
        a, b = self.options["a"].at(x), self.options["b"].at(x)
        return self.difference(a * u(x) + b * directional(u, rest[0])(x), self.options["value"], x)


def robin(
    points: Any,
    a: Any,
    b: Any,
    value: Any = 0.0,
    *,
    unknown: str = "u",
    component: int | None = None,
    weight: float = 1.0,
    name: str = "",
) -> Condition:
    r"""Return the condition :math:`a u + b\, n \cdot \nabla u = g`, with n the **outward** unit normal.

    Parameters
    ----------
    points
        Points of a boundary.
    a, b
        Coefficients: numbers or functions of one point.
    value
        g: number, vector or function of one point.
    unknown, component, weight, name
        As in `dirichlet`.

    Notes
    -----
    Cooling by a surrounding at :math:`u_0` with heat transfer h and conductivity k,
    :math:`-k\, n \cdot \nabla u = h (u - u_0)`, is ``robin(points, h, k, h * u0)``.

    Examples
    --------
    >>> from sciopt.pde import Interval
    >>> robin(Interval(0, 1).boundary(2), 1.0, 0.5).name
    'robin(x-,x+)'
    """
    owner = name or "robin"
    row = _Robin(unknown, component, a=Value(a, owner), b=Value(b, owner), value=Value(value, owner))
    return made(row, on_faces(points, "robin"), name, weight)
