"""Rows spread over devices: each differentiates its own points; Gram matrices and products are summed across them."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from sciopt._errors import OptionError
from sciopt._types import Array
from sciopt.frames import Frame
from sciopt.linearise.autodiff import JaxBlock, _jacobians, _jvp, _outputs, _second, _vjp, double
from sciopt.linearise.streamed import Streamed
from sciopt.linearise.work import Work

__all__ = ["Sharded", "ShardedBlock"]


class ShardedBlock(JaxBlock):
    """A block of JAX conditions whose points are spread over the devices of a mesh, padded to equal shares.

    Parameters
    ----------
    block
        The block on one device.
    mesh
        Mesh of one axis.
    """

    def __init__(self, block: JaxBlock, mesh: Mesh) -> None:
        if len(mesh.axis_names) != 1:
            raise OptionError(f"mesh= needs one axis to spread rows over, got {mesh.axis_names}")
        self.__dict__.update(block.__dict__)
        self.mesh = mesh
        self.rows, self.whole = (NamedSharding(mesh, PartitionSpec(*n)) for n in ((mesh.axis_names[0],), ()))

    def data(self, frame: Frame) -> Any:
        """Points of each device, and replicated values; made once a frame."""
        cached = frame.cache.get("sharded")
        if cached is None:
            settings = {k: float(v) for k, v in frame.settings.items() if not k.startswith("weight:")}
            cached = frame.cache["sharded"] = tuple(
                (
                    jax.tree_util.tree_map(self._spread, frame.batches[i].coords),
                    jax.tree_util.tree_map(self._replicated, self.fixed),
                    jax.tree_util.tree_map(self._replicated, settings),
                )
                for i in self.indices
            )
        return cached

    def _spread(self, x: Any) -> Any:
        a = np.asarray(x)
        a = np.concatenate([a, np.repeat(a[-1:], -len(a) % self.mesh.size, axis=0)])
        return jax.make_array_from_callback(a.shape, self.rows, lambda index: a[index])

    def _replicated(self, x: Any) -> Any:
        a = np.asarray(x)
        return jax.make_array_from_callback(a.shape, self.whole, lambda index: a[index])

    def gathered(self, z: Any) -> Array:
        """Return an array as every process sees it."""
        return np.asarray(jax.jit(lambda a: a, out_shardings=self.whole)(z))

    def _cut(self, parts: Any, frame: Frame) -> list[Array]:
        out = []
        for i, z in zip(self.indices, parts, strict=True):
            a, n = self.gathered(z), frame.batches[i].n
            padded = n + -n % self.mesh.size  # type: ignore[operator]
            out.append(a[: len(a) // padded * n])  # type: ignore[operator]
        return out

    def outputs(self, theta: Array, frame: Frame, work: Work) -> list[Any]:
        """Return the outputs of the conditions."""
        with double():
            return self._cut(_outputs(self.programs, self._replicated(theta), self.data(frame)), frame)

    def jacobians(self, theta: Array, frame: Frame, work: Work, z: list[Array]) -> list[Any]:
        """Return the Jacobians, gathered: for checks on small problems."""
        with double():
            return self._cut(_jacobians(self.programs, self._replicated(theta), self.data(frame)), frame)

    def jvp(self, theta: Array, frame: Frame, work: Work, V: Array) -> list[Any]:
        """Return J v for each condition."""
        with double():
            data = self.data(frame)
            return self._cut(_jvp(self.programs, self._replicated(theta), data, self._replicated(V)), frame)

    def second(self, theta: Array, frame: Frame, work: Work, v: Array) -> list[Any]:
        """Return the second derivative along v for each condition."""
        with double():
            data = self.data(frame)
            return self._cut(_second(self.programs, self._replicated(theta), data, self._replicated(v)), frame)

    def vjp(self, theta: Array, frame: Frame, work: Work, w: list[Array]) -> Array:
        """Return the sum of J_i^T w_i; rows of the padding get zero."""
        with double():
            cotangents = tuple(self._spread_rows(x, frame.batches[i].n) for i, x in zip(self.indices, w, strict=True))
            return self.gathered(_vjp(self.programs, self._replicated(theta), self.data(frame), cotangents))

    def _spread_rows(self, w: Array, n: Any) -> Any:
        each = len(w) // n
        a = np.concatenate([w, np.zeros(each * (-n % self.mesh.size))])
        return jax.make_array_from_callback(a.shape, self.rows, lambda index: a[index])


class Sharded(Streamed):
    """Rows of a problem on several devices; each holds its share of J only, and the Gram matrix is summed across them."""

    def _streamed(self) -> tuple[Array, Array, Array]:
        """Return the smaller Gram matrix, squares of the column norms, and |J| |theta|."""
        if self._found is None:
            self._ensure()
            self.work.njev += 1
            block: ShardedBlock = self.pieces[0]
            dual = self.n < self.theta.size
            scales, kept, place = [], [], 0
            for i, s, (r, c) in zip(block.indices, self.specs, self._parts, strict=True):
                n, size = self.frame.batches[i].n, int(np.prod(s.shape))
                assert n is not None
                padded = size // n * (n + -n % block.mesh.size)
                rows = np.arange(size) if s.keep is None else s.keep
                d = np.zeros(padded)
                d[rows] = np.broadcast_to(s.scaled(np.ones(len(r)), c), (len(r),))
                scales.append(d)
                kept.append(place + rows)
                place += padded
            with double():
                theta = block._replicated(self.theta)
                weights = tuple(block._spread(d) for d in scales)
                found = _products(block.programs, block.mesh, dual, theta, block.data(self.frame), weights)
                K, norms, terms = (block.gathered(a) for a in found)
            chosen = np.concatenate(kept)
            self._found = (K[np.ix_(chosen, chosen)] if dual else K), norms, terms[chosen]
        return self._found


@partial(jax.jit, static_argnums=(0, 1, 2))
def _products(programs: Any, mesh: Mesh, dual: bool, theta: Any, data: Any, scales: Any) -> Any:
    """Return the Gram matrix of all (padded) rows, squares of the column norms, and |J| |theta|."""
    parts = [J * d[:, None] for J, d in zip(_jacobians(programs, theta, data), scales, strict=True)]
    J = jnp.concatenate(parts)
    norms, terms = jnp.sum(J * J, axis=0), jnp.abs(J) @ jnp.abs(theta)
    if not dual:
        return J.T @ J, norms, terms
    # rows are exchanged for columns, so that each device multiplies its share of the parameters
    turned = jax.lax.with_sharding_constraint(J, NamedSharding(mesh, PartitionSpec(None, mesh.axis_names[0])))
    return turned @ turned.T, norms, terms
