"""Bases of one coordinate: Chebyshev polynomials, Fourier waves, B-splines."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.interpolate import BSpline
from scipy.sparse import csr_array

from sciopt._errors import OptionError
from sciopt.models.base import Constant, whole

__all__ = ["Axis", "ChebyshevAxis", "FourierAxis", "SplineAxis", "chebyshev", "fourier", "spline"]

Array = np.ndarray


class Axis:
    """A basis of one coordinate on [low, high].

    ``matrix(x, order)`` holds derivatives of all basis functions at points, on the host; ``contract(x, c)`` sums the
    basis against coefficients at one (traced) point.
    """

    kind = ""

    def __init__(self, low: float, high: float, size: int, data: Any = None) -> None:
        if not (np.isfinite(low) and np.isfinite(high) and low < high):
            raise OptionError(f"{self.kind} axis: give finite bounds with low < high, got ({low!r}, {high!r})")
        self.low, self.high, self.size, self.data = float(low), float(high), int(size), data

    @property
    def _identity(self) -> tuple[Any, ...]:
        return (type(self), self.low, self.high, self.size, self.data)

    def __hash__(self) -> int:
        return hash(self._identity)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Axis) and self._identity == other._identity

    def __repr__(self) -> str:
        """Show kind, size and bounds."""
        return f"{self.kind}({self.low:g}, {self.high:g}, {self.size})"

    def matrix(self, x: Array, order: int = 0) -> Array:
        """Return the derivatives of the given order, shape (n, size), at points (n,)."""
        raise NotImplementedError

    def sparse(self, x: Array, order: int = 0) -> csr_array:
        """Return `matrix` in compressed rows."""
        return csr_array(self.matrix(x, order))

    def contract(self, x: Any, c: Any) -> Any:
        """Return the sum of basis values at one point x against coefficients c (size, ...)."""
        raise NotImplementedError

    def nodes(self, n: int) -> Array:
        """Return n collocation points inside (low, high)."""
        raise NotImplementedError

    def scaled(self, x: Any) -> Any:
        """Map [low, high] to [-1, 1]."""
        return (x - 0.5 * (self.low + self.high)) * (2.0 / (self.high - self.low))


class ChebyshevAxis(Axis):
    """Chebyshev polynomials of degree 0 to size - 1."""

    kind = "chebyshev"

    def matrix(self, x: Array, order: int = 0) -> Array:
        """Return the derivatives at points, by the recurrences of T_k and its derivatives."""
        s, out = np.asarray(self.scaled(x), float), []
        for j in range(order + 1):
            T = np.zeros((self.size, len(s)))
            if j == 0:
                T[0] = 1.0
            if self.size > 1:
                T[1] = s if j == 0 else float(j == 1)
            for k in range(1, self.size - 1):
                T[k + 1] = 2.0 * s * T[k] - T[k - 1]
                if j:
                    T[k + 1] += 2.0 * j * out[-1][k]
            out.append(T)
        return out[order].T * (2.0 / (self.high - self.low)) ** order

    def contract(self, x: Any, c: Any) -> Any:
        """Return the sum at one point by Clenshaw's recurrence."""
        s = self.scaled(x)
        if self.size == 1:
            return c[0] + 0.0 * s

        def back(carry: Any, row: Any) -> Any:
            one, two = carry
            return (row + 2.0 * s * one - two, one), None

        zero = jnp.zeros_like(c[0] * s)
        (one, two), _ = jax.lax.scan(back, (zero, zero), c[:0:-1])
        return c[0] + s * one - two

    def nodes(self, n: int) -> Array:
        """Return the n zeros of the Chebyshev polynomial of degree n, ascending."""
        s = -np.cos(np.pi * (np.arange(n) + 0.5) / n)
        return 0.5 * (self.low + self.high) + 0.5 * (self.high - self.low) * s


class FourierAxis(Axis):
    """The constant and size // 2 cosines and sines of period high - low."""

    kind = "fourier"

    @property
    def _waves(self) -> Array:
        return 2.0 * np.pi / (self.high - self.low) * np.arange(1, self.size // 2 + 1)

    def matrix(self, x: Array, order: int = 0) -> Array:
        """Return the derivatives at points."""
        phase = np.outer(np.asarray(x, float) - self.low, self._waves) + 0.5 * np.pi * order
        out = np.empty((len(phase), self.size))
        out[:, 0] = float(order == 0)
        out[:, 1::2] = np.cos(phase) * self._waves**order
        out[:, 2::2] = np.sin(phase) * self._waves**order
        return out

    def contract(self, x: Any, c: Any) -> Any:
        """Return the sum at one point."""
        phase = (x - self.low) * self._waves
        return c[0] + jnp.tensordot(jnp.cos(phase), c[1::2], 1) + jnp.tensordot(jnp.sin(phase), c[2::2], 1)

    def nodes(self, n: int) -> Array:
        """Return n equidistant points."""
        return self.low + (self.high - self.low) * np.arange(n) / n


class SplineAxis(Axis):
    """B-splines of a degree on breakpoints, periodic or not."""

    kind = "spline"

    def __init__(self, breaks: Array, degree: int, periodic: bool) -> None:
        breaks = np.asarray(breaks, float)
        if breaks.ndim != 1 or len(breaks) < 2 or not np.isfinite(breaks).all() or not (np.diff(breaks) > 0).all():
            raise OptionError("spline axis: breakpoints must be finite and increasing, two at least")
        if periodic and len(breaks) <= degree + 1:
            raise OptionError(
                f"spline axis: a periodic spline of degree {degree} needs more than {degree + 1} breakpoints"
            )
        size = len(breaks) - 1 + (0 if periodic else degree)
        super().__init__(breaks[0], breaks[-1], size, (Constant(breaks), int(degree), bool(periodic)))
        self.degree, self.periodic = int(degree), bool(periodic)

    @property
    def breaks(self) -> Array:
        """Breakpoints, the ends included."""
        return self.data[0].value

    @cached_property
    def knots(self) -> Array:
        """Knots: the ends repeated, or breakpoints continued over the period."""
        p, b = self.degree, self.breaks
        if not self.periodic:
            return np.concatenate([np.full(p, b[0]), b, np.full(p, b[-1])])
        length = b[-1] - b[0]
        return np.concatenate([b[-p - 1 : -1] - length, b, b[1 : p + 1] + length])

    def matrix(self, x: Array, order: int = 0) -> Array:
        """Return the derivatives at points."""
        return self.sparse(x, order).toarray()

    def sparse(self, x: Array, order: int = 0) -> csr_array:
        """Return the derivatives at points as differences of B-splines of lower degree."""
        p, t = self.degree, self.knots
        x = np.asarray(x, float)
        if self.periodic:
            x = self.low + np.mod(x - self.low, self.high - self.low)
        if order > p:
            return csr_array((len(x), self.size))
        inner = t[order : len(t) - order]
        out = csr_array(BSpline.design_matrix(np.clip(x, t[p], t[-p - 1]), inner, p - order))
        for q in range(p - order + 1, p + 1):  # from degree q - 1 to the derivative of degree q
            u = t[p - q : len(t) - (p - q)]
            count = len(u) - q - 1
            width = q / (u[q + 1 : q + count] - u[1:count])
            out = csr_array(out @ _differences(width))
        if not self.periodic:
            return out
        count = self.size + p
        fold = csr_array((np.ones(count), (np.arange(count), np.arange(count) % self.size)), shape=(count, self.size))
        return csr_array(out @ fold)

    def contract(self, x: Any, c: Any) -> Any:
        """Return the sum at one point by the recurrence of the B-splines that do not vanish there."""
        p = self.degree
        if self.periodic:
            x = self.low + jnp.mod(x - self.low, self.high - self.low)
            c = jnp.concatenate([c, c[:p]])
        return local_spline(x, jnp.asarray(self.knots), c, p)

    def nodes(self, n: int) -> Array:
        """Return n points spread over the intervals; the averages of knots (Greville) where n is the basis' size."""
        if n == self.size:
            t, p = self.knots, self.degree
            g = np.array([t[i + 1 : i + p + 1].mean() for i in range(self.size)])
            return np.sort(self.low + np.mod(g - self.low, self.high - self.low)) if self.periodic else g
        return np.interp((np.arange(n) + 0.5) / n * (len(self.breaks) - 1), np.arange(len(self.breaks)), self.breaks)


def _differences(width: Array) -> csr_array:
    """Return the matrix with rows (-width_i, width_i) at columns i, i + 1."""
    n = len(width)
    rows, columns = np.repeat(np.arange(n), 2), (np.arange(n)[:, None] + np.arange(2)).ravel()
    return csr_array((np.stack([-width, width], 1).ravel(), (rows, columns)), shape=(n, n + 1))


def local_spline(x: Any, t: Any, c: Any, p: int) -> Any:
    """Return sum of c_i B_i(x) with B-splines of degree p on knots t (traced arrays); c has shape (size, ...)."""
    # knots may be padded by repeats of the last one: its first copy ends the last interval
    last = jnp.minimum(t.shape[0] - p - 2, jnp.searchsorted(t, t[-1], side="left") - 1)
    i = jnp.clip(jnp.searchsorted(t, jax.lax.stop_gradient(x), side="right") - 1, p, last)
    near = jax.lax.dynamic_slice(t, (i - p + 1,), (2 * p,)) if p else t[:0]
    basis = [jnp.ones_like(x)]
    for k in range(1, p + 1):
        new = [jnp.zeros_like(x)] * (k + 1)
        for j in range(k):
            high, low = near[p + j], near[p + j - k]
            width = high - low
            share = jnp.where(width > 0, basis[j] / jnp.where(width > 0, width, 1.0), 0.0)
            new[j] = new[j] + (high - x) * share
            new[j + 1] = new[j + 1] + (x - low) * share
        basis = new
    rows = jax.lax.dynamic_slice_in_dim(c, i - p, p + 1)
    return jnp.tensordot(jnp.stack(basis), rows, 1)


def chebyshev(low: float, high: float, size: int) -> ChebyshevAxis:
    """Return Chebyshev polynomials of degree 0 to size - 1 on [low, high].

    Examples
    --------
    >>> chebyshev(0, 1, 3).matrix(np.array([1.0]), 1).tolist()
    [[0.0, 2.0, 8.0]]
    """
    return ChebyshevAxis(low, high, whole("chebyshev", "size", size))


def fourier(low: float, high: float, size: int) -> FourierAxis:
    """Return a constant and (size - 1) / 2 cosines and sines of period high - low; size is odd.

    Examples
    --------
    >>> fourier(0, 1, 3).matrix(np.array([0.0])).tolist()
    [[1.0, 1.0, 0.0]]
    """
    if whole("fourier", "size", size) % 2 == 0:
        raise OptionError(f"fourier: size must be odd (a constant and pairs of waves), got {size}")
    return FourierAxis(low, high, size)


def spline(breaks: Any, degree: int = 7, periodic: bool = False) -> SplineAxis:
    """Return B-splines of a degree on increasing breakpoints.

    Parameters
    ----------
    breaks
        Breakpoints, the ends included; ``len(breaks) - 1 + degree`` splines, or ``len(breaks) - 1`` periodic ones.
    degree
        Degree p; derivatives up to p - 1 are continuous.
    periodic
        Whether all derivatives agree at both ends.

    Notes
    -----
    de Boor, A Practical Guide to Splines (1978).

    Examples
    --------
    >>> spline([0.0, 0.5, 1.0], 3).size
    5
    """
    return SplineAxis(breaks, whole("spline", "degree", degree), periodic)
