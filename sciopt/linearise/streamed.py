"""Jacobians too large to be stored: the Gram matrix is summed over blocks of parameters or of points."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sciopt._tree import unflatten
from sciopt._types import Array
from sciopt.condition import split
from sciopt.linalg.operators import Product
from sciopt.linearise.autodiff import JaxBlock, double
from sciopt.linearise.program import Program
from sciopt.linearise.stacked import Stacked

__all__ = ["Streamed"]

SLAB = 256  # rows whose absolute values are taken at once
ROWS = 512  # points differentiated at once
LEAST = 64  # parameters in a block at least


class Streamed(Stacked):
    r"""Rows of a problem whose J would not fit the memory budget; methods get products and the Gram matrix of it.

    For n < P, :math:`J J^T = \sum_c J_c J_c^T` over blocks c of parameters (layers, and slices of large layers), each of
    which is differentiated, multiplied in float64 and dropped; for n >= P, :math:`J^T J` is summed over blocks of points.
    Steps are lifted by one reverse pass. Nothing of size n x P exists at any time.
    """

    _found: tuple[Array, Array, Array] | None = None

    @staticmethod
    def fits(pieces: tuple[Any, ...], layout: Any) -> bool:
        """Tell whether the blocks of a problem can be streamed: pointwise conditions in JAX, plain real leaves."""
        if layout.has_ties or layout.has_complex or len(pieces) != 1 or type(pieces[0]) is not JaxBlock:
            return False
        return all(p.pointwise and p.columns != ("*",) for p in pieces[0].programs)

    @property
    def offers(self) -> frozenset[str]:
        """Products and the Gram matrix."""
        return frozenset({"gram", "jvp", "vjp", "second"})

    def at(self, theta: Array) -> Streamed:
        """Return the linearisation at another point of the same frame."""
        return type(self)(self.problem, self.pieces, theta, self.frame, self.work)

    def operator(self) -> Product:
        """Return J as products that know their Gram matrix and the norms of their columns."""
        return Product(
            (self.n, self.theta.size),
            self._columns(self.jvp),
            self._columns(self.vjp),
            self.gram,
            lambda: np.sqrt(self._streamed()[1]),
        )

    @staticmethod
    def _columns(product: Any) -> Any:
        def apply(x: Array) -> Array:
            return product(x) if x.ndim == 1 else np.stack([product(np.ascontiguousarray(c)) for c in x.T], axis=1)

        return apply

    def vjp(self, W: Array) -> Array:
        """Return J^T W without J."""
        if W.ndim > 1:
            return np.stack([self.vjp(np.ascontiguousarray(w)) for w in W.T], axis=1)
        return super().vjp(W)

    def gram(self, side: str = "primal") -> Array:
        """Return the smaller Gram matrix; the other side of a J this large is refused by the memory it would take."""
        wanted = "dual" if self.n < self.theta.size else "primal"
        if side != wanted:
            return super().gram(side)
        return self._streamed()[0]

    def terms(self) -> Array:
        """Return |J| |theta|, shape (n,): the size of the terms that may cancel in each row."""
        return self._streamed()[2]

    def _streamed(self) -> tuple[Array, Array, Array]:
        """Return the smaller Gram matrix, squares of the column norms, and |J| |theta|."""
        if self._found is None:
            self._ensure()
            self.work.njev += 1
            scale = np.concatenate(
                [
                    np.broadcast_to(s.scaled(np.ones(len(r)), c), (len(r),))
                    for s, (r, c) in zip(self.specs, self._parts, strict=True)
                ]
            )
            with double():
                self._found = self._dual(scale) if self.n < self.theta.size else self._primal(scale)
        return self._found

    def _dual(self, scale: Array) -> tuple[Array, Array, Array]:
        block, n = self.pieces[0], self.n
        K, norms, terms = np.zeros((n, n)), np.zeros(self.theta.size), np.zeros(n)
        size, theta = np.abs(self.theta), jnp.asarray(self.theta)
        data = block.data(self.frame)
        width = max(LEAST, int(self.work.memory / (3 * 8 * n)))
        for leaf_place, leaf in enumerate(self.layout.leaves):
            if leaf.start < 0:
                continue
            for first in range(0, leaf.size, width):
                last = min(first + width, leaf.size)
                parts = [
                    np.asarray(_columns_of(p, leaf_place, last - first, first, theta, *d)).reshape(-1, last - first)
                    for p, d in zip(block.programs, data, strict=True)
                ]
                J = self._kept(parts)
                K += J @ J.T
                columns = slice(leaf.start + first, leaf.start + last)
                norms[columns] = np.einsum("i,ij,ij->j", scale * scale, J, J)
                for row in range(0, n, SLAB):
                    terms[row : row + SLAB] += np.abs(J[row : row + SLAB]) @ size[columns]
                del J, parts
        K *= scale[:, None]
        K *= scale
        return K, norms, terms * np.abs(scale)

    def _kept(self, parts: list[Array]) -> Array:
        kept = [J if s.keep is None else J[s.keep] for s, J in zip(self.specs, parts, strict=True)]
        return kept[0] if len(kept) == 1 else np.concatenate(kept)

    def _primal(self, scale: Array) -> tuple[Array, Array, Array]:
        block, P = self.pieces[0], self.theta.size
        K, terms, place = np.zeros((P, P)), [], 0
        size, theta = np.abs(self.theta), jnp.asarray(self.theta)
        points = max(16, int(self.work.memory / (4 * 8 * P)))
        for p, (coords, fixed, settings), spec in zip(block.programs, block.data(self.frame), self.specs, strict=True):
            columns = split(coords, p.columns)
            total, many = len(columns[0]), spec.shape[0]
            each = int(np.prod(spec.shape)) // many
            mask = np.arange(many * each) if spec.keep is None else spec.keep
            for first in range(0, total, points):
                part = jax.tree_util.tree_map(lambda a, i=first: a[i : i + points], coords)
                J = np.asarray(_rows_of(p, theta, part, fixed, settings)).reshape(-1, P)
                inside = mask[(mask >= first * each) & (mask < first * each + len(J))] - first * each
                J = J[inside] * scale[place : place + len(inside), None]
                K += J.T @ J
                terms.append(np.abs(J) @ size)
                place += len(inside)
        return K, np.diagonal(K).copy(), np.concatenate(terms)


@partial(jax.jit, static_argnums=(0, 1, 2))
def _columns_of(
    p: Program, place: int, width: int, first: Any, theta: Any, coords: Any, fixed: Any, settings: Any
) -> Any:
    """Return d output / d (some entries of one leaf), one reverse pass a point, in blocks of points."""
    leaves, layout = p.spec.leaf_values(theta, fixed), p.spec.layout
    whole = jnp.asarray(leaves[place])
    flat = jnp.ravel(whole)

    def at_point(part: Any, point: tuple[Any, ...]) -> Any:
        values = list(leaves)
        moved = part if width == flat.size else jax.lax.dynamic_update_slice(flat, part, (first,))
        values[place] = moved.reshape(whole.shape)
        return jnp.asarray(p.rows(unflatten(layout.unknown, values), point, settings))

    columns = split(coords, p.columns)
    start = jax.lax.dynamic_slice(flat, (first,), (width,))
    shape = jax.eval_shape(at_point, start, tuple(c[0] for c in columns))
    derivative = jax.grad(at_point) if shape.ndim == 0 else jax.jacrev(at_point)
    return jax.lax.map(lambda point: derivative(start, point), columns, batch_size=min(ROWS, len(columns[0])))


@partial(jax.jit, static_argnums=0)
def _rows_of(p: Program, theta: Any, coords: Any, fixed: Any, settings: Any) -> Any:
    """Return d output / d theta of a block of points."""
    from sciopt.linearise.autodiff import _per_sample

    return _per_sample(p, theta, coords, fixed, settings)
