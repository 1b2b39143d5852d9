"""A secondary objective made small along directions that the rows do not see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from sciopt._errors import OptionError
from sciopt._types import Array
from sciopt.linalg.threads import blas_threads
from sciopt.linearise.base import Linearisation
from sciopt.methods._contract import Method, Step, relative_step
from sciopt.methods._options import positive
from sciopt.methods._second_order import decompose, project

__all__ = ["NullSpace", "unseen"]

MEMORY = 12  # steps over which the secondary objective must fall
ENDS = ("converged", "stalled", "rounding_floor")
PATIENCE = 6  # shortened steps in a row that end the descent


class State(NamedTuple):
    """Inner state, length of the secondary step, ceiling of the merit and its goal, and what was seen of the objective."""

    inner: Any
    length: float
    ceiling: float
    goal: float
    last: float
    promised: float
    failures: float
    values: Array
    taken: int
    inside: float


@dataclass(frozen=True)
class NullSpace:
    r"""Steps of another method, and between them descent of the secondary objective R inside the null space of J.

    Each step adds to that of the inner method

    .. math:: -\ell\, \frac{N \nabla R}{|N \nabla R|}, \qquad N = I - V \frac{S^2}{S^2 + \mu} V^T, \quad \mu = (\text{cut}\; S_1)^2,

    the pseudoinverse's own projector (exact for ``cut = 0``, soft above). The merit may rise on the way as long as it
    stays below a ceiling; R is therefore made small among all points that fit that well. The length :math:`\ell` grows
    while R falls as promised, and shrinks otherwise. The solve ends when R no longer falls.

    Parameters
    ----------
    method
        What fits the rows.
    level
        The ceiling is ``level**2`` times the merit at the start.
    loose
        The same for the first part of the descent: where R no longer falls, the ceiling is lowered by a factor of 100 until
        it is the one of ``level``.
    slack
        Where the inner method ends above the ceiling, the ceiling becomes ``1 + slack`` times the merit there.
    cut
        Relative singular value below which a direction counts as unseen.
    length
        First length of the secondary step, relative to |theta|.
    flat
        Relative fall of R over 12 steps below which the solve ends.

    Raises
    ------
    OptionError
        An option out of range; at the first step, a problem without a secondary objective.

    Examples
    --------
    >>> from sciopt.methods import LevenbergMarquardt
    >>> NullSpace(LevenbergMarquardt(), cut=0.0).level
    0.0002

    Notes
    -----
    Projection of a secondary gradient: Rosen, J. SIAM 8 (1960) 181; as redundancy resolution with a pseudoinverse:
    Liegeois, IEEE Trans. SMC 7 (1977) 868.
    """

    method: Any
    level: float = 2e-4
    loose: float = 3e-2
    slack: float = 1e-3
    cut: float = 1e-3
    length: float = 0.02
    flat: float = 0.02

    def __post_init__(self) -> None:
        if isinstance(self.method, type) or not isinstance(self.method, Method):
            raise OptionError(f"NullSpace(method=...): give a method object with init and step, got {self.method!r}")
        for name in ("level", "loose", "slack", "length", "flat"):
            positive(self, name)
        if not 0 <= self.cut < 1:
            raise OptionError(f"NullSpace(cut=...): must be in [0, 1), got {self.cut!r}")

    def init(self, lin: Linearisation) -> State:
        """Return the state at the start."""
        if lin.secondary() is None:
            raise OptionError(
                "NullSpace: this problem has no secondary objective (its linearisation's secondary() is None)"
            )
        nothing = np.full(MEMORY, np.nan)
        goal = self.level**2 * lin.f
        return State(
            self.method.init(lin),
            self.length,
            max(goal, self.loose**2 * lin.f),
            goal,
            np.nan,
            0.0,
            0.0,
            nothing,
            0,
            0.0,
        )

    def step(self, lin: Linearisation, state: State, key: int) -> Step:
        """Take an inner step and, from there, one along the secondary objective."""
        found = lin.secondary()
        if found is None or not np.isfinite(found[1]).all():
            return Step(lin.theta, state, False, {"step": 0.0}, lin=lin, verdict=("nonfinite", _BROKEN))
        R, gradient = found
        ceiling, goal = float(state.ceiling), float(state.goal)
        length, failures = self._judged(state, R)
        inside = float(state.inside) + 1.0 if lin.f <= ceiling else 0.0
        values = np.append(state.values[1:], R) if inside else np.full(MEMORY, np.nan)
        told = {"secondary": R, "length": length, "ceiling": ceiling}
        if inside and ceiling > goal and (failures >= PATIENCE or self._flat(values)):
            ceiling, failures, values, length = max(goal, 0.01 * ceiling), 0.0, np.full(MEMORY, np.nan), self.length
        elif inside and (failures >= PATIENCE or self._flat(values)):
            done = (
                "converged",
                f"the secondary objective no longer falls, and the merit is below its ceiling {ceiling:.3g}",
            )
            return Step(lin.theta, state, True, {"reduction": 0.0, "step": 0.0, **told}, lin=lin, verdict=done)
        step = self.method.step(lin, state.inner, key)
        base = step.lin if step.lin is not None else lin.at(step.theta)
        if step.verdict is not None and step.verdict[0] in ENDS and base.f > ceiling:
            ceiling = goal = (1.0 + self.slack) * base.f  # the rows cannot be met better
        direction = unseen(lin, gradient, self.cut)
        size = float(np.linalg.norm(direction))
        new = State(step.state, length, ceiling, goal, R, 0.0, failures, values, int(state.taken) + 1, inside)
        scale = max(float(np.linalg.norm(lin.theta)), 1e-12)
        if size > 0.0:
            for _ in range(8):
                theta = project(lin, base.theta - length * scale / size * direction)
                trial = lin.at(theta)
                allowed = max(ceiling, 0.5 * (lin.f + base.f) if base.f < lin.f else 0.0)
                if trial.f <= allowed:
                    promised = length * scale * float(gradient @ direction) / size
                    told |= {"step": relative_step(theta - lin.theta, theta, lin.layout.scale), "length": length}
                    moved = new._replace(length=length, promised=promised)
                    return Step(theta, moved, True, {"reduction": lin.reduction(trial), **told}, lin=trial)
                length *= 0.5
        info = {**step.info, **told}
        new = new._replace(length=length)
        if step.accepted or step.verdict is None:
            return Step(step.theta, new, step.accepted, info, lin=step.lin)
        if inside:
            done = ("converged", "the rows are met and the secondary objective has no direction left")
            return Step(step.theta, new, step.accepted, info, lin=step.lin, verdict=done)
        return Step(step.theta, new, step.accepted, info, lin=step.lin, verdict=step.verdict)

    def _judged(self, state: State, R: float) -> tuple[float, float]:
        """Return length and failures in a row after a look at what the last secondary step did to the objective."""
        length, promised = float(state.length), float(state.promised)
        if not promised > 0.0 or not np.isfinite(state.last):
            return length, float(state.failures)
        got = float(state.last) - R
        if got > 0.5 * promised:
            return min(1.5 * length, 0.3), 0.0
        if got > 0.1 * promised:
            return length, 0.0
        return 0.5 * length, float(state.failures) + (got <= 0.0)

    def _flat(self, values: Array) -> bool:
        return bool(np.isfinite(values).all()) and float(values[0] - values.min()) < self.flat * abs(float(values[0]))


_BROKEN = "the secondary objective or its gradient is not finite"


def unseen(lin: Linearisation, v: Array, cut: float) -> Array:
    r"""Return :math:`\mu (J^T J + \mu)^{-1} v`, the part of v (P,) that the rows do not see; exact for cut = 0.

    Parameters
    ----------
    lin
        Linearisation with J (n, P).
    v
        Direction, shape (P,).
    cut
        :math:`\mu` is ``(cut * S_1)**2``.
    """
    J = np.asarray(lin.dense())
    if cut == 0.0:
        found = decompose(lin, "qr")
        return np.zeros_like(v) if found is None else found.null_project(v)
    from scipy.linalg import cho_factor, cho_solve, eigh

    n, P = J.shape
    with blas_threads(J.size, None):
        gram = J @ J.T if n < P else J.T @ J
        if not np.isfinite(gram).all():
            return np.zeros_like(v)
        m = len(gram)
        largest = float(eigh(gram, eigvals_only=True, subset_by_index=[m - 1, m - 1])[0])
        if largest <= 0.0:
            return v
        mu = cut * cut * largest
        gram[np.diag_indices(m)] += mu
        held = cho_factor(gram, overwrite_a=True)
        return v - J.T @ cho_solve(held, J @ v) if n < P else mu * cho_solve(held, v)
