"""One time slab: its basis, its collocation points and its conditions."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sciopt._types import Array
from sciopt.condition import Condition, bind
from sciopt.linearise.autodiff import double
from sciopt.models.axes import ChebyshevAxis, SplineAxis
from sciopt.models.tensor import TensorBasis
from sciopt.pde._domain import Domain
from sciopt.pde.ansatz_points import movable
from sciopt.pde.ansatz_shape import Shape
from sciopt.points import fixed

__all__ = ["Slab"]


class _Start:
    """The condition that functions and their time derivatives begin where the last slab ended."""

    def __init__(self, names: tuple[str, ...], orders: int) -> None:
        self.names, self.orders, self.__name__ = names, orders, "start"
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        self.__signature__ = inspect.Signature([inspect.Parameter(n, kind) for n in (*names, "x")])

    def __call__(self, *arguments: Any) -> Any:
        functions, x = arguments[:-1], arguments[-1]
        first, rows = jnp.zeros_like(x).at[0].set(1.0), []
        for u in functions:
            f = u
            for order in range(self.orders):
                if order:
                    f = _along(f, first)
                rows.append(jnp.ravel(f(x)))
        return jnp.concatenate(rows)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Start) and (self.names, self.orders) == (other.names, other.orders)

    def __hash__(self) -> int:
        return hash((self.names, self.orders))


def _along(f: Any, v: Any) -> Any:
    return lambda x: jax.jvp(f, (x,), (v,))[1]


@dataclass(frozen=True, eq=False)
class Slab:
    """Splines of degree 8 in space times polynomials of degree 8 on [start, start + length] in time.

    Attributes
    ----------
    inside, faces, initial
        The conditions by where they hold; ``rows`` counts the outputs of each at a point.
    orders
        How many time derivatives the initial conditions fix, the value included.
    sizes
        Largest value of each function so far: errors are relative to it.
    """

    shape: Shape
    domain: Domain
    axis: SplineAxis
    start: float
    length: float
    inside: tuple[Condition, ...]
    faces: tuple[Condition, ...]
    initial: tuple[Condition, ...]
    rows: dict[str, int]
    orders: int
    sizes: tuple[float, ...]
    fresh: bool = True

    order = 8
    degree = 8

    @property
    def end(self) -> float:
        """End of the slab."""
        last = float(self.domain.bounds[0, 1])
        end = self.start + self.length
        return last if end > last - 1e-9 * float(self.domain.sizes[0]) else end

    @staticmethod
    def first(conditions: Sequence[Condition], shape: Shape, domain: Domain, axis: SplineAxis) -> Slab | None:
        """Return the first slab, or None where conditions do not fit slabs."""
        begin = f"{domain.names[0]}-"
        inside, faces, initial = [], [], []
        for c in conditions:
            if not movable(c):
                return None
            face = c.points.face
            kind = inside if face is None else initial if face == (begin,) else faces
            if face is not None and kind is faces and any(f[:-1] != domain.names[1] for f in face):
                return None
            kind.append(c)
        components = sum(m or 1 for m in shape.outputs)
        rows = {c.name: _outputs(c, shape) for c in conditions}
        total = sum(rows[c.name] for c in initial)
        if not inside or not initial or total % components:
            return None
        length = 0.01 * float(domain.sizes[0])
        sizes = (1e-300,) * len(shape.names)
        return Slab(
            shape,
            domain,
            axis,
            float(domain.bounds[0, 0]),
            length,
            tuple(inside),
            tuple(faces),
            tuple(initial),
            rows,
            total // components,
            sizes,
        )

    def shortened(self, factor: float) -> Slab:
        """Return the slab with the same start and another length."""
        return replace(self, length=self.length * factor)

    def on(self, breaks: Array) -> Slab:
        """Return the slab on other breakpoints."""
        return replace(self, axis=SplineAxis(breaks, self.degree, self.axis.periodic))

    def next(self, length: float) -> Slab:
        """Return the slab that begins where this one ends."""
        return replace(self, start=self.end, length=length, fresh=False)

    def made(self, last: tuple[TensorBasis, ...] | None) -> tuple[list[Condition], Any]:
        """Return the conditions on the slab's points, and the unknown begun from the last slab."""
        time = ChebyshevAxis(self.start, self.end, self.order + 1)
        space, names = self.axis.nodes(self.axis.size), self.domain.names
        t = self.start + (self.end - self.start) * _collocation(self.order + 1 - self.orders, self.orders)
        out, lost = [], [0, 0]
        for c in self.faces:
            for side in (0, 1):
                if f"{names[1]}{'-+'[side]}" in c.points.face:
                    lost[side] += self.rows[c.name]
                    out.append(self._on_face(c, side, t))
        components = sum(m or 1 for m in self.shape.outputs)
        low, high = (round(n / components) for n in lost)
        inner = space[low : len(space) - high]
        grid = np.stack([a.ravel() for a in np.meshgrid(t, inner, indexing="ij")], axis=1)
        out += [replace(c, points=self.domain.at(grid)) for c in self.inside]
        begin = np.stack([np.full(len(space), self.start), space], axis=1)
        if last is None:
            out += [replace(c, points=self.domain.at(begin)) for c in self.initial]
        else:
            target = np.concatenate([_values(f, begin, k) for f in last for k in range(self.orders)], axis=1)
            function = _Start(self.shape.names, self.orders)
            out.append(Condition(function, "start", fixed(begin), target=target, weight=float(components)))
        axes = (time, self.axis)

        def build(m: int | None, k: int) -> TensorBasis:
            c = np.zeros((m or 1, time.size, self.axis.size))
            if last is not None:
                c[:, 0] = _refit(last[k], self.axis, space, self.start)
            return TensorBasis(c[0] if m is None else c, axes, m is None)

        return out, self.shape.unknown(build)

    def within(self, c: Condition) -> Condition | None:
        """Return a condition on those of its points that lie in the slab, or None."""
        batch = c.points.first(np.random.default_rng(0))
        x, more = (batch.coords[0], batch.coords[1:]) if isinstance(batch.coords, tuple) else (batch.coords, ())
        here = (x[:, 0] >= self.start) & (x[:, 0] <= self.end)
        if c in self.initial and not self.fresh:
            return None
        if not here.any():
            return None
        coords = (x[here], *(m[here] for m in more)) if more else x[here]
        weights = np.full(int(here.sum()), 1.0 / len(x))
        return replace(c, points=fixed(coords, weights))

    def _on_face(self, c: Condition, side: int, t: Array) -> Condition:
        x = np.stack([t, np.full(len(t), self.domain.bounds[1, side])], axis=1)
        if not c.points.with_normals:
            return replace(c, points=self.domain.at(x), name=f"{c.name} {'-+'[side]}")
        normals = np.tile([0.0, 2.0 * side - 1.0], (len(t), 1))
        return replace(c, points=fixed((x, normals)), name=f"{c.name} {'-+'[side]}")


def _collocation(n: int, orders: int) -> Array:
    """Return n times in (0, 1]: Radau points, which damp what is stiff; Gauss points for second order in time."""
    series = np.zeros(n + 1)
    series[n] = 1.0
    if orders == 1:
        series[n - 1] = -1.0
    return 0.5 * (1.0 + np.sort(np.real(np.polynomial.legendre.legroots(series))))


def _outputs(c: Condition, shape: Shape) -> int:
    """Number of rows of a condition at one point."""
    sample = c.points.first(np.random.default_rng(0)).coords
    columns = sample if isinstance(sample, tuple) else (sample,)

    def function(m: int | None) -> Any:
        return lambda x: jnp.sum(x) if m is None else jnp.sum(x) * jnp.ones(m)

    unknown = shape.unknown(lambda m, k: function(m))
    binding = bind(c, unknown, {}, sample, False)
    with double():
        point = tuple(jnp.asarray(column[0]) for column in columns)
        return int(
            np.prod(
                jax.eval_shape(lambda *p: jnp.asarray(c.function(*binding.arguments(unknown, p, {}, ()))), *point).shape
            )
        )


def _values(f: TensorBasis, points: Array, order: int) -> Array:
    """Return a time derivative of a function at points, shape (n, m)."""
    c = np.asarray(f.coefficients).reshape(-1, f.axes[0].size, f.axes[1].size)
    in_time = f.axes[0].matrix(points[:1, 0], order)[0]
    return f.axes[1].sparse(points[:, 1]) @ np.einsum("s,msx->xm", in_time, c)


def _refit(f: TensorBasis, axis: SplineAxis, nodes: Array, time: float) -> Array:
    """Return spline coefficients (m, size) on another mesh of a function at one time."""
    values = _values(f, np.stack([np.full(len(nodes), time), nodes], axis=1), 0)
    return np.asarray(np.linalg.solve(axis.matrix(nodes), values).T, dtype=np.float64)
