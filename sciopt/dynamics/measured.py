"""Trajectories as measured: times, data, missing values, spreads; checked once, in one form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from sciopt._errors import DataError, OptionError
from sciopt._types import Array
from sciopt.dynamics.state import named

__all__ = ["Measured", "measured"]


@dataclass(frozen=True, eq=False)
class Measured:
    """Data of T trajectories in flat rows.

    Attributes
    ----------
    times
        Times of each trajectory, ascending, equal ones allowed.
    run
        Trajectory of each row, shape (N,).
    time
        Time of each row, shape (N,).
    names, shapes
        Name and shape of each leaf of a datum.
    values, spread, keep
        Per leaf: data (N, *shape), standard deviations of that shape (or None), and the mask of those present (or None).
    treedef
        Containers of a datum.
    """

    times: tuple[Array, ...]
    run: NDArray[Any]
    time: Array
    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    values: tuple[Array, ...]
    spread: tuple[Any, ...]
    keep: tuple[Any, ...]
    treedef: Any

    @property
    def runs(self) -> int:
        """Number of trajectories."""
        return len(self.times)


def _several(t: Any) -> bool:
    return isinstance(t, (list, tuple)) and len(t) > 0 and all(np.ndim(x) == 1 for x in t)


def _times(t: Any, who: str) -> Array:
    array = np.asarray(t)
    if array.dtype.kind not in "iuf" or array.ndim != 1:
        raise DataError(
            f"{who} must be a row of real numbers, got dtype {array.dtype} and shape {array.shape}; several trajectories "
            "are lists of rows"
        )
    array = array.astype(float)
    if not array.size:
        raise DataError(f"{who} is empty")
    bad = np.flatnonzero(~np.isfinite(array))
    if bad.size:
        raise DataError(f"{who} is {array[bad[0]]} at index {bad[0]}; times must be finite")
    falls = np.flatnonzero(np.diff(array) < 0)
    if falls.size:
        i = int(falls[0])
        raise DataError(
            f"{who} decreases at index {i + 1}: {array[i + 1]:.17g} after {array[i]:.17g}; sort the rows by time"
        )
    return array


def measured(t: Any, y: Any, sigma: Any, nan: str, mask: Any) -> Measured:
    """Read times and data.

    Parameters
    ----------
    t
        Times (n,), or a list of such rows, one a trajectory.
    y
        Array (n, ...) or any pytree of such arrays; a list of them for several trajectories.
    sigma
        None, a number, or a tree like ``y`` (numbers, rows or full arrays as leaves), or a list of such, one a trajectory.
    nan
        ``"raise"`` or ``"omit"``: what a NaN among the data means.
    mask
        True where a datum counts, like ``y``; None = all.

    Raises
    ------
    DataError
        Naming the trajectory, entry and index at fault.
    """
    if nan not in ("raise", "omit"):
        raise OptionError(f"nan must be 'raise' or 'omit', got {nan!r}")
    several = _several(t)
    ts = list(t) if several else [t]
    if several and not (isinstance(y, (list, tuple)) and len(y) == len(ts)):
        raise DataError(f"t has {len(ts)} trajectories; y must be a list of as many, got {type(y).__name__}")
    ys = list(y) if several else [y]
    n = len(ts)
    per_run = several and isinstance(sigma, (list, tuple)) and len(sigma) == n
    sigmas = list(sigma) if per_run else [sigma] * n  # type: ignore[arg-type]
    masks = list(mask) if several and mask is not None else [mask] * n
    if len(masks) != n:
        raise DataError(f"mask has {len(masks)} trajectories, t has {n}")
    times, columns, spreads, keeps = [], [], [], []
    names: tuple[str, ...] = ()
    shapes: tuple[tuple[int, ...], ...] = ()
    treedef = None
    for i, (ti, yi, si, mi) in enumerate(zip(ts, ys, sigmas, masks, strict=True)):
        where = f" of trajectory {i}" if several else ""
        row = _times(ti, f"t{where}")
        pairs, found = jax.tree_util.tree_flatten_with_path(named(yi), is_leaf=lambda x: isinstance(x, (list, tuple)))
        leaves = [np.asarray(leaf) for _, leaf in pairs]
        labels = tuple(_label(path) for path, _ in pairs)
        for label, leaf in zip(labels, leaves, strict=True):
            if leaf.dtype.kind not in "biuf":
                raise DataError(
                    f"{label}{where} has dtype {leaf.dtype}; real numbers are needed (complex data: two parts)"
                )
            if leaf.ndim == 0 or len(leaf) != len(row):
                raise DataError(
                    f"{label}{where} has shape {leaf.shape}, its first length must be that of t, {len(row)}"
                )
        if treedef is None:
            treedef, names, shapes = found, labels, tuple(leaf.shape[1:] for leaf in leaves)
        elif found != treedef or tuple(leaf.shape[1:] for leaf in leaves) != shapes:
            raise DataError(f"data of trajectory {i} have another structure than those of trajectory 0")
        leaves = [leaf.astype(float) for leaf in leaves]
        times.append(row)
        columns.append(leaves)
        keeps.append(_present(leaves, labels, mi, nan, where))
        spreads.append(_spread(si, leaves, labels, treedef, where))
    run = np.repeat(np.arange(n), [len(r) for r in times])
    stacked = tuple(np.concatenate([c[k] for c in columns]) for k in range(len(names)))
    kept = [np.concatenate([c[k] for c in keeps]) for k in range(len(names))]
    spread = tuple(None if sigma is None else np.concatenate([s[k] for s in spreads]) for k in range(len(names)))
    for label, k, s in zip(names, kept, spread, strict=True):
        if not k.any():
            raise DataError(f"{label}: no datum is left, all are missing or masked")
        bad = None if s is None else np.argwhere(~(np.isfinite(s) & (s > 0)) & k)
        if bad is not None and len(bad):
            place = tuple(int(v) for v in bad[0])
            raise DataError(
                f"sigma of {label} is {np.asarray(s)[place]:g} at index {place}; it must be finite and positive"
            )
    values = tuple(np.where(k, v, 0.0) for v, k in zip(stacked, kept, strict=True))
    spread = tuple(None if s is None else np.where(k, s, 1.0) for s, k in zip(spread, kept, strict=True))
    keep = tuple(None if k.all() else k for k in kept)
    return Measured(tuple(times), run, np.concatenate(times), names, shapes, values, spread, keep, treedef)


def _label(path: Any) -> str:
    return jax.tree_util.keystr(path).replace("['", ".").replace("']", "").lstrip(".") or "data"


def _present(leaves: list[Array], labels: tuple[str, ...], mask: Any, nan: str, where: str) -> list[NDArray[Any]]:
    out = []
    given = [None] * len(leaves) if mask is None else jax.tree_util.tree_leaves(named(mask))
    if len(given) != len(leaves):
        raise DataError(f"mask{where} has {len(given)} entries, the data have {len(leaves)}")
    for leaf, label, m in zip(leaves, labels, given, strict=True):
        keep = np.ones(leaf.shape, bool)
        if m is not None:
            m = np.asarray(m, bool)
            if m.shape not in (leaf.shape, leaf.shape[:1]):
                raise DataError(f"mask of {label}{where} has shape {m.shape}, the data {leaf.shape}")
            keep &= m.reshape(m.shape + (1,) * (leaf.ndim - m.ndim))
        missing = np.isnan(leaf) & keep
        if missing.any() and nan == "raise":
            place = tuple(int(v) for v in np.argwhere(missing)[0])
            raise DataError(
                f"{label}{where} is NaN at index {place}; say nan='omit' if that means missing, or give mask="
            )
        keep &= ~np.isnan(leaf)
        if np.isinf(leaf[keep]).any():
            place = tuple(int(v) for v in np.argwhere(np.isinf(leaf) & keep)[0])
            raise DataError(f"{label}{where} is infinite at index {place}")
        out.append(keep)
    return out


def _spread(sigma: Any, leaves: list[Array], labels: tuple[str, ...], treedef: Any, where: str) -> list[Any]:
    if sigma is None:
        return [None] * len(leaves)
    if np.ndim(sigma) == 0 and not isinstance(sigma, dict):
        given = [sigma] * len(leaves)
    else:
        given, found = jax.tree_util.tree_flatten(named(sigma))
        if found != treedef:
            raise DataError(
                f"sigma{where} has another structure than the data: give a number, or one entry for each entry"
            )
    out = []
    for s, leaf, label in zip(given, leaves, labels, strict=True):
        array = np.asarray(s)
        if array.dtype.kind not in "biuf":
            raise DataError(f"sigma of {label}{where} must be real numbers, got dtype {array.dtype}")
        array = array.astype(float)
        if array.shape == leaf.shape[:1] and leaf.ndim > 1 and array.shape != leaf.shape[1:]:
            array = array.reshape(array.shape + (1,) * (leaf.ndim - 1))
        try:
            out.append(np.broadcast_to(array, leaf.shape))
        except ValueError:
            raise DataError(f"sigma of {label}{where} has shape {array.shape}, the data {leaf.shape}") from None
    return out
