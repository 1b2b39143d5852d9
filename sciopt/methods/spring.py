"""SPRING: damped steps with a proximal momentum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sciopt._types import Array
from sciopt.linearise.base import Linearisation
from sciopt.methods._contract import Step
from sciopt.methods._leap import leap, recovered, shortened
from sciopt.methods._options import positive
from sciopt.methods._second_order import decompose, finish, project, standstill

__all__ = ["Spring", "SpringState"]

GRID = 2.0 ** -np.arange(31)


class SpringState(NamedTuple):
    """Direction of the last step (P,), steps taken, step length relative to the nominal one."""

    direction: Array
    steps: int
    length: float


@dataclass(frozen=True)
class Spring:
    r"""Subsampled projected-increment natural gradient descent.

    .. math:: \varphi_k = \mu \varphi_{k-1} - J^T (J J^T + \lambda I)^{-1} (r + \mu J \varphi_{k-1}),

    the minimiser of :math:`|J\varphi + r|^2 + \lambda |\varphi - \mu\varphi_{k-1}|^2`, then
    :math:`\theta \leftarrow \theta + \eta_k \varphi_k` with :math:`\eta_k = \eta / (1 + k\,\mathrm{decay})` and the
    squared length of the step limited to ``norm``. Made for rows that are drawn anew every step. Goldshlager,
    Abrahamsen and Lin, arXiv 2401.10190; with a line search as in Guzman-Cordero et al., arXiv 2505.12149.

    Parameters
    ----------
    damping
        lambda, in units of J J^T.
    momentum
        mu, in [0, 1); 0 gives the damped Gauss-Newton step.
    lr
        Step length eta; ignored by the line search.
    decay
        Decrease of the step length per step.
    norm
        Largest squared length of a step; None = no limit.
    line_search
        Take the best of theta + phi / 2^i, i = 0..30, on the rows in force, in place of ``lr`` and ``norm``.

    Examples
    --------
    >>> Spring(damping=1e-6, momentum=0.9, line_search=True).norm
    0.001
    """

    damping: float = 1e-3
    momentum: float = 0.99
    lr: float = 0.05
    decay: float = 1e-4
    norm: float | None = 1e-3
    line_search: bool = False

    def __post_init__(self) -> None:
        positive(self, "damping")
        positive(self, "momentum", zero=True, below=1.0)
        positive(self, "lr")
        positive(self, "decay", zero=True)
        if self.norm is not None:
            positive(self, "norm")

    def init(self, lin: Linearisation) -> SpringState:
        """Return the state at the start: no direction yet."""
        return SpringState(np.zeros(lin.layout.size), 0, 1.0)

    def step(self, lin: Linearisation, state: SpringState, key: int) -> Step:
        """Take one step."""
        if lin.f == 0.0:
            return standstill(lin, state, ("converged", "the residual is zero"))
        found = decompose(lin, "cholesky")
        if found is None:
            return standstill(lin, state, ("nonfinite", "the Jacobian has entries that are not finite"))
        carried = self.momentum * state.direction
        phi = carried + found.solve(lin.r + lin.jvp(carried), self.damping)
        k = int(state.steps)
        if self.line_search:
            return self._searched(lin, state, phi, k)
        delta = phi * (self.lr / (1.0 + self.decay * k) * float(state.length))
        square = float(delta @ delta)
        if self.norm is not None and square > self.norm:
            delta *= np.sqrt(self.norm / square)
        moved = SpringState(phi, k + 1, recovered(state.length))
        # A failure forgets the direction that led there.
        stayed = SpringState(np.zeros_like(phi), k + 1, shortened(state.length))
        return leap(lin, moved, stayed, delta, damping=self.damping)

    def _searched(self, lin: Linearisation, state: SpringState, phi: Array, k: int) -> Step:
        trials = lin.at_many(np.stack([project(lin, lin.theta + t * phi) for t in GRID]))
        reductions = np.array([lin.reduction(t) for t in trials])
        best = int(np.argmax(np.where(np.isfinite(reductions), reductions, -np.inf)))
        if not reductions[best] > 0:
            stayed = SpringState(np.zeros_like(phi), k + 1, 1.0)
            idle = not np.any(state.direction)  # without momentum the direction descends: nothing more can be had
            verdict = ("stalled", "no decrease along the damped direction") if idle else None
            return standstill(lin, stayed, verdict, lin.gradient(), damping=self.damping)
        g = lin.gradient()
        moved = SpringState(phi, k + 1, float(GRID[best]))
        gained = float(reductions[best])
        return finish(lin, moved, trials[best], g, gained, gained, damping=self.damping, length=float(GRID[best]))
