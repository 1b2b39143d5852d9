"""Forward Laplacian: value, first derivatives and the sum of second derivatives, propagated once through a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend import core

__all__ = ["forward_sum"]

# f(a) for each entry alone
ELEMENTWISE = frozenset(
    {
        "tanh", "sin", "cos", "tan", "exp", "exp2", "expm1", "log", "log1p", "logistic", "sqrt", "rsqrt", "cbrt",
        "integer_pow", "square", "erf", "erfc", "sinh", "cosh", "asin", "acos", "atan", "asinh", "acosh", "atanh",
    }
)  # fmt: skip
# linear in all the operands that depend on x
LINEAR = frozenset(
    {
        "add", "sub", "neg", "add_any", "reduce_sum", "cumsum", "reshape", "transpose", "broadcast_in_dim", "squeeze",
        "expand_dims", "slice", "concatenate", "pad", "rev", "copy", "copy_p", "real", "imag", "convert_element_type",
        "split",
    }
)  # fmt: skip
# linear in the operands named by place, if the others do not depend on x
LINEAR_IN = {
    "select_n": None,
    "dynamic_slice": {0},
    "gather": {0},
    "div": {0},
    "scatter-add": {0, 2},
    "complex": {0, 1},
}
BILINEAR = frozenset({"mul", "dot_general"})
CALLS = frozenset({"pjit", "jit", "closed_call", "core_call", "remat", "checkpoint", "custom_lin"})


def forward_sum(f: Callable[..., Any], x: Any, V: Any) -> Any:
    """Return the sum over rows v of V of the second derivatives of f at x along v.

    Each intermediate carries an array of k + 1 tangents: its derivatives along the k rows of V, then its sum of second
    derivatives. Linear primitives push all of them at once; a primitive without a rule of its own is differentiated
    twice by nested forward mode, so that any traceable function is served.
    """
    closed = jax.make_jaxpr(f)(x)
    tangents = jnp.concatenate([V, jnp.zeros((1, *x.shape), x.dtype)])
    (out,) = _run(closed.jaxpr, closed.consts, [(x, tangents)])
    value, T = out
    return jnp.zeros_like(value) if T is None else T[-1]


def _run(jaxpr: Any, consts: Any, args: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Evaluate a jaxpr on pairs (value, tangents or None)."""
    env: dict[Any, tuple[Any, Any]] = {}

    def read(v: Any) -> tuple[Any, Any]:
        return (v.val, None) if isinstance(v, core.Literal) else env[v]

    for var, const in zip(jaxpr.constvars, consts, strict=True):
        env[var] = (const, None)
    for var, arg in zip(jaxpr.invars, args, strict=True):
        env[var] = arg
    for eqn in jaxpr.eqns:
        pairs = [read(v) for v in eqn.invars]
        for var, pair in zip(eqn.outvars, _equation(eqn, pairs), strict=True):
            env[var] = pair
    return [read(v) for v in jaxpr.outvars]


def _equation(eqn: Any, pairs: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    name, values = eqn.primitive.name, [v for v, _ in pairs]
    active = [i for i, (_, T) in enumerate(pairs) if T is not None]

    def bind(*operands: Any) -> Any:
        params = eqn.primitive.get_bind_params(eqn.params)
        if isinstance(params, tuple):  # JAX before 0.9 returns the functions of a call apart
            out = eqn.primitive.bind(*params[0], *operands, **params[1])
        else:
            out = eqn.primitive.bind(*operands, **params)
        return list(out) if eqn.primitive.multiple_results else [out]

    if not active or not any(jnp.issubdtype(v.aval.dtype, jnp.inexact) for v in eqn.outvars):
        return [(y, None) for y in bind(*values)]
    inner = eqn.params.get("jaxpr", eqn.params.get("call_jaxpr"))
    if name in CALLS and inner is not None:
        closed = hasattr(inner, "consts")
        return _run(inner.jaxpr if closed else inner, inner.consts if closed else (), pairs)
    if name in ELEMENTWISE and len(values) == 1:
        return [_elementwise(lambda a: bind(a)[0], *pairs[0])]
    return _general(bind, name, pairs, active)


def _elementwise(f: Callable[..., Any], a: Any, T: Any) -> tuple[Any, Any]:
    one = jnp.ones_like(a)

    def slope(b: Any) -> Any:
        return jax.jvp(f, (b,), (one,))

    (y, first), (_, second) = jax.jvp(slope, (a,), (one,))
    pushed = first * T
    return y, pushed.at[-1].add(second * jnp.sum(T[:-1] ** 2, axis=0))


def _general(bind: Callable[..., Any], name: str, pairs: list[tuple[Any, Any]], active: list[int]) -> list[Any]:
    values = [v for v, _ in pairs]
    point = tuple(values[i] for i in active)
    tangents = tuple(pairs[i][1] for i in active)

    def smooth(*moving: Any) -> list[Any]:
        operands = list(values)
        for i, v in zip(active, moving, strict=True):
            operands[i] = v
        return [z for z in bind(*operands) if _float(z)]  # integers have no derivative

    whole = bind(*values)
    push = jax.linearize(smooth, *point)[1]
    pushed = jax.vmap(push)(*tangents)
    if not _linear(name, active):
        first = tuple(t[:-1] for t in tangents)
        if name in BILINEAR and len(active) == 2:
            bend = [2.0 * jnp.sum(jax.vmap(lambda a, b: bind(a, b)[0])(*first), axis=0)]
        else:

            def twice(*ts: Any) -> list[Any]:
                return jax.jvp(lambda *p: jax.jvp(smooth, p, ts)[1], point, ts)[1]

            bend = [jnp.sum(b, axis=0) for b in jax.vmap(twice)(*first)]
        pushed = [p.at[-1].add(b) for p, b in zip(pushed, bend, strict=True)]
    rest = iter(pushed)
    return [(z, next(rest) if _float(z) else None) for z in whole]


def _float(z: Any) -> bool:
    return jnp.issubdtype(jnp.result_type(z), jnp.inexact)


def _linear(name: str, active: list[int]) -> bool:
    if name in LINEAR:
        return True
    if name == "select_n":
        return 0 not in active
    if name in BILINEAR:
        return len(active) == 1
    places = LINEAR_IN.get(name)
    return places is not None and set(active) <= places
