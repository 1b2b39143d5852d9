"""What the engine asks of a loss, and the parts that all losses share."""

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sciopt._errors import DataError, OptionError
from sciopt._types import Array

__all__ = [
    "Loss",
    "RowOperator",
    "check_rows",
    "first_index",
    "positive_option",
    "quiet",
    "settle",
    "target",
    "total",
]


@runtime_checkable
class RowOperator(Protocol):
    """A block-diagonal whitening that mixes the rows of one datum (softmax)."""

    def rows(self, J: Array) -> Array:
        """Map rows (n_z, P) to whitened rows (n_r, P); a vector (n_z,) is one column."""
        ...

    def rows_t(self, W: Array) -> Array:
        """Transpose of `rows`: (n_r, k) to (n_z, k)."""
        ...


class Loss(Protocol):
    r"""What stands between model output z and the merit f = sum of l(z_i, y_i).

    ``whiten`` returns ``(r, scale)`` such that with z = z(theta), J = dz/dtheta,

    .. math:: \nabla f = (S J)^T r, \qquad H \approx (S J)^T (S J), \qquad S = \mathrm{diag(scale)},

    so that a Gauss-Newton engine needs no other knowledge of the loss.
    """

    @property
    def name(self) -> str:
        """Name used by reports."""
        ...

    @property
    def statistical(self) -> bool:
        """Whether the deviance is a goodness of fit that enters chi2 and dof."""
        ...

    def check(self, z_shape: tuple[int, ...], y: Any) -> None:
        """Raise `DataError` naming the first index of `y` that the loss cannot use."""
        ...

    def value(self, z: Any, y: Any) -> float:
        """Sum of losses; +inf outside the domain, never an exception."""
        ...

    def whiten(self, z: Any, y: Any) -> tuple[Array, Array | RowOperator]:
        """Whitened residual and row scale, see the class."""
        ...

    def decrease(self, z: Any, z_new: Any, y: Any) -> float:
        """``value(z) - value(z_new)`` without cancellation; -inf where z_new is outside the domain."""
        ...

    def deviance(self, z: Any, y: Any) -> Array:
        """Twice the loss of each row relative to the saturated model, shape of z."""
        ...


def quiet() -> np.errstate:
    """Silence floating-point warnings: values outside the domain are answered by inf."""
    return np.errstate(all="ignore")


def target(y: ArrayLike | None) -> Array:
    """Return data as float64; None stands for zero (rows that were centred before)."""
    return np.asarray(0.0 if y is None else y, dtype=np.float64)


def total(rows: Array) -> float:
    """Sum of rows, with nan answered by +inf."""
    value = float(np.sum(rows))
    return np.inf if np.isnan(value) else value


def settle(change: float, old: Callable[[], float], new: Callable[[], float]) -> float:
    """Return a decrease that is finite; decide an undefined one by the two values."""
    if np.isfinite(change):
        return float(change)
    after = new()
    if not np.isfinite(after):
        return -np.inf
    before = old()
    return before - after if np.isfinite(before) else np.inf


def first_index(bad: NDArray[Any]) -> str:
    """Say where the first true entry is: ``index 3`` or ``index (0, 3)``."""
    where = tuple(int(i) for i in np.argwhere(bad)[0])
    if not where:
        return "the scalar value"
    return f"index {where[0]}" if len(where) == 1 else f"index {where}"


def check_rows(name: str, z_shape: tuple[int, ...], y: ArrayLike | None) -> Array:
    """Check that y is real, finite and a scalar or of the shape of the model output; return it as float64."""
    raw = np.asarray(0.0 if y is None else y)
    if raw.dtype.kind not in "buif":
        raise DataError(f"{name} loss: y has dtype {raw.dtype}; real numbers are needed (stack complex data first)")
    values = raw.astype(np.float64)
    if values.ndim and values.shape != tuple(z_shape):
        raise DataError(
            f"{name} loss: y has shape {values.shape} but the model returns shape {tuple(z_shape)}; they must agree"
        )
    bad = ~np.isfinite(values)
    if bad.any():
        raise DataError(f"{name} loss: y is {values[bad].flat[0]} at {first_index(bad)}; remove or mask that row")
    return values


def positive_option(loss: str, option: str, value: float) -> None:
    """Refuse an option that is not a positive finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise OptionError(f"{loss}({option}=...) must be a number, not {type(value).__name__}")
    if not (np.isfinite(value) and value > 0):
        raise OptionError(f"{loss}({option}={value}) must be positive and finite")
