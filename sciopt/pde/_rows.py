"""What the ready conditions share: values on points, the function of the unknown, names and checks."""

from __future__ import annotations

import inspect
from typing import Any

import jax.numpy as jnp
import numpy as np

from sciopt._errors import ConditionError, DataError, OptionError
from sciopt.condition import Condition
from sciopt.pde.collocation import Collocation

__all__ = ["Row", "Value", "made", "on_faces"]


class Value:
    """A prescribed value: a number, an array (m,) for a vector unknown, or a function of one point.

    Hashable, so that equal conditions share compiled code.
    """

    __slots__ = ("function", "key", "number")

    def __init__(self, value: Any, owner: str) -> None:
        self.function = value if callable(value) else None
        self.number: Any = None
        if self.function is None:
            a = np.asarray(value)
            if a.dtype.kind not in "iufc" or a.ndim > 1:
                raise OptionError(
                    f"{owner}: the value must be a number, a vector or a function of one point, got {value!r}"
                )
            if not np.isfinite(a).all():
                raise DataError(f"condition {owner!r}: the value {value!r} is not finite")
            self.number = a.astype(complex if a.dtype.kind == "c" else float)
        self.key = self.function if self.function is not None else (self.number.shape, self.number.tobytes())

    @property
    def zero(self) -> bool:
        """Whether the value is the number 0."""
        return self.number is not None and not self.number.any()

    def at(self, x: Any) -> Any:
        """Return the value at a point."""
        return jnp.asarray(self.number if self.function is None else self.function(x))

    def __eq__(self, other: object) -> bool:
        """Whether the values are the same number or the same function."""
        return isinstance(other, Value) and self.key == other.key

    def __hash__(self) -> int:
        """Hash of the number or function."""
        return hash(self.key)


class Row:
    """Base of the functions of ready conditions: callable, hashable by their options, with the unknown as argument.

    Subclasses set ``owner`` and ``options`` and implement ``row(u, x, *rest)``.
    """

    owner = ""
    extra: tuple[str, ...] = ()

    def __init__(self, unknown: str | tuple[str, ...], component: int | None = None, **options: Any) -> None:
        names = (unknown,) if isinstance(unknown, str) else tuple(unknown)
        if not all(isinstance(n, str) and n.isidentifier() for n in names):
            raise OptionError(f"{self.owner}: unknown= must be the name of the unknown, got {unknown!r}")
        self.options = options
        self.component = component
        self._key = (type(self), names, component, tuple(options.items()))
        self.__name__ = self.owner
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        self.__signature__ = inspect.Signature([inspect.Parameter(n, kind) for n in (*names, "x", *self.extra)])

    def row(self, u: Any, x: Any, *rest: Any) -> Any:
        """Return what should vanish at one point."""
        raise NotImplementedError

    def __call__(self, u: Any, x: Any, *rest: Any) -> Any:
        """Return what should vanish at one point."""
        return self.row(self._function(u), x, *rest)

    def _function(self, u: Any) -> Any:
        """Return the unknown, or its chosen component, as a function of a point."""
        if not callable(u):
            kind = f"a dict of {', '.join(map(repr, u))}" if isinstance(u, dict) else type(u).__name__
            raise ConditionError(
                f"{self.owner} needs the unknown as a function of a point, but it is {kind}; name it by unknown="
            )
        if self.component is None:
            return u
        i = self.component

        def part(x: Any) -> Any:
            z = jnp.asarray(u(x))
            if z.ndim != 1 or not -z.shape[0] <= i < z.shape[0]:
                raise ConditionError(f"component={i} needs a vector unknown, but u(x) has shape {z.shape}")
            return z[i]

        return part

    def difference(self, z: Any, value: Value, x: Any) -> Any:
        """Return z - value(x) after a look at shapes and at complex values of a real unknown."""
        wanted = value.at(x)
        if jnp.iscomplexobj(wanted) and not jnp.iscomplexobj(z):
            raise ConditionError(
                "the value is complex, but the unknown is real: give a real value or a complex unknown"
            )
        if wanted.shape not in ((), jnp.shape(z)):
            raise ConditionError(f"the value has shape {wanted.shape}, the unknown side has shape {jnp.shape(z)}")
        return z - wanted

    def __eq__(self, other: object) -> bool:
        """Whether kind and options are equal."""
        return isinstance(other, Row) and self._key == other._key

    def __hash__(self) -> int:
        """Hash of kind and options."""
        return hash(self._key)


def on_faces(points: Any, owner: str) -> Collocation:
    """Return the points, which must lie on faces, with their normals handed on."""
    if not isinstance(points, Collocation) or points.face is None:
        raise OptionError(f"{owner} needs points of a boundary, such as domain.boundary(200, 'x+'); got {points!r}")
    return points.normal_aware()


def made(row: Row, points: Any, name: str, weight: float) -> Condition:
    """Return the condition of a row."""
    if not isinstance(points, Collocation):
        raise OptionError(
            f"{row.owner} needs points of a domain, such as domain.boundary(200); got {type(points).__name__}"
        )
    faces = "" if points.face is None else f"({','.join(points.face)})"
    label = name or (row.owner + faces)
    return Condition(row, label, points, weight=weight)
