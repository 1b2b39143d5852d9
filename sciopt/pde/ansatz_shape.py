"""What the unknown of given conditions is: the names of its functions and their numbers of components."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sciopt._errors import ParameterError
from sciopt.condition import Condition, bind, split
from sciopt.linearise.autodiff import double

__all__ = ["Shape", "shape_of"]

MOST = 8  # components tried


@dataclass(frozen=True)
class Shape:
    """Names and components of the unknown functions; ``outputs`` is None for a scalar function.

    With one name the unknown is the function itself, with several it is a dict of functions.
    """

    names: tuple[str, ...]
    outputs: tuple[int | None, ...]

    def unknown(self, build: Callable[[int | None, int], Any]) -> Any:
        """Return the unknown made of ``build(outputs, number)`` for each function."""
        made = [build(m, k) for k, m in enumerate(self.outputs)]
        return made[0] if len(made) == 1 else dict(zip(self.names, made, strict=True))

    def functions(self, unknown: Any) -> list[Any]:
        """Return the functions of an unknown, in order."""
        return [unknown] if len(self.names) == 1 else [unknown[name] for name in self.names]


def shape_of(conditions: Sequence[Condition]) -> Shape:
    """Return the shape of the unknown that conditions ask for.

    Raises
    ------
    ParameterError
        The conditions name no unknown, or fit no number of components up to 8.
    """
    names: list[str] = []
    for c in conditions:
        names += [n for n in _names(c) if n not in names]
    if not names:
        raise ParameterError("no condition names an unknown function; give unknown=")
    trials: list[int | None] = [None, MOST, *range(2, MOST), 1]
    said = ""
    for m in trials:
        used, said_now = _used(conditions, names, m)
        if used is None:
            said = said or said_now
            continue
        if m is None:
            return Shape(tuple(names), (None,) * len(names))
        counts = tuple(_count(mask) for mask in used)
        return Shape(tuple(names), tuple(counts if m == MOST else (m,) * len(names)))
    raise ParameterError(
        f"no unknown was given, and functions with up to {MOST} components do not fit the conditions ({said}); give unknown="
    )


def _names(c: Condition) -> list[str]:
    """Return the arguments of a condition that stand for the unknown: all before the points and further objects."""
    try:
        parameters = [
            p.name
            for p in inspect.signature(c.function).parameters.values()
            if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.default is p.empty
        ]
    except (TypeError, ValueError):
        return ["u"]
    columns = split(c.points.first(np.random.default_rng(0)).coords, c.columns)
    return parameters[: max(len(parameters) - len(columns) - len(c.args), 1)]


def _used(conditions: Sequence[Condition], names: list[str], m: int | None) -> tuple[list[Any] | None, str]:
    """Return which components each function's conditions depend on, or None and why they cannot be evaluated."""
    used = [np.zeros(m or 1, bool) for _ in names]
    for c in conditions:
        batch = c.points.first(np.random.default_rng(0))
        columns = split(batch.coords, c.columns)
        try:
            with double():
                marks = _dependence(c, names, columns, m)
        except Exception as error:  # the user's function may fail in any way on the wrong number of components
            return None, f"condition {c.name!r}: {error}"
        for mask, mark in zip(used, marks, strict=True):
            mask |= mark
    return used, ""


def _dependence(c: Condition, names: list[str], columns: tuple[Any, ...], m: int | None) -> list[Any]:
    shape = () if m is None else (m,)
    unknown = _stand_ins(names, [np.zeros((*shape, 2))] * len(names))
    binding = bind(c, unknown, {}, columns if len(columns) != 1 else columns[0], False)
    whole: tuple[Any, ...] = tuple(jnp.asarray(np.asarray(column)) for column in columns)
    point = whole if c.batched else tuple(column[0] for column in whole)

    def output(weights: Any) -> Any:
        z = jnp.asarray(c.function(*binding.arguments(_stand_ins(names, weights), point, {}, c.args)))
        return jnp.concatenate([jnp.ravel(z.real), jnp.ravel(z.imag)])

    rng = np.random.default_rng(1)
    weights = [jnp.asarray(rng.standard_normal((*shape, 2))) for _ in names]
    if m != MOST:
        jax.eval_shape(output, weights)
        return [np.ones(m or 1, bool)] * len(names)
    rows = jax.jit(jax.jacrev(output))(weights)
    return [np.abs(np.asarray(a)).max(axis=(0, -1)) > 0 for a in rows]


def _stand_ins(names: list[str], weights: Any) -> Any:
    made = [_Wave(w) for w in weights]
    return made[0] if len(made) == 1 else dict(zip(names, made, strict=True))


class _Wave:
    """A smooth function with no vanishing derivative, of the shape tried."""

    def __init__(self, weights: Any) -> None:
        self.weights = weights

    def __call__(self, x: Any) -> Any:
        s = jnp.sum(jnp.atleast_1d(x) * (1.0 + 0.1 * jnp.arange(jnp.atleast_1d(x).shape[0])))
        return self.weights[..., 0] * jnp.sin(s) + self.weights[..., 1] * jnp.exp(-0.1 * s)


def _count(mask: Any) -> int:
    return int(np.flatnonzero(mask)[-1]) + 1 if mask.any() else 1
