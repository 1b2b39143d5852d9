"""Classes with one logit each."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sciopt._errors import DataError
from sciopt._types import Array
from sciopt.losses._contract import check_rows, first_index, quiet, settle, total
from sciopt.losses._special import exp_excess, poisson_terms

__all__ = ["Softmax", "SoftmaxRows"]

_LARGEST = 1e6  # bound on |r| of a saturated wrong class, as in the logistic loss


@dataclass(frozen=True, eq=False)
class SoftmaxRows:
    r"""Row operator B of the softmax curvature: :math:`B^T B = N(\mathrm{diag}(p) - p p^T)` for every datum.

    :math:`B = \sqrt{N}\,\mathrm{diag}(d)(I - 1 p^T)` with d = sqrt(p) except in saturated wrong classes, where d is
    larger to keep the residual bounded.

    Parameters
    ----------
    p : ndarray (n, C)
        Probabilities.
    d : ndarray (n, C)
        Row scale, sqrt(N p) or larger.
    """

    p: Array
    d: Array

    def rows(self, J: Any) -> Array:
        """Whiten rows (n C, P), or a vector (n C,)."""
        flat = np.asarray(J.toarray() if hasattr(J, "toarray") else J)
        blocks = flat.reshape(*self.p.shape, -1)
        mean = np.einsum("nc,ncp->np", self.p, blocks)
        return (self.d[:, :, None] * (blocks - mean[:, None, :])).reshape(flat.shape)

    def rows_t(self, W: Array) -> Array:
        """Transpose of `rows`."""
        flat = np.asarray(W)
        blocks = self.d[:, :, None] * flat.reshape(*self.p.shape, -1)
        return (blocks - self.p[:, :, None] * blocks.sum(axis=1)[:, None, :]).reshape(flat.shape)


@dataclass(frozen=True)
class Softmax:
    r"""Class labels, with z (n, C) the logits: :math:`l = N \log\sum_c e^{z_c} - \sum_c y_c z_c` per datum.

    y holds integer labels (n,), or weights (n, C): one-hot, soft labels or counts, N being their sum. The loss is
    relative to p = y/N. z may come flattened in C order. Fisher curvature N(diag p - p p^T) couples the classes of a
    datum, so ``whiten`` returns a `SoftmaxRows` operator and r of length n C. Adding a constant to all logits of a
    datum changes nothing: that direction is in the null space of every linearisation.

    Examples
    --------
    >>> round(Softmax().value([[0.0, 0.0]], [1]), 6)
    0.693147
    """

    name = "softmax"
    statistical = False

    def check(self, z_shape: tuple[int, ...], y: Any) -> None:
        """Raise `DataError` where labels do not name a class, or weights are negative."""
        labels = np.asarray(y)
        flat = len(z_shape) == 1 and labels.ndim > 0 and len(labels) > 0
        shape = (len(labels), z_shape[0] // len(labels)) if flat else tuple(z_shape)
        if len(shape) != 2 or np.prod(shape) != np.prod(z_shape) or shape[1] < 2:
            raise DataError(
                f"softmax loss: the model must return logits (n, C) with C >= 2, not shape {tuple(z_shape)}"
            )
        if labels.ndim == 2:
            weights = check_rows(self.name, shape, labels)
            bad = weights < 0
            if bad.any():
                raise DataError(f"softmax loss: y is {weights[bad].flat[0]:g} at {first_index(bad)}; weights are >= 0")
            empty = weights.sum(axis=1) <= 0
            if empty.any():
                raise DataError(f"softmax loss: the weights of y sum to zero at {first_index(empty)}; drop that row")
            return
        labels = check_rows(self.name, shape[:1], labels)
        if not labels.ndim:
            raise DataError("softmax loss: y is a scalar; it must hold one label for each of the n rows")
        bad = (labels < 0) | (labels >= shape[1]) | (labels != np.floor(labels))
        if bad.any():
            raise DataError(
                f"softmax loss: y is {labels[bad].flat[0]:g} at {first_index(bad)}; labels are 0..{shape[1] - 1}"
            )

    @staticmethod
    def _inputs(z: Any, y: Any) -> tuple[Array, Array]:
        labels, logits = np.asarray(y), np.asarray(z, dtype=np.float64)
        if logits.ndim == 1:
            logits = logits.reshape(len(labels), -1)
        if labels.ndim == 2:
            return logits, labels.astype(np.float64)
        hot = np.zeros_like(logits)
        hot[np.arange(len(labels)), labels.astype(np.intp)] = 1.0
        return logits, hot

    @staticmethod
    def _log_probability(z: Array) -> tuple[Array, Array, Array]:
        """Return log p, p and 1 - p (n, C), each accurate when one class takes nearly all."""
        top = np.argmax(z, axis=1)[:, None]
        shifted = z - np.take_along_axis(z, top, axis=1)
        weight = np.exp(shifted)
        others = weight.copy()
        np.put_along_axis(others, top, 0.0, axis=1)
        rest = others.sum(axis=1, keepdims=True)
        p = weight / (1.0 + rest)
        complement = 1.0 - p
        np.put_along_axis(complement, top, rest / (1.0 + rest), axis=1)
        return shifted - np.log1p(rest), p, complement

    def _cells(self, z: Any, y: Any) -> Array:
        """Poisson half deviances of the cells; over a datum they add up to the multinomial one."""
        logits, k = self._inputs(z, y)
        n = k.sum(axis=1, keepdims=True)
        log_p, p, q = self._log_probability(logits)
        mu = n * p
        ratio = np.where(k > 0, k * (np.log(np.where(k > 0, k, 1.0) / n) - log_p) + mu - k, mu)
        sure = k == n  # all of a datum in one class: mu - k = -n (1 - p) without rounding
        ratio = np.where(sure, -n * (log_p + q), ratio)
        return np.where((k > 0) & (mu > 0) & ~sure, poisson_terms(mu, k), ratio)

    def value(self, z: Any, y: Any) -> float:
        """Cross entropy minus that of p = y/N; inf if a logit is not finite."""
        with quiet():
            return total(self._cells(z, y)) if np.isfinite(z).all() else np.inf

    def whiten(self, z: Any, y: Any) -> tuple[Array, SoftmaxRows]:
        """Residual (Np - y)/sqrt(Np), flat, and the row operator."""
        with quiet():
            logits, k = self._inputs(z, y)
            n = k.sum(axis=1, keepdims=True)
            _, p, q = self._log_probability(logits)
            slope = np.where(k == n, -n * q, n * p - k)
            d = np.maximum(np.maximum(np.sqrt(n * p), np.abs(slope) / _LARGEST), 1e-150)
        return (slope / d).ravel(), SoftmaxRows(p, d)

    def decrease(self, z: Any, z_new: Any, y: Any) -> float:
        """Drop in cross entropy: first-order term minus a remainder of one sign."""
        with quiet():
            logits, k = self._inputs(z, y)
            new, _ = self._inputs(z_new, y)
            n = k.sum(axis=1)
            _, p, q = self._log_probability(logits)
            d = new - logits
            d = d - np.take_along_axis(d, np.argmax(logits, axis=1)[:, None], axis=1)  # small where p is not
            slope = np.where(k == n[:, None], -n[:, None] * q, n[:, None] * p - k)
            centred = d - np.sum(p * d, axis=1, keepdims=True)
            near = -np.sum(slope * d, axis=1) - n * np.log1p(np.sum(p * exp_excess(centred), axis=1))
            small = np.abs(d).max(axis=1) < 1.0
            change = float(np.sum(near[small]))
            if not small.all():
                change += float(np.sum((self._cells(logits, k) - self._cells(new, k))[~small]))
        return settle(change, lambda: self.value(z, y), lambda: self.value(z_new, y))

    def deviance(self, z: Any, y: Any) -> Array:
        """Contribution of each cell (n, C); the sum over a datum is its likelihood ratio."""
        with quiet():
            return (2.0 * self._cells(z, y)).reshape(np.shape(z))
