"""GridProblem: as many equations as unknowns on a grid, solved by Newton's method with sparse or multigrid solves."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from sciopt._errors import ConditionError, OptionError
from sciopt._types import Array
from sciopt.frames import Frame, Stage
from sciopt.layout import Layout
from sciopt.linalg.interpolation import Axis
from sciopt.linearise import Work
from sciopt.pde.grid import Grid
from sciopt.pde.grid_linearise import GridLinearisation, SparsePlan
from sciopt.pde.grid_stencil import stencil_pattern

__all__ = ["GridProblem"]

STRUCTURES = ("auto", "square", "symmetric")


class GridProblem:
    r"""A residual written with the differences of a `Grid`, to vanish at all of its points.

    The sparsity of J is found by probing, J itself by coloured complex steps (numpy), differences where the residual
    refuses complex numbers, or forward products (JAX). Steps solve :math:`J\,\delta = -r` as it stands: sparse LU for
    small grids, conjugate gradients (symmetric J) or GMRES with one multigrid cycle as preconditioner for large ones.

    Parameters
    ----------
    residual
        ``residual(u, grid)`` with u of the grid's shape, returning one value a point; ``residual(a, b, ..., grid)`` by
        name for a dict of fields, returning a tuple in the order of the dict. Further arguments are settings.
    grid
        The `Grid`.
    start
        Start values: an array, or a dict of arrays; zeros by default.
    settings
        Numbers passed to the residual by argument name.
    stages
        `Stage` settings that the solve passes through, on top of ``settings``.
    structure
        ``"auto"`` compares J with its transpose; ``"square"`` or ``"symmetric"`` states it.
    null
        Known null vectors (n, k) of J; None finds constants, False says that there are none.
    pattern
        Sparsity of J if probing should not find it, (n, n).

    Raises
    ------
    ConditionError
        The residual has another shape, is not finite at the start, or reads points far away.

    Examples
    --------
    >>> import sciopt as so
    >>> grid = so.pde.Grid((0, 1), shape=31)
    >>> def bratu(u, grid, lam):
    ...     return grid.laplacian(u) + lam * np.exp(u)
    >>> solution = so.solve(so.pde.GridProblem(bratu, grid, settings={"lam": 1.0}))
    >>> round(float(solution.values["u"][15]), 3)
    0.141
    """

    def __init__(
        self,
        residual: Callable[..., Any],
        grid: Grid,
        start: Any = None,
        *,
        settings: Mapping[str, float] | None = None,
        stages: Sequence[Stage] = (),
        structure: str = "auto",
        null: Any = None,
        pattern: Any = None,
    ) -> None:
        if not callable(residual):
            raise ConditionError(f"GridProblem needs a residual function, got {type(residual).__name__}")
        if not isinstance(grid, Grid):
            raise OptionError(f"GridProblem: grid is a {type(grid).__name__}; give a so.pde.Grid")
        if structure not in STRUCTURES:
            raise OptionError(f"GridProblem: unknown structure={structure!r}; choose one of {STRUCTURES}")
        self.residual, self.grid, self.structure = residual, grid, structure
        self.name = getattr(residual, "__name__", "") or type(residual).__name__
        self.settings = dict(settings or {})
        self.stages = tuple(Stage(self.settings | dict(s.settings), s.steps, s.name) for s in stages) or (
            Stage(self.settings),
        )
        self.single = not isinstance(start, Mapping)
        given = {"u": grid.zeros() if start is None else start} if self.single else dict(start)
        self.fields = tuple(given)
        values = {name: _on_grid(value, grid, name) for name, value in given.items()}
        self.layout = Layout.of(values)
        self._arguments = self._bound()
        self.traced = self._is_traced(values)
        self.null = null if null is None or null is False else np.asarray(null, dtype=np.float64)
        self._pattern = pattern
        self.transfers: dict[Any, Any] = {}

    # ---- the user's function ----------------------------------------------------------------------------------------
    def _bound(self) -> tuple[tuple[str, str], ...]:
        """Return what fills each argument: ("field", name), ("grid", ""), ("setting", name)."""
        known = set().union(*(s.settings for s in self.stages))
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

    def _is_traced(self, values: Mapping[str, Any]) -> bool:
        """Look at one evaluation: shapes, and whether the residual computes in JAX."""
        with np.errstate(all="ignore"):
            out = self.call(values, self.stages[0].settings)
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
        import warnings

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

    # ---- what the engine needs ----------------------------------------------------------------------------------------
    @cached_property
    def plan(self) -> SparsePlan:
        """Pattern of J and its colours."""
        pattern = self._pattern
        if pattern is None:
            theta = np.array(self.layout.start)
            # Away from the start: products with zero would hide nothing from NaN, but a kink might.
            theta = theta + 1e-3 * np.random.default_rng(3).uniform(0.5, 1.0, theta.size)
            settings = self.stages[0].settings
            with np.errstate(all="ignore"):
                pattern = stencil_pattern(
                    lambda t: self.residual_at(t, settings), self.grid, len(self.fields), theta, self.name
                )
        from scipy.sparse import csr_matrix

        return SparsePlan(csr_matrix(pattern, copy=True))

    @cached_property
    def levels(self) -> tuple[Axis, ...]:
        """The axes as multigrid sees them."""
        out = []
        for line, span, (left, right) in zip(self.grid.axes, self.grid.spans, self.grid.walls, strict=True):
            if left.kind == "periodic":
                out.append(Axis(line, period=span[1] - span[0]))
            else:
                out.append(
                    Axis(
                        line,
                        *(at if w.kind == "dirichlet" else None for w, at in zip((left, right), span, strict=True)),
                    )
                )
        return tuple(out)

    def frame(
        self,
        theta: Array,
        previous: Frame | None = None,
        request: Mapping[str, Any] | None = None,
        key: int = 0,
        step: int = 0,
    ) -> Frame:
        """Return the frame of the next step: the next stage if asked for, else the one before."""
        if previous is None:
            return Frame((), 0, step, self.stages[0].settings)
        if not (request or {}).get("stage") or previous.stage + 1 >= len(self.stages):
            return previous
        return Frame((), previous.stage + 1, step, self.stages[previous.stage + 1].settings)

    def linearise(self, theta: Array, frame: Frame, work: Work) -> GridLinearisation:
        """Return r and J at theta on a frame."""
        lin = GridLinearisation(self, theta, frame, work)
        if "pattern" not in work.modes and lin.failed is None:
            work.modes["pattern"] = True
            lin.check_pattern()
        return lin

    def __repr__(self) -> str:
        """Show the condition and its grid."""
        return f"GridProblem({self.name}, {self.grid!r}, fields: {', '.join(self.fields)})"


def _numbers(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {k: np.float64(v) for k, v in settings.items()}


def _on_grid(value: Any, grid: Grid, name: str) -> Array:
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise ConditionError(f"start of {name!r} has dtype {array.dtype}; real numbers are needed")
    if array.shape not in ((), grid.shape):
        raise ConditionError(f"start of {name!r} has shape {array.shape}; the grid has shape {grid.shape}")
    return np.array(np.broadcast_to(array, grid.shape), dtype=np.float64)
