"""Prescribed values on a boundary."""

from __future__ import annotations

from typing import Any

from sciopt.condition import Condition
from sciopt.pde._rows import Row, Value, made

__all__ = ["dirichlet"]


class _Dirichlet(Row):
    owner = "dirichlet"

    def row(self, u: Any, x: Any, *rest: Any) -> Any:
        return self.difference(u(x), self.options["value"], x)


def dirichlet(
    points: Any,
    value: Any = 0.0,
    *,
    unknown: str = "u",
    component: int | None = None,
    weight: float = 1.0,
    name: str = "",
) -> Condition:
    r"""Return the condition :math:`u = g` on points of a boundary.

    Parameters
    ----------
    points
        Points such as ``domain.boundary(200, "x-")``.
    value
        Number, vector (for a vector unknown) or function g(x) of one point, in the unit of u.
    unknown
        Name of the function among the unknowns, if they are a dict.
    component
        Which component of a vector unknown; all by default.
    weight
        Weight of the mean square of the rows.
    name
        Name in reports; ``dirichlet(x-)`` and the like by default.

    Raises
    ------
    OptionError, DataError, ConditionError
        No points of a domain; a value that is not finite, complex for a real unknown, or of the wrong shape.

    Examples
    --------
    >>> from sciopt.pde import Box
    >>> dirichlet(Box((0, 1), (0, 1)).boundary(20, "x-"), 1.0).name
    'dirichlet(x-)'
    """
    return made(_Dirichlet(unknown, component, value=Value(value, name or "dirichlet")), points, name, weight)
