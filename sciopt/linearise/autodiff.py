"""JAX conditions: outputs and derivatives under jit, in float64, with data and points as arguments."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sciopt._types import Array
from sciopt.condition import Binding, Condition, split
from sciopt.frames import Frame
from sciopt.layout import Layout
from sciopt.linearise.depends import depends
from sciopt.linearise.program import Program, Spec, mapped
from sciopt.linearise.work import Work

__all__ = ["JaxBlock", "double"]

FEW = 8  # at most that many columns: forward mode beats one reverse pass a sample


def _flat(z: Any) -> Any:
    z = jnp.ravel(z)
    return jnp.concatenate([z.real, z.imag]) if jnp.iscomplexobj(z) else z


@partial(jax.jit, static_argnums=0)
def _outputs(programs: tuple[Program, ...], theta: Any, data: Any) -> Any:
    return tuple(p.output(theta, *d) for p, d in zip(programs, data, strict=True))


@partial(jax.jit, static_argnums=0)
def _outputs_many(programs: tuple[Program, ...], thetas: Any, data: Any) -> Any:
    return jax.vmap(lambda t: _outputs(programs, t, data))(thetas)


@partial(jax.jit, static_argnums=0)
def _jacobians(programs: tuple[Program, ...], theta: Any, data: Any) -> Any:
    return tuple(_jacobian(p, theta, *d) for p, d in zip(programs, data, strict=True))


def _flat_outputs(programs: tuple[Program, ...], theta: Any, data: Any) -> Any:
    return tuple(_flat(z) for z in _outputs(programs, theta, data))


@partial(jax.jit, static_argnums=0)
def _jvp(programs: tuple[Program, ...], theta: Any, data: Any, v: Any) -> Any:
    return jax.jvp(lambda t: _flat_outputs(programs, t, data), (theta,), (v,))[1]


@partial(jax.jit, static_argnums=0)
def _jvps(programs: tuple[Program, ...], theta: Any, data: Any, V: Any) -> Any:
    push = jax.linearize(lambda t: _flat_outputs(programs, t, data), theta)[1]
    return jax.vmap(push, in_axes=1, out_axes=1)(V)


@partial(jax.jit, static_argnums=0)
def _vjp(programs: tuple[Program, ...], theta: Any, data: Any, w: Any) -> Any:
    return jax.vjp(lambda t: _flat_outputs(programs, t, data), theta)[1](w)[0]


@partial(jax.jit, static_argnums=0)
def _second(programs: tuple[Program, ...], theta: Any, data: Any, v: Any) -> Any:
    def along(t: Any) -> Any:
        return jax.jvp(lambda s: _flat_outputs(programs, s, data), (t,), (v,))[1]

    return jax.jvp(along, (theta,), (v,))[1]


def _jacobian(p: Program, theta: Any, coords: Any, fixed: Any, settings: Any) -> Any:
    """Return d output / d theta with shape (n, P): forward, reverse, or one reverse pass a sample."""
    P = theta.size
    out = jax.eval_shape(lambda t: _flat(p.output(t, coords, fixed, settings)), theta)
    mode = p.mode
    if mode == "auto":
        if p.pointwise and coords is not None and P > FEW:
            mode = "per_sample"
        else:
            mode = "forward" if max(out.size, FEW) >= P else "reverse"
    if mode == "forward":
        return jax.jacfwd(lambda t: _flat(p.output(t, coords, fixed, settings)))(theta)
    if mode == "reverse" or not p.pointwise or coords is None:
        return jax.jacrev(lambda t: _flat(p.output(t, coords, fixed, settings)))(theta)
    return _per_sample(p, theta, coords, fixed, settings)


def _per_sample(p: Program, theta: Any, coords: Any, fixed: Any, settings: Any) -> Any:
    """One reverse pass a sample, with respect to the leaves: the flat vector would be written twice."""
    layout = p.spec.layout
    columns = split(coords, p.columns)
    simple = not layout.has_ties and not layout.has_complex
    leaves = p.spec.leaf_values(theta, fixed)
    free = [i for i, leaf in enumerate(layout.leaves) if leaf.start >= 0]

    def at_point(parts: Any, *point: Any) -> Any:
        if simple:
            values = list(leaves)
            for i, part in zip(free, parts, strict=True):
                values[i] = part
            from sciopt._tree import unflatten

            tree = unflatten(layout.unknown, values)
        else:
            tree = p.spec.tree(parts, fixed)
        z = jnp.asarray(p.rows(tree, point, settings))
        return _flat(z) if jnp.iscomplexobj(z) else z

    origin = [leaves[i] for i in free] if simple else theta
    shape = jax.eval_shape(at_point, origin, *[c[0] for c in columns])

    def one(*point: Any) -> Any:
        if shape.ndim == 0:
            g = jax.grad(at_point)(origin, *point)
        else:
            g = jax.jacrev(at_point)(origin, *point)
        if not simple:
            return g
        return jnp.concatenate([jnp.reshape(x, (*shape.shape, -1)) for x in g], axis=-1)

    J = mapped(one, columns, p.chunk)
    if shape.ndim and _complex(p, theta, columns, fixed, settings):  # stack real rows, then imaginary rows
        half = shape.size // 2
        return jnp.concatenate([J[:, :half].reshape(-1, theta.size), J[:, half:].reshape(-1, theta.size)])
    return J.reshape(-1, theta.size)


def _complex(p: Program, theta: Any, columns: Any, fixed: Any, settings: Any) -> bool:
    z = jax.eval_shape(lambda t: p.rows(p.spec.tree(t, fixed), tuple(c[0] for c in columns), settings), theta)
    return jnp.issubdtype(z.dtype, jnp.complexfloating)


class JaxBlock:
    """Evaluates all JAX conditions of a problem in one compiled call each for outputs, Jacobians and products."""

    traced = True
    sparse = False

    def __init__(
        self, indices: tuple[int, ...], conditions: list[Condition], bindings: list[Binding], layout: Layout
    ) -> None:
        self.indices = indices
        spec = Spec.of(layout)
        self.programs = tuple(Program.of(c, b, spec) for c, b in zip(conditions, bindings, strict=True))
        self.fixed = spec.fixed_values(layout)
        self.names = [c.name for c in conditions]

    def data(self, frame: Frame) -> Any:
        """Points, fixed values and settings as device arrays, made once a frame."""
        cached = frame.cache.get("jax")
        if cached is None:
            settings = {k: jnp.asarray(float(v)) for k, v in frame.settings.items() if not k.startswith("weight:")}
            cached = frame.cache["jax"] = tuple(
                (jax.tree_util.tree_map(_array, frame.batches[i].coords), self.fixed, settings) for i in self.indices
            )
        return cached

    def outputs(self, theta: Array, frame: Frame, work: Work) -> list[Any]:
        """Return the outputs of the conditions as numpy arrays."""
        with double():
            return [np.asarray(z) for z in _outputs(self.programs, jnp.asarray(theta), self.data(frame))]

    def outputs_many(self, thetas: Array, frame: Frame, work: Work) -> list[list[Any]]:
        """Return the outputs at several points, vmapped."""
        with double():
            zs = [np.asarray(z) for z in _outputs_many(self.programs, jnp.asarray(thetas), self.data(frame))]
        return [[z[k] for z in zs] for k in range(len(thetas))]

    def jacobians(self, theta: Array, frame: Frame, work: Work, z: list[Array]) -> list[Any]:
        """Return the dense Jacobians (n_i, P)."""
        with double():
            return [np.asarray(J) for J in _jacobians(self.programs, jnp.asarray(theta), self.data(frame))]

    def jvp(self, theta: Array, frame: Frame, work: Work, V: Array) -> list[Any]:
        """Return J V for each condition."""
        work.columns += 1 if V.ndim == 1 else V.shape[1]
        with double():
            product = _jvp if V.ndim == 1 else _jvps
            return [np.asarray(d) for d in product(self.programs, jnp.asarray(theta), self.data(frame), jnp.asarray(V))]

    def vjp(self, theta: Array, frame: Frame, work: Work, w: list[Array]) -> Array:
        """Return the sum of J_i^T w_i."""
        with double():
            return np.asarray(
                _vjp(self.programs, jnp.asarray(theta), self.data(frame), tuple(jnp.asarray(x) for x in w))
            )

    def second(self, theta: Array, frame: Frame, work: Work, v: Array) -> list[Any]:
        """Return the second derivative along v for each condition."""
        with double():
            return [np.asarray(d) for d in _second(self.programs, jnp.asarray(theta), self.data(frame), jnp.asarray(v))]

    def check(self, theta: Array, frame: Frame) -> None:
        """Trace the functions without running them; raises what the user's function raises."""
        with double():
            _outputs.eval_shape(self.programs, jnp.asarray(theta), self.data(frame))

    def uses(self, theta: Array, frame: Frame) -> bool:
        """Whether the functions look at the unknown at all."""
        with double():
            data = self.data(frame)
            closed = jax.make_jaxpr(partial(_outputs, self.programs))(jnp.asarray(theta), data)
        return all(depends(closed.jaxpr, [i == 0 for i in range(len(closed.jaxpr.invars))]))


def double() -> Any:
    """Trace and run in float64 whatever the user's setting; the setting itself is not changed."""
    if jax.config.jax_enable_x64:  # type: ignore[attr-defined]
        return contextlib.nullcontext()
    return jax.enable_x64(True)


def _array(x: Any) -> Any:
    a = np.asarray(x)
    return jnp.asarray(
        a.astype(np.float64) if a.dtype.kind in "fiu" and a.dtype != np.float64 and a.dtype.kind == "f" else a
    )
