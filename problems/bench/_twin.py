"""Derive the JAX form of a catalogue model, so that models stay plain numpy code."""

from __future__ import annotations

from collections.abc import Callable
from types import CellType, FunctionType, ModuleType
from typing import Any

__all__ = ["jax_twin"]


def jax_twin(function: Callable[..., Any]) -> Callable[..., Any]:
    """Copy of ``function`` in which the global name ``np`` means ``jax.numpy``.

    Functions of the catalogue that it calls, by global name or from its closure, are copied too. Valid for code that
    uses only numpy functions which jax.numpy also has, and assigns into no array.

    Raises
    ------
    TypeError
        If ``function`` is not a plain Python function.
    """
    import jax.numpy as jnp

    return _copy(function, jnp, {})


def _copy(function: Any, jnp: ModuleType, done: dict[int, FunctionType]) -> FunctionType:
    if not isinstance(function, FunctionType):
        raise TypeError(f"{function!r} is not a plain function: it has no JAX twin")
    if id(function) in done:
        return done[id(function)]
    scope = dict(function.__globals__)
    scope["np"] = jnp
    cells = tuple(
        CellType(_copy(cell.cell_contents, jnp, done)) if _ours(cell.cell_contents) else cell
        for cell in function.__closure__ or ()
    )
    twin = FunctionType(function.__code__, scope, function.__name__, function.__defaults__, cells or None)
    twin.__kwdefaults__ = function.__kwdefaults__
    done[id(function)] = twin
    for name in function.__code__.co_names:
        if _ours(scope.get(name)):
            scope[name] = _copy(scope[name], jnp, done)
    return twin


def _ours(value: object) -> bool:
    return isinstance(value, FunctionType) and value.__module__.startswith("problems.")
