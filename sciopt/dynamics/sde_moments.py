"""Moments of an ensemble at each time, and the contribution of every path to them."""

from __future__ import annotations

from typing import Any

import numpy as np

from sciopt._errors import DataError, OptionError
from sciopt._types import Array

__all__ = ["KINDS", "contributions", "moment_names", "moments"]

KINDS = ("mean", "variance", "covariance", "lagged", "third", "fourth")


def check_kinds(kinds: tuple[str, ...]) -> tuple[str, ...]:
    """Return the kinds as a tuple; `OptionError` names one that is unknown, double or redundant."""
    kinds = (kinds,) if isinstance(kinds, str) else tuple(kinds)
    for kind in kinds:
        if kind not in KINDS:
            raise OptionError(f"unknown moment {kind!r}; choose from {KINDS}")
    if not kinds or len(set(kinds)) < len(kinds) or {"variance", "covariance"} <= set(kinds):
        raise OptionError(f"moments={kinds!r}: name each kind once, at least one; 'covariance' contains 'variance'")
    return kinds


def moments(xp: Any, y: Any, kinds: tuple[str, ...], present: Any = None) -> Any:
    r"""Return the moments of paths y (paths, K, d) as one vector: for each kind, times, then components.

    ``"mean"`` (d a time), ``"variance"`` (d), ``"covariance"`` (d (d + 1) / 2, the lower triangle by rows), ``"lagged"``
    covariance of a component with itself at the next time (d, K - 1 times), central moments ``"third"`` and
    ``"fourth"`` (d). Variances and covariances have the divisor n - 1.

    Parameters
    ----------
    xp
        ``numpy`` or ``jax.numpy``.
    present
        Which entries of y are measured, shape of y; all by default.
    """
    m, c = _centred(xp, y, present)
    parts = []
    for kind in kinds:
        if kind == "mean":
            parts.append(m[0])
            continue
        for a, b, power in _factors(c, present, kind):
            values, weight = a * b, None if present is None else power
            n = y.shape[0] if weight is None else xp.sum(weight, 0)
            total = xp.sum(values if weight is None else values * weight, 0)
            parts.append(total / (n - 1) if kind in ("variance", "covariance", "lagged") else total / n)
    return xp.concatenate([xp.ravel(part) for part in _grouped(xp, parts, kinds, y.shape[2])])


def contributions(y: Any, kinds: tuple[str, ...], present: Any = None) -> Array:
    """Return the influence of every path on each moment, shape (paths, rows); absent entries are NaN.

    Their covariance over the paths divided by the number of paths is the covariance of the moments.
    """
    y = np.asarray(y)
    _, c = _centred(np, y, present)
    parts = []
    for kind in kinds:
        if kind == "mean":
            parts.append(np.where(_mask(present, y), c, np.nan))
            continue
        for a, b, power in _factors(c, present, kind):
            values = np.where(_mask(power, a), a * b, np.nan)
            values = values - np.nanmean(values, axis=0)
            if kind in ("third", "fourth"):  # the mean is estimated too
                slope = 3.0 * np.nanmean(c**2, 0) if kind == "third" else 4.0 * np.nanmean(c**3, 0)
                values = values - slope * c
            parts.append(values)
    return np.concatenate([p.reshape(len(y), -1) for p in _grouped(np, parts, kinds, y.shape[2], 1)], axis=1)


def covariance_of_moments(parts: Array) -> Array:
    """Return the covariance (rows, rows) of moments from contributions (paths, rows) with NaN where absent."""
    there = np.isfinite(parts)
    filled = np.where(there, parts, 0.0)
    n = there.sum(0)
    if (n < 2).any():
        raise DataError(f"moment row {int(np.argmin(n))} has fewer than two paths; errors need several")
    return (filled.T @ filled) / np.outer(n, n)


def moment_names(kinds: tuple[str, ...], times: Any, components: int) -> list[str]:
    """Return a name for each row, such as ``"covariance[1,0] at t=2"``."""
    out = []
    for kind in kinds:
        label = (
            [f"{kind}[{i},{j}]" for i in range(components) for j in range(i + 1)]
            if kind == "covariance"
            else [f"{kind}[{i}]" for i in range(components)]
        )
        out += [f"{name} at t={t:g}" for t in (times[:-1] if kind == "lagged" else times) for name in label]
    return out


def _mask(present: Any, like: Any) -> Any:
    return np.ones(np.shape(like), bool) if present is None else present


def _centred(xp: Any, y: Any, present: Any) -> tuple[Any, Any]:
    if present is None:
        m = xp.mean(y, 0, keepdims=True)
        return m, y - m
    n = xp.maximum(xp.sum(present, 0, keepdims=True), 1)
    m = xp.sum(xp.where(present, y, 0.0), 0, keepdims=True) / n
    return m, xp.where(present, y - m, 0.0)


def _factors(c: Any, present: Any, kind: str) -> list[tuple[Any, Any, Any]]:
    """Pairs of factors (paths, K, d or 1) whose product is averaged, and which products are measured."""
    if kind == "variance":
        return [(c, c, present)]
    if kind == "lagged":
        both = None if present is None else present[:, 1:] & present[:, :-1]
        return [(c[:, 1:], c[:, :-1], both)]
    if kind == "third":
        return [(c * c, c, present)]
    if kind == "fourth":
        return [(c * c, c * c, present)]
    return [
        (c[:, :, i], c[:, :, j], None if present is None else present[:, :, i] & present[:, :, j])
        for i in range(c.shape[2])
        for j in range(i + 1)
    ]


def _grouped(xp: Any, parts: list[Any], kinds: tuple[str, ...], d: int, lead: int = 0) -> list[Any]:
    """Stack the single columns of covariance rows behind their time."""
    out, place = [], 0
    for kind in kinds:
        if kind == "covariance":
            k = d * (d + 1) // 2
            out.append(xp.stack(parts[place : place + k], axis=-1))
            place += k
        else:
            out.append(parts[place])
            place += 1
    return out
