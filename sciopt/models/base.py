"""What all models share: float64 evaluation, constants that are not fitted, input scaling, checked arguments."""

from __future__ import annotations

import contextlib
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from sciopt._errors import OptionError

__all__ = ["Constant", "Model", "bounds_of", "dtype_of", "generator", "scaled", "whole"]


class Constant:
    """An array that belongs to a model's structure and is not fitted; equal arrays are equal constants."""

    __slots__ = ("_hash", "value")

    def __init__(self, value: Any) -> None:
        self.value = np.array(value, dtype=np.float64)
        self.value.flags.writeable = False
        self._hash = hash((self.value.shape, self.value.tobytes()))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Constant)
            and self.value.shape == other.value.shape
            and bool((self.value == other.value).all())
        )

    def __repr__(self) -> str:
        """Show the shape, and short arrays whole."""
        return f"Constant({self.value.tolist()})" if self.value.size <= 8 else f"Constant(shape={self.value.shape})"


class Model(eqx.Module):
    """A function of one point with fitted arrays.

    Subclasses implement ``evaluate(x)`` for x of shape (d,). A call evaluates in float64 whatever JAX's setting is.
    """

    def evaluate(self, x: Any) -> Any:
        """Return the value at one point x of shape (d,)."""
        raise NotImplementedError

    def __call__(self, x: Any) -> Any:
        """Return the value at one point x of shape (d,): a scalar, or an array of shape (m,)."""
        if jax.config.jax_enable_x64:  # type: ignore[attr-defined]
            return self.evaluate(jnp.asarray(x))
        with jax.enable_x64(True):
            return self.evaluate(jnp.asarray(x))


def generator(owner: str, key: Any) -> np.random.Generator:
    """Return the generator of an integer key (or of a JAX key, by its data)."""
    if isinstance(key, (bool, np.bool_)) or key is None:
        raise OptionError(f"{owner}: key must be an integer, got {key!r}")
    if isinstance(key, (int, np.integer)):
        if key < 0:
            raise OptionError(f"{owner}: key must not be negative, got {key}")
        return np.random.default_rng(int(key))
    with contextlib.suppress(TypeError, ValueError):
        typed = hasattr(key, "dtype") and jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
        data = jax.random.key_data(key) if typed else key
        return np.random.default_rng([int(v) for v in np.asarray(data).ravel()])
    raise OptionError(f"{owner}: key must be an integer or a JAX key, got {key!r}")


def whole(owner: str, name: str, value: Any, least: int = 1) -> int:
    """Return an integer option of at least ``least``, or raise `OptionError`."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise OptionError(f"{owner}: {name} must be an integer of at least {least}, got {value!r}")
    return int(value)


def bounds_of(owner: str, domain: Any, inputs: int) -> np.ndarray:
    """Return bounds (inputs, 2) of a domain, of pairs (lower, upper), or [-1, 1] each for None."""
    if domain is None:
        return np.tile([-1.0, 1.0], (inputs, 1))
    sides = np.asarray(getattr(domain, "bounds", domain), dtype=float)
    if sides.ndim == 1 and inputs == 1:
        sides = sides[None]
    if sides.shape != (inputs, 2) or not np.isfinite(sides).all() or not (sides[:, 0] < sides[:, 1]).all():
        raise OptionError(
            f"{owner}: domain must be {inputs} pairs (lower, upper) with lower < upper, or a domain with bounds; "
            f"got {sides.tolist()}"
        )
    return sides


def scaled(x: Any, bounds: Constant) -> Any:
    """Map a point from its bounds to [-1, 1]^d."""
    low, high = bounds.value[:, 0], bounds.value[:, 1]
    return (x - 0.5 * (low + high)) * (2.0 / (high - low))


def dtype_of(owner: str, dtype: Any) -> np.dtype[Any]:
    """Return a floating dtype: float64 or float32."""
    kind = np.dtype(np.float64 if dtype is None else dtype)
    if kind not in (np.dtype(np.float64), np.dtype(np.float32)):
        raise OptionError(f"{owner}: dtype must be float64 or float32, got {dtype!r}")
    return kind
