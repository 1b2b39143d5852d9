"""From outputs of a condition to whitened residual rows: data, sigma, weight and loss, in one place."""

from __future__ import annotations

from typing import Any

import numpy as np

from sciopt._errors import ConditionError, DataError
from sciopt._types import Array
from sciopt.condition import Condition
from sciopt.losses import Gaussian
from sciopt.points import Batch
from sciopt.uncertain import whitener

__all__ = ["Rows", "real_rows"]

STANDARDISED = frozenset({"gaussian", "huber", "soft_l1", "cauchy", "student_t"})


def real_rows(z: Any) -> Array:
    """Return an output as a flat float64 vector; complex outputs stack real parts, then imaginary parts."""
    a = np.asarray(z)
    kind = a.dtype.kind
    if kind == "c":
        a = a.ravel()
        return np.concatenate([np.real(a), np.imag(a)]).astype(np.float64, copy=False)
    if kind == "O":
        raise ConditionError("output has dtype object; return one numeric array (concatenate ragged parts)")
    return np.ascontiguousarray(a, dtype=np.float64).ravel()


class Rows:
    """Rows of one condition on one frame.

    Whitened residual r and row scale c are defined by the loss l(z, y): gradient = (c J)^T r, and (c J)^T (c J)
    is the Gauss-Newton (Fisher, Triggs) matrix. For Gaussian rows r = (z - y) / sigma.
    """

    __slots__ = (
        "complex",
        "condition",
        "gaussian",
        "keep",
        "loss",
        "name",
        "scale",
        "shape",
        "size",
        "weight",
        "whitener",
        "y",
    )

    def __init__(self, c: Condition, batch: Batch, z: Any, stage_weight: float = 1.0) -> None:
        z = np.asarray(z)
        self.name, self.loss, self.condition = c.name, c.loss, c
        self.shape = z.shape
        target = None if c.target is None else np.asarray(c.target)
        if target is not None and batch.index is not None:
            target = target[batch.index]
        if target is not None and target.shape != z.shape and target.ndim:
            raise ConditionError(
                f"condition {c.name!r}: the model returned shape {z.shape}, the data have shape {target.shape}; "
                "return one value for each datum"
            )
        self.complex = z.dtype.kind == "c" or (target is not None and target.dtype.kind == "c")
        if self.complex:
            z = z.astype(complex)
            target = None if target is None else target.astype(complex)
        n = z.size * (2 if self.complex else 1)
        if n == 0:
            raise ConditionError(f"condition {c.name!r} has no rows: its function returned an empty array")
        y = (
            np.zeros(n)
            if target is None
            else np.broadcast_to(real_rows(target), (n,))
            if target.ndim == 0
            else real_rows(target)
        )
        self.keep = None
        if c.keep is not None:
            keep = np.asarray(c.keep)
            self.keep = np.flatnonzero(np.tile(keep.ravel(), 2 if self.complex else 1))
            y, n = y[self.keep], len(self.keep)
        self.y, self.size = y, n
        self.gaussian = isinstance(c.loss, Gaussian)
        self.weight = 1.0
        self.whitener = None
        self.scale: Any = 1.0
        if c.weight is not None:
            w = c.weight * stage_weight
            if batch.weights is not None:  # quadrature weights replace 1 / n
                per = np.sqrt(w * np.repeat(batch.weights, n // len(batch.weights)))
            else:
                per = np.sqrt(w / n)
            if self.gaussian or c.sigma is None:
                self.scale = per
            self.weight = 1.0
        elif stage_weight != 1.0:
            self.scale = np.sqrt(stage_weight)
        if c.sigma is not None:
            sigma = c.sigma
            if batch.index is not None and np.ndim(sigma) == 1:
                sigma = np.asarray(sigma)[batch.index]
            self.whitener = whitener(sigma, z.shape, name=c.name)
            if self.keep is not None:
                if self.whitener.diagonal is None:
                    raise DataError(
                        f"condition {c.name!r}: nan='omit' needs independent errors; drop the bad points from data and covariance"
                    )
            if self.whitener.diagonal is not None:
                d = np.asarray(self.whitener.diagonal, float)
                d = np.broadcast_to(d.ravel() if d.ndim else d, (z.size,)) if d.size != n else d.ravel()
                if self.complex and d.size == z.size:
                    d = np.tile(d, 2)
                d = d if self.keep is None or d.size == n else d[self.keep]
                self.scale = self.scale * (d[0] if d.size and np.all(d == d[0]) else d)
                self.whitener = None
        if not self.gaussian:
            shape = self.shape if self.keep is None and not self.complex else (n,)
            self.loss.check(shape, self._data(shape))

    def _data(self, shape: tuple[int, ...]) -> Any:
        raw = self.condition.target
        if raw is None:
            return np.zeros(shape)
        return (
            self.y.reshape(shape) if np.asarray(raw).shape == self.shape or self.keep is not None else np.asarray(raw)
        )

    @property
    def standardised(self) -> bool:
        """Whether the loss acts on (z - y) / sigma (Gaussian and robust losses) rather than on z itself."""
        return self.gaussian or self.loss.name in STANDARDISED or getattr(self.loss, "standardised", False)

    def _deviation(self, z: Array) -> Array:
        u = z - self.y
        if self.whitener is not None:
            u = self.whitener.apply(u)
        return u * self.scale

    def evaluate(self, z: Array) -> tuple[float, Array, Any]:
        """Return (merit, whitened residual, row scale) of flat outputs z, shape (size,)."""
        if self.gaussian:
            r = self._deviation(z)
            return 0.5 * float(r @ r), r, None
        if self.standardised:
            u = self._deviation(z)
            r, c = self.loss.whiten(u, 0.0)
            return self.loss.value(u, 0.0), r, c
        y, zs = self._shaped(z)
        r, c = self.loss.whiten(zs, y)
        factor = self._factor
        return factor * self.loss.value(zs, y), np.sqrt(factor) * np.ravel(r), c

    @property
    def _factor(self) -> float:
        return float(np.mean(np.square(self.scale)))

    def _shaped(self, z: Array) -> tuple[Any, Array]:
        shape = self.shape if self.keep is None and not self.complex else (self.size,)
        return self._data(shape), z.reshape(shape)

    def decrease(self, z: Array, z_new: Array, r: Array, r_new: Array) -> float:
        """Return merit(z) - merit(z_new) without cancellation."""
        if self.gaussian:
            d = r - r_new
            return 0.5 * float(d @ (r + r_new))
        if self.standardised:
            return self.loss.decrease(self._deviation(z), self._deviation(z_new), 0.0)
        y, zs = self._shaped(z)
        return self._factor * self.loss.decrease(zs, self._shaped(z_new)[1], y)

    def scaled(self, J: Any, c: Any) -> Any:
        """Return the whitened Jacobian rows of J (size, P); c is the row scale from `evaluate`."""
        if self.standardised:
            if self.whitener is not None:
                J = self.whitener.rows(J)
            J = _times(self.scale, J)
            return J if c is None else _times(np.ravel(c), J)
        factor = np.sqrt(self._factor)
        if hasattr(c, "rows"):
            return factor * c.rows(J)
        return _times(factor * np.ravel(c), J)

    def deviance(self, z: Array) -> float:
        """Return the chi2-like goodness of fit of the rows."""
        if self.gaussian:
            u = self._deviation(z)
            return float(u @ u)
        if self.standardised:
            return float(np.sum(self.loss.deviance(self._deviation(z), 0.0)))
        y, zs = self._shaped(z)
        return float(np.sum(self.loss.deviance(zs, y)))

    def pulls(self, z: Array) -> Array:
        """Return residuals in units of their standard deviation, model minus data, shape (size,)."""
        if self.standardised:
            return self._deviation(z)
        y, zs = self._shaped(z)
        return np.ravel(self.loss.whiten(zs, y)[0])


def _times(c: Any, J: Any) -> Any:
    if np.ndim(c) == 0:
        return J if c == 1.0 else J * c
    if hasattr(J, "multiply") and not isinstance(J, np.ndarray):
        return J.multiply(np.asarray(c)[:, None]).tocsr()
    return J * c[:, None] if J.ndim == 2 else J * c
