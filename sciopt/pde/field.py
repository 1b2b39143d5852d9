"""The unknown function of a solution: callable at points, differentiable, drawable."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial as bound
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from sciopt._errors import OptionError
from sciopt._types import Array
from sciopt.linearise.autodiff import double
from sciopt.pde._context import within
from sciopt.pde._domain import Domain

__all__ = ["Field"]

PORTION = 1 << 16  # points evaluated at once


class Field:
    """A function on a domain: ``solution.u``, or what operators make of it.

    Parameters
    ----------
    function
        Function of one point (d,).
    domain
        Where it is defined.
    name
        Shown in tables and on axes.

    Examples
    --------
    >>> from sciopt.pde import Interval, grad
    >>> u = Field(lambda x: x[0] ** 2, Interval(0, 2), "u")
    >>> u([[1.0], [2.0]]).tolist(), u.map(grad)([[2.0]]).tolist()
    ([1.0, 4.0], [[4.0]])
    """

    def __init__(self, function: Callable[[Any], Any], domain: Domain, name: str = "u") -> None:
        self.function, self.domain, self.name = function, domain, name
        self.__name__ = name

    def __call__(self, points: Any, *, outside: str = "raise") -> Any:
        """Return values at points of shape (..., d).

        Parameters
        ----------
        points
            Array (..., d), or one point (d,). Inside a traced function, one point.
        outside
            What to do with points outside the domain: ``"raise"``, ``"nan"`` or ``"extrapolate"``.

        Returns
        -------
        ndarray
            Shape (...) for a scalar function, (..., m) for a vector.

        Raises
        ------
        DataError
            Points of another dimension, or outside the domain.
        """
        if isinstance(points, Tracer):
            with within(self.domain):
                return self.function(points)
        if outside not in ("raise", "nan", "extrapolate"):
            raise OptionError(f"outside={outside!r}: choose 'raise', 'nan' or 'extrapolate'")
        x = self.domain._array(points)
        flat = x.reshape(-1, self.domain.dim)
        inside: Any = self.domain.contains(flat)
        if outside == "raise":
            self.domain._checked(flat)
        values = self._values(flat)
        if outside == "nan" and not inside.all():
            values = values.astype(np.result_type(values, float))
            values[~inside] = np.nan
        return values.reshape((*x.shape[:-1], *values.shape[1:]))

    def _values(self, flat: Array) -> Array:
        if not len(flat):
            return np.zeros(0)
        with double(), within(self.domain):
            parts = [np.asarray(self._mapped(flat[i : i + PORTION])) for i in range(0, len(flat), PORTION)]
        return np.concatenate(parts)

    @property
    def _mapped(self) -> Any:
        compiled = self.__dict__.get("_jit")
        if compiled is None:
            compiled = self.__dict__["_jit"] = jax.jit(jax.vmap(lambda p: jnp.asarray(self.function(p))))
        return compiled

    def map(self, operator: Callable[..., Any], name: str = "") -> Field:
        """Return what an operator makes of the function: ``solution.u.map(so.pde.grad)``.

        Parameters
        ----------
        operator
            Function of a function that returns a function of a point.
        name
            Name of the result; ``grad(u)`` and the like by default.
        """
        label = name or f"{getattr(operator, '__name__', 'f')}({self.name})"
        return Field(bound(_applied, operator, self), self.domain, label)

    def component(self, i: int) -> Field:
        """Return one component of a vector function."""
        return Field(lambda x: self.function(x)[i], self.domain, f"{self.name}[{i}]")

    def to_xarray(self, *counts: int, at: dict[str, float] | None = None) -> Any:
        """Return the values on a grid over the domain as an ``xarray.DataArray``, NaN outside the domain.

        Parameters
        ----------
        *counts
            Points along each coordinate that is not fixed; 65 each (17 beyond three coordinates) by default.
        at
            Coordinates held at a value, ``{"t": 0.5}``.

        Raises
        ------
        ModuleNotFoundError
            xarray is not installed (``pip install sciopt[export]``).
        """
        try:
            import xarray
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError("to_xarray needs xarray: pip install sciopt[export]") from error
        axes, values = self.on_grid(*counts, at=at)
        coords = {**axes, **{k: float(v) for k, v in (at or {}).items()}}
        extra = [f"component{i}" if i else "component" for i in range(values.ndim - len(axes))]
        return xarray.DataArray(values, coords=coords, dims=[*axes, *extra], name=self.name)

    def on_grid(self, *counts: int, at: dict[str, float] | None = None) -> tuple[dict[str, Array], Array]:
        """Return the coordinates of a grid over the domain, by name, and the values on it (NaN outside the domain).

        Parameters
        ----------
        *counts, at
            As in `to_xarray`.
        """
        held = {self.domain.axis(k): float(v) for k, v in (at or {}).items()}
        free = [i for i in range(self.domain.dim) if i not in held]
        if not free:
            raise OptionError("at= holds every coordinate; call the field at the point instead")
        numbers = counts or (65 if len(free) <= 3 else 17,) * len(free)
        if len(numbers) != len(free) or any(int(m) < 2 for m in numbers):
            raise OptionError(
                f"{len(free)} free coordinates need as many numbers of points of at least 2, got {counts}"
            )
        bounds = self.domain.bounds
        axes = {
            self.domain.names[i]: np.linspace(bounds[i, 0], bounds[i, 1], int(m))
            for i, m in zip(free, numbers, strict=True)
        }
        mesh = np.meshgrid(*axes.values(), indexing="ij")
        points = np.empty((*mesh[0].shape, self.domain.dim))
        for i, value in held.items():
            points[..., i] = value
        for i, part in zip(free, mesh, strict=True):
            points[..., i] = part
        return axes, self(points, outside="nan")

    def __repr__(self) -> str:
        """Name and domain."""
        return f"Field({self.name} on {self.domain!r})"


def _applied(operator: Callable[..., Any], u: Field, x: Any) -> Any:
    return operator(u)(x)
