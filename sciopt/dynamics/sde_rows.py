"""Rows of an SDE fit: moments of a simulated ensemble, with their scatter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from sciopt._types import Array
from sciopt.dynamics.sde_ensemble import Ensemble, TimeGrid, increments
from sciopt.dynamics.sde_moments import contributions, covariance_of_moments, moments
from sciopt.dynamics.state import named
from sciopt.linearise.autodiff import double
from sciopt.points import Batch

__all__ = ["MomentRows", "Noise", "Scatter", "observed"]


@dataclass(frozen=True)
class MomentRows:
    """``f(unknown, coords)``: moments of the ensemble that the noise in ``coords`` drives; hashable by value.

    Parameters
    ----------
    ensemble
        The equation and its scheme.
    kinds
        Moments, see `sciopt.dynamics.sde_moments.moments`.
    observe
        ``observe(t, y, p)`` -> what is measured of a state, shape (k,); the state itself if None.
    initial
        ``initial(p)`` or ``initial(p, z)`` with standard normal z (d,); None if the states at the begin are data.
    random
        Whether ``initial`` takes z.
    """

    ensemble: Ensemble
    kinds: tuple[str, ...]
    observe: Callable[..., Any] | None = None
    initial: Callable[..., Any] | None = None
    random: bool = False

    def __call__(self, tree_: Any, coords_: Any) -> Any:
        """Return the (weighted) moments as one vector."""
        rows = moments(jnp, self.states(tree_, coords_), self.kinds)
        return coords_["mix"] @ rows if "mix" in coords_ else rows

    def states(self, p: Any, coords: Any) -> Any:
        """Return what is measured of every path at every wanted time, shape (paths, K, k)."""
        p, start = named(p), coords["start"]
        if self.initial is not None:
            first = self.initial
            start = (
                jax.vmap(lambda z: _vector(first(p, z)))(start)
                if self.random
                else jnp.broadcast_to(_vector(first(p)), start.shape)
            )
        whole = self.ensemble.paths(p, start, coords["t"], coords["h"], coords["dW"])
        y = jnp.moveaxis(whole[coords["rows"]], 0, 1)
        if self.observe is None:
            return y
        look = self.observe
        return jax.vmap(lambda path: jax.vmap(lambda t, x: _vector(look(t, x, p)))(coords["times"], path))(y)


def _vector(x: Any) -> Any:
    return jnp.ravel(jnp.asarray(x))


@eqx.filter_jit
def _states(rows: MomentRows, p: Any, coords: Any) -> Any:
    return rows.states(p, coords)


def observed(rows: MomentRows, p: Any, coords: Any) -> Array:
    """Return the simulated measurements, shape (paths, K, k), in float64."""
    with double():
        return np.asarray(_states(rows, p, jax.tree_util.tree_map(jnp.asarray, coords)))


@dataclass(frozen=True, eq=False)
class Noise:
    """Common random numbers: Wiener increments and states at the begin, held by the frame until they are redrawn.

    Parameters
    ----------
    grid, times
        Steps and wanted times (K,).
    paths, processes, d
        Paths of the ensemble, Wiener processes, and components of the state.
    every
        Redraw after that many steps; 0 only on request (``refresh``, or ``rows`` for another number of paths).
    start
        States at the begin: (d,) for all, (k, d) to be drawn from, or None for standard normal numbers.
    mix
        Matrix applied to the moments, or None.
    """

    grid: TimeGrid
    times: Array
    paths: int
    processes: int
    d: int
    every: int = 0
    start: Any = None
    mix: Any = None

    def first(self, rng: np.random.Generator) -> Batch:
        """Draw the noise of the first frame."""
        return self.drawn(rng, self.paths)

    def drawn(self, rng: np.random.Generator, paths: int) -> Batch:
        """Draw the noise of an ensemble."""
        dW = increments(rng, self.grid.h, paths, self.processes)
        if self.start is None:
            start = rng.standard_normal((paths, self.d))
        elif self.start.ndim == 1:
            start = np.broadcast_to(self.start, (paths, self.d)).copy()
        elif len(self.start) == paths:
            start = self.start
        else:  # every state equally often, so that the begin adds no noise beyond the remainder
            whole, rest = divmod(paths, len(self.start))
            extra = rng.choice(len(self.start), rest, replace=False)
            start = self.start[np.concatenate([np.tile(np.arange(len(self.start)), whole), extra])]
        coords: dict[str, Any] = {
            "t": self.grid.t,
            "h": self.grid.h,
            "rows": np.asarray(self.grid.rows),
            "times": self.times,
            "dW": dW,
            "start": start,
        }
        if self.mix is not None:
            coords["mix"] = self.mix
        return Batch(coords, paths)

    def following(self, batch: Batch, request: Mapping[str, Any], step: int, rng: np.random.Generator) -> Batch:
        """Return new noise where it is due or asked for, else the same batch."""
        paths = int(request.get("rows", batch.n))
        if (self.every and step % self.every == 0) or paths != batch.n or request.get("refresh"):
            return self.drawn(rng, paths)
        return batch


@dataclass(frozen=True, eq=False)
class Scatter:
    """Covariance of the rows at an answer: that of the measured moments plus that of the simulated ones.

    Parameters
    ----------
    rows
        The simulated rows.
    data
        Covariance of the measured moments, or None where only their number of paths ``n`` is known: then the model's own
        scatter is taken for both.
    n
        Paths behind the data.
    """

    rows: MomentRows
    data: Any
    n: int

    def __call__(self, tree: Any, coords: Any) -> Array:
        """Return the covariance (rows, rows)."""
        y = observed(self.rows, tree, coords)
        simulated = covariance_of_moments(contributions(y, self.rows.kinds))
        total = simulated * (1.0 + len(y) / self.n) if self.data is None else simulated + self.data
        mix = coords.get("mix")
        return total if mix is None else mix @ total @ mix.T
