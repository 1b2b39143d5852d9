"""Rows of flow-map fits: a known field, or samples with frozen targets (self-distillation)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from sciopt._types import Array
from sciopt.dynamics.flow_map_identities import eulerian, lagrangian, progressive
from sciopt.frames import Frame
from sciopt.problem import Problem

__all__ = ["Diagonal", "Distillation", "DistillationProblem", "Known", "teacher_of"]


@dataclass(frozen=True)
class Known:
    """``f(model, s, u, t, x)`` for a known field: the residual of one identity at one point."""

    field: Callable[..., Any]
    loss: str

    def __call__(self, model_: Any, s_: Any, u_: Any, t_: Any, x_: Any) -> Any:
        """Return the residual (d,)."""

        def b(t: Any, x: Any) -> Any:
            return jnp.asarray(self.field(t, x))

        if self.loss == "lagrangian":
            return lagrangian(model_.at, b, s_, t_, x_)
        if self.loss == "eulerian":
            return eulerian(model_.at, b, s_, t_, x_)
        return progressive(model_.v, s_, u_, t_, x_)


@dataclass(frozen=True)
class Diagonal:
    """``f(model, s, u, t, x)``: the velocity at equal times minus the known field."""

    field: Callable[..., Any]

    def __call__(self, model_: Any, s_: Any, u_: Any, t_: Any, x_: Any) -> Any:
        """Return the residual (d,)."""
        return model_.v(s_, s_, x_) - jnp.asarray(self.field(s_, x_))


def teacher_of(model: Any, theta: Any) -> Any:
    """Return the model with its arrays taken from theta, in the order of the unknown's layout."""
    arrays, rest = eqx.partition(model, eqx.is_inexact_array)
    _, unravel = ravel_pytree(arrays)
    return eqx.combine(unravel(theta), rest)


@dataclass(frozen=True)
class Distillation:
    """``f(model, coords)``: velocities of samples on the diagonal, and one identity off it against a frozen target.

    The target is made by the teacher (the model as it was when the frame was made), so that rows are compared on one
    frame with equal targets and only the student is differentiated.
    """

    loss: str

    def __call__(self, model_: Any, coords_: Any) -> Any:
        """Return the rows of a batch: the diagonal ones, then those off it."""
        old = jax.lax.stop_gradient(teacher_of(model_, coords_["teacher"]))
        t, x0, x1 = coords_["t"], coords_["x0"], coords_["x1"]
        s, u, share = coords_["s"], coords_["u"], coords_["share"]

        def place(time: Any, a: Any, b: Any) -> Any:
            return (1.0 - time) * a + time * b

        def on(t: Any, a: Any, b: Any) -> Any:
            return model_.v(t, t, place(t, a, b)) - (b - a)

        def off(s: Any, u: Any, t: Any, a: Any, b: Any) -> Any:
            x = place(s, a, b)
            one = jnp.ones_like(t)
            if self.loss == "lagrangian":
                rate = jax.jvp(lambda now: model_.at(s, now, x), (t,), (one,))[1]
                return rate - old.v(t, t, old.at(s, t, x))
            if self.loss == "eulerian":
                rate = jax.jvp(lambda begin: model_.at(begin, t, x), (s,), (one,))[1]
                return rate + jax.jvp(lambda y: old.at(s, t, y), (x,), (old.v(s, s, x),))[1]
            gamma = (u - s) / (t - s)
            first = old.v(s, u, x)
            return model_.v(s, t, x) - gamma * first - (1.0 - gamma) * old.v(u, t, x + (u - s) * first)

        n = t.shape[0]
        k = s.shape[0]
        diagonal = jax.vmap(on)(t, x0, x1) * jnp.sqrt((1.0 - share) / n)
        rest = jax.vmap(off)(s, u, coords_["end"], x0[:k], x1[:k]) * jnp.sqrt(share / k)
        return jnp.concatenate([diagonal.ravel(), rest.ravel()])


class DistillationProblem(Problem):
    """A problem whose frames carry the teacher: theta as it was when the batch was drawn."""

    def frame(
        self,
        theta: Array,
        previous: Frame | None = None,
        request: Mapping[str, Any] | None = None,
        key: int = 0,
        step: int = 0,
    ) -> Frame:
        """Return the frame for the next step; a new one holds the targets of the model at theta."""
        found = super().frame(theta, previous, request, key, step)
        if found is previous:
            return found
        batch = found.batches[0]
        taught = replace(batch, coords={**batch.coords, "teacher": np.array(theta)})
        return replace(found, batches=(taught, *found.batches[1:]), cache={})
