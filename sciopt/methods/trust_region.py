"""Scaled trust region: the default for few, named parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sciopt._errors import OptionError
from sciopt._types import Array
from sciopt.linalg.compact import CompactFactor
from sciopt.linearise.base import Linearisation
from sciopt.methods._contract import Step

__all__ = ["TrustRegion"]

EPS = float(np.finfo(float).eps)
SMALL = 1e-5  # cosine between residual and a column of J that counts as stationary at the rounding level
RUNAWAY = 1e-10  # a column of J this much smaller than it once was has lost its parameter


class State(NamedTuple):
    """What a trust region remembers between steps."""

    radius: float
    lam: float
    D: Array
    last: float  # relative size of the last full step
    idle: float  # polishing steps taken at the rounding level


@dataclass(frozen=True)
class TrustRegion:
    """Levenberg-Marquardt step of bounded length in scaled parameters, with bounds and a final polish.

    Minimises |r + J d|^2 subject to |D d| <= radius, where D holds the largest column norms of J seen so far, so that
    the iterates do not depend on the units of the parameters. Bounds are kept by an active set. Where the predicted
    decrease falls below the rounding of the merit, undamped steps go on as long as they shrink: the answer then holds
    all digits that the data do.

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
    More (1978), Lecture Notes in Mathematics 630, 105.
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
        return State(-1.0, 0.0, np.zeros(lin.theta.size), np.inf, 0.0)

    def step(self, lin: Linearisation, state: State, key: int) -> Step:
        """Take one step of bounded length."""
        theta, r, J = lin.theta, lin.r, lin.dense()
        if not np.isfinite(J).all():
            return _broken(lin, J, state)
        layout = lin.layout
        norms = np.sqrt(np.add.reduce(J * J, 0))
        D = np.maximum(state.D, norms)
        if self.scaling == "none":
            D_used = 1.0 / layout.scale
        else:
            D_used = D if D.all() else np.where(D > 0, D, 1.0 / layout.scale)
        f = lin.f
        g = r @ J
        free = None
        if layout.bounded:
            blocked = ((theta <= layout.lower) & (g > 0)) | ((theta >= layout.upper) & (g < 0))
            if blocked.any():
                free = ~blocked
        root = np.sqrt(2.0 * f) if f > 0 else 0.0
        gradient = _cosine(g, norms, float(np.sqrt(r @ r)), free)
        if gradient == 0.0:
            return Step(
                theta, state, False, _info(0.0, 0.0, 0.0, 0.0, state, 0), lin=lin, verdict=_flat(f, free, layout)
            )
        Jf = J if free is None else J[:, free]
        fac = CompactFactor(Jf, r, D_used if free is None else D_used[free])
        radius = state.radius
        if radius <= 0:
            radius = self.factor * float(np.sqrt(np.add.reduce((D_used * theta) ** 2))) or self.factor * max(root, 1.0)
        lam, ratio, best = state.lam, 0.0, None
        size = np.maximum(np.abs(theta), 1e-300)
        for _ in range(self.tries):
            delta, length, predicted, lam = fac.within(radius, lam)
            if free is not None:
                full = np.zeros(theta.size)
                full[free] = delta
                delta = full
            clipped = False
            if layout.bounded:
                delta, clipped = _into_box(delta, theta, layout, J, r, fac, free, lam)
                if clipped:
                    predicted = -float(g @ delta) - 0.5 * float(np.sum((J @ delta) ** 2))
                    length = float(np.sqrt(np.sum((D_used * delta) ** 2)))
            rel = float(np.max(np.abs(delta) / size))
            new = lin.at(theta + delta)
            actual = lin.reduction(new)
            ratio = actual / predicted if predicted > 0 else -1.0
            if not ratio >= 0.25 and predicted <= 1e-6 * f and predicted <= (noise := _noise(lin)):
                polish = Trial(new, delta, rel, predicted, actual, gradient, lam, length, fac.rank)
                return self._polish(lin, state, polish, noise, D, radius)
            if not ratio >= 0.25:
                radius = 0.25 * min(length, radius) if np.isfinite(actual) else 0.1 * min(length, radius)
            elif ratio > 0.75 and (lam > 0 or length > 0.95 * radius):
                radius = max(radius, 2.0 * length)
            if ratio > 1e-4:
                best = new
                break
            if rel <= EPS or radius == 0.0:
                break
        trial = Trial(new, delta, rel, predicted, actual, gradient, lam, length, fac.rank)
        info = trial.info(radius, ratio)
        if best is None:
            state = State(radius, lam, D, np.inf, 0.0)
            return Step(theta, state, False, info, lin=lin, verdict=_checked(lin, _stuck(lin, gradient), D))
        full = lam == 0.0 and not clipped
        rate = rel / state.last if full and np.isfinite(state.last) else 1.0
        state = State(radius, lam, D, rel if full else np.inf, 0.0)
        verdict = None
        if best.f == 0.0:
            verdict = ("converged", "all residuals vanish")
        elif full and rel < 1e-3 and rate < 0.9 and rel * rate <= self.xtol * (1.0 - rate):
            verdict = (
                "converged",
                f"the next step would change no parameter by more than {self.xtol:.0e} of its value",
            )
        return Step(best.theta, state, True, info, lin=best, verdict=_checked(lin, verdict, D))

    def _polish(self, lin: Linearisation, state: State, trial: Trial, noise: float, D: Array, radius: float) -> Step:
        """Go on below the rounding of the merit while the steps shrink."""
        info = trial.info(radius, 0.0)
        good = bool(np.isfinite(trial.actual)) and trial.actual >= -2.0 * noise
        rate = trial.rel / state.last if np.isfinite(state.last) else 0.9
        done = trial.rel * rate <= self.xtol * (1.0 - rate) if rate < 0.95 else state.idle > 0.0
        moved = good and (rate < 0.95 or state.idle == 0.0)
        state = State(radius, trial.lam, D, min(trial.rel, state.last), state.idle + 1.0)
        use = trial.new if moved else lin
        if moved and not done and state.idle < 100:
            return Step(use.theta, state, True, info, lin=use)
        verdict = ("converged", "the merit has reached its rounding level and the steps no longer shrink")
        if trial.gradient > SMALL and not _vanishes(lin):
            verdict = _stuck(lin, trial.gradient)
        return Step(use.theta, state, moved, info, lin=use, verdict=_checked(lin, verdict, D))


@dataclass(frozen=True, eq=False)
class Trial:
    """A trial point and what was expected of it."""

    new: Linearisation
    delta: Array
    rel: float
    predicted: float
    actual: float
    gradient: float
    lam: float
    length: float
    rank: int

    def info(self, radius: float, ratio: float) -> dict[str, float]:
        """Return the numbers for the history."""
        info = _info(self.actual, self.predicted, self.rel, self.gradient, None, self.rank)
        info.update(damping=self.lam, radius=radius, ratio=ratio)
        return info


def _vanishes(lin: Linearisation) -> bool:
    """Whether the residual itself is at the rounding of the terms that cancel in it."""
    terms = np.abs(lin.dense()) @ np.abs(lin.theta)
    return float(lin.r @ lin.r) <= (100.0 * EPS) ** 2 * float(terms @ terms)


def _checked(lin: Linearisation, verdict: tuple[str, str] | None, D: Array) -> tuple[str, str] | None:
    """Withdraw "converged" where a parameter ran away to where the rows no longer feel it."""
    if verdict is None or verdict[0] != "converged":
        return verdict
    J = lin.dense()
    dead = np.flatnonzero(np.add.reduce(J * J, 0) < (RUNAWAY * D) ** 2)
    if not dead.size or lin.f == 0.0 or _vanishes(lin):
        return verdict
    name, value = lin.layout.names[dead[0]], lin.theta[dead[0]]
    return "stalled", f"parameter {name!r} ran away to {value:.3g}, where the conditions no longer feel it"


def _stuck(lin: Linearisation, gradient: float) -> tuple[str, str]:
    if gradient <= SMALL or _vanishes(lin):
        return "converged", "no step lowers the merit any more and the gradient vanishes to rounding"
    return "stalled", f"no step lowers the merit, though the gradient does not vanish (cosine {gradient:.1e})"


def _info(
    reduction: float, predicted: float, rel: float, gradient: float, state: State | None, rank: int
) -> dict[str, float]:
    return {"reduction": reduction, "predicted": predicted, "step": rel, "gradient": gradient, "rank": float(rank)}


def _cosine(g: Array, norms: Array, root: float, free: Array | None) -> float:
    if free is not None:
        g, norms = g[free], norms[free]
    if root == 0.0 or not g.size:
        return 0.0
    safe = np.where(norms > 0, norms, 1.0)
    return float(np.max(np.abs(g) / safe)) / root


def _noise(lin: Linearisation) -> float:
    """Rounding of a difference of merits: eps sum |r| (|r| + size of the terms that cancel in r)."""
    r = np.abs(lin.r)
    terms = np.abs(lin.dense()) @ np.abs(lin.theta)
    return 4.0 * EPS * float(r @ (r + terms)) + (4.0 * EPS) ** 2 * float(terms @ terms)


def _flat(f: float, free: Array | None, layout: object) -> tuple[str, str]:
    if f == 0.0:
        return "converged", "all residuals vanish"
    if free is not None and not free.any():
        return "converged", "every parameter is at a bound that the gradient points into"
    return "converged", "the gradient vanishes exactly"


def _broken(lin: Linearisation, J: Array, state: State) -> Step:
    row, column = np.argwhere(~np.isfinite(J))[0]
    name = lin.layout.names[column]
    said = f"the Jacobian is not finite: row {row}, parameter {name!r}"
    return Step(lin.theta, state, False, {"step": 0.0}, lin=lin, verdict=("nonfinite", said))


def _into_box(delta, theta, layout, J, r, fac, free, lam):
    """Hold parameters that would cross a bound at it, and solve for the others again."""
    lower, upper = layout.lower, layout.upper
    held = np.zeros(theta.size, dtype=bool)
    fixed = np.zeros(theta.size)
    usable = np.ones(theta.size, dtype=bool) if free is None else free.copy()
    changed = False
    for _ in range(theta.size):
        target = theta + delta
        out = usable & ~held & ((target < lower) | (target > upper))
        if not out.any():
            break
        changed = True
        held |= out
        fixed[out] = np.clip(target[out], lower[out], upper[out]) - theta[out]
        rest = usable & ~held
        delta = fixed.copy()
        if not rest.any():
            break
        D = np.zeros(theta.size)
        D[usable] = fac.D
        sub = CompactFactor(J[:, rest], r + J[:, held] @ fixed[held], D[rest])
        delta[rest] = sub.damped(lam)[0]
    return np.clip(theta + delta, lower, upper) - theta, changed
