r"""One Runge-Kutta step with its error estimate, its stiffness estimate and, if wanted, its exact tangent.

The tangent is propagated stage by stage: with :math:`F_y, F_p` the Jacobians of the field at a stage,

.. math:: \dot k_i = F_y \dot g_i + F_p, \qquad \dot g_i = \dot y + h \sum_j a_{ij} \dot k_j,

which is the derivative of the discrete solution on this grid, and not that of the continuous one. An implicit stage is
solved by Newton steps that are not differentiated, followed by one Newton step whose matrix is held: the derivative
of that expression is the derivative of the solution (implicit function theorem), in forward and in reverse mode.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sciopt.dynamics.tableau import Tableau

__all__ = ["Bound", "Taken", "take", "take_with_tangent"]

NEWTON = 10  # most Newton steps of a stage


class Bound(NamedTuple):
    """A field at one value of the unknown.

    Attributes
    ----------
    rate
        ``rate(t, y)``, shape (d,).
    held
        The same with the unknown held constant, for iterations that are not differentiated.
    derivatives
        ``derivatives(t, y)`` -> (rate, F_y (d, d), F_p (d, p)).
    """

    rate: Callable[[Any, Any], Any]
    held: Callable[[Any, Any], Any]
    derivatives: Callable[[Any, Any], tuple[Any, Any, Any]]


class Taken(NamedTuple):
    """What a step from y over h returns.

    Attributes
    ----------
    y
        State at the end, shape (d,).
    error
        Local error estimate, shape (d,).
    rate
        The last stage's k: the first one of the next step if the pair is FSAL.
    stiffness
        Numerator and denominator vectors of Shampine's estimate, whose norms' ratio approximates the largest eigenvalue.
    dy, derror, drate, dstiffness
        Tangents of these, with columns last; None without tangents.
    """

    y: Any
    error: Any
    rate: Any
    stiffness: tuple[Any, Any]
    dy: Any = None
    derror: Any = None
    drate: Any = None
    dstiffness: Any = None


def _sum(weights: Any, terms: list[Any]) -> Any:
    total = None
    for w, k in zip(weights, terms, strict=False):
        if w != 0.0:
            total = w * k if total is None else total + w * k
    return total


def take(
    tableau: Tableau,
    bound: Bound,
    clock: Callable[[Any], Any],
    h: Any,
    y: Any,
    first: Any,
    tolerance: tuple[Any, Any],
) -> Taken:
    """Take one step.

    Parameters
    ----------
    tableau
        The pair.
    bound
        The field.
    clock
        Time at a node c of the step.
    h
        Step length; zero leaves the state as it is.
    y
        State, shape (d,).
    first
        k of the first stage, or None to evaluate it.
    tolerance
        (atol (d,), rtol): implicit stages are solved well below it.
    """
    rate = bound.rate
    k0 = rate(clock(0.0), y) if first is None else first
    if tableau.implicit:
        return _implicit(tableau, bound, clock, h, y, k0, tolerance, None)
    ks, stage = [k0], [y]
    for i in range(1, tableau.stages):
        g = y + h * _sum(tableau.a[i], ks)
        stage.append(g)
        ks.append(rate(clock(tableau.c[i]), g))
    y1 = y + h * _sum(tableau.b, ks)
    error = h * _sum(tableau.e, ks)
    if tableau.pair is None:
        stiff = _directional(rate, clock(1.0), y1, error)
    else:
        i, j = tableau.pair
        stiff = (ks[j] - ks[i], stage[j] - stage[i])
    return Taken(y1, error, ks[-1], stiff)


def _directional(rate: Any, t: Any, y: Any, error: Any) -> tuple[Any, Any]:
    """Return (F_y e, e) with the direction e held constant."""
    e = jax.lax.stop_gradient(jnp.where(jnp.isfinite(error), error, 0.0))
    return jax.jvp(lambda z: rate(t, z), (y,), (e,))[1], e


def _implicit(
    tableau: Tableau, bound: Bound, clock: Any, h: Any, y: Any, k0: Any, tolerance: tuple[Any, Any], tangent: Any
) -> Taken:
    """Solve the stages one after the other, as a scan: the field is traced once for all of them."""
    s, d, gamma = tableau.stages, y.size, tableau.gamma
    a = np.tril(np.array(tableau.a), -1)[1:]
    hg = h * gamma
    atol, rtol = tolerance
    scale = atol + rtol * jnp.maximum(jnp.abs(y), jnp.abs(h * k0)) + 1e-290
    ks = jnp.zeros((s, d)).at[0].set(k0)
    rate, jacobian = bound.rate, jax.jacfwd(bound.held, argnums=1)

    def stage(carry: Any, row: Any) -> tuple[Any, Any]:
        ks, dks, guess = carry
        weights, c, i = row
        t = clock(c)
        known = y + h * (weights @ ks)
        z = _newton(bound.held, jacobian, jax.lax.stop_gradient((t, known, hg, known + hg * guess)), scale, rtol)
        held = jax.lax.stop_gradient(z)
        if tangent is None:
            M = jnp.eye(d) - jax.lax.stop_gradient(hg) * jacobian(t, held)
            f, Fp = rate(t, held), None
        else:
            f, Fy, Fp = bound.derivatives(t, held)
            M = jnp.eye(d) - hg * Fy
        z = held - jnp.linalg.solve(M, held - known - hg * f)
        k = (z - known) / hg
        ks = ks.at[i].set(k)
        if tangent is not None:
            dknown = tangent.seed + h * jnp.tensordot(weights, dks, 1)
            dz = jnp.linalg.solve(M, dknown + hg * tangent.widen(Fp))
            dks = dks.at[i].set((dz - dknown) / hg)
        return (ks, dks, k), None

    dks = None if tangent is None else jnp.zeros((s, *tangent.seed.shape)).at[0].set(tangent.first)
    rows = (jnp.asarray(a), jnp.asarray(tableau.c[1:]), jnp.arange(1, s))
    (ks, dks, _), _ = jax.lax.scan(stage, (ks, dks, k0), rows)
    b, e = jnp.asarray(tableau.b), jnp.asarray(tableau.e)
    y1, error = y + h * (b @ ks), h * (e @ ks)
    stiff = _directional(rate, clock(1.0), y1, error)
    if tangent is None:
        return Taken(y1, error, ks[-1], stiff)
    dy, derror = tangent.seed + h * jnp.tensordot(b, dks, 1), h * jnp.tensordot(e, dks, 1)
    return Taken(y1, error, ks[-1], stiff, dy, derror, dks[-1], None)


def _newton(rate: Any, jacobian: Any, held: Any, scale: Any, rtol: Any) -> Any:
    """Solve z = known + h gamma f(t, z) to well below the tolerance; no derivative passes through."""
    t, known, hg, z = held
    scale = jax.lax.stop_gradient(scale)
    identity = jnp.eye(known.size)

    def unfinished(state: Any) -> Any:
        _, size, i = state
        return (size > 1e-3) & (i < NEWTON)

    def improve(state: Any) -> Any:
        z, _, i = state
        F, J = rate(t, z), jacobian(t, z)
        step = jnp.linalg.solve(identity - hg * J, z - known - hg * F)
        z = z - step
        size = step / (scale + rtol * jnp.abs(z))  # an entry that starts at zero has no size but that of z
        return z, jnp.sqrt(jnp.mean(size**2)), i + 1

    z, size, _ = jax.lax.while_loop(unfinished, improve, (z, jnp.inf * jnp.ones(()), 0))
    return jnp.where(size < 1.0, z, jnp.nan)


class _Tangent(NamedTuple):
    seed: Any
    first: Any
    widen: Any


def take_with_tangent(
    tableau: Tableau,
    bound: Bound,
    clock: Callable[[Any], Any],
    h: Any,
    y: Any,
    dy: Any,
    first: tuple[Any, Any] | None,
    tolerance: tuple[Any, Any],
) -> Taken:
    """Take one step and its derivative with respect to the seeded columns and the field's parameters.

    Parameters
    ----------
    dy
        Tangent of the state, shape (d, s + p): s seeded columns, then those of the p parameters.
    first
        (k, its tangent) of the first stage, or None.

    The other parameters are those of `take`.
    """
    columns = dy.shape[1]

    def widen(Fp: Any) -> Any:
        return jnp.pad(Fp, ((0, 0), (columns - Fp.shape[1], 0)))

    def stage(t: Any, g: Any, dg: Any) -> tuple[Any, Any]:
        f, Fy, Fp = bound.derivatives(t, g)
        return f, Fy @ dg + widen(Fp)

    k0, dk0 = stage(clock(0.0), y, dy) if first is None else first
    if tableau.implicit:
        return _implicit(tableau, bound, clock, h, y, k0, tolerance, _Tangent(dy, dk0, widen))
    ks, dks, gs, dgs = [k0], [dk0], [y], [dy]
    for i in range(1, tableau.stages):
        g, dg = y + h * _sum(tableau.a[i], ks), dy + h * _sum(tableau.a[i], dks)
        k, dk = stage(clock(tableau.c[i]), g, dg)
        ks.append(k)
        dks.append(dk)
        gs.append(g)
        dgs.append(dg)
    y1, dy1 = y + h * _sum(tableau.b, ks), dy + h * _sum(tableau.b, dks)
    error, derror = h * _sum(tableau.e, ks), h * _sum(tableau.e, dks)
    if tableau.pair is None:
        return Taken(y1, error, ks[-1], _directional(bound.rate, clock(1.0), y1, error), dy1, derror, dks[-1], None)
    i, j = tableau.pair
    stiff, dstiff = (ks[j] - ks[i], gs[j] - gs[i]), (dks[j] - dks[i], dgs[j] - dgs[i])
    return Taken(y1, error, ks[-1], stiff, dy1, derror, dks[-1], dstiff)
