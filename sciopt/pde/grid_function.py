"""The residual on a grid as the user wrote it: its arguments, its rows in numpy or JAX, and their derivatives."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import numpy as np

from sciopt._errors import ConditionError
from sciopt._types import Array
from sciopt.pde.grid import Grid

__all__ = ["GridFunction"]


class GridFunction:
    """A residual on a grid as a map from theta (n,) to rows (n,).

    Parameters
    ----------
    residual
        The user's function.
    grid
        Its grid.
    fields
        Names of the unknown fields, in the order of theta.
    single
        Whether the field was given alone rather than in a dict.
    settings
        Settings of the first stage; their names may be arguments.
    values
        Start values by field, at which shapes are looked at.
    """

    def __init__(
        self,
        residual: Callable[..., Any],
        grid: Grid,
        fields: tuple[str, ...],
        single: bool,
        settings: Mapping[str, float],
        values: Mapping[str, Array],
    ) -> None:
        self.residual, self.grid, self.fields, self.single = residual, grid, fields, single
        self.name = getattr(residual, "__name__", "") or type(residual).__name__
        self._arguments = self._bound(set(settings))
        self.traced = self._is_traced(values, settings)

    def _bound(self, known: set[str]) -> tuple[tuple[str, str], ...]:
        """Return what fills each argument: ("field", name), ("grid", ""), ("setting", name)."""
        slots: list[tuple[str, str]] = []
        rest = [*(("field", f) for f in self.fields), ("grid", "")]
        for p in inspect.signature(self.residual).parameters.values():
            if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD, p.KEYWORD_ONLY):
                raise ConditionError(f"condition {self.name!r}: argument {p.name!r} must be a plain positional one")
            if not self.single and p.name in self.fields:
                slots.append(("field", p.name))
            elif p.name in known:
                slots.append(("setting", p.name))
            elif p.name == "grid" or (not self.single and rest and ("grid", "") not in slots):
                slots.append(("grid", ""))
            elif self.single and ("field", "u") not in slots:
                slots.append(("field", "u"))
            elif ("grid", "") not in slots:
                slots.append(("grid", ""))
            elif p.default is p.empty:
                told = ", ".join(sorted(known)) or "none"
                raise ConditionError(
                    f"condition {self.name!r}: nothing to fill its argument {p.name!r}; fields: {', '.join(self.fields)}, "
                    f"settings: {told}; give GridProblem(settings={{{p.name!r}: ...}})"
                )
            else:
                break
        missing = [f for f in self.fields if ("field", f) not in slots]
        if missing:
            raise ConditionError(f"condition {self.name!r} does not use the unknown {missing[0]!r}")
        return tuple(slots)

    def call(self, fields: Mapping[str, Any], settings: Mapping[str, Any]) -> Any:
        """Call the residual with arrays by field name; returns what it returns."""
        fill = {"field": fields.__getitem__, "setting": settings.__getitem__, "grid": lambda _: self.grid}
        return self.residual(*(fill[kind](name) for kind, name in self._arguments))

    def _is_traced(self, values: Mapping[str, Any], settings: Mapping[str, float]) -> bool:
        """Look at one evaluation: shapes, and whether the residual computes in JAX."""
        with np.errstate(all="ignore"):
            out = self.call(values, settings)
        parts = [out] if self.single else list(out) if isinstance(out, (tuple, list)) else [out]
        if len(parts) != len(self.fields):
            raise ConditionError(
                f"condition {self.name!r} returned {len(parts)} arrays for the fields {', '.join(self.fields)}; "
                "return a tuple with one for each"
            )
        for part, field in zip(parts, self.fields, strict=True):
            if tuple(np.shape(part)) != self.grid.shape:
                raise ConditionError(
                    f"condition {self.name!r}: the rows of {field!r} have shape {np.shape(part)}; the grid has shape "
                    f"{self.grid.shape}"
                )
            if np.dtype(part.dtype).kind == "c":
                raise ConditionError(
                    f"condition {self.name!r}: the rows of {field!r} are complex; write real and imaginary parts as two fields"
                )
        return any(type(part).__module__.startswith(("jax", "jaxlib")) for part in parts)

    def _split(self, theta: Any) -> dict[str, Any]:
        n = self.grid.size
        return {f: theta[k * n : (k + 1) * n].reshape(self.grid.shape) for k, f in enumerate(self.fields)}

    def residual_at(self, theta: Any, settings: Mapping[str, Any]) -> Array:
        """Return the rows at theta (n,), which may hold complex steps."""
        if self.traced:
            from sciopt.linearise.autodiff import double

            with double():
                return np.asarray(self._compiled[0](theta, _numbers(settings)))
        out = self.call(self._split(theta), settings)
        parts = [out] if self.single else out
        return np.concatenate([np.ravel(part) for part in parts])

    def product(self, theta: Array, v: Array, settings: Mapping[str, Any]) -> Array:
        """Return J v for a residual in JAX."""
        from sciopt.linearise.autodiff import double

        with double():
            return np.asarray(self._compiled[1](theta, v, _numbers(settings)))

    @cached_property
    def _compiled(self) -> tuple[Any, Any, Any]:
        import jax
        import jax.numpy as jnp

        def rows(theta: Any, settings: Mapping[str, Any]) -> Any:
            out = self.call(self._split(theta), settings)
            return jnp.concatenate([jnp.ravel(part) for part in ([out] if self.single else out)])

        def along(theta: Any, v: Any, settings: Mapping[str, Any]) -> Any:
            return jax.jvp(lambda t: rows(t, settings), (theta,), (v,))[1]

        def by(theta: Any, settings: dict[str, Any], name: str) -> Any:
            one = jnp.ones_like(settings[name])
            return jax.jvp(lambda value: rows(theta, {**settings, name: value}), (settings[name],), (one,))[1]

        return jax.jit(rows), jax.jit(along), jax.jit(by, static_argnums=2)

    def slope(self, theta: Array, settings: Mapping[str, Any], name: str) -> Array:
        """Return the derivative of the rows with respect to a setting, shape (n,)."""
        value = float(settings[name])
        if self.traced:
            from sciopt.linearise.autodiff import double

            with double():
                return np.asarray(self._compiled[2](theta, _numbers(settings), name))
        try:
            moved = self.residual_at(theta, {**settings, name: complex(value, 1e-30)})
            if moved.dtype.kind == "c":
                return np.imag(moved) / 1e-30
        except (TypeError, ValueError, ArithmeticError):
            pass
        h = 6e-6 * max(abs(value), 1.0)
        up, down = (self.residual_at(theta, {**settings, name: value + sign * h}) for sign in (1, -1))
        return (up - down) / (2.0 * h)

    def mode(self, theta: Array, settings: Mapping[str, Any]) -> str:
        """Return ``"complex"`` if a complex step through the residual agrees with a difference, else ``"difference"``."""
        v = 0.5 + np.random.default_rng(2).uniform(size=theta.size)
        h = 1e-5 * max(float(np.abs(theta).max(initial=0.0)), 1.0)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", np.exceptions.ComplexWarning)
                exact = np.imag(self.residual_at(theta + 1e-30j * v, settings)) / 1e-30
            approx = (self.residual_at(theta + h * v, settings) - self.residual_at(theta - h * v, settings)) / (2 * h)
        except (TypeError, ValueError, ArithmeticError, np.exceptions.ComplexWarning):
            return "difference"
        size = float(np.abs(approx).max(initial=0.0)) + float(np.abs(exact).max(initial=0.0))
        good = np.isfinite(exact).all() and bool((np.abs(exact - approx) <= 1e-3 * size).all())
        return "complex" if good else "difference"


def _numbers(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {k: np.float64(v) for k, v in settings.items()}
