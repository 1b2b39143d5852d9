"""Scaled trust region: the default for few, named parameters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sciopt._errors import OptionError
from sciopt._types import Array
from sciopt.linalg.compact import CompactFactor, triangle
from sciopt.linearise.base import Linearisation
from sciopt.methods._box import into_box
from sciopt.methods._contract import Step
from sciopt.methods._rounding import EPS, noise, vanishes
from sciopt.methods._trial import Trial, cosine, extrapolated, relative, unblocked

__all__ = ["TrustRegion"]

SMALL = 1e-5  # cosine between residual and a column of J that counts as stationary at the rounding level
RUNAWAY = 1e-10  # a column of J this much smaller than it once was may have lost its parameter
CREEP = 1e-9  # predicted decrease, relative to the merit, of a step that hardly matters
VANISHED = 1e-40  # merit, relative to the start's, below which the residual has vanished


class State(NamedTuple):
    """What a trust region remembers between steps."""

    radius: float
    lam: float
    D: Array
    last: float  # relative size of the last full step
    idle: float  # steps in a row at the rounding level
    begun: float = 0.0  # merit of the start
    full: Array | None = None  # the last full step, in the metric, if it was taken as it was


@dataclass(frozen=True)
class TrustRegion:
    """Levenberg-Marquardt step of bounded length in scaled parameters, with bounds and a final polish.

    Minimises |r + J d|^2 subject to |D d| <= radius, where D holds the largest column norms of J seen so far, so that
    the iterates do not depend on the units of the parameters. Bounds are kept by an active set. Where the predicted
    decrease falls below the rounding of the merit, undamped steps go on as long as they shrink: the answer then holds
    all digits that the data do. Full steps that repeat one another, shrunk by a steady rate (a large residual makes
    convergence linear), are lengthened by 1/(1 - rate).

    Parameters
    ----------
    scaling
        ``"more"``: D from column norms; ``"none"``: D = 1 in units of `Parameter.scale`.
    factor
        First radius in units of |D theta|.
    xtol
        A full step smaller than this, relative to each parameter, ends the solve.
    tries
        Most trial points in one step.

    Notes
    -----
    Cost: one J, one QR of (n, P) and one small SVD a step; one residual a trial.

    References
    ----------
    More (1978), Lecture Notes in Mathematics 630, 105; the extrapolation: Aitken (1926), Proc. R. Soc. Edinburgh 46,
    289.
    """

    scaling: str = "more"
    factor: float = 3.0
    xtol: float = 1e-11
    tries: int = 40

    def __post_init__(self) -> None:
        if self.scaling not in ("more", "none"):
            raise OptionError(f"TrustRegion: scaling must be 'more' or 'none', got {self.scaling!r}")
        if not self.factor > 0:
            raise OptionError(f"TrustRegion: factor must be positive, got {self.factor!r}")

    def init(self, lin: Linearisation) -> State:
        """Return the state at the start: no radius yet, no scale yet."""
        return State(-1.0, 0.0, np.zeros(lin.theta.size), math.inf, 0.0)

    def step(self, lin: Linearisation, state: State, key: int) -> Step:
        """Take one step of bounded length."""
        theta, layout, r = lin.theta, lin.layout, lin.r
        f = 0.5 * float(r.dot(r))  # the merit itself, but for likelihoods, which may be negative
        A = lin.augmented()
        R, q = triangle(A)
        with np.errstate(over="ignore"):
            norms = np.sqrt(np.add.reduce(R * R, 0))
        lengths = norms.tolist()
        if not math.isfinite(sum(lengths)):
            return _broken(lin, A, state)
        D = np.maximum(state.D, norms)
        if self.scaling == "none":
            metric = 1.0 / layout.scale
        else:
            metric = D if all(lengths) or D.all() else np.where(D > 0, D, 1.0 / layout.scale)
        g = q.dot(R)
        free = unblocked(theta, g, layout) if layout.bounded else None
        gradient = cosine(g, lengths, f, free)
        if gradient == 0.0:
            return Step(theta, state, False, _NOTHING, lin=lin, verdict=_flat(f, free))
        rows = len(r)
        fac = CompactFactor(R, q, metric, rows) if free is None else CompactFactor(R[:, free], q, metric[free], rows)
        radius = state.radius
        if radius <= 0:
            scaled = metric * theta
            radius = self.factor * (math.sqrt(float(scaled.dot(scaled))) or max(math.sqrt(2.0 * f), 1.0))
        trial, raw, lam = None, None, state.lam
        for _ in range(self.tries):
            delta, length, predicted, lam = fac.within(radius, lam)
            clipped = False
            if layout.bounded:
                delta, clipped = into_box(delta, theta, layout, R, q, fac, free, lam)
                if clipped:
                    moved, scaled = R.dot(delta), metric * delta
                    predicted = -float(g.dot(delta)) - 0.5 * float(moved.dot(moved))
                    length = math.sqrt(float(scaled.dot(scaled)))
            rel = relative(delta, theta)
            raw = None
            if lam == 0.0 and not clipped and free is None:
                raw = metric * delta
                if state.full is not None and rel < 1e-2:
                    c = extrapolated(raw, state.full)
                    if c != 1.0:
                        raw, delta, predicted = None, c * delta, predicted * c * (2.0 - c)
            new = lin.at(theta + delta)
            actual = lin.reduction(new)
            ratio = actual / predicted if predicted > 0 else -1.0
            trial = Trial(
                new, rel, predicted, actual, gradient, lam, length, fac.rank, ratio, lam == 0.0 and not clipped
            )
            if not ratio >= 0.25 and predicted <= 1e-6 * f and predicted <= (rounding := noise(lin)):
                return self._polish(lin, state, trial, rounding, D, radius, raw)
            if not ratio >= 0.25:
                radius = (0.25 if math.isfinite(actual) else 0.1) * min(length, radius)
            elif ratio > 0.75 and (lam > 0 or length > 0.95 * radius):
                radius = max(radius, 2.0 * length)
            if ratio > 1e-4 or rel <= EPS or radius == 0.0:
                break
        assert trial is not None
        step = self._advanced(lin, state, trial, D, radius, f)
        if step.accepted and raw is not None:
            step.state = step.state._replace(full=raw)
        elif trial.full and free is None:  # lengthened: the next step's ratio to it is not the rate of convergence
            step.state = step.state._replace(last=math.inf)
        return step

    def _advanced(self, lin: Linearisation, state: State, trial: Trial, D: Array, radius: float, f: float) -> Step:
        """Return the step for the last trial point, with a verdict if it ends the solve."""
        info = trial.info(radius)
        if not trial.ratio > 1e-4:
            verdict = _checked(lin, _stuck(lin, trial.gradient), D)
            return Step(
                lin.theta,
                State(radius, trial.lam, D, math.inf, 0.0, state.begun),
                False,
                info,
                lin=lin,
                verdict=verdict,
            )
        rel, new = trial.rel, trial.new
        rate = rel / state.last if trial.full and math.isfinite(state.last) else 1.0
        slow = state.idle + 1.0 if trial.predicted <= CREEP * f else 0.0
        begun = state.begun if state.begun > 0.0 else f
        state = State(radius, trial.lam, D, rel if trial.full else math.inf, slow, begun)
        verdict = None
        if _size(new) <= VANISHED * min(1.0, begun):
            verdict = ("converged", "all residuals vanish")
        elif slow >= 40.0 and trial.gradient <= SMALL:
            verdict = ("converged", "the gradient vanishes to rounding and the merit has stopped falling")
        elif trial.full and rel < 1e-3 and rate < 0.9 and rel * rate <= self.xtol * (1.0 - rate):
            verdict = (
                "converged",
                f"the next step would change no parameter by more than {self.xtol:.0e} of its value",
            )
            verdict = _checked(lin, verdict, D)
        return Step(new.theta, state, True, info, lin=new, verdict=verdict)

    def _polish(
        self,
        lin: Linearisation,
        state: State,
        trial: Trial,
        rounding: float,
        D: Array,
        radius: float,
        raw: Array | None,
    ) -> Step:
        """Go on below the rounding of the merit while the steps shrink."""
        info = trial.info(radius)
        good = math.isfinite(trial.actual) and trial.actual >= -2.0 * rounding
        rate = trial.rel / state.last if math.isfinite(state.last) else 0.9
        done = trial.rel * rate <= self.xtol * (1.0 - rate) if rate < 0.95 else state.idle > 0.0
        moved = good and (rate < 0.95 or state.idle == 0.0)
        full = raw if moved else None
        state = State(radius, trial.lam, D, min(trial.rel, state.last), state.idle + 1.0, state.begun, full)
        use = trial.new if moved else lin
        if moved and not done and state.idle < 100:
            return Step(use.theta, state, True, info, lin=use)
        verdict = ("converged", "the merit has reached its rounding level and the steps no longer shrink")
        if trial.gradient > SMALL and not vanishes(lin):
            verdict = _stuck(lin, trial.gradient)
        return Step(use.theta, state, moved, info, lin=use, verdict=_checked(lin, verdict, D))


def _size(lin: Linearisation) -> float:
    """Half the sum of squares of the rows: the merit itself, but for likelihoods, which may be negative."""
    r = lin.r
    return 0.5 * float(r.dot(r))


_OVERFLOW = "the Jacobian is finite, but its squares overflow: rescale the residual or the parameters"
_NOTHING = {"reduction": 0.0, "predicted": 0.0, "step": 0.0, "gradient": 0.0}


def _checked(lin: Linearisation, verdict: tuple[str, str] | None, D: Array) -> tuple[str, str] | None:
    """Withdraw "converged" where a parameter ran away to where the rows no longer feel it."""
    if verdict is None or verdict[0] != "converged":
        return verdict
    J = lin.dense()
    norms, size = np.sqrt(np.add.reduce(J * J, 0)), np.maximum(np.abs(lin.theta), lin.layout.scale)
    felt = norms * size > 1e-8 * math.sqrt(2.0 * _size(lin))
    dead = np.flatnonzero((norms < RUNAWAY * D) & ~felt)
    if not dead.size or _size(lin) == 0.0 or vanishes(lin):
        return verdict
    name, value = lin.layout.names[dead[0]], lin.theta[dead[0]]
    return "stalled", f"parameter {name!r} ran away to {value:.3g}, where the conditions no longer feel it"


def _stuck(lin: Linearisation, gradient: float) -> tuple[str, str]:
    if gradient <= SMALL or vanishes(lin):
        return "converged", "no step lowers the merit any more and the gradient vanishes to rounding"
    return "stalled", f"no step lowers the merit, though the gradient does not vanish (cosine {gradient:.1e})"


def _flat(f: float, free: NDArray[np.bool_] | None) -> tuple[str, str]:
    if f == 0.0:
        return "converged", "all residuals vanish"
    if free is not None and not free.any():
        return "converged", "every parameter is at a bound that the gradient points into"
    return "converged", "the gradient vanishes exactly"


def _broken(lin: Linearisation, A: Array, state: State) -> Step:
    bad = np.argwhere(~np.isfinite(A[:, :-1]))
    if not len(bad):
        return Step(lin.theta, state, False, {"step": 0.0}, lin=lin, verdict=("nonfinite", _OVERFLOW))
    row, column = bad[0]
    name = lin.layout.names[column]
    said = f"the Jacobian is not finite: row {row}, parameter {name!r}"
    return Step(lin.theta, state, False, {"step": 0.0}, lin=lin, verdict=("nonfinite", said))
