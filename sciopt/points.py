"""Points: where the rows of a condition come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from sciopt._errors import DataError, OptionError

__all__ = ["Batch", "Minibatch", "Points", "Resampled", "as_points", "fixed", "grid", "sobol", "uniform"]


@dataclass(frozen=True, eq=False)
class Batch:
    """The rows in force on one frame.

    Attributes
    ----------
    coords
        Coordinates as the residual function gets them, each with n rows, or None.
    n
        Number of points (not rows: a vector residual has several rows a point); None if unknown.
    index
        Which rows of the condition's data belong to the batch; None = all.
    weights
        Quadrature weights of shape (n,), or None for equal weights.
    """

    coords: Any = None
    n: int | None = None
    index: np.ndarray | None = None
    weights: np.ndarray | None = None


class Points(Protocol):
    """What a condition needs of its points."""

    def first(self, rng: np.random.Generator) -> Batch:
        """Return the batch of the first frame."""
        ...

    def following(self, batch: Batch, request: Mapping[str, Any], step: int, rng: np.random.Generator) -> Batch:
        """Return the batch of the next frame; the same object means unchanged."""
        ...


@dataclass(frozen=True, eq=False)
class Fixed:
    """Points that never change; see `fixed`."""

    batch: Batch

    def first(self, rng: np.random.Generator) -> Batch:
        """Return the one batch."""
        return self.batch

    def following(self, batch: Batch, request: Mapping[str, Any], step: int, rng: np.random.Generator) -> Batch:
        """Return the same batch."""
        return batch


@dataclass(frozen=True)
class Resampled:
    """Points drawn anew, every step or when a method asks for it.

    Parameters
    ----------
    draw
        ``draw(rng, n) -> coords`` with n rows.
    n
        Number of points at the start; ``request["rows"]`` of a method changes it (growing batches).
    every
        Redraw after that many steps; 0 redraws only on request (``request["refresh"]``).
    largest
        Upper limit to which requests may grow n.

    Examples
    --------
    >>> import numpy as np
    >>> p = Resampled(lambda rng, n: rng.uniform(0, 1, n), 8, every=1)
    >>> p.first(np.random.default_rng(0)).n
    8
    """

    draw: Callable[[np.random.Generator, int], Any]
    n: int
    every: int = 1
    largest: int | None = None

    def __post_init__(self) -> None:
        if not callable(self.draw):
            raise OptionError(f"Resampled: draw must be a function draw(rng, n), got {self.draw!r}")
        _whole("Resampled", "n", self.n)
        _whole("Resampled", "every", self.every, 0)
        if self.largest is not None:
            _whole("Resampled", "largest", self.largest, self.n)

    def first(self, rng: np.random.Generator) -> Batch:
        """Draw n points."""
        return self._drawn(rng, self.n)

    def _drawn(self, rng: np.random.Generator, n: int) -> Batch:
        coords = self.draw(rng, n)
        lengths = {len(x) if np.ndim(x) else 1 for x in _columns(coords)}
        if lengths != {n}:
            raise DataError(
                f"Resampled: draw(rng, {n}) returned {', '.join(map(str, sorted(lengths)))} points, not {n}"
            )
        return Batch(coords, n)

    def following(self, batch: Batch, request: Mapping[str, Any], step: int, rng: np.random.Generator) -> Batch:
        """Redraw if it is time, or if the method asks for more rows or a refresh."""
        n = int(request.get("rows", batch.n))
        if self.largest is not None:
            n = min(n, self.largest)
        due = bool(self.every) and step % self.every == 0
        if due or n != batch.n or request.get("refresh"):
            return self._drawn(rng, n)
        return batch


@dataclass(frozen=True, eq=False)
class Minibatch:
    """Mini-batches of a data set, in shuffled epochs.

    Parameters
    ----------
    coords
        An array, or a tuple or dict of arrays, with one row a datum.
    size
        Rows in a batch; ``request["rows"]`` changes it.
    """

    coords: Any
    size: int

    def __post_init__(self) -> None:
        _whole("Minibatch", "size", self.size)
        if isinstance(self.coords, list):
            object.__setattr__(self, "coords", np.asarray(self.coords))
        shapes = [np.shape(x) for x in _columns(self.coords)]
        if not all(shapes) or len({s[0] for s in shapes}) != 1 or not shapes[0][0]:
            raise DataError(
                f"Minibatch: coords must be arrays with one row a datum, equally many and at least one; got shapes {shapes}"
            )

    def first(self, rng: np.random.Generator) -> Batch:
        """Draw the first batch of a new epoch."""
        return self._take(rng, self.size, 0)

    def following(self, batch: Batch, request: Mapping[str, Any], step: int, rng: np.random.Generator) -> Batch:
        """Return the next batch; the order is a function of key and step alone, so that a resume repeats it."""
        return self._take(rng, int(request.get("rows", batch.n)), step)

    def _take(self, rng: np.random.Generator, size: int, step: int) -> Batch:
        total = count(self.coords)
        size = min(size, total)
        per_epoch = max(total // size, 1)
        # the epoch's order comes from its own stream: one permutation serves all its batches
        order = np.random.default_rng([_root(rng), step // per_epoch]).permutation(total)
        index = order[(step % per_epoch) * size : (step % per_epoch) * size + size]
        return Batch(take(self.coords, index), len(index), index)


def _root(rng: np.random.Generator) -> int:
    entropy = getattr(rng.bit_generator.seed_seq, "entropy", 0)
    return int(entropy[0] if isinstance(entropy, (list, tuple)) else entropy)


def count(coords: Any) -> int:
    """Number of rows of an array, tuple or dict of arrays."""
    if isinstance(coords, dict):
        return count(next(iter(coords.values())))
    if isinstance(coords, tuple):
        return count(coords[0])
    return len(coords)


def take(coords: Any, index: np.ndarray) -> Any:
    """Rows ``index`` of an array, tuple or dict of arrays."""
    if isinstance(coords, dict):
        return {k: v[index] for k, v in coords.items()}
    if isinstance(coords, tuple):
        return tuple(v[index] for v in coords)
    return coords[index]


def _columns(coords: Any) -> tuple[Any, ...]:
    return tuple(coords.values()) if isinstance(coords, dict) else coords if isinstance(coords, tuple) else (coords,)


def _whole(owner: str, name: str, value: Any, least: int = 1) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise OptionError(f"{owner}: {name} must be an integer of at least {least}, got {value!r}")


def fixed(coords: Any, weights: Any = None) -> Fixed:
    """Return points that never change: an array (n,) or (n, d), a tuple or dict of columns, or any object.

    Parameters
    ----------
    coords
        The points.
    weights
        Quadrature weights of shape (n,), finite and not negative; they take the place of 1 / n.

    Raises
    ------
    DataError
        Weights of another shape, negative or not finite.
    """
    try:
        n = count(coords)
    except (TypeError, IndexError, StopIteration):
        n = None
    if weights is None:
        return Fixed(Batch(coords, n))
    w = np.asarray(weights, float)
    if n is None or w.shape != (n,):
        raise DataError(f"quadrature weights have shape {w.shape}; expected one for each point, ({n},)")
    bad = np.flatnonzero(~(np.isfinite(w) & (w >= 0)))
    if bad.size:
        raise DataError(f"quadrature weights must be finite and not negative; weights[{bad[0]}] is {w[bad[0]]}")
    return Fixed(Batch(coords, n, None, w))


def as_points(points: Any) -> Points:
    """Return ``points`` as a Points object; arrays and other data become `fixed` points."""
    if points is None:
        return Fixed(Batch())
    if hasattr(points, "first") and hasattr(points, "following"):
        return points
    return fixed(points)


def grid(*axes: Any) -> Fixed:
    """Return the tensor grid of the axes as points of shape (n, d), last axis fastest.

    Examples
    --------
    >>> grid([0, 1], [0, 1, 2]).batch.coords.shape
    (6, 2)
    """
    if not axes:
        raise OptionError("grid needs at least one axis")
    sides = [np.asarray(a, float) for a in axes]
    for i, side in enumerate(sides):
        if side.ndim != 1 or not side.size or not np.isfinite(side).all():
            raise DataError(f"grid: axis {i} must be a row of finite numbers, got shape {side.shape}: {axes[i]!r}")
    mesh = np.meshgrid(*sides, indexing="ij")
    return fixed(np.stack([m.ravel() for m in mesh], axis=-1))


def _box(box: Any) -> tuple[np.ndarray, np.ndarray]:
    try:
        sides = np.atleast_2d(np.asarray(box, float))
    except (TypeError, ValueError):
        raise OptionError(f"box must be pairs (lower, upper), got {box!r}") from None
    ordered = sides.ndim == 2 and sides.shape[1] == 2 and np.isfinite(sides).all() and np.all(sides[:, 0] < sides[:, 1])
    if not ordered:
        raise OptionError(f"box must be pairs (lower, upper) of finite numbers with lower < upper, got {box!r}")
    return sides[:, 0], sides[:, 1]


@dataclass(frozen=True)
class _InBox:
    box: tuple[tuple[float, float], ...]
    kind: str

    def __call__(self, rng: np.random.Generator, n: int) -> np.ndarray:
        low, high = _box(self.box)
        if self.kind == "sobol":
            from scipy.stats import qmc

            unit = qmc.Sobol(len(low), rng=rng).random(1 << max(n - 1, 0).bit_length())[:n]
        else:
            unit = rng.uniform(size=(n, len(low)))
        return low + unit * (high - low)


def uniform(box: Any, n: int, *, every: int = 0) -> Resampled:
    """Return n points, independent and uniform in a box ``[(lower, upper), ...]``, redrawn after ``every`` steps."""
    _box(box)
    return Resampled(_InBox(tuple(map(tuple, np.atleast_2d(np.asarray(box, float)).tolist())), "uniform"), n, every)


def sobol(box: Any, n: int, *, every: int = 0) -> Resampled:
    """Return n scrambled Sobol points in a box ``[(lower, upper), ...]``, redrawn after ``every`` steps."""
    return replace(uniform(box, n, every=every), draw=_InBox(uniform(box, n).draw.box, "sobol"))  # type: ignore[attr-defined]
