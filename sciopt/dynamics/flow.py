"""The static part of a differential equation: what compiled functions may depend on besides their array arguments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from sciopt.dynamics.state import StateSpec, named
from sciopt.dynamics.tableau import Tableau
from sciopt.linearise.program import Spec

__all__ = ["Flow"]


@dataclass(frozen=True)
class Flow:
    """A field, the structure of its state and unknown, and the pair that solves it; hashable, so jit caches by value.

    Attributes
    ----------
    field
        ``field(t, y, p)``, or ``field(t, y, p, c)`` with controls.
    state, spec
        Structure of the state and of the problem's unknown.
    inner
        Key of the field's parameters inside the unknown, or the tuple of keys that are its; None if all of it is.
    tableau
        The Runge-Kutta pair.
    controlled
        Whether the field takes controls.
    jumps
        Whether something happens at stops (doses, declared jumps): the first stage is then evaluated anew each step.
    columns
        Number of entries of theta, from the first, that the field may depend on.
    """

    field: Callable[..., Any]
    state: StateSpec
    spec: Spec
    tableau: Tableau
    inner: Any = None
    controlled: bool = False
    jumps: bool = False
    columns: int = 0

    def parameters(self, theta: Any, fixed: tuple[Any, ...]) -> Any:
        """Return what the field gets as ``p`` at (traced) theta."""
        return self.of_tree(self.spec.tree(theta, fixed))

    def of_tree(self, tree: Any) -> Any:
        """Return the field's part of the unknown."""
        if self.inner is None:
            return named(tree)
        if isinstance(self.inner, tuple):
            return named({key: tree[key] for key in self.inner})
        return named(tree[self.inner])

    def rate(self, t: Any, y: Any, p: Any, control: Any) -> Any:
        """Return dy/dt as a vector (d,) for a state vector."""
        extra = (control(t) if callable(control) else control,) if self.controlled else ()
        out = self.field(t, named(self.state.unravel(y)), p, *extra)
        self.state.check_rate(out)
        return self.state.ravel(out)

    def derivatives(self, t: Any, y: Any, theta: Any, fixed: tuple[Any, ...], control: Any) -> tuple[Any, Any, Any]:
        """Return (dy/dt, its Jacobian in the state (d, d), its Jacobian in the first ``columns`` of theta).

        Reverse mode: d sweeps, whatever the number of parameters.
        """
        layout = self.spec.layout
        if self.columns == 0:
            rate, pull = jax.vjp(lambda y: self.rate(t, y, self.parameters(theta, fixed), control), y)
            (Fy,) = jax.vmap(pull)(jnp.eye(rate.size))
            return rate, Fy, jnp.zeros((rate.size, 0))
        if layout.has_ties or layout.has_complex:

            def whole(y: Any, head: Any) -> Any:
                return self.rate(t, y, self.parameters(jnp.concatenate([head, theta[self.columns :]]), fixed), control)

            rate, pull = jax.vjp(whole, y, theta[: self.columns])
            Fy, Fp = jax.vmap(pull)(jnp.eye(rate.size))
            return rate, Fy, Fp
        # with respect to the leaves: the cotangent of a slice of theta would be a vector as long as theta
        leaves = self.spec.leaf_values(theta, fixed)
        mine = [i for i, leaf in enumerate(layout.leaves) if 0 <= leaf.start < self.columns]

        def split(y: Any, parts: Any) -> Any:
            values = list(leaves)
            for i, part in zip(mine, parts, strict=True):
                values[i] = part
            from sciopt._tree import unflatten

            return self.rate(t, y, self.of_tree(unflatten(layout.unknown, values)), control)

        rate, pull = jax.vjp(split, y, [leaves[i] for i in mine])
        Fy, parts = jax.vmap(pull)(jnp.eye(rate.size))
        return rate, Fy, jnp.concatenate([g.reshape(rate.size, -1) for g in parts], axis=1)
