"""Time slabs: splines in space, polynomials in time, one slab solved after the other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sciopt._types import Array
from sciopt.condition import Condition
from sciopt.layout import Layout
from sciopt.linearise import Work, linearise
from sciopt.models.axes import ChebyshevAxis, SplineAxis
from sciopt.models.piecewise import Piecewise
from sciopt.models.tensor import TensorBasis
from sciopt.pde._domain import Domain
from sciopt.pde.ansatz_mesh import mesh_of, spacing_of
from sciopt.pde.ansatz_points import movable
from sciopt.pde.ansatz_shape import Shape
from sciopt.pde.ansatz_slab import Slab
from sciopt.problem import Problem

__all__ = ["March"]

TOLERANCE = 1e-9  # local error in time and space, relative to the size of the function
FAILURES = 20
MESHES = 3  # tried for one slab: a kink in the initial values asks for finer ones for ever
LONGEST = 0.1  # of the whole time in one slab


@dataclass(frozen=True, eq=False)
class March:
    """The plan of a solve in time slabs; see `sciopt.pde.ansatz`.

    A slab is accepted if its solve converged, the last Chebyshev coefficients in time are small, and the spline's error
    estimate at the end is; otherwise it is repeated, shorter or on another mesh.
    """

    conditions: tuple[Condition, ...]
    shape: Shape
    domain: Domain
    slab: Slab
    parts: tuple[tuple[TensorBasis, ...], ...] = ()
    failures: int = 0
    meshes: int = 0
    solves: int = 0
    sums: tuple[float, float] = (0.0, 0.0)  # squared held-out residuals of the solution and of zero
    trials: tuple[Any, ...] = ()

    @staticmethod
    def begin(
        conditions: tuple[Condition, ...], shape: Shape, domain: Domain, trials: tuple[Any, ...]
    ) -> Problem | None:
        """Return the problem of the first slab, or None where the conditions do not allow slabs."""
        low, high = domain.bounds[1]
        axis = SplineAxis(np.linspace(low, high, 61), Slab.degree, domain.periodic[1])
        slab = Slab.first(conditions, shape, domain, axis)
        if slab is None:
            return None
        return March(conditions, shape, domain, slab, trials=trials).problem()

    def problem(self) -> Problem:
        """Return the problem of the present slab."""
        last = self.parts[-1] if self.parts else None
        conditions, unknown = self.slab.made(last)
        problem = Problem(conditions, unknown)
        problem.plan = self
        return problem

    def following(self, problem: Problem, theta: Array, verdict: tuple[str, str], work: Work) -> Any:
        """Return the problem of the next slab, or of this one once more, or the verdict."""
        now = replace(self, solves=self.solves + 1)
        slab = self.slab
        if verdict[0] != "converged":
            return now._again(problem, slab.shortened(0.25), work, verdict[1])
        solved = tuple(self.shape.functions(problem.layout.tree(theta)))
        tail = max(_tail(f) for f in solved)
        centres, spacing, excess = self._needs(solved)
        if excess > 10.0 and self.meshes < MESHES:
            breaks = mesh_of(slab.axis, centres, spacing)
            now = replace(now, meshes=self.meshes + 1)
            return now._again(problem, slab.on(breaks), work, "the mesh is too coarse")
        if tail > 10.0 * TOLERANCE:
            return now._again(
                problem, slab.shortened(max(0.9 * (TOLERANCE / tail) ** (1 / slab.order), 0.2)), work, "slab too long"
            )
        now = replace(
            now, parts=(*self.parts, solved), failures=0, meshes=0, sums=self._held_out(problem.layout.tree(theta))
        )
        if slab.end >= self.domain.bounds[0, 1]:
            return now._finished(problem, work)
        growth = float(np.clip(0.9 * (TOLERANCE / max(tail, 1e-16)) ** (1 / slab.order), 0.3, 3.0))
        length = min(growth * slab.length, LONGEST * float(self.domain.sizes[0]))
        following = slab.next(length)
        breaks = mesh_of(slab.axis, centres, spacing)
        if excess > 1.0 or len(breaks) < 0.7 * len(slab.axis.breaks):
            following = following.on(breaks)
        return replace(now, slab=following).problem()

    def _again(self, problem: Problem, slab: Slab, work: Work, why: str) -> Any:
        if self.failures >= FAILURES or slab.length < 1e-9 * float(self.domain.sizes[0]):
            work.note(f"ansatz: {len(self.parts)} time slabs; stopped at t = {self.slab.start:.6g} ({why})")
            if self.parts:
                problem.layout = _joined(problem.layout, self)
            return "stalled", f"the slab at t = {self.slab.start:.6g} could not be solved: {why}"
        return replace(self, slab=slab, failures=self.failures + 1).problem()

    def _needs(self, solved: tuple[TensorBasis, ...]) -> tuple[Array, Array, float]:
        """Return spacing wanted in space, for the profiles at the middle and the end of the slab, and the excess."""
        time, axis = solved[0].axes[0], self.slab.axis
        rows = time.matrix(np.array([0.5 * (time.low + time.high), time.high]))
        profiles = []
        for k, f in enumerate(solved):
            c = np.asarray(f.coefficients)
            c = c[None] if f.scalar else c
            values = np.einsum("ts,msx->mtx", rows, c)
            size = np.maximum(np.abs(values).max(axis=(1, 2), keepdims=True), self.slab.sizes[k])
            profiles.append((values / size).reshape(-1, axis.size))
        return spacing_of(axis, np.concatenate(profiles), TOLERANCE)

    def _held_out(self, unknown: Any) -> tuple[float, float]:
        """Add the squared residuals on the points given that lie in this slab."""
        here, zero = self.sums
        moved = [c for c in (self.slab.within(c) for c in self.conditions if movable(c)) if c is not None]
        if moved:
            problem = Problem(moved, unknown)
            lin = linearise(problem)
            nothing = linearise(problem, np.zeros(problem.layout.size), lin.frame)
            here, zero = here + lin.f, zero + (nothing.f if not nothing.failed else 0.0)
        return here, zero

    def _finished(self, problem: Problem, work: Work) -> tuple[str, str]:
        problem.layout = _joined(problem.layout, self)
        problem.plan = self
        sizes = [part[0].axes[1].size for part in self.parts]
        residual = float(np.sqrt(self.sums[0] / self.sums[1])) if self.sums[1] > 0 else float(np.sqrt(2 * self.sums[0]))
        label = f"{len(self.parts)} time slabs of degree {Slab.order} with {min(sizes)} to {max(sizes)} splines of degree {Slab.degree}"
        work.note(f"ansatz: {label}, {self.solves} slab solves; held-out residual {residual:.1e} of that of zero")
        return (
            "converged",
            f"{label}: local errors estimated below {10 * TOLERANCE:.0e} of the solution's size in every slab",
        )


class _Joined(Layout):
    """A layout whose tree is the solution on all slabs, whatever theta of the last one says."""

    def tree(self, theta: Any) -> Any:
        """Return the functions on all slabs."""
        return self.whole  # type: ignore[attr-defined]


def _joined(layout: Layout, march: March) -> Layout:
    new = object.__new__(_Joined)
    new.__dict__.update(layout.__dict__)
    functions = [Piecewise.of([part[k] for part in march.parts]) for k in range(len(march.shape.names))]
    new.__dict__["whole"] = (
        functions[0] if len(functions) == 1 else dict(zip(march.shape.names, functions, strict=True))
    )
    return new


def _tail(f: TensorBasis) -> float:
    """Return the size of the last Chebyshev coefficients in time relative to the function's."""
    assert isinstance(f.axes[0], ChebyshevAxis)
    c = np.abs(np.asarray(f.coefficients))
    c = c if not f.scalar else c[None]
    top = np.maximum(c.max(axis=(1, 2)), 1e-300)
    return float((c[:, -2:].max(axis=(1, 2)) / top).max())
