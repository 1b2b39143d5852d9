"""Multiple shooting: where to cut, what to begin the segments with, and when it is worth while."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from sciopt._errors import DataError, OptionError
from sciopt._types import Array
from sciopt.dynamics.grids import adaptive, evaluate
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
    those of the trajectory at the start values if it can be solved, or else stay at their initial values.

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
    solved = None if guess is not None or _complete(problem) else _along(problem, cuts)
    for i, times in enumerate(cuts):
        mine = data.run == i
        rows = []
        for values, keep in zip(data.values, data.keep, strict=True):
            flat = values[mine].reshape(mine.sum(), -1)
            good = np.ones(flat.shape, bool) if keep is None else keep[mine].reshape(flat.shape)
            rows.append(
                np.stack([_between(times, data.time[mine], flat[:, j], good[:, j]) for j in range(flat.shape[1])], 1)
            )
        for k, t in enumerate(times):
            leaves = [r[k].reshape(shape) for r, shape in zip(rows, data.shapes, strict=True)]
            if guess is not None:
                import jax

                row = jax.tree_util.tree_unflatten(data.treedef, [leaf[()] for leaf in leaves])
                with double():
                    vector = np.asarray(state.vector(guess(float(t), row), f"guess at time {t:g}"))
                if not np.isfinite(vector).all():
                    raise DataError(f"guess at time {t:g} is not finite")
                out.append(vector)
                continue
            vector = np.array(first[i]) if solved is None else solved[i][k]
            if setting.observe is None:
                _fill(vector, setting, leaves)
            out.append(vector)
    return np.array(out).reshape(-1, d)


def _complete(problem: Any) -> bool:
    """Whether the data hold the whole state."""
    setting = problem.setting
    return setting.observe is None and setting.picked is None


def _fill(vector: Array, setting: Any, leaves: list[Array]) -> None:
    """Put measured entries into a state vector."""
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


def _between(at: Array, times: Array, values: Array, good: Array) -> Array:
    """Interpolate the present values linearly; replicates are averaged."""
    if not good.any():
        return np.full(len(at), np.nan)
    unique, inverse = np.unique(times[good], return_inverse=True)
    mean = np.bincount(inverse, values[good]) / np.bincount(inverse)
    return np.interp(at, unique, mean)


def _along(problem: Any, cuts: list[Array]) -> list[Array] | None:
    """Return the states at the cuts of the trajectory at the start values, or None where it cannot be solved."""
    from sciopt.dynamics.replay import replay_forward

    if not any(len(c) for c in cuts):
        return None
    with double():
        first = problem.setting.initial_states()
        cut = problem.shot(cuts, np.repeat(first, [len(c) for c in cuts], axis=0))
        whole = cut.setting.laid_out()
        _, plan, arrays, table = whole
        theta = jnp.asarray(problem.layout.start)
        grid = adaptive(problem, problem.layout.start)
        if grid.failed:
            return None
        from sciopt.dynamics.plan import lanes_at, starts

        y0 = starts(plan, theta, arrays)
        played = replay_forward(
            plan.flow, 0, theta, arrays.fixed, y0, lanes_at(plan, theta, arrays), grid.steps, arrays.rtol, grid.atol
        )
        states, stops = np.asarray(played.states), np.asarray(arrays.lanes.stops)
        number, origin = np.asarray(arrays.lanes.number), np.asarray(arrays.lanes.origin)
    out = []
    for i, times in enumerate(cuts):
        lane = int(np.flatnonzero(table.run == i)[0])
        own = stops[lane, : number[lane] + 1] + origin[lane]
        curve = states[lane, : number[lane] + 1]
        out.append(np.stack([np.interp(times, own, curve[:, j]) for j in range(curve.shape[1])], 1))
    return out if all(np.isfinite(o).all() for o in out) else None


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
