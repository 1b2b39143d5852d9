"""Shared by the operators: the shape of a function at a point, its coordinates of space, checks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from sciopt._errors import ConditionError, OptionError
from sciopt.pde._context import domain_of

__all__ = ["directions", "name_of", "place_of", "point_of", "shape_of", "spatial"]


def point_of(x: Any, operator: str) -> Any:
    """Return x as one point (d,) of floats, or say what is wrong with it."""
    a = jnp.asarray(x)
    if a.ndim != 1:
        raise ConditionError(
            f"{operator} acts at one point x of shape (d,), got shape {a.shape}; conditions are written for one point"
        )
    if jnp.issubdtype(a.dtype, jnp.complexfloating):
        raise ConditionError(f"{operator}: the point x must be real, got dtype {a.dtype}")
    return a if jnp.issubdtype(a.dtype, jnp.floating) else a.astype(float)


def shape_of(u: Callable[..., Any], x: Any, operator: str, most: int = 1) -> tuple[int, ...]:
    """Return the shape of u(x): () or (m,), up to ``most`` axes."""
    if not callable(u):
        raise ConditionError(f"{operator} needs a function of a point, got {type(u).__name__}; write {operator}(u)(x)")
    shape = jax.eval_shape(lambda p: jnp.asarray(u(p)), x).shape
    if len(shape) > most:
        kind = "a scalar or a vector" if most else "a scalar"
        raise ConditionError(
            f"{operator} needs a function that is {kind} at a point, but {name_of(u)}(x) has shape {shape}"
        )
    return shape


def name_of(u: Any) -> str:
    """Return how to call a function in a message."""
    name = getattr(u, "__name__", "")
    return name if name and name != "<lambda>" else "u"


def spatial(u: Any, x: Any) -> tuple[int, ...]:
    """Places of the coordinates of space at the point x: all, but for time in a product with time."""
    domain = domain_of(u)
    if domain is None:
        return tuple(range(x.shape[0]))
    if domain.dim != x.shape[0]:
        raise ConditionError(f"the point x has {x.shape[0]} coordinates, the domain {domain!r} has {domain.dim}")
    return domain.space


def place_of(u: Any, axis: str | int, x: Any, operator: str) -> int:
    """Place of a coordinate given by name or number."""
    domain = domain_of(u)
    if domain is not None:
        try:
            return domain.axis(axis)
        except OptionError as error:
            raise ConditionError(f"{operator}: {error}") from error
    d = x.shape[0]
    if isinstance(axis, str):
        raise ConditionError(
            f"{operator}: coordinate {axis!r} has a name only in a condition on a domain; give its place"
        )
    if not isinstance(axis, int) or isinstance(axis, bool) or not -d <= axis < d:
        raise ConditionError(f"{operator}: there is no coordinate {axis!r} at a point of {d} coordinates")
    return axis % d


def directions(x: Any, places: tuple[int, ...]) -> Any:
    """Unit vectors along the coordinates, shape (len(places), d)."""
    return jnp.eye(x.shape[0], dtype=x.dtype)[jnp.array(places, dtype=int)] if places else jnp.zeros((0, x.shape[0]))
