"""Patches: smooth images of a unit cube, from which the points of domains and of their faces are drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sciopt._types import Array

__all__ = ["Axis", "Patch", "interval_rule", "product", "unit_grid"]


@dataclass(frozen=True)
class Axis:
    """One coordinate of a unit cube: its length in space, and the quadrature that suits it.

    ``kind`` is ``"line"`` (Gauss-Legendre), ``"circle"`` (periodic: equal steps) or ``"power"``: the coordinate s of
    [0, 1] is a share of the measure and functions are smooth in s^(2/power), as in the square of the radius of a ball
    of that many dimensions; Gauss-Jacobi nodes are used.
    """

    length: float
    kind: str = "line"
    power: int = 1


@dataclass(frozen=True, eq=False)
class Patch:
    """A map from the unit cube that keeps uniform density.

    Attributes
    ----------
    measure
        Length, area or volume of the image; 1 for a single point.
    axes
        The cube's coordinates.
    place
        ``place(s) -> x`` for s of shape (n, len(axes)), x of shape (n, d).
    normal
        ``normal(s) -> (n, d)`` outward unit normals for patches of a boundary, else None.
    kept
        ``kept(x, normals) -> mask`` of the points that belong to the domain; None = all.
    """

    measure: float
    axes: tuple[Axis, ...]
    place: Callable[[Array], Array]
    normal: Callable[[Array], Array] | None = None
    kept: Callable[[Array, Any], Any] | None = None

    def restricted(self, keep: Callable[[Array, Any], Any]) -> Patch:
        """Return the patch without the points for which ``keep(x, normals)`` is false."""
        old = self.kept

        def both(x: Array, n: Any) -> Any:
            return keep(x, n) if old is None else old(x, n) & keep(x, n)

        return Patch(self.measure, self.axes, self.place, self.normal, both)

    def flipped(self) -> Patch:
        """Return the patch with its normals reversed."""
        normal = self.normal
        assert normal is not None
        old = self.kept
        kept = None if old is None else lambda x, n: old(x, -n)
        return Patch(self.measure, self.axes, self.place, lambda s: -normal(s), kept)

    def extent(self) -> float:
        """Measure of the kept part, by 4096 Sobol points where some are left out."""
        if self.kept is None:
            return self.measure
        from scipy.stats import qmc

        k = len(self.axes)
        s = qmc.Sobol(k, scramble=False).random_base2(12) + 2.0**-13 if k else np.zeros((1, 0))
        normals = None if self.normal is None else self.normal(s)
        return self.measure * float(np.mean(self.kept(self.place(s), normals)))


def product(a: Patch, b: Patch, d: int, alike: bool = False) -> Patch:
    """Return the product of two patches; the first d coordinates come from ``a``.

    With ``alike`` the axes of ``a`` count as long as those of ``b`` on average: time has another unit than space, and
    numbers of points must not depend on units.
    """
    k, first = len(a.axes), a.axes
    if alike and b.axes:
        mean = float(np.exp(np.mean([np.log(axis.length) for axis in b.axes])))
        first = tuple(replace(axis, length=mean) for axis in a.axes)

    def place(s: Array) -> Array:
        return np.concatenate([a.place(s[:, :k]), b.place(s[:, k:])], axis=1)

    normal: Any = None
    if a.normal is not None or b.normal is not None:

        def outward(s: Array) -> Array:
            x = place(s)
            out = np.zeros_like(x)
            if a.normal is not None:
                out[:, :d] = a.normal(s[:, :k])
            if b.normal is not None:
                out[:, d:] = b.normal(s[:, k:])
            return out

        normal = outward

    kept: Any = None
    if a.kept is not None or b.kept is not None:

        def both(x: Array, n: Any) -> Any:
            mask = np.ones(len(x), dtype=bool)
            if a.kept is not None:
                mask &= a.kept(x[:, :d], None if a.normal is None else n[:, :d])
            if b.kept is not None:
                mask &= b.kept(x[:, d:], None if b.normal is None else n[:, d:])
            return mask

        kept = both

    return Patch(a.measure * b.measure, first + b.axes, place, normal, kept)


def interval_rule(axis: Axis, n: int) -> tuple[Array, Array]:
    """Return n nodes in [0, 1] and weights of sum 1."""
    if axis.kind == "circle":
        return (np.arange(n) + 0.5) / n, np.full(n, 1.0 / n)
    if axis.kind == "power" and axis.power != 2:
        from scipy.special import roots_jacobi

        # volume s = r^p, dr^p = p/2 q^(p/2 - 1) dq with q = r^2
        z, w = roots_jacobi(n, 0.0, axis.power / 2 - 1.0)
        return ((z + 1) / 2) ** (axis.power / 2), w / w.sum()
    from scipy.special import roots_legendre

    z, w = roots_legendre(n)
    return (z + 1) / 2, w / 2


def unit_grid(axes: tuple[Axis, ...], n: Any, rule: str) -> tuple[Array, Array]:
    """Return nodes (N, k) and weights (N,) of a tensor rule, ``"grid"`` (cell centres) or ``"gauss"``.

    ``n`` is the number for each axis, or a total that is shared out in proportion to the lengths of the axes.
    """
    if not axes:
        return np.zeros((1, 0)), np.ones(1)
    counts = n if isinstance(n, tuple) else _shared(axes, int(n))
    columns = [
        ((np.arange(m) + 0.5) / m, np.full(m, 1.0 / m)) if rule == "grid" else interval_rule(a, m)
        for a, m in zip(axes, counts, strict=True)
    ]
    nodes = np.stack([g.ravel() for g in np.meshgrid(*(c[0] for c in columns), indexing="ij")], axis=1)
    weights = np.ones(1)
    for _, w in columns:
        weights = np.multiply.outer(weights, w).ravel()
    return nodes, weights


def _shared(axes: tuple[Axis, ...], n: int) -> tuple[int, ...]:
    """Numbers for each axis whose product is close to n, cells as square as can be."""
    lengths = np.array([a.length for a in axes])
    step = (np.prod(lengths) / max(n, 1)) ** (1 / len(axes))
    counts = np.maximum(np.rint(lengths / step), 1).astype(int)
    for _ in range(64):  # axes pinned at one cell leave more for the others
        total = int(np.prod(counts))
        if total <= n or (counts == 1).all():
            break
        counts[np.argmax(np.where(counts > 1, counts / lengths, -1.0))] -= 1
    return tuple(int(c) for c in counts)
