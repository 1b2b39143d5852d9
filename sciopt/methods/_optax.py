"""Optax behind numpy: state as a tuple of arrays, updates compiled once an optimiser."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from sciopt._types import Array
from sciopt.linearise.autodiff import double

__all__ = ["advance", "named", "start"]


@cache
def named(name: str, lr: float, memory: int) -> Any:
    """Return the optimiser of a name; the same object for the same options, so that it is compiled once."""
    if name == "adam":
        return optax.adam(lr)
    if name == "rmsprop":
        return optax.rmsprop(lr)
    if name == "lbfgs":
        return optax.chain(optax.scale_by_lbfgs(memory_size=memory), optax.scale(-1.0))
    return optax.sgd(lr, momentum=0.9 if name == "momentum" else None)


def start(rule: Any, theta: Array) -> tuple[Array, ...]:
    """Return the leaves of the optimiser's first state."""
    with double():
        return tuple(np.asarray(leaf) for leaf in jax.tree_util.tree_leaves(rule.init(jnp.asarray(theta))))


@partial(jax.jit, static_argnums=0)
def _advance(rule: Any, g: Any, leaves: Any, theta: Any) -> Any:
    structure = jax.tree_util.tree_structure(jax.eval_shape(rule.init, theta))
    delta, state = rule.update(g, jax.tree_util.tree_unflatten(structure, leaves), theta)
    return delta, jax.tree_util.tree_leaves(state)


def advance(rule: Any, g: Array, leaves: tuple[Array, ...], theta: Array) -> tuple[Array, tuple[Array, ...]]:
    """Return (step, new leaves)."""
    with double():
        delta, new = _advance(rule, jnp.asarray(g), [jnp.asarray(x) for x in leaves], jnp.asarray(theta))
        return np.asarray(delta), tuple(np.asarray(leaf) for leaf in new)
