"""Nodes along an axis of space, derivatives of the values on them, and the way from values on nodes to values anywhere."""

from __future__ import annotations

from typing import Any

import numpy as np

from sciopt._errors import OptionError
from sciopt._types import Array

__all__ = ["LineAxis", "difference_weights"]

BASES = ("fourier", "chebyshev", "differences")
WIDTH = 9  # points of a difference stencil: order 8 for first, 7 or more for second derivatives


def difference_weights(x: Array, at: float, order: int) -> Array:
    """Return weights w (order + 1, len(x)): ``w[k] @ f(x)`` is the k-th derivative at a place (Fornberg 1988).

    Examples
    --------
    >>> difference_weights(np.array([-1.0, 0.0, 1.0]), 0.0, 2)[2]
    array([ 1., -2.,  1.])
    """
    n = len(x)
    w = np.zeros((order + 1, n))
    w[0, 0] = 1.0
    c1, c4 = 1.0, x[0] - at
    for i in range(1, n):
        most = min(i, order)
        c2, c5, c4 = 1.0, c4, x[i] - at
        before = w[:, i - 1].copy()
        for j in range(i):
            c3 = x[i] - x[j]
            c2 *= c3
            old = w[:, j].copy()
            for k in range(most, -1, -1):
                w[k, j] = (c4 * old[k] - (k * old[k - 1] if k else 0.0)) / c3
        for k in range(most, -1, -1):
            w[k, i] = c1 * ((k * before[k - 1] if k else 0.0) - c5 * before[k]) / c2
        c1 = c2
    return w


class LineAxis:
    """One axis of space as the method of lines sees it.

    Parameters
    ----------
    low, high
        Ends.
    n
        Number of nodes, both ends included unless the axis is periodic.
    basis
        ``"fourier"`` (periodic, uniform), ``"chebyshev"`` (extreme points) or ``"differences"`` (stencils of nine nodes).
    nodes
        Ascending nodes for ``"differences"``; uniform by default.

    Attributes
    ----------
    nodes
        Coordinates (n,).
    """

    def __init__(self, low: float, high: float, n: int, basis: str, nodes: Array | None = None) -> None:
        if basis not in BASES:
            raise OptionError(f"unknown basis={basis!r}; choose one of {BASES}")
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 4:
            raise OptionError(f"an axis needs at least 4 nodes, got {n!r}")
        self.low, self.high, self.n, self.basis = float(low), float(high), int(n), basis
        length = self.high - self.low
        if basis == "fourier":
            self.nodes = self.low + length * np.arange(n) / n
        elif basis == "chebyshev":
            self.nodes = self.low + length * 0.5 * (1.0 - np.cos(np.pi * np.arange(n) / (n - 1)))
            self.nodes[-1] = self.high
        else:
            self.nodes = np.linspace(low, high, n) if nodes is None else np.asarray(nodes, dtype=np.float64)
            if len(self.nodes) != n or n < WIDTH or not (np.diff(self.nodes) > 0).all():
                raise OptionError(f"basis='differences' needs at least {WIDTH} ascending nodes, as many as n")
        self._matrices: dict[int, Array] = {}

    @property
    def periodic(self) -> bool:
        """Whether the ends are joined."""
        return self.basis == "fourier"

    @property
    def by_fft(self) -> bool:
        """Whether derivatives are taken by fast Fourier transforms rather than matrices."""
        return self.periodic and self.n > 128

    def matrix(self, order: int) -> Array:
        """Return the matrix (n, n) of a derivative."""
        if order not in self._matrices:
            self._matrices[order] = self._fourier(order) if self.periodic else self._stencils(order)
        return self._matrices[order]

    def _stencils(self, order: int) -> Array:
        n, D = self.n, np.zeros((self.n, self.n))
        if order == 0:
            return np.eye(n)
        if self.basis == "chebyshev":
            return self._chebyshev(order)
        for i in range(n):
            first = min(max(i - WIDTH // 2, 0), n - WIDTH)
            part = slice(first, first + WIDTH)
            D[i, part] = difference_weights(self.nodes[part], self.nodes[i], order)[order]
        return D

    def _chebyshev(self, order: int) -> Array:
        """Differentiation by the barycentric formula, diagonal as negative row sum (Welfert 1997)."""
        n, x = self.n, self.nodes
        w = (-1.0) ** np.arange(n)
        w[0] *= 0.5
        w[-1] *= 0.5
        angle = np.pi * np.arange(n) / (n - 1)
        # x_i - x_j from a product of sines: no cancellation near the ends (Don and Solomonoff 1995)
        half = 0.5 * (angle[:, None] + angle[None, :]), 0.5 * (angle[:, None] - angle[None, :])
        gap = (self.high - self.low) * np.sin(half[0]) * np.sin(half[1])
        np.fill_diagonal(gap, 1.0)
        ratio = w[None, :] / w[:, None]
        D = np.eye(n)
        for k in range(1, order + 1):
            new = k / gap * (ratio * np.diag(D)[:, None] - D)
            np.fill_diagonal(new, 0.0)
            np.fill_diagonal(new, -new.sum(axis=1))
            D = new
        assert x.size == n
        return D

    def _fourier(self, order: int) -> Array:
        return np.real(np.fft.ifft(self.multiplier(order)[:, None] * np.fft.fft(np.eye(self.n), axis=0), axis=0))

    def multiplier(self, order: int) -> Any:
        """Return the factors (n,) that differentiate discrete Fourier coefficients."""
        k = 2j * np.pi * np.fft.fftfreq(self.n, (self.high - self.low) / self.n)
        out = k**order
        if order % 2 and self.n % 2 == 0:
            out[self.n // 2] = 0.0
        return out

    # ---- values between nodes ---------------------------------------------------------------------------------------
    def unresolved(self, values: Array) -> float:
        """Return how large the last tenth of the coefficients is, relative to the largest, over all rows (..., n)."""
        if self.basis == "fourier":
            c = np.abs(np.fft.rfft(values, axis=-1))
        else:
            c = np.abs(_cosines(values if self.basis == "chebyshev" else self._on_chebyshev(values)))
        tail = max(2, c.shape[-1] // 10)
        return float(c[..., -tail:].max() / (c.max() or 1.0))

    def _on_chebyshev(self, values: Array) -> Array:
        x = self.low + (self.high - self.low) * 0.5 * (1.0 - np.cos(np.pi * np.arange(self.n) / (self.n - 1)))
        return values @ self.interpolation(x).T

    def interpolation(self, x: Array) -> Array:
        """Return the matrix (m, n) from values on the nodes to values at places x (m,)."""
        x = np.asarray(x, dtype=np.float64)
        if self.basis == "chebyshev":
            w = (-1.0) ** np.arange(self.n)
            w[0] *= 0.5
            w[-1] *= 0.5
            gap = x[:, None] - self.nodes[None, :]
            hit = gap == 0.0
            c = w / np.where(hit, 1.0, gap)
            out = c / c.sum(axis=1, keepdims=True)
            rows = hit.any(axis=1)
            out[rows] = hit[rows]
            return out
        if self.basis == "fourier":
            phase = np.pi * (x[:, None] - self.nodes[None, :]) / (self.high - self.low)
            near = np.abs(np.sin(phase)) < 1e-14
            safe = np.where(near, 0.5, phase)
            top = np.sin(self.n * safe)
            kernel = top / (self.n * (np.sin(safe) if self.n % 2 else np.tan(safe)))
            return np.where(near, 1.0, kernel)
        out = np.zeros((len(x), self.n))
        first = np.clip(np.searchsorted(self.nodes, x) - WIDTH // 2 - 1, 0, self.n - WIDTH - 1)
        for i, (place, start) in enumerate(zip(x, first, strict=True)):
            part = slice(start, start + WIDTH + 1)
            out[i, part] = difference_weights(self.nodes[part], place, 0)[0]
        return out


def _cosines(values: Array) -> Array:
    """Return Chebyshev coefficients of values on the extreme points, last axis."""
    n = values.shape[-1]
    doubled = np.concatenate([values, values[..., -2:0:-1]], axis=-1)
    return np.real(np.fft.rfft(doubled, axis=-1))[..., :n] / (n - 1)
