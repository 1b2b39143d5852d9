"""SDE fits that stay cheap to solve: the cost of adaptive steps as one more row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp
import numpy as np

from sciopt._errors import OptionError
from sciopt._types import Array
from sciopt.condition import Condition
from sciopt.dynamics.sde_adaptive import Accepted, adaptive_steps, cost, replayed
from sciopt.dynamics.sde_ensemble import Ensemble
from sciopt.dynamics.sde_rows import MomentRows, Noise
from sciopt.dynamics.state import named
from sciopt.frames import Frame
from sciopt.points import Batch
from sciopt.problem import Problem

__all__ = ["CheapProblem", "CostRow", "cheap", "steps_of"]

FINE = 512  # spacings of the Brownian paths over the whole span
PATHS = 32
SLOTS = 160
KINDS = ("steps", "error", "error2")


@dataclass(frozen=True)
class CostRow:
    """``f(unknown, coords)``: sqrt(scale R), R a sum of the error estimates over the steps in ``coords``."""

    ensemble: Ensemble
    kind: str
    scale: float
    rtol: float
    atol: float

    def __call__(self, tree_: Any, coords_: Any) -> Any:
        """Return the row, shape (1,)."""
        E = replayed(
            self.ensemble,
            named(tree_),
            coords_["start"],
            coords_["t"],
            coords_["h"],
            coords_["dW"],
            self.rtol,
            self.atol,
        )[1]
        R = cost(self.kind, E, coords_["h"])
        return jnp.sqrt(self.scale * jnp.maximum(R, 1e-30))[None]


@dataclass(frozen=True, eq=False)
class _Brownian:
    """Fine Brownian paths and states to begin from; the steps on them belong to a theta, and are put in by the problem."""

    noise: Noise

    def first(self, rng: np.random.Generator) -> Batch:
        return self._batch(rng)

    def following(self, batch: Batch, request: Mapping[str, Any], step: int, rng: np.random.Generator) -> Batch:
        every = self.noise.every
        return self._batch(rng) if (every and step % every == 0) or request.get("refresh") else batch

    def _batch(self, rng: np.random.Generator) -> Batch:
        start = replace(self.noise, paths=PATHS).drawn(rng, PATHS).coords["start"]
        span = float(self.noise.grid.h.sum())
        dW = np.sqrt(span / FINE) * rng.standard_normal((FINE, PATHS, self.noise.processes))
        W = np.concatenate([np.zeros((1, *dW.shape[1:])), np.cumsum(dW, axis=0)])
        return Batch({"start": start, **_padded(None, PATHS, self.noise.processes), "W": W}, PATHS)


def _padded(steps: Accepted | None, paths: int, processes: int) -> dict[str, Array]:
    t, h, dW = np.zeros(SLOTS), np.zeros(SLOTS), np.zeros((SLOTS, paths, processes))
    if steps is not None:
        n = min(len(steps.h), SLOTS)  # the first ones, where there are more: the row is a sum over those
        t[:n], h[:n], dW[:n] = steps.t[:n], steps.h[:n], steps.dW[:n]
    return {"t": t, "h": h, "dW": dW}


class CheapProblem(Problem):
    """Moment rows and the row of the cost; a new frame chooses the steps at its theta, which trials then share."""

    def frame(
        self,
        theta: Array,
        previous: Frame | None = None,
        request: Mapping[str, Any] | None = None,
        key: int = 0,
        step: int = 0,
    ) -> Frame:
        """Return the frame for the next step; where the noise is new, so are the adaptive steps."""
        found = super().frame(theta, previous, request, key, step)
        if found is previous:
            return found
        row: Any = self.conditions[1].function
        batch = found.batches[1]
        noise = self.conditions[0].points
        coords = batch.coords
        spacing = float(noise.grid.h.sum()) / FINE
        steps = adaptive_steps(
            row.ensemble,
            self.layout.tree(theta),
            coords["start"],
            float(noise.grid.t[0]),
            spacing,
            coords["W"],
            row.rtol,
            row.atol,
        )
        made = replace(batch, coords={**coords, **_padded(steps, PATHS, noise.processes)})
        return replace(found, batches=(found.batches[0], made), cache={})


def cheap(problem: Problem, kind: str, weight: float, rtol: float, atol: float) -> CheapProblem:
    """Return an SDE problem with the cost of its adaptive steps as a further row sqrt(w M R), M moment rows.

    Parameters
    ----------
    problem
        Made by `sde`.
    kind
        ``"steps"``, ``"error"`` or ``"error2"``.
    weight
        w, relative to the mean squared moment row.
    rtol, atol
        Tolerances of the adaptive solve that is to become cheap.

    Raises
    ------
    OptionError
        Unknown kind, or a weight that is not positive.
    """
    if kind not in KINDS:
        raise OptionError(f"unknown regulariser {kind!r} for an SDE; choose one of {KINDS}")
    if not (np.isfinite(weight) and weight > 0):
        raise OptionError(f"weight of the regulariser must be positive, got {weight!r}")
    moments = problem.conditions[0]
    scale = weight * float(np.size(moments.target))
    rows: Any = moments.function
    row = CostRow(rows.ensemble, kind, scale, rtol, atol)
    condition = Condition(
        row, "solver_cost", _Brownian(moments.points), weight=1.0, batched=True, columns=("*",), jacobian="reverse"
    )
    return CheapProblem([moments, condition], problem.unknown)


def steps_of(
    rows: MomentRows, noise: Noise, p: Any, rtol: float, atol: float, paths: int, key: int, fine: int = 4096
) -> Accepted:
    """Return the adaptive steps of fresh paths of a fitted equation.

    Parameters
    ----------
    rows, noise
        Of the fit.
    p
        The fitted unknown.
    rtol, atol
        Tolerances.
    paths, key
        Fresh paths.
    fine
        Spacings of the Brownian paths.
    """
    rng = np.random.default_rng([key, 13])
    start = replace(noise, paths=paths).drawn(rng, paths).coords["start"]
    if rows.initial is not None:
        raise OptionError("steps_of needs paths that begin from known states")
    span = float(noise.grid.h.sum())
    dW = np.sqrt(span / fine) * rng.standard_normal((fine, paths, noise.processes))
    W = np.concatenate([np.zeros((1, *dW.shape[1:])), np.cumsum(dW, axis=0)])
    return adaptive_steps(rows.ensemble, p, start, float(noise.grid.t[0]), span / fine, W, rtol, atol)
