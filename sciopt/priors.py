"""What is known of a parameter before the data."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sciopt._errors import ParameterError
from sciopt._types import Array

__all__ = ["Normal", "Prior", "Uniform"]


def _entry(kind: str, field: str, value: ArrayLike) -> float | Array:
    raw = np.asarray(value)
    if raw.dtype.kind not in "uif":
        raise ParameterError(f"{kind}({field}=...) must be a real number or array, not {type(value).__name__}")
    out = raw.astype(np.float64)
    if not out.ndim:
        return float(out)
    out.setflags(write=False)
    return out


def _entries(kind: str, values: dict[str, ArrayLike]) -> list[float | Array]:
    entries = [_entry(kind, field, value) for field, value in values.items()]
    try:
        np.broadcast_shapes(*(np.shape(e) for e in entries))
    except ValueError:
        shapes = " and ".join(f"{field} {np.shape(e)}" for field, e in zip(values, entries, strict=True))
        raise ParameterError(f"{kind}: the shapes do not fit each other: {shapes}") from None
    return entries


def _where(bad: NDArray[Any]) -> str:
    return "" if not bad.ndim else f" at index {tuple(int(i) for i in np.argwhere(bad)[0])}"


@dataclass(frozen=True, eq=False)
class Normal:
    r"""Gaussian prior, an extra datum: one residual row (theta - mean)/sigma for each scalar.

    It counts as data in chi2 and dof, as an auxiliary measurement of the parameter would.

    Parameters
    ----------
    mean, sigma : float or array
        In the parameter's unit; sigma positive.

    Raises
    ------
    ParameterError
        Not finite, or sigma <= 0.

    Examples
    --------
    >>> Normal(mean=2.0, sigma=0.5).rows(3.0)
    array([2.])
    """

    mean: ArrayLike
    sigma: ArrayLike

    def __post_init__(self) -> None:
        mean, sigma = _entries("Normal", {"mean": self.mean, "sigma": self.sigma})
        bad = np.asarray(~np.isfinite(mean))
        if bad.any():
            raise ParameterError(f"Normal(mean={self.mean}) is not finite{_where(bad)}")
        bad = np.asarray(~(np.isfinite(sigma) & (np.asarray(sigma) > 0)))
        if bad.any():
            raise ParameterError(f"Normal(sigma={self.sigma}) must be positive and finite{_where(bad)}")
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "sigma", sigma)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Normal)
            and np.array_equal(np.asarray(self.mean), np.asarray(other.mean))
            and np.array_equal(np.asarray(self.sigma), np.asarray(other.sigma))
        )

    def __hash__(self) -> int:
        return hash((np.asarray(self.mean).tobytes(), np.asarray(self.sigma).tobytes()))

    def rows(self, value: ArrayLike) -> Array:
        """Whitened residual, flat.

        Parameters
        ----------
        value : float or array
            Parameter value, real or complex; it and the prior's mean and sigma broadcast together.

        Raises
        ------
        ParameterError
            If the shapes do not fit.
        """
        v, mean, sigma = np.asarray(value), np.asarray(self.mean), np.asarray(self.sigma)
        try:
            return ((v - mean) / sigma).reshape(-1)
        except ValueError:
            shape = np.broadcast_shapes(mean.shape, sigma.shape)
            raise ParameterError(f"Normal prior of shape {shape} on a parameter of shape {v.shape}") from None


@dataclass(frozen=True, eq=False)
class Uniform:
    """Flat prior between two ends: no row, but bounds on the parameter.

    Parameters
    ----------
    lower, upper : float or array
        In the parameter's unit, lower < upper; -inf and inf leave an end open.

    Raises
    ------
    ParameterError
        nan, or lower >= upper.

    Examples
    --------
    >>> Uniform(0.0, 2.0).bounds
    (0.0, 2.0)
    """

    lower: ArrayLike = -np.inf
    upper: ArrayLike = np.inf

    def __post_init__(self) -> None:
        lower, upper = _entries("Uniform", {"lower": self.lower, "upper": self.upper})
        bad = np.asarray(~(np.asarray(lower) < np.asarray(upper)))
        if bad.any():
            raise ParameterError(f"Uniform(lower={self.lower}, upper={self.upper}): lower < upper fails{_where(bad)}")
        object.__setattr__(self, "lower", lower)
        object.__setattr__(self, "upper", upper)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Uniform)
            and np.array_equal(np.asarray(self.lower), np.asarray(other.lower))
            and np.array_equal(np.asarray(self.upper), np.asarray(other.upper))
        )

    def __hash__(self) -> int:
        return hash((np.asarray(self.lower).tobytes(), np.asarray(self.upper).tobytes()))

    @property
    def bounds(self) -> tuple[ArrayLike, ArrayLike]:
        """Lower and upper end."""
        return self.lower, self.upper


Prior = Normal | Uniform
