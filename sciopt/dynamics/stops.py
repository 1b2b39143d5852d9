"""Where lanes start and stop: data times, jumps, doses and the ends of segments, in one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sciopt._errors import DataError
from sciopt._types import Array
from sciopt.dynamics.lanes import Lanes
from sciopt.dynamics.measured import Measured

__all__ = ["Table", "happenings", "table"]


@dataclass(frozen=True, eq=False)
class Table:
    """Lanes of a problem and the places of its data in them.

    Attributes
    ----------
    lanes
        Arrays for the replay (controls not yet filled in).
    run
        Trajectory of each lane, shape (B,).
    source
        Row of the table [initial states; nodes] where each lane starts, shape (B,).
    lane, stop
        Lane and stop of each data row, shape (N,).
    nodes
        Absolute times of the inner nodes, in the order of their rows.
    """

    lanes: Lanes
    run: NDArray[Any]
    source: NDArray[Any]
    lane: NDArray[Any]
    stop: NDArray[Any]
    nodes: Array


def happenings(jumps: Any, doses: Any, runs: int, size: int, ravel: Any) -> list[tuple[Array, dict[float, Array]]]:
    """Return (jump times, {time: added state}) of each trajectory.

    ``jumps`` is a row of times for all trajectories, or a list of rows; ``doses`` a list of ``(time, amount)`` for all,
    or a list of such lists.
    """
    per_run_jumps = isinstance(jumps, (list, tuple)) and len(jumps) == runs and all(np.ndim(j) == 1 for j in jumps)
    listed = list(jumps) if per_run_jumps else [jumps] * runs
    nested = bool(doses) and all(
        isinstance(d, (list, tuple)) and all(isinstance(e, (list, tuple)) and len(e) == 2 for e in d) for d in doses
    )
    if nested and len(doses) != runs:
        raise DataError(f"doses= has lists for {len(doses)} trajectories, t has {runs}")
    given = list(doses) if nested else [doses] * runs
    out = []
    for i in range(runs):
        times = np.asarray([] if listed[i] is None else listed[i], float).ravel()
        if not np.isfinite(times).all():
            raise DataError(f"jumps= has a time that is not finite: {times.tolist()}")
        amounts: dict[float, Array] = {}
        for entry in given[i] or ():
            time, amount = entry
            if not np.isfinite(float(time)):
                raise DataError(f"doses= has a time that is not finite: {time!r}")
            vector = np.asarray(ravel(amount, f"dose at time {float(time):g}"), float)
            if vector.shape != (size,) or not np.isfinite(vector).all():
                raise DataError(f"dose at time {float(time):g}: it must be a finite state like initial, got {amount!r}")
            amounts[float(time)] = amounts.get(float(time), 0.0) + vector
        out.append((np.unique(times), amounts))
    return out


def table(
    data: Measured,
    starts: Array,
    happened: list[tuple[Array, dict[float, Array]]],
    size: int,
    cuts: list[Array] | None = None,
) -> Table:
    """Lay out the lanes.

    Parameters
    ----------
    data
        The measurements.
    starts
        Start time of each trajectory, shape (T,).
    happened
        From `happenings`.
    size
        Number d of entries of the state.
    cuts
        Absolute times at which each trajectory is cut into segments; None = single shooting.
    """
    rows: list[dict[str, Any]] = []
    lane, stop = np.zeros(len(data.run), int), np.zeros(len(data.run), int)
    nodes: list[float] = []
    for i, times in enumerate(data.times):
        first = float(starts[i])
        if times[0] < first:
            raise DataError(
                f"trajectory {i} has a datum at time {times[0]:.17g}, before its start {first:.17g}; give an earlier start="
            )
        last = float(times[-1])
        jumps, doses = happened[i]
        inner = [x for x in (*jumps, *doses) if first < x < last]
        every = np.unique(np.concatenate([[first], times, inner]))
        breaks = [] if cuts is None else [float(c) for c in np.unique(cuts[i]) if first < c < last]
        every = np.unique(np.concatenate([every, breaks]))
        edges = [first, *breaks, last]
        place = np.flatnonzero(data.run == i)
        for k in range(len(edges) - 1):
            a, b = edges[k], edges[k + 1]
            own = every[(every >= a) & (every <= b)]
            source = -1 - i if k == 0 else len(nodes)
            if k:
                nodes.append(a)
            rows.append({"run": i, "origin": times[0], "stops": own, "source": source, "jumps": jumps, "doses": doses})
            mine = (data.time[place] <= b) & ((data.time[place] > a) | ((k == 0) & (data.time[place] == a)))
            lane[place[mine]] = len(rows) - 1
            stop[place[mine]] = np.searchsorted(own, data.time[place[mine]])
    B, K = len(rows), max(max(len(r["stops"]) - 1 for r in rows), 1)
    stops, jump, dose = np.zeros((B, K + 1)), np.zeros((B, K + 1), bool), np.zeros((B, K + 1, size))
    number = np.array([len(r["stops"]) - 1 for r in rows])
    for j, r in enumerate(rows):
        own = r["stops"]
        stops[j, : len(own)] = own - r["origin"]
        stops[j, len(own) :] = stops[j, len(own) - 1]
        jump[j, : len(own)] = np.isin(own, r["jumps"])
        for time, amount in r["doses"].items():
            dose[j, : len(own)][own == time] = amount
    origin = np.array([r["origin"] for r in rows])
    run = np.array([r["run"] for r in rows])
    T = data.runs
    source = np.array([-1 - r["source"] if r["source"] < 0 else T + r["source"] for r in rows])
    return Table(Lanes(origin, stops, number, jump, dose), run, source, lane, stop, np.array(nodes))
