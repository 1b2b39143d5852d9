"""Multiscale solves of clouds of any size: optimal between clusters, certified between points."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from sciopt._errors import OptionError
from sciopt._types import Array
from sciopt.status import Status
from sciopt.transport.bounds import c_transform
from sciopt.transport.cost import FUNCTION, MATRIX
from sciopt.transport.large import CloudBounds, cloud_bounds
from sciopt.transport.setting import Setting
from sciopt.transport.solution import Potentials, TransportSolution

__all__ = ["Multiscale", "multiscale"]


@dataclass(frozen=True)
class Multiscale:
    """Clusters of k-d trees, four times as many at each level; O(n) memory, a certified interval for all points.

    Parameters
    ----------
    clusters
        About how many clusters the finest level has; None = the points themselves, which makes the plan exact.
    accuracy
        Width of the interval relative to the cost at which refinement ends before that.

    Examples
    --------
    >>> Multiscale(clusters=4096).clusters
    4096
    """

    clusters: int | None = 16384
    accuracy: float | None = None

    def __post_init__(self) -> None:
        if self.clusters is not None and not (isinstance(self.clusters, int) and self.clusters >= 1):
            raise OptionError(f"Multiscale(clusters={self.clusters!r}): give a whole number from 1 on, or None")
        if self.accuracy is not None and not self.accuracy > 0:
            raise OptionError(f"Multiscale(accuracy={self.accuracy!r}): give a positive number, relative to the cost")


def multiscale(
    setting: Setting, method: Multiscale, *, seconds: float | None = None, threads: int | None = None
) -> TransportSolution:
    """Solve a setting between clouds level by level; see `sciopt.transport.large.cloud_bounds`.

    Raises
    ------
    OptionError
        The cost has no positions.
    """
    s = setting
    if s.cost.kind in (MATRIX, FUNCTION):
        raise OptionError(f"Multiscale() needs a cost of positions, got {s.cost.name}; use Exact() or SparseNewton()")
    begun = time.perf_counter()
    rows, columns = np.flatnonzero(s.a > 0), np.flatnonzero(s.b > 0)
    X, Y = s.cost.prepare(s.x, "x"), s.cost.prepare(s.y, "y")
    found = cloud_bounds(
        X[rows],
        Y[columns],
        s.a[rows],
        s.b[columns],
        s.cost,
        clusters=method.clusters,
        accuracy=method.accuracy,
        seconds=seconds,
        threads=threads,
    )
    f, g = _everywhere(s, found, rows, columns)
    t = 0.5 * (float(s.b @ g) - float(s.a @ f)) / s.mass
    reached = method.accuracy is None or found.upper - found.lower <= method.accuracy * found.upper
    if found.exact:
        message = "the plan is optimal: no pair can lower its cost"
    elif reached:
        message = f"optimal between {len(found.level.f)} and {len(found.level.g)} clusters, certified between points"
    else:
        message = f"the interval is {(found.upper - found.lower) / found.upper:.2g} wide relative to the cost; more clusters narrow it"
    out = TransportSolution(
        s,
        Potentials(f + t, g - t),
        0.0,
        status=Status.converged if reached else Status.budget,
        message=message,
        exact=_with_all_points(found, s, rows, columns),
        seconds=time.perf_counter() - begun,
        method=method,
    )
    out.refinement = found.history
    out.notes = [f"{h['clusters']} clusters: cost in [{h['lower']:.6g}, {h['upper']:.6g}]" for h in found.history]
    return out


def _everywhere(s: Setting, found: CloudBounds, rows: Any, columns: Any) -> tuple[Array, Array]:
    """Return feasible potentials of all points, those without mass included."""
    f, g = np.empty(s.x.size), np.empty(s.y.size)
    f[rows], g[columns] = found.f, found.g
    empty = np.flatnonzero(s.a == 0)
    if len(empty):
        f[empty] = c_transform(s.pairs.restricted(empty, columns), found.g)
    empty = np.flatnonzero(s.b == 0)
    if len(empty):
        g[empty] = c_transform(s.pairs.restricted(np.arange(s.x.size), empty), f, columns=True)
    return f, g


def _with_all_points(found: CloudBounds, s: Setting, rows: Any, columns: Any) -> Any:
    if len(rows) == s.x.size and len(columns) == s.y.size:
        return found
    return _Padded(found, rows, columns, (s.x.size, s.y.size))


class _Padded:
    """Bounds of the points with mass, with a plan whose other rows and columns are empty."""

    def __init__(self, found: CloudBounds, rows: Any, columns: Any, shape: tuple[int, int]) -> None:
        self._found, self._rows, self._columns, self._shape = found, rows, columns, shape

    def __getattr__(self, name: str) -> Any:
        return getattr(self._found, name)

    @property
    def plan(self) -> Any:
        """The plan as a sparse matrix of all points."""
        from scipy.sparse import coo_matrix

        part: Any = self._found.plan.sparse().tocoo()
        return coo_matrix((part.data, (self._rows[part.row], self._columns[part.col])), shape=self._shape).tocsr()
