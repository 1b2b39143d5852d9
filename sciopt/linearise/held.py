"""A problem with some entries of theta held: what profiles and contours minimise over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sciopt._types import Array
from sciopt.frames import Frame, Stage
from sciopt.linearise.base import Linearisation
from sciopt.linearise.build import linearise
from sciopt.linearise.work import Work

__all__ = ["Held"]


class Held:
    """The problem of the other unknowns while some entries of theta keep their values.

    Parameters
    ----------
    problem
        Any problem.
    theta
        Full point, shape (P,); gives the held values.
    frame
        The frame on which merits are compared.
    held
        Places in theta that are held.
    """

    def __init__(self, problem: Any, theta: Array, frame: Frame, held: list[int]) -> None:
        self.problem, self.theta, self._frame = problem, np.array(theta), frame
        self.free = np.setdiff1d(np.arange(len(theta)), held)
        self.layout = problem.layout.part(self.free, self.theta)
        self.stages = (Stage(),)

    def frame(
        self,
        theta: Array,
        previous: Frame | None = None,
        request: Mapping[str, Any] | None = None,
        key: int = 0,
        step: int = 0,
    ) -> Frame:
        """Return the one frame."""
        return self._frame

    def whole(self, theta: Array) -> Array:
        """Return the full point for values of the free entries."""
        full = self.theta.copy()
        full[self.free] = theta
        return full

    def linearise(self, theta: Array, frame: Frame, work: Work) -> HeldLinearisation:
        """Return the linearisation of the free entries."""
        return HeldLinearisation(self, linearise(self.problem, self.whole(theta), frame, work), theta)


class HeldLinearisation(Linearisation):
    """The columns of the free entries of another linearisation."""

    def __init__(self, held: Held, inner: Linearisation, theta: Array) -> None:
        super().__init__(theta, inner.frame, held.layout, inner.work)
        self.held, self.inner = held, inner

    def at(self, theta: Array) -> HeldLinearisation:
        """Return the linearisation at another point of the free entries."""
        return HeldLinearisation(self.held, self.inner.at(self.held.whole(theta)), theta)

    def _evaluate(self) -> tuple[float, Array]:
        self._failed = self.inner.failed
        return self.inner.f, self.inner.r

    def _dense(self) -> Array:
        return self.inner.dense()[:, self.held.free]

    def _reduction(self, other: Any) -> float:
        return self.inner.reduction(other.inner)
