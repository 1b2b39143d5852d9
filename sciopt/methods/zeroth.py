"""Zeroth order: methods that see function values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sciopt._errors import DataError
from sciopt.linalg import factor
from sciopt.linearise.base import Linearisation
from sciopt.methods._contract import Step, relative_step
from sciopt.methods._leap import leap
from sciopt.methods._options import count, positive
from sciopt.methods._second_order import project, ratio_of, standstill
from sciopt.methods.damping import nielsen

__all__ = ["SketchedGaussNewton", "SketchedGaussNewtonState", "Spsa", "SpsaState"]


class SpsaState(NamedTuple):
    """Steps taken, and the step length relative to the nominal one."""

    steps: int
    length: float


@dataclass(frozen=True)
class Spsa:
    r"""Simultaneous perturbation stochastic approximation: two values of the merit a step.

    .. math:: \theta \leftarrow \theta - \frac{a}{(k + 1 + A)^\alpha}\,
              \frac{f(\theta + c_k u) - f(\theta - c_k u)}{2 c_k}\, u^{-1}, \qquad c_k = \frac{c}{(k + 1)^\gamma},

    with u of random signs. Steps are taken as they come. Spall (1992). Where the residual itself can be seen,
    `SketchedGaussNewton` needs far fewer evaluations.

    Parameters
    ----------
    a
        Gain; chosen so that the first step has the wanted size.
    c
        Length of the probes, about the standard deviation of the noise of f.
    A
        Delay of the decay, about a tenth of the steps planned.
    alpha, gamma
        Exponents of the decays.
    """

    a: float = 0.1
    c: float = 1e-2
    A: float = 0.0
    alpha: float = 0.602
    gamma: float = 0.101

    def __post_init__(self) -> None:
        for name in ("a", "c"):
            positive(self, name)
        for name in ("A", "alpha", "gamma"):
            positive(self, name, zero=True)

    def init(self, lin: Linearisation) -> SpsaState:
        """Return the state at the start."""
        return SpsaState(0, 1.0)

    def step(self, lin: Linearisation, state: SpsaState, key: int) -> Step:
        """Probe both ways along one random direction and step."""
        k = int(state.steps)
        probe = self.c / (k + 1) ** self.gamma
        u = np.random.default_rng([key, 0x50]).choice((-1.0, 1.0), lin.layout.size)
        plus, minus = lin.at_many(np.stack([project(lin, lin.theta + probe * u), project(lin, lin.theta - probe * u)]))
        stayed = SpsaState(k + 1, max(0.5 * float(state.length), 1e-12))
        if plus.failed or minus.failed:
            return standstill(lin, stayed, length=float(state.length))
        slope = plus.reduction(minus) / (2.0 * probe)
        gain = self.a / (k + 1 + self.A) ** self.alpha * float(state.length)
        moved = SpsaState(k + 1, min(2.0 * float(state.length), 1.0))
        return leap(lin, moved, stayed, -gain * slope * u, length=gain, slope=abs(slope))


class SketchedGaussNewtonState(NamedTuple):
    """Damping, its growth factor, and steps in a row without decrease."""

    damping: float
    growth: float
    failures: int


@dataclass(frozen=True)
class SketchedGaussNewton:
    r"""Gauss-Newton in a random subspace, from residual values alone.

    m orthonormal directions U are drawn each step; J U comes from m central differences of the residual, and the step
    is :math:`\delta = U s` with :math:`(A^T A + \lambda I) s = -A^T r`, A = J U, damped by Nielsen's rule on actual
    decreases. One direction costs as much as a step of SPSA and gives a whole column of J. For losses other than
    squares the gradient in the subspace comes from the merit instead.

    Parameters
    ----------
    directions
        Number m of directions; None = all parameters up to 8.
    step
        Length of the probes relative to the size of each parameter; 1e-4 for exact functions, larger for noisy ones.
    damping
        First damping relative to max diag A^T A.
    tries
        Most trials of one step.

    Examples
    --------
    >>> SketchedGaussNewton(directions=3).probe
    0.0001
    """

    directions: int | None = None
    probe: float = 1e-4
    damping: float = 1e-3
    tries: int = 6

    def __post_init__(self) -> None:
        if self.directions is not None:
            count(self, "directions")
        positive(self, "probe")
        positive(self, "damping", zero=True)
        count(self, "tries")

    def init(self, lin: Linearisation) -> SketchedGaussNewtonState:
        """Return the state at the start."""
        return SketchedGaussNewtonState(self.damping, 2.0, 0)

    def step(self, lin: Linearisation, state: SketchedGaussNewtonState, key: int) -> Step:
        """Sketch J along random directions and take the first damped step in their span that decreases the merit."""
        P = lin.layout.size
        m = min(P, 8 if self.directions is None else self.directions)
        basis = np.linalg.qr(np.random.default_rng([key, 0x5A]).standard_normal((P, m)))[0]
        size = np.abs(lin.theta)
        size = np.where(size > 0, size, lin.layout.scale)
        U = size[:, None] * basis
        h = self.probe
        probes = np.concatenate([lin.theta + h * U.T, lin.theta - h * U.T])
        points = lin.at_many(np.stack([project(lin, p) for p in probes]))
        damping, growth = float(state.damping), float(state.growth)
        if any(p.failed for p in points):
            # Fewer than m directions can be seen from here; other directions may do next time.
            return standstill(lin, state._replace(failures=int(state.failures) + 1), damping=damping)
        A = np.stack([(a.r - b.r) / (2.0 * h) for a, b in zip(points[:m], points[m:], strict=True)], axis=1)
        if abs(lin.f - 0.5 * float(lin.r @ lin.r)) <= 1e-9 * abs(lin.f):
            rhs = lin.r
        else:  # A^T rhs = gradient of the merit in the subspace
            slopes = np.array([a.reduction(b) / (2.0 * h) for a, b in zip(points[:m], points[m:], strict=True)])
            rhs = np.linalg.lstsq(A.T, slopes, rcond=None)[0]
        try:
            found = factor(A, rhs, how="qr")
        except DataError:
            return standstill(lin, state._replace(failures=int(state.failures) + 1), damping=damping)
        largest = float(np.max(np.einsum("ij,ij->j", A, A))) or 1.0
        predicted = 0.0
        for _ in range(self.tries):
            s = found.steps(damping * largest)[0]
            theta = project(lin, lin.theta + U @ s)
            predicted = found.predicted(s)
            trial = lin.at(theta)
            reduction = lin.reduction(trial)
            ratio = ratio_of(reduction, predicted)
            numbers = {"predicted": predicted, "damping": damping, "ratio": ratio, "rank": float(found.rank)}
            damping, growth = (float(x) for x in nielsen(np, max(damping, 1e-14), growth, ratio))
            if ratio > 0:
                told = {"reduction": reduction, "step": relative_step(theta - lin.theta, theta, lin.layout.scale)}
                return Step(theta, SketchedGaussNewtonState(damping, growth, 0), True, {**told, **numbers}, lin=trial)
        # The growth is forgotten: the next step looks along other directions.
        rested = SketchedGaussNewtonState(min(damping, 1e6), 2.0, int(state.failures) + 1)
        return standstill(lin, rested, predicted=predicted, damping=damping)
