"""Closed-form continuous-time cells: recurrent surrogates for sequences measured at irregular times."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from sciopt._errors import DataError, OptionError
from sciopt.models.base import Constant, generator, whole

__all__ = ["CfC", "cfc"]

MODES = ("default", "no_gate", "pure")


class CfC(eqx.Module):
    """A closed-form continuous-time cell with a linear readout; made by `cfc`.

    Attributes
    ----------
    backbone
        Weights (out, in) and offsets (out,) of the layers that all heads share; empty for a wired cell.
    heads
        Weights and offsets of the heads: ``f``, ``g`` and the two time heads, or ``f`` alone for ``"pure"``.
    decay, level
        Vectors w and A of a pure cell.
    memory
        Weights of the LSTM that carries the memory of a mixed cell, or None.
    readout
        Weight (outputs, units) and offset.
    """

    backbone: list[Any]
    heads: dict[str, Any]
    decay: Any
    level: Any
    memory: Any
    readout: Any
    mode: str = eqx.field(static=True)
    wiring: Constant | None = eqx.field(static=True)

    @property
    def units(self) -> int:
        """Number of hidden units."""
        return self.readout[0].shape[1]

    @property
    def inputs(self) -> int:
        """Number of inputs at a time."""
        first = self.backbone[0][0] if self.backbone else self.heads["f"][0]
        return first.shape[1] - self.units

    def begin(self) -> Any:
        """Return the state before the first measurement: zeros (units,), twice for a mixed memory."""
        h = jnp.zeros(self.units)
        return (h, h) if self.memory is not None else h

    def step(self, x: Any, state: Any, dt: Any) -> Any:
        """Return the state after the input x (inputs,) and the time dt that has passed since the last one."""
        if self.memory is None:
            return self._cell(x, state, dt)
        h, c = _lstm(self.memory, x, state)
        return self._cell(x, h, dt), c

    def _cell(self, x: Any, h: Any, dt: Any) -> Any:
        z = jnp.concatenate([x, h])
        for weight, offset in self.backbone:
            z = 1.7159 * jnp.tanh(0.666 * (weight @ z + offset))
        f = self._head("f", z)
        if self.mode == "pure":
            return self.level - self.level * jnp.exp(-dt * (jnp.abs(self.decay) + jnp.abs(f))) * f
        gate = jax.nn.sigmoid(self._head("rate", z) * dt + self._head("phase", z))
        f, g = jnp.tanh(f), jnp.tanh(self._head("g", z))
        return f + gate * g if self.mode == "no_gate" else (1.0 - gate) * f + gate * g

    def _head(self, name: str, z: Any) -> Any:
        weight, offset = self.heads[name]
        if self.wiring is not None and name in ("f", "g"):
            weight = weight * self.wiring.value
        return weight @ z + offset

    def evaluate(self, x: Any, dt: Any, state: Any = None) -> Any:
        """Return the readout (times, outputs) along a sequence x (times, inputs) with times dt between; traceable."""

        def advance(state: Any, now: Any) -> tuple[Any, Any]:
            new = self.step(now[0], state, now[1])
            h = new[0] if self.memory is not None else new
            return new, self.readout[0] @ h + self.readout[1]

        return jax.lax.scan(advance, self.begin() if state is None else state, (x, dt))[1]

    def __call__(self, x: Any, dt: Any) -> Any:
        """Return the readout along a sequence, or along many.

        Parameters
        ----------
        x
            Inputs, shape (times, inputs) or (sequences, times, inputs).
        dt
            Time since the last input, shape (times,) or (sequences, times).

        Returns
        -------
        array (times, outputs) or (sequences, times, outputs)

        Raises
        ------
        DataError
            Shapes that do not belong together.
        """
        if jnp.ndim(x) not in (2, 3) or jnp.shape(x)[-1] != self.inputs or jnp.shape(dt) != jnp.shape(x)[:-1]:
            raise DataError(
                f"x has shape {jnp.shape(x)}, dt {jnp.shape(dt)}; expected (times, {self.inputs}) and (times,), or both "
                "with an axis of sequences in front"
            )
        run = self.evaluate if jnp.ndim(x) == 2 else jax.vmap(self.evaluate)
        if jax.config.jax_enable_x64:  # type: ignore[attr-defined]
            return run(jnp.asarray(x), jnp.asarray(dt))
        with jax.enable_x64(True):
            return run(jnp.asarray(x), jnp.asarray(dt))


def _lstm(memory: Any, x: Any, state: Any) -> tuple[Any, Any]:
    """One LSTM update; the forget gate has a bias of one more than its parameter."""
    into, recurrent, offset = memory
    h, c = state
    i, f, g, o = jnp.split(into @ x + recurrent @ h + offset, 4)
    c = jax.nn.sigmoid(f + 1.0) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


def cfc(
    inputs: int,
    *,
    outputs: int = 1,
    units: int = 32,
    backbone: tuple[int, ...] = (64,),
    mode: str = "default",
    mixed_memory: bool = False,
    wiring: Any = None,
    key: int = 0,
) -> CfC:
    r"""Return a closed-form continuous-time cell.

    With the backbone z of the input and the hidden state h, the elapsed time :math:`\Delta` enters a gate, no
    differential equation is solved:

    * ``"default"``: :math:`h' = (1 - s) \tanh f(z) + s \tanh g(z)`, :math:`s = \sigma(a(z)\Delta + b(z))`;
    * ``"no_gate"``: :math:`h' = \tanh f(z) + s \tanh g(z)`;
    * ``"pure"``: :math:`h' = A - A\, e^{-\Delta (|w| + |f(z)|)} f(z)`, the closed solution of a liquid time constant.

    Parameters
    ----------
    inputs, outputs, units
        Sizes of input, readout and hidden state.
    backbone
        Widths of the shared layers; not used by a wired cell.
    mode
        ``"default"``, ``"no_gate"`` or ``"pure"``.
    mixed_memory
        An LSTM carries a memory beside the cell: better for long sequences.
    wiring
        Mask (units, inputs + units) of the connections that exist, the others stay zero; see `sparse_wiring`.
    key
        Integer; the same key gives the same start.

    Raises
    ------
    OptionError
        Sizes, mode, key or mask that make no sense.

    Notes
    -----
    Hasani, Lechner, Amini, Liebenwein, Ray, Tschaikowski, Teschl and Rus, Nature Machine Intelligence 4 (2022) 992.
    Weights: Glorot and Bengio, AISTATS 2010.

    Examples
    --------
    >>> import numpy as np
    >>> cell = cfc(2, units=5, key=1)
    >>> cell(np.ones((7, 2)), np.full(7, 0.1)).shape
    (7, 1)
    """
    n, m, H = (whole("cfc", k, v) for k, v in (("inputs", inputs), ("outputs", outputs), ("units", units)))
    if mode not in MODES:
        raise OptionError(f"cfc: unknown mode={mode!r}; choose one of {MODES}")
    widths = tuple(whole("cfc", "backbone", w) for w in backbone)
    mask = None
    if wiring is not None:
        mask, widths = np.asarray(wiring, float), ()
        if mask.shape != (H, n + H) or not np.isin(mask, (0.0, 1.0)).all():
            raise OptionError(f"cfc: wiring must be a mask of 0 and 1 of shape ({H}, {n + H}), got shape {mask.shape}")
    rng = generator("cfc", key)

    def layer(fan_out: int, fan_in: int) -> tuple[Any, Any]:
        bound = np.sqrt(6.0 / (fan_in + fan_out))
        return rng.uniform(-bound, bound, (fan_out, fan_in)), np.zeros(fan_out)

    sizes = (n + H, *widths)
    shared = [layer(b, a) for a, b in pairwise(sizes)]
    heads = {k: layer(H, sizes[-1]) for k in (("f",) if mode == "pure" else ("f", "g", "rate", "phase"))}
    memory = None
    if mixed_memory:
        turn = np.concatenate([np.linalg.qr(rng.standard_normal((H, H)))[0] for _ in range(4)])
        memory = (layer(4 * H, n)[0], turn, rng.uniform(-0.1, 0.1, 4 * H))
    pure = mode == "pure"
    return CfC(
        shared,
        heads,
        np.zeros(H) if pure else None,
        np.ones(H) if pure else None,
        memory,
        layer(m, H),
        mode,
        None if mask is None else Constant(mask),
    )
