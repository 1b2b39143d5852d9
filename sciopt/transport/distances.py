"""One call from two measures to a distance with a certified interval."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from sciopt._errors import OptionError
from sciopt.status import Status
from sciopt.transport.cost import FUNCTION, MATRIX
from sciopt.transport.entropic import entropic, semi_dual
from sciopt.transport.exact import exact_plan
from sciopt.transport.multiscale import Multiscale, multiscale
from sciopt.transport.semi_dual import SemiDual
from sciopt.transport.setting import Relative, Setting, setting
from sciopt.transport.solution import Potentials, TransportSolution
from sciopt.transport.sparse_newton import SparseNewton

__all__ = ["Exact", "distance", "problem"]

EXACT_UP_TO = 4_000_000  # pairs for which an exact plan is made when no epsilon is asked for
RELATIVE = Relative(1e-3)


@dataclass(frozen=True)
class Exact:
    """The unregularised problem: sorting on a line, else network simplex or paths on candidate pairs."""


def distance(
    x: Any = None,
    y: Any = None,
    *,
    weights: Any = None,
    cost: Any = "sqeuclidean",
    epsilon: Any = None,
    accuracy: Any = None,
    unbalanced: Any = None,
    method: Any = "auto",
    tol: float = 1e-9,
    budget: float | int | None = None,
    memory: int | None = None,
    start: Any = None,
    threads: int | None = None,
    callback: Any = None,
    progress: Any = None,
) -> TransportSolution:
    r"""Return the transport distance between two measures, with a certified interval.

    Parameters
    ----------
    x, y
        Positions (n, d) or (n,), a `Grid`, `Histogram` or `Density`; omitted with ``cost=matrix``.
    weights
        Pair (a, b) of masses; equal masses by default.
    cost
        "sqeuclidean" (the distance is then W2), "euclidean", "cityblock", ``power(p)``, ``periodic(box)``,
        ``sphere()``, a matrix (``inf`` = forbidden pair), or a function of rows.
    epsilon
        Weight of the entropy :math:`\epsilon\,KL(P | a b^T/M)`, in units of the cost, or ``relative(1e-3)`` of the
        largest cost. None: the exact plan up to 4e6 pairs and on a line; above, clouds by ``Multiscale()``, matrices
        at ``relative(1e-3)``.
    accuracy
        Width of the interval of the unregularised cost to aim at, absolute or ``relative(1e-3)`` *of the cost*:
        epsilon is lowered, and the exact solver called, until it is that narrow.
    unbalanced
        None: masses must agree. Else the penalty of unmatched mass; see the room's unbalanced transport.
    method
        "auto", ``Exact()``, ``Multiscale()``, ``Sinkhorn()``, ``SparseNewton()``, ``SinkhornNewtonSparse()``.
    tol
        L1 norm of the errors of both marginals, relative to the mass, at which an entropic solve has converged.
    budget
        Whole number: most passes over the pairs; fractional: most seconds. What is known by then is returned.
    memory
        Bytes that arrays may take, 2 GiB by default.
    start
        An earlier solution, or potentials (f, g), to begin from.
    threads
        Threads of a pass; the same number gives the same bits.
    callback, progress
        As in `sciopt.solve`.

    Returns
    -------
    TransportSolution
        ``float(solution)`` is the distance; ``interval``, ``potentials``, ``plan``, ``map`` on request. Also when the
        solve did not converge: ``status`` says so, and the interval holds all the same.

    Raises
    ------
    DataError, OptionError
        Negative or missing mass, unequal masses, NaN costs, wrong shapes, epsilon <= 0, a point with forbidden pairs
        only; the message names them.

    Examples
    --------
    >>> float(distance([0.0, 1.0, 3.0], [5.0, 6.0, 8.0], cost="euclidean"))
    5.0
    """
    if not (isinstance(tol, int | float) and 0 < tol < 1):
        raise OptionError(f"tol={tol!r}: give a number between 0 and 1, relative to the mass")
    if unbalanced is not None:
        return _unbalanced(x, y, weights, cost, epsilon, unbalanced, tol, memory)
    s = setting(x, y, weights, cost, memory=memory)
    limits = _limits(budget) | {"callback": callback, "progress": progress}
    if accuracy is not None:
        return _accurate(s, accuracy, epsilon, method, tol, limits, threads)
    chosen = _chosen(s, epsilon, method)
    if isinstance(chosen, Exact):
        if epsilon is not None:
            raise OptionError(
                f"method=Exact() with epsilon={epsilon!r}: an exact plan has no epsilon; leave one of them out"
            )
        return _exact(s, threads)
    if isinstance(chosen, Multiscale):
        if epsilon is not None:
            raise OptionError(
                f"method=Multiscale() with epsilon={epsilon!r}: its plan has no epsilon; leave one of them out"
            )
        return multiscale(s, chosen, seconds=limits.get("seconds"), threads=threads)
    eps = s.epsilon(RELATIVE if epsilon is None else epsilon)
    return entropic(s, eps, chosen, tol=tol, start=start, threads=threads, **limits)


def problem(
    x: Any = None,
    y: Any = None,
    *,
    weights: Any = None,
    cost: Any = "sqeuclidean",
    epsilon: Any = RELATIVE,
    tol: float = 1e-9,
    method: Any = None,
    memory: int | None = None,
    threads: int | None = None,
) -> SemiDual:
    """Return entropic transport as a problem for `sciopt.solve` and `sciopt.iterate`; arguments as in `distance`.

    The unknown g belongs to the points of positive mass of the smaller measure, in spatial order.
    """
    s = setting(x, y, weights, cost, memory=memory)
    return semi_dual(s, s.epsilon(epsilon), SparseNewton() if method is None else method, tol, threads)


def _chosen(s: Setting, epsilon: Any, method: Any) -> Any:
    if isinstance(method, str):
        if method != "auto":
            raise OptionError(f"method={method!r}: give 'auto' or a method object such as transport.Sinkhorn()")
        if epsilon is not None:
            return SparseNewton()
        if s.x.size * s.y.size <= EXACT_UP_TO or _on_line(s):
            return Exact()
        return SparseNewton() if s.cost.kind in (MATRIX, FUNCTION) else Multiscale()
    if isinstance(method, type) or not (isinstance(method, Exact | Multiscale) or hasattr(method, "step")):
        raise OptionError(
            f"method must be 'auto' or a method object (did you mean {getattr(method, '__name__', method)}()?)"
        )
    return method


def _limits(budget: Any) -> dict[str, Any]:
    if budget is None:
        return {}
    if isinstance(budget, bool) or not isinstance(budget, int | float | np.integer) or not budget > 0:
        raise OptionError(f"budget={budget!r}: give a positive whole number of passes, or seconds as a float")
    return {"seconds": float(budget)} if isinstance(budget, float) else {"evaluations": int(budget)}


def _exact(s: Setting, threads: int | None) -> TransportSolution:
    begun = time.perf_counter()
    found = exact_plan(s.pairs, s.a, s.b, threads=threads)
    f, g = np.array(found.f), np.array(found.g)
    t = 0.5 * (float(s.b @ g) - float(s.a @ f)) / s.mass
    status = Status.converged if found.optimal else Status.stalled
    message = "the plan is optimal: no pair can lower its cost" if found.optimal else "the plan may not be optimal"
    return TransportSolution(
        s,
        Potentials(f + t, g - t),
        0.0,
        status=status,
        message=message,
        exact=found,
        seconds=time.perf_counter() - begun,
        method=Exact(),
    )


def _accurate(
    s: Setting, accuracy: Any, epsilon: Any, method: Any, tol: float, limits: Any, threads: int | None
) -> TransportSolution:
    """Climb down in epsilon until the interval is narrow enough; exact where that is what it takes."""
    if epsilon is not None:
        raise OptionError("accuracy= chooses epsilon itself; leave epsilon out")
    wanted = accuracy.value if isinstance(accuracy, Relative) else accuracy
    if not (isinstance(wanted, int | float) and np.isfinite(wanted) and wanted > 0):
        raise OptionError(f"accuracy={accuracy!r}: give a positive number or relative(...)")
    if s.x.size * s.y.size <= EXACT_UP_TO and isinstance(method, str):
        return _exact(s, threads)
    clouds = s.cost.kind not in (MATRIX, FUNCTION)
    if isinstance(method, Multiscale) or (isinstance(method, str) and clouds):
        if _on_line(s):
            return _exact(s, threads)
        wanted_part = wanted if isinstance(accuracy, Relative) else _relative_width(s, wanted, threads)
        return multiscale(s, Multiscale(None, wanted_part), seconds=limits.get("seconds"), threads=threads)
    chosen = SparseNewton() if isinstance(method, str) else method
    if isinstance(chosen, Exact):
        return _exact(s, threads)
    found: TransportSolution | None = None
    for part in (1e-3, 2e-4, 5e-5, 1e-5):
        found = entropic(s, part * (s.scale or 1.0), chosen, tol=max(tol, 1e-7), start=found, threads=threads, **limits)
        low, high = found.interval
        if high - low <= (wanted * abs(low) if isinstance(accuracy, Relative) else wanted):
            return found
        if found.status is not Status.converged:
            break
    assert found is not None
    found.status = Status.budget if found.status is Status.converged else found.status
    found.message = f"the interval is {found.gap:.2g} wide, more than the accuracy asked for"
    return found


def _on_line(s: Setting) -> bool:
    from sciopt.transport.exact_line import is_convex_on_line

    return is_convex_on_line(s.cost, s.x.points.shape[1])


def _relative_width(s: Setting, wanted: float, threads: int | None) -> float:
    """Return an absolute width in units of the cost, known from few clusters."""
    rough = multiscale(s, Multiscale(256), threads=threads)
    return wanted / max(rough.interval[1], 1e-300)


def _unbalanced(*arguments: Any) -> TransportSolution:
    import importlib

    try:
        room = importlib.import_module("sciopt.transport.unbalanced")
    except ModuleNotFoundError:
        raise OptionError("unbalanced transport is not part of this version; leave unbalanced= out") from None
    return room.unbalanced_distance(*arguments)
