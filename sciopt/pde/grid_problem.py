"""GridProblem: as many equations as unknowns on a grid, solved by Newton's method with sparse or multigrid solves."""

from __future__ import annotations

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
from sciopt.pde.grid_function import GridFunction
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
        self.settings = dict(settings or {})
        self.stages = tuple(Stage(self.settings | dict(s.settings), s.steps, s.name) for s in stages) or (
            Stage(self.settings),
        )
        given = dict(start) if isinstance(start, Mapping) else {"u": grid.zeros() if start is None else start}
        self.fields = tuple(given)
        values = {name: _on_grid(value, grid, name) for name, value in given.items()}
        self.layout = Layout.of(values)
        self.function = GridFunction(
            residual, grid, self.fields, not isinstance(start, Mapping), self.stages[0].settings, values
        )
        self.name = self.function.name
        self.null = null if null is None or null is False else np.asarray(null, dtype=np.float64)
        self._pattern = pattern
        self.transfers: dict[Any, Any] = {}

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
                    lambda t: self.function.residual_at(t, settings), self.grid, len(self.fields), theta, self.name
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


def _on_grid(value: Any, grid: Grid, name: str) -> Array:
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise ConditionError(f"start of {name!r} has dtype {array.dtype}; real numbers are needed")
    if array.shape not in ((), grid.shape):
        raise ConditionError(f"start of {name!r} has shape {array.shape}; the grid has shape {grid.shape}")
    return np.array(np.broadcast_to(array, grid.shape), dtype=np.float64)
