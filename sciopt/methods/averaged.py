"""Averaging of the iterates: what a noisy method reports."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from sciopt._errors import OptionError
from sciopt._types import Array
from sciopt.linearise.base import Linearisation
from sciopt.methods._contract import Method, Step

__all__ = ["Averaged"]


class State(NamedTuple):
    """State of the inner method, running average, its weight and the steps taken."""

    inner: Any
    average: Array
    weight: float
    taken: int


@dataclass(frozen=True)
class Averaged:
    r"""Steps of another method; the answer is a running average of its points.

    :math:`\bar\theta \leftarrow \beta_k \bar\theta + (1 - \beta_k)\,\theta` with the bias of the first steps removed. Where
    every step sees other random numbers, the average loses most of the noise that a single point keeps.

    Parameters
    ----------
    method
        The method that moves.
    decay
        Weight of the past, in [0, 1); None takes the plain mean of all points after ``begin``.
    begin
        Steps before averaging starts.

    Examples
    --------
    >>> from sciopt.methods import FirstOrder
    >>> Averaged(FirstOrder("adam", lr=1e-2), decay=0.99).begin
    0

    References
    ----------
    Polyak and Juditsky, SIAM J. Control Optim. 30 (1992) 838.
    """

    method: Any
    decay: float | None = 0.99
    begin: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.method, type) or not isinstance(self.method, Method):
            raise OptionError(f"Averaged(method=...): give a method object with init and step, got {self.method!r}")
        if self.decay is not None and not 0.0 <= self.decay < 1.0:
            raise OptionError(f"Averaged(decay=...): must be None or in [0, 1), got {self.decay!r}")
        if isinstance(self.begin, bool) or int(self.begin) != self.begin or self.begin < 0:
            raise OptionError(f"Averaged(begin=...): must be a whole number >= 0, got {self.begin!r}")

    def init(self, lin: Linearisation) -> State:
        """Return the state at the start."""
        return State(self.method.init(lin), np.zeros_like(lin.theta), 0.0, 0)

    def step(self, lin: Linearisation, state: State, key: int) -> Step:
        """Take one step of the inner method and report the average."""
        step = self.method.step(lin, state.inner, key)
        average, weight, taken = state.average, float(state.weight), int(state.taken) + 1
        if taken > self.begin:
            keep = weight / (weight + 1.0) if self.decay is None else self.decay
            average = keep * average + (1.0 - keep) * step.theta
            weight = weight + 1.0 if self.decay is None else self.decay * weight + (1.0 - self.decay)
        new = State(step.state, average, weight, taken)
        if weight == 0.0:
            return replace(step, state=new)
        estimate = average if self.decay is None else average / weight
        return replace(step, state=new, estimate=np.clip(estimate, lin.layout.lower, lin.layout.upper))
