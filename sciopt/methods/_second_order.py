"""What second-order methods share: factoring a linearisation, trials, projection, and the verdicts that end a solve."""

from __future__ import annotations

from typing import Any

import numpy as np

from sciopt._errors import DataError
from sciopt._types import Array
from sciopt.linalg import Factor, factor
from sciopt.linearise.base import Linearisation
from sciopt.methods._contract import Step, relative_step
from sciopt.methods._rounding import jacobian, noise

__all__ = [
    "at_the_floor",
    "column_norms",
    "cosine",
    "decompose",
    "drowned",
    "finish",
    "largest_square",
    "noise",
    "project",
    "ratio_of",
    "settles",
    "standstill",
    "update_scale",
]

EPS = float(np.finfo(float).eps)


def decompose(lin: Linearisation, how: Any = "auto", scale: Array | None = None) -> Factor | None:
    """Return the factorisation of J at a linearisation, or None if J is not finite.

    Which side is factored, and what a sparse or huge J gets, is the choice of `sciopt.linalg.factor`.
    """
    J = jacobian(lin)
    if not isinstance(J, np.ndarray):
        how = "auto"
    try:
        return factor(J, lin.r, how=how, scale=scale)
    except DataError:
        return None


def column_norms(J: Any) -> Array:
    """Return the 2-norms of the columns of J (n, P): dense, sparse, or products that know them."""
    if isinstance(J, np.ndarray):
        return np.sqrt(np.einsum("ij,ij->j", J, J))
    if hasattr(J, "norms"):
        return J.norms()
    return np.sqrt(np.asarray(J.multiply(J).sum(axis=0)).ravel())


def update_scale(lin: Linearisation, scaling: str, scale: Array) -> Array:
    """Return the column scale: ones, or More's running maximum of the column norms (1 for columns never seen)."""
    if scaling == "none":
        return scale
    norms = column_norms(jacobian(lin))
    return np.maximum(scale, np.where(np.isfinite(norms), norms, 0.0))


def cosine(lin: Linearisation, g: Array) -> float:
    """Return the largest cosine between r and a column of J, given g = J^T r; zero at a stationary point."""
    norms = column_norms(jacobian(lin)) * np.sqrt(lin.r @ lin.r)
    good = norms > 0
    return float(np.max(np.abs(g[good]) / norms[good], initial=0.0))


def project(lin: Linearisation, theta: Array) -> Array:
    """Return theta clipped to its bounds."""
    layout = lin.layout
    return np.clip(theta, layout.lower, layout.upper) if layout.bounded else theta


def ratio_of(reduction: float, predicted: float) -> float:
    """Return the gain ratio; nan (a failure) where the model promises nothing or the trial failed."""
    if not (np.isfinite(reduction) and predicted > 0):
        return np.nan
    return reduction / predicted


def drowned(lin: Linearisation, predicted: float) -> bool:
    """Whether a predicted decrease is so small that rounding would decide about the trial."""
    return 0.0 < predicted <= 1e-6 * abs(lin.f) and predicted <= noise(lin)


def settles(lin: Linearisation, trial: Linearisation, reduction: float, g: Array) -> bool:
    """Whether a trial whose decrease drowns in rounding still comes nearer: the gradient at least halves.

    The merit is flat to rounding over a distance of sqrt(eps); the gradient resolves the minimum to eps.
    """
    if trial.failed or not reduction > -noise(lin):
        return False
    new = trial.gradient()
    return bool(np.isfinite(new).all()) and cosine(trial, new) < 0.5 * cosine(lin, g)


def largest_square(lin: Linearisation, g: Array, scale: Array | None = None) -> float:
    """Return s1^2 of J / D from below, within a few per cent: two steps of the power iteration from the gradient."""
    D = np.ones_like(g) if scale is None else np.where(scale > 0, scale, 1.0)
    J = jacobian(lin)
    v, square = g / D, 0.0
    for _ in range(2):
        length = float(np.sqrt(v @ v))
        if not 0.0 < length < np.inf:
            break
        w = J @ (v / length / D)
        square = max(square, float(w @ w))
        v = (J.T @ w) / D
    return square


def finish(
    lin: Linearisation,
    state: Any,
    trial: Linearisation,
    g: Array,
    predicted: float,
    reduction: float,
    /,
    **numbers: float,
) -> Step:
    """Return the accepted step to a trial point."""
    step = relative_step(trial.theta - lin.theta, trial.theta, lin.layout.scale)
    told = {"reduction": reduction, "predicted": predicted, "step": step, "gradient": cosine(lin, g), **numbers}
    return Step(trial.theta, state, True, told, lin=trial)


def standstill(
    lin: Linearisation,
    state: Any,
    verdict: tuple[str, str] | None = None,
    g: Array | None = None,
    predicted: float = 0.0,
    request: dict[str, Any] | None = None,
    /,
    **numbers: float,
) -> Step:
    """Return a rejected step: theta stays, the state may have learnt."""
    told = {"reduction": 0.0, "predicted": predicted, "step": 0.0, **numbers}
    if g is not None:
        told["gradient"] = cosine(lin, g)
    return Step(lin.theta, state, False, told, request=request or {}, lin=lin, verdict=verdict)


def at_the_floor(
    lin: Linearisation,
    state: Any,
    trial: Linearisation,
    g: Array,
    predicted: float,
    reduction: float,
    /,
    **numbers: float,
) -> Step | None:
    """Judge a trial by its gradient where rounding would decide about its decrease.

    Returns the accepted step if the gradient at least halves, the verdict ``rounding_floor`` if it does not and the
    merit is flat, and None if the decrease is large enough to be judged as usual.
    """
    if not drowned(lin, predicted):
        return None
    if settles(lin, trial, reduction, g):
        return finish(lin, state, trial, g, predicted, reduction, **numbers)
    if abs(reduction) <= noise(lin):
        floor = ("rounding_floor", "the decrease left is below the rounding of the merit")
        return standstill(lin, state, floor, g, predicted, None, **numbers)
    return None
