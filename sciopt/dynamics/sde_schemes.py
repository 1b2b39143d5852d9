"""One step of a stochastic differential equation, for a whole ensemble of paths at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from sciopt._errors import OptionError

__all__ = ["NOISES", "SCHEMES", "Scheme", "scheme_of"]

NOISES = ("diagonal", "scalar", "general")


@dataclass(frozen=True)
class Scheme:
    """One-step map of an SDE solver.

    Attributes
    ----------
    name
        Name in ``scheme=``.
    interpretation
        ``"ito"`` or ``"stratonovich"``: what the map converges to.
    noises
        Kinds of noise that it takes.
    step
        ``step(a, g, product, t, h, y, dW)`` with the drift a(t, y), the amplitudes g(t, y) and their product with the
        Wiener increments dW; y has shape (paths, d).
    strong, weak
        Orders of convergence for diagonal noise whose amplitudes depend on their own component.
    """

    name: str
    interpretation: str
    noises: tuple[str, ...]
    step: Callable[..., Any]
    strong: float
    weak: float


def _euler_maruyama(a: Any, g: Any, product: Any, t: Any, h: Any, y: Any, dW: Any) -> Any:
    return y + h * a(t, y) + product(g(t, y), dW)


def _milstein(a: Any, g: Any, product: Any, t: Any, h: Any, y: Any, dW: Any) -> Any:
    b = g(t, y)
    bend = own_slope(g, t, y) if dW.shape[-1] == y.shape[-1] else jax.jvp(lambda x: g(t, x), (y,), (b,))[1]
    return y + h * a(t, y) + product(b, dW) + 0.5 * product(bend, dW * dW - h)


def _heun(a: Any, g: Any, product: Any, t: Any, h: Any, y: Any, dW: Any) -> Any:
    a0, b0 = a(t, y), g(t, y)
    ahead = y + h * a0 + product(b0, dW)
    return y + 0.5 * h * (a0 + a(t + h, ahead)) + 0.5 * product(b0 + g(t + h, ahead), dW)


def _platen(a: Any, g: Any, product: Any, t: Any, h: Any, y: Any, dW: Any) -> Any:
    root = jnp.sqrt(jnp.where(h > 0, h, 1.0))
    a0, b0 = a(t, y), g(t, y)
    drifted = y + h * a0
    spread = root * b0
    plus, minus = g(t + h, drifted + spread), g(t + h, drifted - spread)
    ahead = a(t + h, drifted + product(b0, dW))
    first = product(plus + minus + 2.0 * b0, dW)
    second = product(plus - minus, (dW * dW - h) / root)
    return y + 0.5 * h * (a0 + ahead) + 0.25 * (first + second)


def _small_noise(a: Any, g: Any, product: Any, t: Any, h: Any, y: Any, dW: Any) -> Any:
    """Platen's scheme with its deterministic part, Heun's rule, replaced by the classical rule of order 4."""
    k1 = a(t, y)
    k2 = a(t + 0.5 * h, y + 0.5 * h * k1)
    k3 = a(t + 0.5 * h, y + 0.5 * h * k2)
    k4 = a(t + h, y + h * k3)
    heun = 0.5 * (k1 + a(t + h, y + h * k1))
    return _platen(a, g, product, t, h, y, dW) + h * ((k1 + 2.0 * k2 + 2.0 * k3 + k4) / 6.0 - heun)


SCHEMES = {
    s.name: s
    for s in (
        Scheme("euler_maruyama", "ito", NOISES, _euler_maruyama, 0.5, 1.0),
        Scheme("milstein", "ito", ("diagonal", "scalar"), _milstein, 1.0, 1.0),
        Scheme("platen", "ito", ("diagonal", "scalar"), _platen, 0.5, 2.0),
        Scheme("small_noise", "ito", ("diagonal", "scalar"), _small_noise, 0.5, 2.0),
        Scheme("heun", "stratonovich", NOISES, _heun, 1.0, 1.0),
    )
}


def own_slope(g: Any, t: Any, y: Any) -> Any:
    """Return g_i dg_i/dy_i of diagonal noise for every path, shape (paths, d)."""
    b = g(t, y)
    parts = []
    for i in range(y.shape[-1]):
        along = jnp.zeros_like(y).at[:, i].set(b[:, i])
        parts.append(jax.jvp(lambda x: g(t, x), (y,), (along,))[1][:, i])
    return jnp.stack(parts, axis=-1)


def drift_shift(g: Any, kind: str, t: Any, y: Any) -> Any:
    """Return half the noise-induced drift: Stratonovich drift = Ito drift minus it, shape (paths, d)."""
    if kind == "diagonal":
        return 0.5 * own_slope(g, t, y)
    if kind == "scalar":
        return 0.5 * jax.jvp(lambda x: g(t, x), (y,), (g(t, y),))[1]
    b, total = g(t, y), jnp.zeros_like(y)
    for k in range(b.shape[-1]):
        total = total + jax.jvp(lambda x, k=k: g(t, x)[..., k], (y,), (b[..., k],))[1]
    return 0.5 * total


def scheme_of(name: str, noise: str, interpretation: str) -> Scheme:
    """Return the scheme of a name, or the default for a kind of noise and interpretation.

    The default is a weak scheme of order 2 whose error without noise is of order 4 (``"small_noise"``) for Ito equations
    with diagonal or scalar noise, as moments are what is fitted; Euler-Maruyama for general Ito noise, and Heun for
    Stratonovich equations.

    Raises
    ------
    OptionError
        Unknown name, noise or interpretation, or a scheme that does not take this noise.
    """
    if noise not in NOISES:
        raise OptionError(f"unknown noise={noise!r}; choose one of {NOISES}")
    if interpretation not in ("ito", "stratonovich"):
        raise OptionError(f"unknown interpretation={interpretation!r}; choose 'ito' or 'stratonovich'")
    if name == "auto":
        if interpretation == "stratonovich":
            name = "heun"
        else:
            name = "euler_maruyama" if noise == "general" else "small_noise"
    if name not in SCHEMES:
        raise OptionError(f"unknown scheme={name!r}; choose 'auto' or one of {tuple(SCHEMES)}")
    found = SCHEMES[name]
    if noise not in found.noises:
        raise OptionError(f"scheme={name!r} takes noise of kind {found.noises}, not {noise!r}")
    return found
