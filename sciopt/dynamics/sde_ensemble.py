"""An ensemble of paths of a stochastic differential equation, by one scan over given noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sciopt._errors import ConditionError, DataError, OptionError
from sciopt._types import Array
from sciopt.dynamics.sde_schemes import drift_shift, scheme_of

__all__ = ["Ensemble", "TimeGrid"]

LARGEST_BUFFER = 200_000_000  # doubles in the noise of one ensemble: 1.6 GB


@dataclass(frozen=True, eq=False)
class TimeGrid:
    """Steps of a fixed-step solver through the wanted times.

    Attributes
    ----------
    t, h
        Begin and length of each step, shape (S,).
    rows
        For each wanted time, the number of steps taken until then, shape (K,).
    """

    t: Array
    h: Array
    rows: Any

    @staticmethod
    def through(t0: float, times: Array, dt: float | None) -> TimeGrid:
        """Return equal steps of at most dt between neighbouring times, from t0 on.

        Parameters
        ----------
        t0
            Time at which the paths begin.
        times
            Increasing times not before t0, shape (K,).
        dt
            Longest step; by default a hundredth of the whole span.

        Raises
        ------
        DataError
            Times not finite, not increasing, or before t0.
        OptionError
            dt not positive.
        """
        times = np.asarray(times, float)
        if times.ndim != 1 or not times.size or not np.isfinite(times).all():
            raise DataError(f"times must be a row of finite numbers, got shape {times.shape}")
        edges = np.concatenate([[float(t0)], times])
        gaps = np.diff(edges)
        bad = np.flatnonzero((gaps <= 0) & ~((np.arange(len(gaps)) == 0) & (gaps == 0)))
        if bad.size:
            raise DataError(
                f"times must increase and not lie before the start {t0:g}: t[{bad[0]}] = {times[bad[0]]:g} follows "
                f"{edges[bad[0]]:g}"
            )
        span = edges[-1] - edges[0]
        longest = (span / 100.0 if span > 0 else 1.0) if dt is None else float(dt)
        if not (np.isfinite(longest) and longest > 0):
            raise OptionError(f"dt must be a positive step length, got {dt!r}")
        counts = np.where(gaps > 0, np.maximum(np.ceil(gaps / longest - 1e-9), 1.0), 0.0).astype(int)
        h = np.repeat(gaps / np.maximum(counts, 1), counts)
        begin = np.concatenate([edges[k] + gaps[k] / c * np.arange(c) for k, c in enumerate(counts) if c] or [[]])
        return TimeGrid(begin, h, np.cumsum(counts))

    def refined(self, factor: int) -> TimeGrid:
        """Return the grid with every step cut into equal parts."""
        h = np.repeat(self.h / factor, factor)
        t = (self.t[:, None] + (self.h / factor)[:, None] * np.arange(factor)).ravel()
        return TimeGrid(t, h, self.rows * factor)


@dataclass(frozen=True)
class Ensemble:
    """Drift, diffusion and scheme; hashable by value, so that equal models share compiled code.

    Parameters
    ----------
    drift, diffusion
        ``f(t, y, p)`` for one path with y of shape (d,).
    noise
        ``"diagonal"``: diffusion returns (d,), one Wiener process a component; ``"scalar"``: (d,), one process for all;
        ``"general"``: (d, m) for m processes.
    interpretation
        ``"ito"`` or ``"stratonovich"``.
    scheme
        ``"auto"``, ``"euler_maruyama"``, ``"milstein"``, ``"platen"`` or ``"heun"``; a scheme of the other
        interpretation gets the drift that makes it solve the same equation.
    """

    drift: Callable[..., Any]
    diffusion: Callable[..., Any]
    noise: str = "diagonal"
    interpretation: str = "ito"
    scheme: str = "auto"

    def __post_init__(self) -> None:
        for name in ("drift", "diffusion"):
            if not callable(getattr(self, name)):
                raise OptionError(f"{name} must be a function {name}(t, y, p), got {getattr(self, name)!r}")
        scheme_of(self.scheme, self.noise, self.interpretation)

    def processes(self, y: Any, p: Any) -> int:
        """Return the number m of Wiener processes after a look at what drift and diffusion return.

        Parameters
        ----------
        y
            A state, shape (d,).
        p
            The unknown.

        Raises
        ------
        ConditionError
            A function returns another shape than its kind of noise wants.
        """
        d = jnp.shape(y)
        got = _shape("drift", self.drift, y, p)
        if got != d:
            raise ConditionError(f"drift returns shape {got} for a state of shape {d}; return one rate a component")
        got = _shape("diffusion", self.diffusion, y, p)
        if self.noise == "general":
            if len(got) != 2 or got[0] != d[0]:
                raise ConditionError(f"diffusion returns shape {got}; noise='general' wants ({d[0]}, m)")
            return got[1]
        if got != d:
            raise ConditionError(
                f"diffusion returns shape {got} for a state of shape {d}; noise={self.noise!r} wants one amplitude a "
                "component (noise='general' takes a matrix)"
            )
        return d[0] if self.noise == "diagonal" else 1

    def paths(self, p: Any, start: Any, t: Any, h: Any, dW: Any) -> Any:
        """Return the states before the first and after every step, shape (S + 1, paths, d); traceable.

        Parameters
        ----------
        p
            The unknown.
        start
            States at the begin, shape (paths, d).
        t, h
            Steps, shape (S,).
        dW
            Wiener increments, shape (S, paths, m).
        """
        scheme = scheme_of(self.scheme, self.noise, self.interpretation)

        def a(t: Any, y: Any) -> Any:
            return jax.vmap(lambda x: self.drift(t, x, p))(y)

        def g(t: Any, y: Any) -> Any:
            return jax.vmap(lambda x: self.diffusion(t, x, p))(y)

        rate = a
        if scheme.interpretation != self.interpretation:
            sign = -1.0 if self.interpretation == "ito" else 1.0

            def rate(t: Any, y: Any) -> Any:
                return a(t, y) + sign * drift_shift(g, self.noise, t, y)

        general = self.noise == "general"

        def product(b: Any, dw: Any) -> Any:
            return jnp.einsum("nij,nj->ni", b, dw) if general else b * dw

        def advance(y: Any, step: Any) -> tuple[Any, Any]:
            new = scheme.step(rate, g, product, step[0], step[1], y, step[2])
            return new, new

        _, states = jax.lax.scan(advance, start, (t, h, dW))
        return jnp.concatenate([start[None], states])


def _shape(name: str, f: Any, y: Any, p: Any) -> tuple[int, ...]:
    try:
        out = jax.eval_shape(f, jnp.zeros(()), jnp.asarray(y), p)
    except Exception as error:
        error.add_note(f"while calling {name}(t, y, p) with a state of shape {jnp.shape(y)}")
        raise
    if not hasattr(out, "shape"):
        raise ConditionError(f"{name} must return one array, got {type(out).__name__}")
    return tuple(out.shape)


def increments(rng: np.random.Generator, h: Array, paths: int, processes: int) -> Array:
    """Draw Wiener increments, shape (S, paths, m); `OptionError` if they would not fit into memory."""
    size = len(h) * paths * processes
    if size > LARGEST_BUFFER:
        raise OptionError(
            f"{len(h)} steps x {paths} paths x {processes} Wiener processes are {size:.1e} numbers; fewer paths or a longer dt"
        )
    return np.sqrt(h)[:, None, None] * rng.standard_normal((len(h), paths, processes))
