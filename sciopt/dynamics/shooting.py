"""Multiple shooting: where to cut, what to begin the segments with, and when it is worth while."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sciopt._errors import DataError, OptionError
from sciopt._types import Array
from sciopt.dynamics.flow import Flow
from sciopt.dynamics.grids import evaluate
from sciopt.linearise.autodiff import double

__all__ = ["cut_times", "explained", "node_states"]

MOST = 50  # segments of a trajectory that "auto" makes
EXPLAINED = 0.5  # share of the data's variance below which a start counts as bad


def cut_times(problem: Any, shooting: Any) -> list[Array]:
    """Return the times at which each trajectory is cut.

    Parameters
    ----------
    problem
        A `TrajectoryProblem`, single shooting.
    shooting
        ``"multiple"`` (segments of two data intervals, at most 50), a number of segments, or a row of times.
    """
    data = problem.setting.data
    out = []
    for i in range(data.runs):
        times = np.unique(data.times[i])
        intervals = len(times) - 1
        if isinstance(shooting, str):
            K = max(1, min(intervals // 2, MOST))
        elif np.ndim(shooting) == 1:
            cuts = np.asarray(shooting, float)
            if not np.isfinite(cuts).all():
                raise DataError(f"shooting= has a time that is not finite: {cuts.tolist()}")
            out.append(cuts)
            continue
        else:
            if isinstance(shooting, bool) or not isinstance(shooting, (int, np.integer)) or shooting < 1:
                raise OptionError(
                    f"shooting={shooting!r}: give 'auto', 'single', 'multiple', a number of segments, or times to cut at"
                )
            K = min(int(shooting), max(intervals, 1))
        places = np.unique(np.round(np.linspace(0, intervals, K + 1)).astype(int))[1:-1]
        out.append(times[places])
    return out


def node_states(problem: Any, cuts: list[Array], guess: Any) -> Array:
    """Return states at the cuts to begin with, shape (n, d): data where there are, else a guess.

    Entries of the state that were measured are interpolated between the data; the others come from ``guess``, or are
    those with which the field at the start values gives the slopes of the data, nearest to their initial values.

    Parameters
    ----------
    guess
        ``guess(t, row)`` -> state, with ``row`` the (interpolated) data at time t in the form of a row of ``y``.
    """
    setting = problem.setting
    data, state, d = setting.data, setting.state, setting.state.size
    with double():
        first = setting.initial_states()
    out = []
    for i, times in enumerate(cuts):
        mine = data.run == i
        rows, slopes = [], []
        for values, keep in zip(data.values, data.keep, strict=True):
            flat = values[mine].reshape(mine.sum(), -1)
            good = np.ones(flat.shape, bool) if keep is None else keep[mine].reshape(flat.shape)
            found = [_between(times, data.time[mine], flat[:, j], good[:, j]) for j in range(flat.shape[1])]
            rows.append(np.stack([f[0] for f in found], 1))
            slopes.append(np.stack([f[1] for f in found], 1))
        for k, t in enumerate(times):
            leaves = [r[k].reshape(shape) for r, shape in zip(rows, data.shapes, strict=True)]
            if guess is not None:
                row = jax.tree_util.tree_unflatten(data.treedef, [leaf[()] for leaf in leaves])
                with double():
                    vector = np.asarray(state.vector(guess(float(t), row), f"guess at time {t:g}"))
                if not np.isfinite(vector).all():
                    raise DataError(f"guess at time {t:g} is not finite")
                out.append(vector)
                continue
            vector = np.array(first[i])
            if setting.observe is None:
                seen, slope = np.zeros(d, bool), np.zeros(d)
                _fill(vector, setting, leaves, seen)
                _fill(slope, setting, [z[k].reshape(shape) for z, shape in zip(slopes, data.shapes, strict=True)], seen)
                if not seen.all() and seen.any():
                    with double():
                        vector = _hidden(problem, float(t), i, vector, seen, slope[seen])
            out.append(vector)
    return np.array(out).reshape(-1, d)


def _fill(vector: Array, setting: Any, leaves: list[Array], seen: Any) -> None:
    """Put measured entries into a state vector, and mark them."""
    place = {}
    position = 0
    for name, shape, z in zip(setting.state.names, setting.state.shapes, setting.state.complexes, strict=True):
        n = int(np.prod(shape)) * (2 if z else 1)
        place[name] = slice(position, position + n)
        position += n
    for name, leaf in zip(setting.data.names, leaves, strict=True):
        flat = np.ravel(leaf)
        where = place.get(name) or place.get("y")
        if where is not None and np.isfinite(flat).all() and where.stop - where.start == len(flat):
            vector[where] = flat
            seen[where] = True


def _between(at: Array, times: Array, values: Array, good: Any) -> tuple[Array, Array]:
    """Return the present values interpolated linearly, and their slopes; replicates are averaged."""
    if not good.any():
        return np.full(len(at), np.nan), np.full(len(at), np.nan)
    unique, inverse = np.unique(times[good], return_inverse=True)
    mean = np.bincount(inverse, values[good]) / np.bincount(inverse)
    slope = np.gradient(mean, unique) if len(unique) > 1 else np.zeros(1)
    return np.interp(at, unique, mean), np.interp(at, unique, slope)


def _hidden(problem: Any, time: float, run: int, y: Array, seen: Any, slope: Array) -> Array:
    """Return the state whose measured entries move at the rates that the data show, nearest to the given one.

    Gauss-Newton steps by the pseudoinverse on f_seen(t, y) = slope in the entries that were not measured.
    """
    flow, theta = problem.program.flow, jnp.asarray(problem.layout.start)
    control = jax.tree_util.tree_map(lambda c: c[run], problem.arrays.lanes.control)
    vector, size = np.array(y), problem.setting.magnitude()
    for _ in range(4):
        rate, Fy, _ = _derivatives(flow, time, vector, theta, problem.arrays.fixed, control)
        rate, Fy = np.asarray(rate), np.asarray(Fy)
        unit = size[seen]
        A = Fy[np.ix_(seen, ~seen)] / unit[:, None] * size[~seen]
        b = (slope - rate[seen]) / unit
        if not (np.isfinite(A).all() and np.isfinite(b).all()):
            break
        vector[~seen] += size[~seen] * (np.linalg.pinv(A, rcond=1e-3) @ b)
    return vector if np.isfinite(vector).all() else y


_derivatives = jax.jit(Flow.derivatives, static_argnums=0)


def explained(problem: Any, theta: Array) -> float:
    """Return the share of the data's scatter that the trajectories at theta explain, over the worst quantity."""
    frame = problem.frame(theta)
    found = evaluate(problem, theta, frame)
    if found.failed:
        return -np.inf
    worst = 1.0
    data = problem.setting.data
    for z, values, keep in zip(found.outputs, data.values, data.keep, strict=False):
        good = np.ones(values.shape, bool) if keep is None else keep
        misfit = np.sum(np.where(good, z - values, 0.0) ** 2)
        mean = np.sum(np.where(good, values, 0.0), 0) / np.maximum(good.sum(0), 1)
        scatter = np.sum(np.where(good, values - mean, 0.0) ** 2)
        worst = min(worst, 1.0 - float(misfit / scatter) if scatter > 0 else 1.0)
    return worst
