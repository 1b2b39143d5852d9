"""Branches of solutions followed by arc length, past folds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from sciopt._errors import OptionError, SolveFailed
from sciopt._types import Array
from sciopt.linalg import blas_threads, solve_sparse
from sciopt.linearise import Work
from sciopt.methods import Method, Newton
from sciopt.pde._arc import ArcStep
from sciopt.pde.grid_problem import GridProblem
from sciopt.solution import Solution
from sciopt.solve import solve

__all__ = ["BranchPoint", "branch"]

EASY = 4  # Newton steps of an arc step of the right length


@dataclass(frozen=True, eq=False)
class BranchPoint:
    """A point on a branch.

    Attributes
    ----------
    name, parameter
        The setting that is followed, and its value.
    solution
        The `Solution` of the arc step; ``solution.values`` holds the fields and the parameter.
    slope
        d parameter / d arc length; it changes sign at a fold.
    arc
        Arc length from the first point.
    fold
        Parameter at a fold passed since the last point, by cubic interpolation in the arc length; None without one.
    """

    name: str
    parameter: float
    solution: Solution
    slope: float
    arc: float
    fold: float | None = None

    @property
    def values(self) -> dict[str, Any]:
        """The fields, and the parameter, by name."""
        return {**self.solution.values, self.name: self.parameter}


def branch(
    problem: GridProblem,
    parameter: str,
    *,
    start: Any = None,
    step: float = 0.1,
    largest: float | None = None,
    points: int = 50,
    towards: float = 1.0,
    method: Method | None = None,
) -> Iterator[BranchPoint]:
    r"""Yield points of the solution branch through a start, folds included.

    Each point is a `solve` of the equations together with
    :math:`\langle\tau, (u, p) - (u_0, p_0)\rangle = s`, tau the unit tangent at the last point (pseudo-arclength). The
    metric makes u and p weigh the same at the start: the arc length is counted in units of the start's |p| (or 1), as
    long as the branch is not steep. The length of a step adapts to Newton's steps and is halved where one fails.

    Parameters
    ----------
    problem
        The equations on a grid; the parameter is one of its settings.
    parameter
        Name of the setting to follow.
    start
        Start of the first solve, as in `solve`.
    step
        First arc length.
    largest
        Largest arc length; five times the first by default.
    points
        How many points to yield at most, the first included.
    towards
        Sign of the first change of the parameter.
    method
        Method of the solves; ``Newton(xtol=1e-10)`` by default.

    Raises
    ------
    OptionError
        The parameter is no setting of the problem, or the problem has several stages.
    SolveFailed
        The first solve fails, or a step fails even when it is 1e-6 of the first.

    References
    ----------
    Keller (1977), in Applications of Bifurcation Theory, Academic Press, 359; Allgower and Georg (2003),
    Introduction to Numerical Continuation Methods, SIAM.

    Examples
    --------
    >>> import sciopt as so
    >>> grid = so.pde.Grid((0, 1), shape=63)
    >>> def bratu(u, grid, lam):
    ...     return grid.laplacian(u) + lam * np.exp(u)
    >>> problem = so.pde.GridProblem(bratu, grid, settings={"lam": 1.0})
    >>> folds = [p.fold for p in so.pde.branch(problem, "lam", step=0.5, points=20) if p.fold]
    >>> round(folds[0], 2)
    3.51
    """
    stage, *others = problem.stages
    if parameter not in stage.settings:
        known = ", ".join(stage.settings) or "none"
        raise OptionError(f"branch: the problem has no setting {parameter!r}; its settings: {known}")
    if others:
        raise OptionError("branch: a problem with several stages has no one branch; give one without stages")
    if not step > 0 or points < 1:
        raise OptionError(f"branch: step={step!r}, points={points!r}; both must be positive")
    chosen: Method = Newton(xtol=1e-10) if method is None else method
    first = solve(problem, chosen, start=start).raise_if_failed()
    value = float(stage.settings[parameter])
    point = np.append(first.theta, value)
    tangent, metric = _first_tangent(problem, parameter, point, towards)
    arc, slope, length = 0.0, float(tangent[-1]), step
    yield BranchPoint(parameter, value, first, slope, arc)
    most = 5.0 * step if largest is None else largest
    taken = 1
    while taken < points:
        problem_here = ArcStep(problem, parameter, point, tangent, metric, length)
        found = solve(problem_here, chosen, start=problem_here.predicted, steps=12)
        if not found.success:
            length *= 0.5
            if length < 1e-6 * step:
                raise SolveFailed(
                    f"branch: no point near {parameter}={point[-1]:.6g}: {found.status.value}: {found.message}"
                )
            continue
        turned = _tangent(found.iterate.lin, tangent, metric)
        if float((metric * turned) @ tangent) < 0.5 and length > 1e-3 * step:
            length *= 0.5  # the branch bends by more than 60 degrees within the step
            continue
        new, slope_new = found.theta, float(turned[-1])
        fold = _fold(point[-1], new[-1], slope, slope_new, length) if slope * slope_new < 0 else None
        arc += length
        yield BranchPoint(parameter, float(new[-1]), found, slope_new, arc, fold)
        taken += 1
        point, tangent, slope = new, turned, slope_new
        length = min(length * float(np.clip(2.0 ** ((EASY - found.nit) / 2.0), 0.5, 2.0)), most)


def _first_tangent(problem: GridProblem, name: str, point: Array, towards: float) -> tuple[Array, Array]:
    """Return the unit tangent at the first point, and the metric in which du and dp weigh the same there."""
    n = len(point) - 1
    settings = {**problem.stages[0].settings, name: float(point[-1])}
    scale = abs(point[-1]) or 1.0
    metric = np.append(np.full(n, 1.0 / n), 1.0 / scale**2)
    natural = np.append(np.zeros(n), 1.0)
    lin = ArcStep(problem, name, point, natural, metric, 0.0)
    at = lin.linearise(point, lin.frame(point), Work())
    tangent = _tangent(at, natural, metric)
    spread = float(np.sqrt(np.mean(tangent[:-1] ** 2))) / (abs(tangent[-1]) or 1.0) * scale
    metric[:-1] /= spread**2 or 1.0
    tangent = tangent / float(np.sqrt((metric * tangent) @ tangent))
    if not np.isfinite(tangent).all() or not settings:
        raise SolveFailed(f"branch: the tangent at {name}={point[-1]:.6g} cannot be found; start away from the fold")
    return tangent * (1.0 if tangent[-1] * towards > 0 else -1.0), metric


def _tangent(lin: Any, before: Array, metric: Array) -> Array:
    """Return the unit tangent at a solution, on the side of the tangent before."""
    rhs = np.zeros(len(before))
    rhs[-1] = -1.0
    with blas_threads(1):
        tangent = solve_sparse(lin.sparse(), rhs, preconditioner=lin.preconditioner(), rtol=1e-8)[0]
    tangent = tangent / float(np.sqrt((metric * tangent) @ tangent))
    return tangent if float((metric * tangent) @ before) >= 0 else -tangent


def _fold(a: float, b: float, slope_a: float, slope_b: float, length: float) -> float:
    """Return the extreme parameter between two points, from the cubic with their values and slopes."""
    c = np.poly1d(
        [
            (slope_a + slope_b) / length**2 - 2.0 * (b - a) / length**3,
            3.0 * (b - a) / length**2 - (2.0 * slope_a + slope_b) / length,
            slope_a,
            a,
        ]
    )
    inside = [
        float(np.real(s)) for s in c.deriv().roots if abs(np.imag(s)) < 1e-12 * length and 0 <= np.real(s) <= length
    ]
    return float(c(inside[0])) if inside else (a if abs(slope_a) < abs(slope_b) else b)
