"""Periodic and Bloch-periodic boundaries as conditions."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from sciopt._errors import ConditionError, OptionError
from sciopt.condition import Condition
from sciopt.pde._domain import Domain
from sciopt.pde._functions import directions
from sciopt.pde._jump import smooth
from sciopt.pde._routes import along
from sciopt.pde._rows import Row, made
from sciopt.pde.collocation import Collocation

__all__ = ["periodic"]


class _Periodic(Row):
    owner = "periodic"

    def row(self, u: Any, x: Any, *rest: Any) -> Any:
        i, length, order, phase = (self.options[k] for k in ("axis", "length", "order", "phase"))
        e = directions(x, (i,))[0]
        there, f = x + length * e, smooth(u, x)
        factor = complex(np.cos(phase), np.sin(phase))
        if abs(factor.imag) < 1e-12:
            factor = factor.real
        elif not jnp.iscomplexobj(f(x)):
            raise ConditionError(f"a Bloch phase of {phase:g} needs a complex unknown, but u(x) is real")
        # derivatives are made comparable with the value by powers of the period
        rows = [
            length**k * (along(f, there, e, k) - factor * along(f, x, e, k)) if k else f(there) - factor * f(x)
            for k in range(order)
        ]
        return jnp.concatenate([jnp.ravel(r) for r in rows])


def periodic(
    domain: Domain,
    axis: str | int,
    n: int = 50,
    *,
    order: int = 2,
    phase: float = 0.0,
    rule: str = "sobol",
    unknown: str = "u",
    component: int | None = None,
    weight: float = 1.0,
    name: str = "",
) -> Condition:
    r"""Return the condition that both ends of a coordinate are the same, up to a Bloch phase.

    :math:`\partial_x^k u(x + L) = e^{i \varphi}\, \partial_x^k u(x)` for k below the order of the equation in x.

    Parameters
    ----------
    domain
        A box, or a product with one.
    axis
        The coordinate, by name or place.
    n
        Number of points of the lower end.
    order
        Order of the equation in this coordinate; derivatives up to order - 1 are matched, each multiplied by
        the length to its power.
    phase
        Bloch phase :math:`\varphi = q L` in radians; other than multiples of pi it needs a complex unknown.
    rule, unknown, component, weight, name
        As in ``domain.boundary`` and `dirichlet`.

    Notes
    -----
    An ansatz that is periodic by itself (``so.models.periodic``, a Fourier basis) needs no such condition.

    Examples
    --------
    >>> from sciopt.pde import Interval
    >>> periodic(Interval(0, 1), "x", 1).name
    'periodic(x)'
    """
    if isinstance(order, bool) or not isinstance(order, int) or order < 1:
        raise OptionError(f"periodic: order must be an integer of at least 1, got {order!r}")
    if not np.isreal(phase) or not np.isfinite(phase):
        raise OptionError(f"periodic: phase must be a finite real number, got {phase!r}")
    i = domain.axis(axis)
    coordinate = domain.names[i]
    if f"{coordinate}-" not in domain._all_faces():
        raise OptionError(f"periodic: {domain!r} has no two faces {coordinate}- and {coordinate}+ that could be joined")
    points = Collocation(domain, (f"{coordinate}-",), n, rule)
    row = _Periodic(unknown, component, axis=i, length=float(domain.sizes[i]), order=order, phase=float(phase))
    return made(row, points, name or f"periodic({coordinate})", weight)
