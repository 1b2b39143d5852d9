"""Functions under a derivative: coefficients that jump in space are found and refused."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.extend import core

from sciopt._errors import ConditionError
from sciopt._types import Array
from sciopt.pde._context import domain_of
from sciopt.pde._forward import CALLS

__all__ = ["smooth"]

SEGMENTS, STEPS = 48, 64
MOVES = frozenset(
    {"slice", "squeeze", "reshape", "broadcast_in_dim", "transpose", "convert_element_type", "copy", "neg"}
)


def smooth(u: Callable[..., Any], x: Any) -> Callable[..., Any]:
    """Return u as a function with array values, after a look at the coefficients in it.

    Automatic differentiation takes the derivative of ``where(x < 0.5, 1.0, 10.0)`` to be zero everywhere and so loses
    the condition on the flux at the jump. In functions that a user composes, whatever depends on x alone and meets the
    unknown (or is returned) is followed along segments of the domain; a step that stays under bisection is a jump.

    Raises
    ------
    ConditionError
        Naming the place of the jump.
    """
    if isinstance(u, (types.FunctionType, functools.partial, types.MethodType)):
        domain = domain_of(u)
        if domain is not None and domain.dim == x.shape[0]:
            found = _jump(u, x, domain)
            if found is not None:
                place, low, high = found
                where = ", ".join(f"{n} = {v:.6g}" for n, v in zip(domain.names, place, strict=True))
                raise ConditionError(
                    f"a coefficient under a derivative jumps (from {low:.6g} to {high:.6g} at {where}), and the "
                    "derivative of a jump is lost; write the equation on each side with its own coefficient and join "
                    "them by so.pde.interface"
                )
    return lambda p: jnp.asarray(u(p))


def _jump(u: Callable[..., Any], x: Any, domain: Any) -> tuple[Array, float, float] | None:
    closed = jax.make_jaxpr(lambda p: jnp.asarray(u(p)))(x)
    probe = _Probe()
    probe.run(closed.jaxpr, closed.consts, [_Part(True, None, True)])
    if not probe.suspicious:
        return None
    with jax.ensure_compile_time_eval():
        return _followed(jax.jit(jax.vmap(lambda p: _values(closed, p))), domain)


def _followed(values: Callable[[Any], Any], domain: Any) -> tuple[Array, float, float] | None:
    """Follow coefficients along segments between points of the domain, and bisect their largest steps."""
    ends = domain.interior(2 * SEGMENTS, "uniform").coords.reshape(2, SEGMENTS, domain.dim)
    t = np.linspace(0.0, 1.0, STEPS + 1)[:, None, None]
    points = ends[0] + t * (ends[1] - ends[0])  # (STEPS + 1, SEGMENTS, d)
    f = np.asarray(values(points.reshape(-1, domain.dim))).reshape(STEPS + 1, SEGMENTS, -1)
    size = np.ptp(f, axis=(0, 1))
    steps = np.abs(np.diff(f, axis=0))
    place = np.argmax(steps, axis=0)  # (SEGMENTS, coefficients)
    rows, columns = np.nonzero(np.max(steps, axis=0) > 1e-9 * np.maximum(size, 1e-300))
    if not rows.size:
        return None
    k = place[rows, columns]
    low, high = points[k, rows], points[k + 1, rows]
    pick = np.arange(len(rows))
    a, b = f[k, rows, columns], f[k + 1, rows, columns]
    for _ in range(36):
        middle = 0.5 * (low + high)
        m = np.asarray(values(middle))[pick, columns]
        left = np.abs(m - a) >= np.abs(b - m)
        low, high = np.where(left[:, None], low, middle), np.where(left[:, None], middle, high)
        a, b = np.where(left, a, m), np.where(left, m, b)
    stays = (np.abs(b - a) > 1e-5 * size[columns]) & domain.contains(low) & domain.contains(high)
    if not stays.any():
        return None
    i = int(np.argmax(np.where(stays, np.abs(b - a), -1.0)))
    return high[i], float(a[i]), float(b[i])


class _Part:
    """What is known of one intermediate: whether it depends on x and constants alone, its value, whether it is x."""

    __slots__ = ("moved", "own", "value")

    def __init__(self, own: bool, value: Any, moved: bool = False) -> None:
        self.own, self.value, self.moved = own, value, moved


class _Probe:
    """Walk a jaxpr, computing what depends on x alone (if x has a value), and gather the coefficients."""

    def __init__(self) -> None:
        self.coefficients: list[Any] = []
        self.suspicious = False

    def run(self, jaxpr: Any, consts: Any, args: list[_Part], top: bool = True) -> list[_Part]:
        env: dict[Any, _Part] = {}
        constants: set[Any] = set()

        def read(v: Any) -> _Part:
            return _Part(True, v.val) if isinstance(v, core.Literal) else env[v]

        for var, const in zip(jaxpr.constvars, consts, strict=True):
            env[var] = _Part(not isinstance(const, Tracer), const)
            constants.add(var)
        for var, arg in zip(jaxpr.invars, args, strict=True):
            env[var] = arg
        for eqn in jaxpr.eqns:
            for var, part in zip(eqn.outvars, self._equation(eqn, [read(v) for v in eqn.invars]), strict=True):
                env[var] = part
        out = [read(v) for v in jaxpr.outvars]
        if top:
            self._meets(out)
        return out

    def _meets(self, parts: list[_Part]) -> None:
        for part in parts:
            if part.own and not part.moved and not _constant(part):
                self.suspicious = True
                if part.value is not None and jnp.result_type(part.value).kind in "fb":
                    self.coefficients.append(part.value)

    def _equation(self, eqn: Any, parts: list[_Part]) -> list[_Part]:
        inner = eqn.params.get("jaxpr", eqn.params.get("call_jaxpr"))
        if eqn.primitive.name in CALLS and inner is not None:
            closed = hasattr(inner, "consts")
            return self.run(inner.jaxpr if closed else inner, inner.consts if closed else (), parts, top=False)
        if all(p.own for p in parts):
            moved = eqn.primitive.name in MOVES and any(p.moved for p in parts)
            if any(p.value is None for p in parts):
                return [_Part(True, None, moved) for _ in eqn.outvars]
            params = eqn.primitive.get_bind_params(eqn.params)
            values = [p.value for p in parts]
            if isinstance(params, tuple):
                out = eqn.primitive.bind(*params[0], *values, **params[1])
            else:
                out = eqn.primitive.bind(*values, **params)
            return [_Part(True, v, moved) for v in (out if eqn.primitive.multiple_results else [out])]
        self._meets(parts)
        return [_Part(False, None) for _ in eqn.outvars]


def _constant(part: _Part) -> bool:
    """Whether a part is known without x (a literal or a constant of the function)."""
    return part.value is not None and not isinstance(part.value, Tracer)


def _values(closed: Any, x: Any) -> Any:
    """Return all coefficients at x as one vector."""
    probe = _Probe()
    probe.run(closed.jaxpr, closed.consts, [_Part(True, x, True)])
    flat = [jnp.ravel(c).astype(float) for c in probe.coefficients]
    return jnp.concatenate(flat) if flat else jnp.zeros(1)
