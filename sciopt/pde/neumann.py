"""Prescribed normal derivatives on a boundary."""

from __future__ import annotations

from typing import Any

from sciopt.condition import Condition
from sciopt.pde._rows import Row, Value, made, on_faces
from sciopt.pde.directional import directional

__all__ = ["neumann"]


class _Neumann(Row):
    owner = "neumann"
    extra = ("n",)

    def row(self, u: Any, x: Any, *rest: Any) -> Any:
        slope = self.options["coefficient"].at(x) * directional(u, rest[0])(x)
        return self.difference(slope, self.options["value"], x)


def neumann(
    points: Any,
    value: Any = 0.0,
    *,
    coefficient: Any = 1.0,
    unknown: str = "u",
    component: int | None = None,
    weight: float = 1.0,
    name: str = "",
) -> Condition:
    r"""Return the condition :math:`k\, n \cdot \nabla u = g` on points of a boundary, with n the **outward** unit normal.

    Parameters
    ----------
    points
        Points such as ``domain.boundary(200, "x+")``.
    value
        g: number, vector or function of one point; in the unit of k u per length.
    coefficient
        k: number or function of one point.
    unknown, component, weight, name
        As in `dirichlet`.

    Notes
    -----
    The sign: g > 0 means that u grows towards the outside. With a flux :math:`q = -k \nabla u` (Fourier's and Fick's
    laws), :math:`n \cdot q = -g` leaves the domain, so g is the flux that **enters** it: a heated wall has g > 0, an
    insulated one g = 0. If all boundary conditions are of this kind, u is determined up to a constant only.

    Examples
    --------
    >>> from sciopt.pde import Interval
    >>> neumann(Interval(0, 1).boundary(1, "x+"), 2.0).name
    'neumann(x+)'
    """
    owner = name or "neumann"
    row = _Neumann(unknown, component, value=Value(value, owner), coefficient=Value(coefficient, owner))
    return made(row, on_faces(points, "neumann"), name, weight)
