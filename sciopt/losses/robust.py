"""Losses that grow slower than squares, whitened by the Triggs correction."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sciopt._types import Array
from sciopt.losses._contract import check_rows, positive_option, quiet, settle, target, total

__all__ = ["Cauchy", "Huber", "SoftL1", "StudentT"]

_FLOOR = 1e-2  # smallest share of rho' kept as curvature of an outlier, so that J^T J stays positive and r bounded


def _difference(z: Any, z_new: Any, y: Any) -> tuple[Array, Array, Array]:
    """Residuals and r_new^2 - r^2, the latter in product form."""
    a, b, k = np.asarray(z, dtype=np.float64), np.asarray(z_new, dtype=np.float64), target(y)
    r, r_new = a - k, b - k
    return r, r_new, (b - a) * (r + r_new)


class _Robust:
    r"""Value, whitening and decrease of :math:`l = \rho(r^2)/2` for a subclass that knows rho.

    The second derivative of l along a row is rho' + 2 s rho'' = rho' D with s = r^2. The correction of Triggs et al.
    scales J by sqrt(rho')(1 - alpha) and r by sqrt(rho')/(1 - alpha), where alpha solves
    alpha^2/2 - alpha - s rho''/rho' = 0, that is 1 - alpha = sqrt(D). D is kept above 1/100.
    """

    name: str
    statistical = True

    def _half_rho(self, r: Array) -> Array:
        raise NotImplementedError

    def _slopes(self, r: Array) -> tuple[Array, Array]:
        """Return rho'(r^2) and D."""
        raise NotImplementedError

    def _drop(self, r: Array, r_new: Array, ds: Array) -> Array:
        """Rows of rho(r^2)/2 - rho(r_new^2)/2, with ds = r_new^2 - r^2."""
        raise NotImplementedError

    def check(self, z_shape: tuple[int, ...], y: Any) -> None:
        """Raise `DataError` where y is not finite or has another shape than the model."""
        check_rows(self.name, z_shape, y)

    def value(self, z: Any, y: Any = None) -> float:
        """Half the sum of rho(r^2); inf if a row is not finite."""
        with quiet():
            return total(self._half_rho(np.asarray(z, dtype=np.float64) - target(y)))

    def whiten(self, z: Any, y: Any = None) -> tuple[Array, Array]:
        """Triggs-corrected residual and scale; their product is rho' r exactly."""
        with quiet():
            r = np.asarray(z, dtype=np.float64) - target(y)
            slope, shape = self._slopes(r)
            scale = np.sqrt(slope * np.maximum(shape, _FLOOR))
            return slope * r / scale, scale

    def decrease(self, z: Any, z_new: Any, y: Any = None) -> float:
        """Drop in half the sum of rho, in product form."""
        with quiet():
            change = float(np.sum(self._drop(*_difference(z, z_new, y))))
        return settle(change, lambda: self.value(z, y), lambda: self.value(z_new, y))

    def deviance(self, z: Any, y: Any = None) -> Array:
        """Return rho(r^2) of each row."""
        with quiet():
            return 2.0 * self._half_rho(np.asarray(z, dtype=np.float64) - target(y))


@dataclass(frozen=True)
class Huber(_Robust):
    r"""Squares inside ``delta``, absolute values outside.

    :math:`l = r^2/2` for :math:`|r| \le \delta`, else :math:`\delta|r| - \delta^2/2`; r in units of sigma.

    Parameters
    ----------
    delta : float
        Where the loss turns linear; 1.345 keeps 95 % efficiency for normal errors.

    References
    ----------
    P. J. Huber, Ann. Math. Stat. 35 (1964) 73; B. Triggs et al., "Bundle adjustment", 2000, section 4.3.

    Examples
    --------
    >>> Huber(delta=1.0).value([3.0])
    2.5
    """

    delta: float = 1.345
    name = "huber"

    def __post_init__(self) -> None:
        positive_option("Huber", "delta", self.delta)

    def _half_rho(self, r: Array) -> Array:
        a = np.abs(r)
        inner = np.minimum(a, self.delta)
        return 0.5 * inner * inner + self.delta * (a - inner)

    def _slopes(self, r: Array) -> tuple[Array, Array]:
        a = np.abs(r)
        outside = a > self.delta
        return np.where(outside, self.delta / a, 1.0), np.where(outside, 0.0, 1.0)

    def _drop(self, r: Array, r_new: Array, ds: Array) -> Array:
        a, b = np.abs(r), np.abs(r_new)
        inner, inner_new = np.minimum(a, self.delta), np.minimum(b, self.delta)
        crossing = 0.5 * (inner - inner_new) * (inner + inner_new) + self.delta * ((a - inner) - (b - inner_new))
        both_out = (a > self.delta) & (b > self.delta)
        outer = np.where(both_out, -self.delta * ds / (a + b), crossing)
        return np.where((a <= self.delta) & (b <= self.delta), -0.5 * ds, outer)


@dataclass(frozen=True)
class SoftL1(_Robust):
    r"""Smooth absolute value: :math:`l = c^2(\sqrt{1 + (r/c)^2} - 1)`, c = ``scale`` in units of sigma.

    Examples
    --------
    >>> round(SoftL1().value([3.0**0.5]), 12)
    1.0
    """

    scale: float = 1.0
    name = "soft_l1"

    def __post_init__(self) -> None:
        positive_option("SoftL1", "scale", self.scale)

    def _half_rho(self, r: Array) -> Array:
        x = r / self.scale
        return self.scale**2 * x * (x / (1.0 + np.hypot(1.0, x)))

    def _slopes(self, r: Array) -> tuple[Array, Array]:
        h = np.hypot(1.0, r / self.scale)
        return 1.0 / h, 1.0 / h**2

    def _drop(self, r: Array, r_new: Array, ds: Array) -> Array:
        c = self.scale
        return -ds / (np.hypot(1.0, r / c) + np.hypot(1.0, r_new / c))


class _Logarithmic(_Robust):
    """Losses ``weight/2 log(1 + r^2/width)``."""

    def _shape(self) -> tuple[float, float]:
        """Return weight and the square root of width."""
        raise NotImplementedError

    def _half_rho(self, r: Array) -> Array:
        weight, c = self._shape()
        x = np.abs(r) / c
        return 0.5 * weight * np.where(x < 1e8, np.log1p(x * x), 2.0 * np.log(x))

    def _slopes(self, r: Array) -> tuple[Array, Array]:
        weight, c = self._shape()
        x = np.abs(r) / c
        slope = weight / c**2 / np.maximum(1.0 + x * x, 1.0)
        return np.maximum(slope, 1e-300), 1.0 - 2.0 / (1.0 + 1.0 / (x * x))

    def _drop(self, r: Array, r_new: Array, ds: Array) -> Array:
        weight, c = self._shape()
        base = c * c + r * r
        u = ds / base
        far = np.log((c * c + r_new * r_new) / base)
        return -0.5 * weight * np.where(np.abs(u) < 0.5, np.log1p(u), far)


@dataclass(frozen=True)
class Cauchy(_Logarithmic):
    r"""Lorentzian errors: :math:`l = \frac{c^2}{2}\log(1 + (r/c)^2)`, c = ``scale`` in units of sigma.

    2.385 keeps 95 % efficiency for normal errors. The loss is not convex: start near the bulk of the data.

    Examples
    --------
    >>> round(Cauchy(scale=1.0).value([1.0]), 6)
    0.346574
    """

    scale: float = 2.385
    name = "cauchy"

    def __post_init__(self) -> None:
        positive_option("Cauchy", "scale", self.scale)

    def _shape(self) -> tuple[float, float]:
        return self.scale**2, self.scale


@dataclass(frozen=True)
class StudentT(_Logarithmic):
    r"""Student's t errors: :math:`l = \frac{\nu+1}{2}\log(1 + r^2/(\nu c^2))`, the likelihood relative to r = 0.

    Parameters
    ----------
    nu : float
        Degrees of freedom of the error distribution (not of the fit).
    scale : float
        Width c in units of sigma.

    References
    ----------
    K. L. Lange, R. J. A. Little and J. M. G. Taylor, J. Am. Stat. Assoc. 84 (1989) 881.

    Examples
    --------
    >>> round(StudentT(nu=1.0).value([1.0]), 6)
    0.693147
    """

    nu: float = 4.0
    scale: float = 1.0
    name = "student_t"

    def __post_init__(self) -> None:
        positive_option("StudentT", "nu", self.nu)
        positive_option("StudentT", "scale", self.scale)

    def _shape(self) -> tuple[float, float]:
        return self.nu + 1.0, float(np.sqrt(self.nu)) * self.scale
