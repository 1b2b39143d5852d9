"""From outputs of a condition to whitened residual rows: data, sigma, weight and loss, in one place."""

from __future__ import annotations

from typing import Any

import numpy as np

from sciopt._errors import ConditionError
from sciopt._types import Array
from sciopt.condition import Condition
from sciopt.losses import Gaussian
from sciopt.points import Batch
from sciopt.uncertain import whitener

__all__ = ["Rows", "real_rows", "why"]

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


def why(name: str, z: Array, r: Array) -> str:
    """Say which row of a condition's output is not finite, or that the loss is not."""
    bad = np.flatnonzero(~np.isfinite(z))
    if len(bad):
        return f"condition {name!r}: output {z[bad[0]]} at row {bad[0]} ({len(bad)} of {len(z)} rows are not finite)"
    bad = np.flatnonzero(~np.isfinite(r))
    where = f" at row {bad[0]}" if len(bad) else ""
    return f"condition {name!r}: the loss is not finite{where}; the model left the domain of the loss"


class Rows:
    """Rows of one condition on one frame.

    Whitened residual r and row scale c are defined by the loss l(z, y): gradient = (c J)^T r, and (c J)^T (c J)
    is the Gauss-Newton (Fisher, Triggs) matrix. For Gaussian rows r = (z - y) / sigma.
    """

    __slots__ = (
        "complex",
        "condition",
        "data",
        "gaussian",
        "keep",
        "loss",
        "name",
        "scale",
        "shape",
        "size",
        "whitener",
        "y",
    )

    def __init__(self, c: Condition, batch: Batch, z: Any, stage_weight: float = 1.0) -> None:
        z = np.asarray(z)
        target = _target(c, batch, z)
        self.name, self.loss, self.condition, self.shape = c.name, c.loss, c, z.shape
        self.gaussian = isinstance(c.loss, Gaussian)
        self.complex = z.dtype.kind == "c" or (target is not None and target.dtype.kind == "c")
        parts = 2 if self.complex else 1
        self.size = z.size * parts
        if self.size == 0:
            raise ConditionError(f"condition {c.name!r} has no rows: its function returned an empty array")
        mask = None if c.keep is None else np.asarray(c.keep, dtype=bool)
        self.keep = None if mask is None else np.flatnonzero(np.tile(mask.ravel(), parts))
        if self.keep is not None:
            self.size = len(self.keep)
        self.y = self._flat(target, z.size)
        self.whitener, self.scale = None, self._weighted(c, batch, stage_weight)
        if c.sigma is not None:
            self._whiten(c, batch, z.shape, mask)
        self.data = None
        if not self.standardised:
            if mask is not None and hasattr(self.loss, "selected"):
                self.loss = self.loss.selected(mask)
            labels = target is not None and target.ndim and target.shape != z.shape
            self.data = target if labels else self.y.reshape(self._shape)
            self.loss.check(self._shape, self.data)

    def _flat(self, target: Any, n: int) -> Array:
        """Return the data as flat real rows, without those left out."""
        parts = 2 if self.complex else 1
        if target is None or (target.ndim and target.size != n):
            y = np.zeros(n * parts)
        elif self.complex:
            y = real_rows(np.broadcast_to(target.astype(complex), (n,)) if not target.ndim else target.astype(complex))
        else:
            y = np.array(np.broadcast_to(real_rows(target), (n,))) if not target.ndim else real_rows(target)
        return y if self.keep is None else y[self.keep]

    def _weighted(self, c: Condition, batch: Batch, stage_weight: float) -> Any:
        """Return sqrt(weight / n), or with quadrature weights sqrt(weight * w_i); 1 for data."""
        if c.weight is None:
            return float(np.sqrt(stage_weight))
        if batch.weights is None:
            return float(np.sqrt(c.weight * stage_weight / self.size))
        return np.sqrt(c.weight * stage_weight * np.repeat(batch.weights, self.size // len(batch.weights)))

    def _whiten(self, c: Condition, batch: Batch, shape: tuple[int, ...], mask: Any) -> None:
        """Read sigma: independent errors become part of the row scale, correlated ones an operator."""
        sigma = c.sigma
        if batch.index is not None and np.ndim(sigma) == 1:
            sigma = np.asarray(sigma)[batch.index]
        found = whitener(sigma, shape, name=c.name, keep=mask, complex_data=self.complex)
        if found.diagonal is None:
            self.whitener = found
            return
        d = np.tile(np.ravel(found.diagonal), 2 if self.complex else 1)
        self.scale = self.scale * (float(d[0]) if (d == d[0]).all() else d)

    @property
    def _shape(self) -> tuple[int, ...]:
        return self.shape if self.keep is None and not self.complex else (self.size,)

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
        return self.data, z.reshape(self._shape)

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


def _target(c: Condition, batch: Batch, z: Any) -> Any:
    """Return the data that belong to the batch, after a look at their shape."""
    if c.target is None:
        return None
    target = np.asarray(c.target)
    if batch.index is not None:
        target = target[batch.index]
    labels = c.loss.name == "softmax" and target.shape == z.shape[:-1]
    if target.ndim and target.shape != z.shape and not labels:
        raise ConditionError(
            f"condition {c.name!r}: the model returned shape {z.shape}, the data have shape {target.shape}; "
            "return one value for each datum"
        )
    return target


def _times(c: Any, J: Any) -> Any:
    if np.ndim(c) == 0:
        return J if c == 1.0 else J * c
    if hasattr(J, "multiply") and not isinstance(J, np.ndarray):
        return J.multiply(np.asarray(c)[:, None]).tocsr()
    return J * c[:, None] if J.ndim == 2 else J * c
