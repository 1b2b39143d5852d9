"""What is measured of a stochastic process: paths, or their moments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sciopt._errors import DataError, OptionError
from sciopt.dynamics.sde_moments import check_kinds, contributions, covariance_of_moments, moments

__all__ = ["Moments", "Paths"]


@dataclass(frozen=True, eq=False)
class Paths:
    """Measured paths, all at the same times.

    Parameters
    ----------
    t
        Increasing times, shape (K,).
    y
        Paths, shape (paths, K, d), or (paths, K) for one component.
    nan
        ``"raise"``, or ``"omit"`` entries that are NaN: each moment is taken over the paths that have it.

    Raises
    ------
    DataError
        Wrong shapes, fewer than two paths, times that do not increase, values not finite.

    Examples
    --------
    >>> import numpy as np
    >>> Paths(np.arange(3.0), np.zeros((5, 3))).y.shape
    (5, 3, 1)
    """

    t: Any
    y: Any
    nan: str = "raise"

    def __post_init__(self) -> None:
        t, y = np.asarray(self.t, float), np.asarray(self.y, float)
        _check_times(t)
        y = y[:, :, None] if y.ndim == 2 else y
        if y.ndim != 3 or y.shape[1] != len(t) or not y.shape[2]:
            raise DataError(f"paths have shape {np.shape(self.y)}; expected (paths, {len(t)}) or (paths, {len(t)}, d)")
        if len(y) < 2:
            raise DataError(f"{len(y)} path(s): moments over paths need at least two")
        if self.nan not in ("raise", "omit"):
            raise OptionError(f"nan must be 'raise' or 'omit', got {self.nan!r}")
        bad = ~np.isfinite(y)
        if bad.any() and (self.nan == "raise" or np.isinf(y).any()):
            i, k, j = np.argwhere(bad)[0] if self.nan == "raise" else np.argwhere(np.isinf(y))[0]
            hint = "; nan='omit' leaves missing values out" if self.nan == "raise" else ""
            raise DataError(f"path {i}, time {k}, component {j}: {y[i, k, j]} is not finite{hint}")
        object.__setattr__(self, "t", t)
        object.__setattr__(self, "y", y)

    @property
    def n(self) -> int:
        """Number of paths."""
        return len(self.y)

    def moments(self, kinds: tuple[str, ...], rows: Any) -> tuple[Any, Any]:
        """Return the moments at the times ``rows`` as a vector, and their covariance matrix.

        Parameters
        ----------
        kinds
            See `sciopt.dynamics.sde_moments.moments`.
        rows
            Indices into the times.
        """
        y = self.y[:, rows]
        present = np.isfinite(y) if np.isnan(y).any() else None
        y = np.where(np.isnan(y), 0.0, y)
        return moments(np, y, kinds, present), covariance_of_moments(contributions(y, kinds, present))


@dataclass(frozen=True, eq=False)
class Moments:
    """Measured moments of a process, where the paths themselves are not at hand.

    Parameters
    ----------
    t
        Increasing times, shape (K,).
    values
        Kind -> array: ``"mean"``, ``"variance"``, ``"third"``, ``"fourth"`` of shape (K, d) or (K,), ``"covariance"``
        (K, d, d), ``"lagged"`` (K - 1, d).
    n
        Number of independent paths that they were taken over; it sets their statistical errors.

    Raises
    ------
    DataError
        Wrong shapes or values not finite.
    OptionError
        An unknown kind.

    Examples
    --------
    >>> import numpy as np
    >>> Moments(np.arange(3.0), {"mean": np.zeros(3), "variance": np.ones(3)}, n=100).d
    1
    """

    t: Any
    values: Any
    n: int

    def __post_init__(self) -> None:
        t = np.asarray(self.t, float)
        _check_times(t)
        check_kinds(tuple(self.values))
        if isinstance(self.n, bool) or int(self.n) != self.n or self.n < 2:
            raise DataError(f"n is the number of paths behind the moments, at least 2, got {self.n!r}")
        found, d = {}, None
        for kind, raw in self.values.items():
            value = np.asarray(raw, float)
            times = len(t) - 1 if kind == "lagged" else len(t)
            rank = 3 if kind == "covariance" else 2
            value = value.reshape(-1, *([1] * (rank - 1))) if value.ndim == 1 else value
            d = value.shape[-1] if d is None else d
            if value.shape != (times, *([d] * (rank - 1))):
                raise DataError(
                    f"moment {kind!r} has shape {np.shape(raw)}; expected ({times}, {d}...) like the others"
                )
            if not np.isfinite(value).all():
                raise DataError(f"moment {kind!r} is not finite at index {tuple(np.argwhere(~np.isfinite(value))[0])}")
            found[kind] = value
        object.__setattr__(self, "t", t)
        object.__setattr__(self, "values", found)

    @property
    def d(self) -> int:
        """Number of components."""
        return next(iter(self.values.values())).shape[-1]

    def vector(self, kinds: tuple[str, ...]) -> Any:
        """Return the values in the order of `moments`."""
        lower = np.tril_indices(self.d)
        parts = []
        for kind in kinds:
            if kind not in self.values:
                raise DataError(f"moments={kinds!r} are wanted, the data lack {kind!r}; they hold {tuple(self.values)}")
            value = self.values[kind]
            parts.append(np.ravel(value[:, lower[0], lower[1]] if kind == "covariance" else value))
        return np.concatenate(parts)


def _check_times(t: Any) -> None:
    if t.ndim != 1 or not t.size:
        raise DataError(f"t must be a row of times, got shape {t.shape}")
    if not np.isfinite(t).all():
        raise DataError(f"t[{int(np.argmin(np.isfinite(t)))}] is not finite")
    fall = np.flatnonzero(np.diff(t) <= 0)
    if fall.size:
        raise DataError(f"times must increase: t[{fall[0] + 1}] = {t[fall[0] + 1]:g} follows {t[fall[0]]:g}")
