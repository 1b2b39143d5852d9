"""r and J of a residual on a grid: coloured complex steps, differences or JAX products; multigrid as approximate inverse."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from sciopt._errors import ConditionError
from sciopt._types import Array
from sciopt.frames import Frame
from sciopt.linearise import Linearisation, Work

__all__ = ["GridLinearisation", "SparsePlan"]

TINY = 1e-30
EPS = float(np.finfo(float).eps)
MULTIGRID_FROM = 4_000  # unknowns from which a multigrid cycle is worth its levels


class SparsePlan:
    """Pattern, colours and places of the entries; made once a problem.

    Attributes
    ----------
    pattern
        CSR matrix whose stored entries are the pattern.
    colours
        Colour of each column, shape (n,).
    """

    def __init__(self, pattern: Any) -> None:
        from sciopt.linalg.colouring import colour_columns

        pattern.sort_indices()
        self.pattern = pattern
        self.colours = np.asarray(colour_columns(pattern))
        rows = np.repeat(np.arange(pattern.shape[0]), np.diff(pattern.indptr)).astype(np.int32)
        of_entry = self.colours[pattern.indices]
        order = np.argsort(of_entry, kind="stable")
        parts = np.split(order, np.cumsum(np.bincount(of_entry, minlength=self.count))[:-1])
        self.entries = [(part, rows[part]) for part in parts]

    @property
    def count(self) -> int:
        """Number of colours."""
        return int(self.colours.max(initial=-1)) + 1

    @cached_property
    def transposed(self) -> Array | None:
        """Place of entry (j, i) for each entry (i, j), or None where the pattern is not symmetric."""
        from scipy.sparse import csr_matrix

        p = self.pattern
        numbered = csr_matrix((np.arange(1.0, p.nnz + 1), p.indices, p.indptr), shape=p.shape).T.tocsr()
        numbered.sort_indices()
        same = np.array_equal(numbered.indptr, p.indptr) and np.array_equal(numbered.indices, p.indices)
        return numbered.data.astype(np.int64) - 1 if same else None

    def filled(self, along: Callable[[Array, int], Array]) -> Any:
        """Return the CSR matrix whose columns of colour k sum to ``along(indicator of the colour, k)``."""
        from scipy.sparse import csr_matrix

        p = self.pattern
        values = np.empty(p.nnz)
        for k, (entries, rows) in enumerate(self.entries):
            values[entries] = along((self.colours == k).astype(float), k)[rows]
        return csr_matrix((values, p.indices, p.indptr), shape=p.shape)

    def symmetric(self, J: Any) -> bool:
        """Tell whether J, filled on this pattern, equals its transpose to rounding."""
        if self.transposed is None:
            return False
        size = float(np.abs(J.data).max(initial=0.0))
        return float(np.abs(J.data - J.data[self.transposed]).max(initial=0.0)) <= 1e-12 * size


class GridLinearisation(Linearisation):
    """Rows of a residual on a grid at theta, with its sparse Jacobian; see `sciopt.pde.GridProblem`."""

    def __init__(self, problem: Any, theta: Array, frame: Frame, work: Work) -> None:
        super().__init__(theta, frame, problem.layout, work)
        self.problem = problem

    def __getstate__(self) -> dict[str, Any]:
        """Keep the point, not what was computed at it."""
        return {k: self.__dict__[k] for k in ("theta", "frame", "layout", "work", "problem")}

    @property
    def rows(self) -> dict[str, slice]:
        """The rows of each field's equation."""
        n, fields = self.problem.grid.size, self.problem.fields
        names = [self.problem.name] if len(fields) == 1 else [f"{self.problem.name}[{name}]" for name in fields]
        return {name: slice(k * n, (k + 1) * n) for k, name in enumerate(names)}

    @property
    def offers(self) -> frozenset[str]:
        """The Jacobian is sparse."""
        return frozenset({"sparse"})

    @property
    def structure(self) -> str:  # type: ignore[override]
        """``"symmetric"`` where J equals its transpose, else ``"square"``; what the user stated is believed."""
        stated = self.problem.structure
        if stated != "auto":
            return stated
        return "symmetric" if self._symmetric else "square"

    @cached_property
    def _symmetric(self) -> bool:
        return self.problem.plan.symmetric(self.sparse())

    @property
    def null(self) -> Array | None:  # type: ignore[override]
        """Constants of each field that J does not see (pure Neumann or periodic walls), or None."""
        return self._null

    @cached_property
    def _null(self) -> Array | None:
        if self.problem.null is not None:
            return self.problem.null if self.problem.null is not False else None
        J, n, found = self.sparse(), self.problem.grid.size, []
        if not self._symmetric:
            return None
        for k in range(len(self.problem.fields)):
            constant = np.zeros(J.shape[0])
            constant[k * n : (k + 1) * n] = 1.0
            if float(np.abs(J @ constant).max()) <= 1e3 * EPS * float(np.abs(J.data).max(initial=0.0)):
                found.append(constant)
        if not found:
            return None
        self.work.note("the equation leaves constants open (no wall holds the unknown): they are kept out of the steps")
        return np.stack(found, axis=1)

    def at(self, theta: Array) -> GridLinearisation:
        """Return the linearisation at another point of the same frame."""
        return GridLinearisation(self.problem, theta, self.frame, self.work)

    def _evaluate(self) -> tuple[float, Array]:
        self.work.spend()
        r = np.asarray(self.problem.function.residual_at(self.theta, self.frame.settings))
        if not np.isfinite(r).all():
            bad = int(np.argmin(np.isfinite(r)))
            field, place = divmod(bad, self.problem.grid.size)
            where = ", ".join(f"{c.ravel()[place]:.4g}" for c in self.problem.grid.coordinates)
            name = list(self.rows)[field]
            self._failed = f"condition {name!r}: residual {r[bad]} at point ({where})"
        return 0.5 * float(r @ r), r

    def _sparse(self) -> Any:
        self.work.njev += 1
        problem, settings = self.problem, self.frame.settings
        plan = problem.plan
        if problem.function.traced:
            self.work.columns += plan.count
            return plan.filled(lambda seed, k: problem.function.product(self.theta, seed, settings))
        with np.errstate(all="ignore"):
            if self.work.modes.setdefault(problem.name, problem.function.mode(self.theta, settings)) == "complex":
                self.work.columns += plan.count
                return plan.filled(
                    lambda seed, k: (
                        np.imag(problem.function.residual_at(self.theta + TINY * 1j * seed, settings)) / TINY
                    )
                )
            self.work.columns += 2 * plan.count
            return plan.filled(self._difference)

    def _difference(self, seed: Array, k: int) -> Array:
        problem, settings = self.problem, self.frame.settings
        h = np.cbrt(EPS) * max(float(np.abs(self.theta).max(initial=0.0)), 1e-3)
        up = problem.function.residual_at(self.theta + h * seed, settings)
        return (up - problem.function.residual_at(self.theta - h * seed, settings)) / (2.0 * h)

    def preconditioner(self) -> Callable[[Array], Array] | None:
        """Return one multigrid cycle for J, or None where a direct solve is faster."""
        if self.theta.size < MULTIGRID_FROM:
            return None
        from sciopt.linalg.multigrid import multigrid

        problem = self.problem
        return multigrid(self.sparse(), problem.levels, len(problem.fields), problem.transfers)

    def check_pattern(self) -> None:
        """Compare J with a derivative along a random direction; `ConditionError` where the pattern misses entries."""
        problem, settings = self.problem, self.frame.settings
        v = np.random.default_rng(1).standard_normal(self.theta.size)
        product = self.sparse() @ v
        if problem.function.traced:
            exact, tolerance = problem.function.product(self.theta, v, settings), 1e-8
        else:
            h = 1e-6 * max(float(np.abs(self.theta).max(initial=0.0)), 1.0)
            up, down = (problem.function.residual_at(self.theta + s * h * v, settings) for s in (1, -1))
            exact, tolerance = (up - down) / (2.0 * h), 1e-4
        size = float(np.abs(product).max(initial=0.0)) + float(np.abs(exact).max(initial=0.0))
        error = np.abs(product - exact)
        if np.isfinite(exact).all() and float(error.max(initial=0.0)) > tolerance * size:
            raise ConditionError(
                f"condition {problem.name!r}: row {int(np.argmax(error))} depends on points that the stencil found does "
                "not hold; write it with the grid's differences, or give GridProblem(pattern=...)"
            )
