"""Conditions as functions of jets: what JAX traces of a condition on an ansatz that is linear in its coefficients."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import product
from math import factorial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sciopt._tree import flatten, unflatten
from sciopt.condition import Binding
from sciopt.linearise.program import Spec
from sciopt.parameters import Parameter

__all__ = ["MARK", "JetProgram", "emptied", "evaluate", "indices_of", "is_linear", "linear_models"]

MARK = "linear ansatz "


def is_linear(node: Any) -> bool:
    """Whether a node of an unknown is a function that is linear in its coefficients."""
    return bool(getattr(type(node), "linear_ansatz", False))


def indices_of(d: int, order: int) -> tuple[tuple[int, ...], ...]:
    """Return all multi-indices of d coordinates up to an order, lowest first."""
    every = [a for a in product(range(order + 1), repeat=d) if sum(a) <= order]
    return tuple(sorted(every, key=lambda a: (sum(a), tuple(-k for k in a))))


class Jet:
    """The Taylor polynomial of a function about a point; a sentinel of higher order tells who looks beyond it."""

    def __init__(self, values: Any, table: tuple[tuple[int, ...], ...], centre: Any, alien: Any) -> None:
        self.values, self.table, self.centre, self.alien = values, table, centre, alien

    def __call__(self, x: Any) -> Any:
        """Return the polynomial at x."""
        move = jnp.atleast_1d(x) - self.centre
        order = max(sum(a) for a in self.table)
        powers = [[jnp.ones_like(m)] for m in move]
        for column, m in zip(powers, move, strict=True):
            for _ in range(order):
                column.append(column[-1] * m)
        total = 0.0
        for k, a in enumerate(self.table):
            term = self.values[..., k] / float(np.prod([factorial(n) for n in a]))
            for i, n in enumerate(a):
                if n:
                    term = term * powers[i][n]
            total = total + term
        far = jnp.sum(move * jnp.arange(1.0, 1.0 + move.shape[0]) / 3.0)
        beyond = far ** (order + 1)
        return total + self.alien * (beyond + beyond * far + beyond * far * far)


@dataclass(frozen=True)
class JetProgram:
    """The static part of a condition on jets."""

    function: Any
    binding: Binding
    columns: tuple[str, ...] | None
    spec: Spec
    leaves: tuple[int, ...]  # places of the functions among the leaves of the unknown
    table: tuple[tuple[int, ...], ...]

    def rows(self, jets: Any, small: Any, fixed: Any, settings: Any, alien: Any, point: Any) -> Any:
        """Return the condition's output at one point."""
        values = self.spec.leaf_values(small, fixed)
        centre = jnp.atleast_1d(point[0])
        for i, jet in zip(self.leaves, jets, strict=True):
            values[i] = Jet(jet, self.table, centre, alien)
        functions = unflatten(self.spec.layout.unknown, values)["unknown"]
        return jnp.asarray(self.function(*self.binding.arguments(functions, point, settings, ())))


@partial(jax.jit, static_argnums=0)
def evaluate(program: JetProgram, jets: Any, small: Any, fixed: Any, settings: Any, alien: Any, columns: Any) -> Any:
    """Return outputs (n, ...) and their derivatives with respect to jets and further unknowns, real and stacked."""

    def one(jets: Any, point: Any) -> Any:
        def real(jets: Any, small: Any) -> Any:
            z = program.rows(jets, small, fixed, settings, alien, point)
            parts = jnp.stack([z.real, z.imag]) if jnp.iscomplexobj(z) else z[None]
            return parts.astype(jnp.float64), z

        derivatives, z = jax.jacrev(real, argnums=(0, 1), has_aux=True)(jets, small)
        return z, derivatives

    return jax.vmap(one)(jets, columns)


def emptied(unknown: Any) -> Any:
    """Return the unknown with a mark in place of each linear ansatz: its basis is not part of a compiled function."""
    count = iter(range(1_000_000))

    def stop(node: Any) -> bool:
        return is_linear(node) or isinstance(node, Parameter)

    return jax.tree_util.tree_map(lambda n: f"{MARK}{next(count)}" if is_linear(n) else n, unknown, is_leaf=stop)


def linear_models(unknown: Any) -> list[tuple[int, Any]]:
    """Return (place among the leaves, model) of each linear ansatz within an unknown."""
    pairs = flatten(unknown)
    marked = unflatten(unknown, list(range(len(pairs))))
    marks = [n for n in jax.tree_util.tree_leaves(marked, is_leaf=is_linear) if is_linear(n)]
    models = [n for n in jax.tree_util.tree_leaves(unknown, is_leaf=is_linear) if is_linear(n)]
    return [(int(mark.coefficients), model) for mark, model in zip(marks, models, strict=True)]
