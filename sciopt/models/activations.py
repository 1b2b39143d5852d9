"""Activation functions by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from sciopt._errors import OptionError

__all__ = ["activation_of"]

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "tanh": jnp.tanh,
    "sin": jnp.sin,
    "swish": jax.nn.swish,
    "gelu": jax.nn.gelu,
    "softplus": jax.nn.softplus,
}


def activation_of(owner: str, activation: str | Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return an activation by name, or the function given."""
    if callable(activation):
        return activation
    if activation not in ACTIVATIONS:
        raise OptionError(
            f"{owner}: unknown activation={activation!r}; choose one of {tuple(ACTIVATIONS)} or a function"
        )
    return ACTIVATIONS[activation]
