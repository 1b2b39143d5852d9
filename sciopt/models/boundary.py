"""Boundary values kept exactly by the form of the ansatz."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from sciopt._errors import OptionError
from sciopt.models.base import Constant, Model, bounds_of, scaled

__all__ = ["Constrained", "constrained"]


class Constrained(Model):
    """``values(x) + distance(x) * body(x)``: equal to ``values`` wherever the distance vanishes."""

    body: Any
    distance: Any = eqx.field(static=True)
    values: Any = eqx.field(static=True)

    def evaluate(self, x: Any) -> Any:
        """Return the value at one point x of shape (d,)."""
        z = self.distance(x) * self.body(x)
        return z if self.values is None else self.values(x) + z


class _BoxDistance:
    """Product of ``1 - s`` and ``1 + s`` over the chosen faces of a box, s = x scaled to [-1, 1]."""

    def __init__(self, sides: np.ndarray, faces: tuple[tuple[int, str], ...]) -> None:
        self.bounds, self.faces = Constant(sides), faces

    def __call__(self, x: Any) -> Any:
        s = scaled(jnp.atleast_1d(x), self.bounds)
        product = 1.0
        for i, end in self.faces:
            product = product * (1.0 + s[i] if end == "lower" else 1.0 - s[i])
        return product

    def __hash__(self) -> int:
        return hash((self.bounds, self.faces))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _BoxDistance) and (self.bounds, self.faces) == (other.bounds, other.faces)


def constrained(
    body: Any,
    distance: Any,
    values: Callable[[Any], Any] | None = None,
    faces: Sequence[tuple[int, str]] | None = None,
) -> Constrained:
    r"""Return the ansatz :math:`g(x) + \varphi(x)\,N(x)`, which equals g exactly where :math:`\varphi` vanishes.

    Parameters
    ----------
    body
        The model N.
    distance
        A smooth function of one point that vanishes on the constrained boundary and nowhere inside, or a box domain (or
        pairs (lower, upper)) whose product of distances to the faces is taken.
    values
        The function g of one point, smooth over the whole domain; zero by default.
    faces
        For a box: constrained faces as (coordinate, ``"lower"`` or ``"upper"``); all of them by default.

    Notes
    -----
    Lagaris, Likas and Fotiadis, IEEE Trans. Neural Networks 9 (1998) 987.

    Examples
    --------
    >>> from sciopt.models import mlp
    >>> u = constrained(mlp(2, width=8), [(0, 1), (0, 1)])
    >>> float(u([0.0, 0.4]))
    0.0
    """
    if not callable(distance):
        bounds = getattr(distance, "bounds", distance)
        sides = bounds_of("constrained", bounds, len(np.atleast_2d(np.asarray(bounds, float))))
        every = tuple((i, end) for i in range(len(sides)) for end in ("lower", "upper"))
        chosen = every if faces is None else tuple((int(i), str(end)) for i, end in faces)
        for face in chosen:
            if face not in every:
                raise OptionError(f"constrained: unknown face {face}; faces are (coordinate, 'lower' or 'upper')")
        distance = _BoxDistance(sides, chosen)
    elif faces is not None:
        raise OptionError("constrained: faces= belongs to a box; a distance function says itself where it vanishes")
    if values is not None and not callable(values):
        raise OptionError(f"constrained: values must be a function of one point, got {values!r}")
    return Constrained(body, distance, values)
