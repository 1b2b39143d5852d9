"""Entropic transport as a differentiable JAX function of costs and weights, to any order."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sciopt._errors import OptionError
from sciopt._types import Array

__all__ = ["entropic_potentials", "entropic_value"]


def _solved(C: Any, a: Any, b: Any, epsilon: float, tol: float) -> tuple[Array, Array]:
    """Return potentials that absorb the masses, f + eps log a and g + eps log b - eps log M, from the compiled solver."""
    from sciopt.transport.distances import distance
    from sciopt.transport.sparse_newton import SparseNewton

    costs, first, second = (np.asarray(v, dtype=np.float64) for v in (C, a, b))
    found = distance(cost=costs, weights=(first, second), epsilon=epsilon, tol=tol, method=SparseNewton())
    f, g = found.potentials
    with np.errstate(divide="ignore"):
        f = f + epsilon * np.log(first)
        g = g + epsilon * (np.log(second) - np.log(first.sum()))
    return f.astype(C.dtype), g.astype(C.dtype)


@partial(jax.custom_jvp, nondiff_argnums=(3, 4))
def _potentials(C: Any, a: Any, b: Any, epsilon: float, tol: float) -> Any:
    shapes = jax.ShapeDtypeStruct(a.shape, C.dtype), jax.ShapeDtypeStruct(b.shape, C.dtype)
    return jax.pure_callback(lambda u, v, w: _solved(u, v, w, epsilon, tol), shapes, C, a, b, vmap_method="sequential")


@_potentials.defjvp
def _potentials_jvp(epsilon: float, tol: float, primals: Any, tangents: Any) -> Any:
    r"""Differentiate the marginal equations: with rows eliminated, S dg = a symmetric system with null vector 1."""
    C, a, b = primals
    dC, da, db = tangents
    f, g = _potentials(C, a, b, epsilon, tol)
    return (f, g), _response(C, f, g, dC, da, db, epsilon)


@jax.jit
def _response(C: Any, f: Any, g: Any, dC: Any, da: Any, db: Any, epsilon: Any) -> Any:
    P = jnp.exp((f[:, None] + g - C) / epsilon)
    row, column = P.sum(1), P.sum(0)
    inverse = jnp.where(row > 0, 1.0 / jnp.where(row > 0, row, 1.0), 0.0)
    moved = P * dC
    right_row, right_column = epsilon * da + moved.sum(1), epsilon * db + moved.sum(0)
    S = jnp.diag(column) - P.T @ (inverse[:, None] * P)
    fixed = jnp.diag(jnp.where(column > 0, 0.0, 1.0)) + jnp.mean(column) / len(g)  # empty columns; the null vector
    right = right_column - P.T @ (inverse * right_row)
    dg = jnp.linalg.solve(S + fixed, jnp.where(column > 0, right - jnp.sum(right) / len(g), 0.0))
    df = inverse * (right_row - P @ dg)
    return df, dg


@partial(jax.custom_jvp, nondiff_argnums=(3, 4))
def _value(C: Any, a: Any, b: Any, epsilon: float, tol: float) -> Any:
    f, g = _centred(*_potentials(C, a, b, epsilon, tol), a, b, epsilon)
    return jnp.vdot(a, f) + jnp.vdot(b, g)


@_value.defjvp
def _value_jvp(epsilon: float, tol: float, primals: Any, tangents: Any) -> Any:
    """Envelope: the derivative is f.da + g.db + <P, dC>; differentiating this rule again gives the exact Hessian."""
    C, a, b = primals
    inner_f, inner_g = _potentials(C, a, b, epsilon, tol)
    f, g = _centred(inner_f, inner_g, a, b, epsilon)
    return _first_order(inner_f, inner_g, f, g, *primals, *tangents, epsilon)


@jax.jit
def _first_order(
    inner_f: Any, inner_g: Any, f: Any, g: Any, C: Any, a: Any, b: Any, dC: Any, da: Any, db: Any, epsilon: Any
) -> Any:
    P = jnp.exp((inner_f[:, None] + inner_g - C) / epsilon)
    value = jnp.vdot(a, f) + jnp.vdot(b, g)
    return value, jnp.vdot(f, da) + jnp.vdot(g, db) + jnp.vdot(P, dC)


@jax.jit
def _centred(f: Any, g: Any, a: Any, b: Any, epsilon: float) -> Any:
    """Return (f, g) of the KL form with a.f = b.g; 0 at points without mass."""
    positive_a, positive_b = a > 0, b > 0
    f = jnp.where(positive_a, f - epsilon * jnp.log(jnp.where(positive_a, a, 1.0)), 0.0)
    g = jnp.where(positive_b, g - epsilon * (jnp.log(jnp.where(positive_b, b, 1.0)) - jnp.log(a.sum())), 0.0)
    t = 0.5 * (jnp.vdot(b, g) - jnp.vdot(a, f)) / a.sum()
    return f + t, g - t


def entropic_value(C: Any, a: Any, b: Any, *, epsilon: float, tol: float = 1e-11) -> Any:
    r"""Return :math:`OT_\epsilon` as a JAX scalar that can be differentiated, jitted and vmapped.

    .. math:: OT_\epsilon = \min_P \langle P, C\rangle + \epsilon\, KL(P | a b^T/M)

    Gradients are :math:`f, g, P` (envelope theorem; nothing is unrolled). Derivatives of these solve the linearised
    marginal equations, so that Hessians are exact to the accuracy of the solve; forward and reverse mode work, nested
    as well. Positions enter through C: differentiate ``entropic_value(cost(x, y), a, b, epsilon=...)``.

    Parameters
    ----------
    C
        Costs (n, m), finite.
    a, b
        Weights (n,) and (m,) of one sum. A derivative with respect to weights is defined up to a constant: move mass,
        do not add it.
    epsilon
        Absolute weight of the entropy, a constant: what is differentiated is the value at fixed epsilon.
    tol
        Marginal error, relative to the mass, of the inner solve.

    Notes
    -----
    The solver works in float64 whatever the type of C; its result is cast to that type. Under ``vmap`` problems are
    solved one after the other.

    References
    ----------
    Cuturi, Meng-Papaxanthos, Tian, Bunne, Davis and Teboul 2022, arXiv:2201.12324 (implicit differentiation).

    Examples
    --------
    >>> import jax, jax.numpy as jnp
    >>> C, half = jnp.array([[0.0, 1.0], [1.0, 0.0]]), jnp.full(2, 0.5)
    >>> round(float(entropic_value(C, half, half, epsilon=0.3)), 5)
    0.19743
    """
    C, a, b, eps = _checked(C, a, b, epsilon)
    return _value(C, a, b, eps, float(tol))


def entropic_potentials(C: Any, a: Any, b: Any, *, epsilon: float, tol: float = 1e-11) -> Any:
    """Return the potentials (f, g) with a.f = b.g as differentiable JAX arrays; arguments as in `entropic_value`."""
    C, a, b, eps = _checked(C, a, b, epsilon)
    return _centred(*_potentials(C, a, b, eps, float(tol)), a, b, eps)


def _checked(C: Any, a: Any, b: Any, epsilon: Any) -> tuple[Any, Any, Any, float]:
    if isinstance(epsilon, bool) or not isinstance(epsilon, int | float | np.floating) or not epsilon > 0:
        raise OptionError(f"epsilon={epsilon!r}: give a positive number, a constant in units of the cost")
    C = jnp.asarray(C)
    C = C if jnp.issubdtype(C.dtype, jnp.floating) else C.astype(float)
    a, b = (jnp.asarray(v, C.dtype) for v in (a, b))
    if C.ndim != 2 or a.shape != (C.shape[0],) or b.shape != (C.shape[1],):
        raise OptionError(f"C has shape {C.shape}, a {a.shape}, b {b.shape}; expected (n, m), (n,) and (m,)")
    return C, a, b, float(epsilon)
