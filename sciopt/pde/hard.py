"""Boundary values kept exactly by the form of the ansatz."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp

from sciopt._errors import OptionError
from sciopt.models import constrained
from sciopt.pde._domain import Domain
from sciopt.pde.ball import Ball
from sciopt.pde.box import Box
from sciopt.pde.product import Product

__all__ = ["hard"]


def hard(
    model: Any,
    domain: Domain,
    value: Callable[[Any], Any] | float = 0.0,
    faces: str | Sequence[str] | None = None,
    *,
    initial: bool = False,
) -> Any:
    r"""Return the ansatz :math:`u(x) = g(x) + \varphi(x) N(x)`, equal to g on chosen faces whatever N is.

    Parameters
    ----------
    model
        N, a function of one point with fitted arrays.
    domain
        A box, disk, ball, annulus, or a product of such.
    value
        g, a function of one point that is smooth over the whole domain, or a number.
    faces
        Names of the faces; all of space by default.
    initial
        Hold the first instant too: g is then the initial value there.

    Returns
    -------
    equinox.Module
        The unknown for a `Problem`; no condition is needed on these faces.

    Raises
    ------
    OptionError
        A domain without a smooth function that vanishes on its faces alone, or an unknown face.

    Notes
    -----
    :math:`\varphi` is a product of one factor for each face, such as :math:`(x - a)/(b - a)` and :math:`1 - r^2/R^2`,
    all of them between 0 and 1. Lagaris, Likas and Fotiadis (1998), IEEE Trans. Neural Networks 9, 987.

    Examples
    --------
    >>> import sciopt as so
    >>> square = so.pde.Box((0, 1), (0, 1))
    >>> u = hard(so.models.mlp(2, width=8), square, 3.0)
    >>> float(u([0.0, 0.4]))
    3.0
    """
    chosen = domain.faces if faces is None else domain._known((faces,) if isinstance(faces, str) else tuple(faces))
    if initial:
        chosen = (*chosen, domain._time_face("-"))
    factors = _factors(domain, 0)
    for face in chosen:
        if face not in factors:
            raise OptionError(
                f"hard: no smooth function is known that vanishes on the face {face!r} of {domain!r} alone; use dirichlet, "
                "or so.models.constrained with a function of your own"
            )
    distance = _Product(domain, tuple(dict.fromkeys(chosen)))
    values = None if not callable(value) and value == 0 else value if callable(value) else _Number(float(value))
    return constrained(model, distance, values)


def _factors(domain: Domain, at: int) -> dict[str, Callable[[Any], Any]]:
    """Return for each face a function of the point that vanishes there; the coordinates begin at place ``at``."""
    out: dict[str, Callable[[Any], Any]] = {}
    if isinstance(domain, Product):
        return {**_factors(domain.first, at), **_factors(domain.second, at + domain.first.dim)}
    if isinstance(domain, Box):
        for i, (name, (low, high)) in enumerate(zip(domain.names, domain.sides, strict=True)):
            out[f"{name}-"] = lambda x, i=at + i, a=low, s=high - low: (x[i] - a) / s
            out[f"{name}+"] = lambda x, i=at + i, b=high, s=high - low: (b - x[i]) / s
    if isinstance(domain, Ball):
        places, centre = slice(at, at + domain.dim), jnp.asarray(domain.centre)

        def square(x: Any) -> Any:
            return jnp.sum((x[places] - centre) ** 2)

        R, h = domain.radius, domain.hole
        out["outer"] = lambda x: (R**2 - square(x)) / (R**2 - h**2)
        out["inner"] = lambda x: (square(x) - h**2) / (R**2 - h**2)
    return out


class _Product:
    """Product of the factors of some faces; equal if domain and faces are."""

    def __init__(self, domain: Domain, faces: tuple[str, ...]) -> None:
        self.domain, self.faces = domain, faces

    def __call__(self, x: Any) -> Any:
        factors, out = _factors(self.domain, 0), 1.0
        for face in self.faces:
            out = out * factors[face](x)
        return out

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Product) and (self.domain, self.faces) == (other.domain, other.faces)

    def __hash__(self) -> int:
        return hash((self.domain, self.faces))


class _Number:
    """A constant function; equal if the constants are."""

    def __init__(self, value: float) -> None:
        self.value = value

    def __call__(self, x: Any) -> Any:
        return jnp.full((), self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Number) and self.value == other.value

    def __hash__(self) -> int:
        return hash(self.value)
