"""Powell's dogleg: between the Cauchy point and the pseudoinverse step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sciopt._types import Array
from sciopt.linalg import Pinv
from sciopt.linearise.base import Linearisation
from sciopt.methods._contract import Step
from sciopt.methods._options import choice, count, positive
from sciopt.methods._second_order import (
    at_the_floor,
    decompose,
    finish,
    project,
    ratio_of,
    standstill,
    update_scale,
)
from sciopt.methods.damping import trust_radius

__all__ = ["Dogleg", "DoglegState"]


class DoglegState(NamedTuple):
    """Trust radius in the metric of D (negative before the first step) and column scale D (P,)."""

    radius: float
    scale: Array


@dataclass(frozen=True)
class Dogleg:
    r"""Steps on the path 0, Cauchy point, pseudoinverse step, up to a trust radius.

    One factorisation a step and no secular equation; less accurate along the radius than a damped step, hence a little
    slower in curved valleys. Powell (1970); scaled as in More (1978): all lengths are :math:`|D\delta|`.

    Parameters
    ----------
    radius
        First radius relative to the scaled length of theta (absolute if theta is zero).
    scaling
        ``"more"``: D is the running maximum of the column norms of J; ``"none"``: D = 1.
    rtol
        Singular values of J / D not above ``rtol * s1`` are left out; None = the rounding level.
    tries
        Most trials of one step.

    Examples
    --------
    >>> Dogleg(scaling="none").tries
    20
    """

    radius: float = 1.0
    scaling: str = "more"
    rtol: float | None = None
    tries: int = 20

    def __post_init__(self) -> None:
        positive(self, "radius")
        choice(self, "scaling", ("none", "more"))
        if self.rtol is not None:
            positive(self, "rtol", zero=True, below=1.0)
        count(self, "tries")

    def init(self, lin: Linearisation) -> DoglegState:
        """Return the state at the start: no radius yet."""
        return DoglegState(-1.0, np.zeros(lin.layout.size))

    def step(self, lin: Linearisation, state: DoglegState, key: int) -> Step:
        """Take the first step along the dogleg that decreases the merit, shrinking the radius between trials."""
        scale = update_scale(lin, self.scaling, state.scale)
        D = np.where(scale > 0, scale, 1.0) if self.scaling == "more" else np.ones(lin.layout.size)
        state = state._replace(scale=scale)
        g = lin.gradient()
        if not g.any():
            return standstill(lin, state, ("converged", "the gradient is zero"), g)
        found = decompose(lin, "qr", D)
        if found is None:
            return standstill(lin, state, ("nonfinite", "the Jacobian has entries that are not finite"))
        newton = found.step(Pinv(found.rtol if self.rtol is None else self.rtol))
        steepest = -g / (D * D)
        ahead = lin.jvp(steepest)
        cauchy = steepest * (float(-(g @ steepest)) / float(ahead @ ahead))
        radius = float(state.radius)
        if radius < 0:
            radius = self.radius * (float(np.linalg.norm(D * lin.theta)) or 1.0)
        predicted = 0.0
        for _ in range(self.tries):
            theta = project(lin, lin.theta + _bend(D, cauchy, newton, radius))
            delta = theta - lin.theta
            norm = float(np.linalg.norm(D * delta))
            predicted = found.predicted(delta)
            trial = lin.at(theta)
            reduction = lin.reduction(trial)
            ratio = ratio_of(reduction, predicted)
            numbers = {"radius": radius, "ratio": ratio, "rank": float(found.rank)}
            floor = at_the_floor(lin, DoglegState(radius, scale), trial, g, predicted, reduction, **numbers)
            if floor is not None:
                return floor
            radius = float(trust_radius(np, radius, ratio, min(norm, radius)))
            if ratio > 1e-4:
                return finish(lin, DoglegState(radius, scale), trial, g, predicted, reduction, **numbers)
            if norm == 0.0:
                break
        return standstill(lin, DoglegState(radius, scale), None, g, predicted, {"refresh": True}, radius=radius)


def _bend(D: Array, cauchy: Array, newton: Array, radius: float) -> Array:
    """Return the point of the dogleg at scaled length ``radius``, or its end if that is nearer."""
    if float(np.linalg.norm(D * newton)) <= radius:
        return newton
    reach = float(np.linalg.norm(D * cauchy))
    if reach >= radius:
        return cauchy * (radius / reach)
    p, d = D * cauchy, D * (newton - cauchy)
    a, b, c = float(d @ d), float(p @ d), radius * radius - float(p @ p)
    # The positive root of a t^2 + 2 b t = c, in the form that does not cancel.
    root = np.sqrt(b * b + a * c)
    t = c / (b + root) if b > 0 else (root - b) / a
    return cauchy + t * (newton - cauchy)
