"""Entropic solves: from a setting to a solution, by any of the iterative methods."""

from __future__ import annotations

from typing import Any

import numpy as np

from sciopt._errors import OptionError
from sciopt._types import Array
from sciopt.solve import solve
from sciopt.status import Status
from sciopt.transport.coarse import coarse_start
from sciopt.transport.full_dual import FullDual
from sciopt.transport.grids import EMPTY, GridPlan, GridWorkspace
from sciopt.transport.plan import EntropicPlan
from sciopt.transport.semi_dual import SemiDual
from sciopt.transport.setting import Setting
from sciopt.transport.sinkhorn import Sinkhorn
from sciopt.transport.sns import SinkhornNewtonSparse
from sciopt.transport.solution import Potentials, TransportSolution, soft_transform
from sciopt.transport.sparse_newton import SparseNewton

__all__ = ["entropic", "semi_dual"]


def semi_dual(setting: Setting, epsilon: float, method: Any, tol: float, threads: int | None = None) -> SemiDual:
    """Return the problem that the engine solves for a setting."""
    if (costs := setting.axis_costs) is not None and not isinstance(method, SinkhornNewtonSparse):
        a, b = (np.maximum(v / v.sum(), EMPTY) for v in (setting.a, setting.b))
        grids: Any = GridWorkspace(setting.pairs, a, b, costs)
        direct = isinstance(method, Sinkhorn)
        return SemiDual(setting.pairs, a, b, epsilon, tolerance=tol, work=grids, direct=direct, default=method)
    reduced = setting.reduced
    options: dict[str, Any] = {}
    if isinstance(method, SparseNewton):
        options = {
            "factor": method.factor,
            "stage_error": method.stage,
            "threshold": method.threshold,
            "slack": method.slack,
        }
    return SemiDual(
        reduced.pairs,
        reduced.a,
        reduced.b,
        epsilon,
        tolerance=tol,
        threads=threads,
        memory=setting.memory,
        labels=reduced.labels,
        direct=isinstance(method, Sinkhorn),
        default=method,
        **options,
    )


def full_dual(setting: Setting, epsilon: float, method: Any, tol: float) -> FullDual:
    """Return the problem in both potentials."""
    reduced = setting.reduced
    return FullDual(reduced.pairs, reduced.a, reduced.b, epsilon, tolerance=tol, memory=setting.memory, default=method)


def entropic(
    setting: Setting,
    epsilon: float,
    method: Any,
    *,
    tol: float = 1e-9,
    start: Any = None,
    threads: int | None = None,
    **budget: Any,
) -> TransportSolution:
    """Solve entropic transport.

    Parameters
    ----------
    setting, epsilon, method, tol, threads
        What to solve, how, and to which marginal error relative to the mass.
    start
        A `TransportSolution` or potentials (f, g) to begin from.
    budget
        ``steps``, ``seconds``, ``evaluations``, ``callback``, ``progress`` of `sciopt.solve`.
    """
    if isinstance(method, SinkhornNewtonSparse):
        problem: Any = full_dual(setting, epsilon, method, tol)
        if start is not None:
            raise OptionError("SinkhornNewtonSparse begins with scaling iterations; leave start= out")
    else:
        problem = semi_dual(setting, epsilon, method, tol, threads)
    theta = None if start is None else _start(setting, problem, start)
    if theta is None and isinstance(method, SparseNewton) and not (problem.pairs.stored or problem.work.separable):
        theta, problem.begin = coarse_start(problem.pairs, problem.a, problem.b, epsilon)
    way: Any = method
    solved = solve(problem, way, start=theta, **budget)
    lin: Any = solved.iterate.lin
    lin._ensure()
    eps = lin.epsilon
    inner_f, inner_g = lin.potentials()
    level, grids = setting.levelled, getattr(problem, "work", None)
    before = lin.frame.extra.before
    swapped, extrapolated = False, None
    zero = None
    if before is not None and before[0] > eps:
        zero = inner_g - eps / (before[0] - eps) * (before[1] - before[0] * np.log(problem.b) - inner_g)
    if isinstance(grids, GridWorkspace):
        f, g = inner_f, inner_g
        plan: EntropicPlan = GridPlan(setting, f, g, eps, grids.costs)
        extrapolated = zero
    else:
        swapped = setting.reduced.swapped
        f, g = _complete(setting, inner_f, inner_g, eps)
        plan = EntropicPlan(setting, f, g, eps)
        if zero is not None:
            extrapolated = _places(setting, zero) + (level.x if swapped else level.y)
    f, g = f + level.x, g + level.y
    t = 0.5 * (float(setting.b @ g) - float(setting.a @ f)) / setting.mass
    f, g = f + t, g - t
    status, message = solved.status, solved.message
    if status is not Status.converged and np.isinf(setting.pairs.C).any() and not _feasible(setting):
        status, message = Status.infeasible, "no plan between these masses avoids the forbidden pairs"
    return TransportSolution(
        setting,
        Potentials(f, g),
        eps,
        status=status,
        message=message,
        solved=solved,
        plan=plan,
        extrapolated=extrapolated,
        swapped=swapped,
    )


def _places(setting: Setting, inner: Array) -> Array:
    """Return potentials of the solver's columns at the places of the measure, -inf where there is no mass."""
    reduced = setting.reduced
    out = np.full(setting.x.size if reduced.swapped else setting.y.size, -np.inf)
    out[reduced.columns] = inner
    return out


def _complete(setting: Setting, inner_f: Array, inner_g: Array, eps: float) -> tuple[Array, Array]:
    """Return potentials of all points, those without mass included, of the levelled costs."""
    reduced, s = setting.reduced, setting
    if reduced.swapped:
        rows, columns, of_rows, of_columns = reduced.columns, reduced.rows, inner_g, inner_f
    else:
        rows, columns, of_rows, of_columns = reduced.rows, reduced.columns, inner_f, inner_g
    f, g = np.zeros(s.x.size), np.zeros(s.y.size)
    f[rows], g[columns] = of_rows, of_columns
    empty = np.flatnonzero(s.a == 0)
    if len(empty):
        part = s.levelled.pairs.restricted(empty, np.arange(s.y.size))
        f[empty] = soft_transform(part, g, s.b, s.mass, eps)
    empty = np.flatnonzero(s.b == 0)
    if len(empty):
        part = s.levelled.pairs.restricted(np.arange(s.x.size), empty).transposed()
        g[empty] = soft_transform(part, f, s.a, s.mass, eps)
    return f, g


def _start(setting: Setting, problem: SemiDual, start: Any) -> Array:
    potentials = getattr(start, "potentials", start)
    if not (isinstance(potentials, tuple) and len(potentials) == 2):
        raise OptionError("start: give a transport solution, or potentials (f, g)")
    if problem.work.separable:
        return np.asarray(potentials[1], dtype=float) + problem.epsilon * problem.work.log_b
    reduced = setting.reduced
    dual = np.asarray(potentials[0] if reduced.swapped else potentials[1], dtype=float)
    wanted = setting.x.size if reduced.swapped else setting.y.size
    if dual.shape != (wanted,):
        raise OptionError(f"start: a potential has shape {dual.shape}, expected ({wanted},)")
    shift = setting.levelled.x if reduced.swapped else setting.levelled.y
    return (dual - shift)[reduced.columns] + problem.epsilon * problem.work.log_b


def _feasible(setting: Setting) -> bool:
    """Whether some plan avoids the forbidden pairs: a maximal flow in whole units."""
    from scipy.sparse import coo_array, csr_array
    from scipy.sparse.csgraph import maximum_flow

    a, b = setting.a / setting.mass, setting.b / setting.mass
    n, m = len(a), len(b)
    unit = 2**28
    i, j = np.nonzero(np.isfinite(setting.pairs.C))
    rows = np.concatenate([np.zeros(n, int), i + 1, n + 1 + np.arange(m)])
    columns = np.concatenate([1 + np.arange(n), n + 1 + j, np.full(m, n + m + 1)])
    room = np.concatenate([np.floor(a * unit), np.full(len(i), unit), np.ceil(b * unit)]).astype(np.int32)
    graph = csr_array(coo_array((room, (rows, columns)), shape=(n + m + 2, n + m + 2)))
    flow = maximum_flow(graph, 0, n + m + 1).flow_value
    return bool(flow >= np.floor(a * unit).sum() * (1.0 - 1e-6))
