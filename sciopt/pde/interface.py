"""Two unknowns joined at a jump of a coefficient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from sciopt._errors import OptionError
from sciopt.condition import Condition
from sciopt.pde._rows import Row, Value, made, on_faces
from sciopt.pde.directional import directional

__all__ = ["interface"]


class _Interface(Row):
    owner = "interface"
    extra = ("n",)

    def __call__(self, u: Any, *rest: Any) -> Any:
        v, x, n = rest
        a, b = self._function(u), self._function(v)
        k, m = self.options["inside"].at(x), self.options["outside"].at(x)
        value = self.difference(a(x) - b(x), self.options["jump"], x)
        flux = self.difference(k * directional(a, n)(x) - m * directional(b, n)(x), self.options["flux"], x)
        # in the unit of u: flux times length over coefficient
        flux = self.options["length"] / (0.5 * (jnp.abs(k) + jnp.abs(m))) * flux
        return jnp.concatenate([jnp.ravel(value), jnp.ravel(flux)])


def interface(
    points: Any,
    between: Sequence[str],
    coefficients: Sequence[Any] = (1.0, 1.0),
    *,
    jump: Any = 0.0,
    flux: Any = 0.0,
    component: int | None = None,
    weight: float = 1.0,
    name: str = "",
) -> Condition:
    r"""Return the conditions that join two unknowns across a jump of a coefficient.

    :math:`u_1 - u_2 = j` and :math:`k_1\, n \cdot \nabla u_1 - k_2\, n \cdot \nabla u_2 = f`, with n the outward normal of
    the domain of the points, where :math:`u_1` lives.

    Parameters
    ----------
    points
        Points of the common face, from the domain of the first unknown.
    between
        Names of the two unknowns, ``("u1", "u2")``.
    coefficients
        k1 and k2: numbers or functions of one point.
    jump, flux
        j and f: numbers or functions of one point; 0 = value and flux are continuous.
    component, weight, name
        As in `dirichlet`.

    Notes
    -----
    The derivative of a coefficient that jumps is a delta function, which no point sees. The equation is therefore
    written on each side with its own unknown and coefficient.

    Examples
    --------
    >>> from sciopt.pde import Interval
    >>> interface(Interval(0, 0.5).boundary(1, "x+"), ("u1", "u2"), (1.0, 10.0)).name
    'interface(u1|u2)'
    """
    names, both = tuple(between), tuple(coefficients)
    if len(names) != 2 or names[0] == names[1] or len(both) != 2:
        raise OptionError(
            f"interface joins two different unknowns with two coefficients, got {between!r}, {coefficients!r}"
        )
    owner = name or f"interface({names[0]}|{names[1]})"
    faces = on_faces(points, "interface")
    row = _Interface(
        names,
        component,
        inside=Value(both[0], owner),
        outside=Value(both[1], owner),
        jump=Value(jump, owner),
        flux=Value(flux, owner),
        length=float(max(faces.domain.sizes[list(faces.domain.space)])),
    )
    return made(row, faces, owner, weight)
