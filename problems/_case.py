"""One concrete problem with known answers, in the form that tests, examples and the benchmark read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Answer", "Case"]

ZERO_RSS = 1e-12
"""A problem whose minimum is exactly zero counts as solved below this sum of squares."""
DIGITS_CAP = 16.0


@dataclass(frozen=True)
class Answer:
    """One known minimum of the sum of squares.

    Parameters
    ----------
    rss : float
        Sum of squared residuals at the minimum (the infimum, for a minimum at infinity); the deviance for counts.
    parameters : tuple of float, optional
        Where it lies; None where it lies at infinity, on a continuum, or only the value is published.
    tolerance : float
        Relative distance in ``rss`` that still counts as reached: 1e-8, or 2e-6 where only published digits are
        known, or 1e-4 at infinity. Ignored for ``rss == 0``, where the limit is the absolute 1e-12.
    judged_by : {"rss", "parameters"}
        "parameters" where rounding hides the sum of squares (NIST Lanczos1): six digits of every parameter decide.
    note : str
        What kind of minimum it is and where it comes from.
    """

    rss: float
    parameters: tuple[float, ...] | None = None
    tolerance: float = 1e-8
    judged_by: Literal["rss", "parameters"] = "rss"
    note: str = ""

    def digits(self, theta: ArrayLike) -> float:
        """Correct digits of the worst parameter: -log10 of its relative error (absolute where the value is 0)."""
        if self.parameters is None:
            return float("nan")
        exact = np.asarray(self.parameters, dtype=float)
        found = np.asarray(theta, dtype=float)
        if found.shape != exact.shape or not np.all(np.isfinite(found)):
            return 0.0
        scale = np.where(exact == 0.0, 1.0, np.abs(exact))
        worst = float(np.max(np.abs(found - exact) / scale))
        return DIGITS_CAP if worst == 0.0 else float(np.clip(-np.log10(worst), 0.0, DIGITS_CAP))

    def reached(self, theta: ArrayLike, rss: float) -> bool:
        """Whether a fit that ended at ``theta`` with ``rss`` reached this minimum."""
        if not np.isfinite(rss):
            return False
        if self.judged_by == "parameters":
            return self.digits(theta) >= 6.0
        if self.rss == 0.0:
            return rss < ZERO_RSS
        return abs(rss - self.rss) <= self.tolerance * self.rss


@dataclass(frozen=True, eq=False)
class Case:
    """A least-squares (or counting) problem with its starts and its known answers.

    Exactly one of ``function`` and ``model`` is given. ``function`` maps the parameter vector to the residual vector;
    ``model(x, *parameters)`` predicts ``y`` and the residual is ``model - y``. Both are plain numpy code that accepts
    complex parameters, so that the complex-step derivative of the residual is exact.

    Parameters
    ----------
    name : str
        Key in ``problems.CASES``, ``"family/problem"``.
    kind : {"curve", "residual", "counts"}
        Model against data, bare residual vector, or model against Poisson counts.
    parameters : tuple of str
        Names of the P parameters in the order of ``starts``.
    starts : tuple of tuple of float
        Starting points, nearest first.
    answers : tuple of Answer
        Known minima, the global one first where it is known.
    function : callable, optional
        Residual of shape (n,) from a parameter vector of shape (P,).
    model : callable, optional
        ``model(x, *parameters)`` with the shape of ``y``.
    x, y : ndarray, optional
        Predictors (as the model takes them) and responses.
    targets : tuple, optional
        For a solution set that is a continuum: per start, the point of the set nearest to the start (the
        pseudoinverse answer), shape (P,).
    tags : frozenset of str
        For instance "zero", "rank_deficient", "infinity", "minpack".
    source : str
        Where the problem is defined.
    published : mapping
        Published figures: certified values, standard errors, and so on.
    """

    name: str
    kind: Literal["curve", "residual", "counts"]
    parameters: tuple[str, ...]
    starts: tuple[tuple[float, ...], ...]
    answers: tuple[Answer, ...]
    function: Callable[[NDArray[Any]], NDArray[Any]] | None = None
    model: Callable[..., NDArray[Any]] | None = None
    x: NDArray[Any] | None = None
    y: NDArray[Any] | None = None
    targets: tuple[tuple[float, ...], ...] | None = None
    tags: frozenset[str] = frozenset()
    source: str = ""
    published: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a case that contradicts itself."""
        if (self.function is None) == (self.model is None):
            raise ValueError(f"{self.name}: give exactly one of function and model")
        if self.model is not None and (self.x is None or self.y is None):
            raise ValueError(f"{self.name}: a model needs x and y")
        count = len(self.parameters)
        for label, points in (("start", self.starts), ("target", self.targets or ())):
            for index, point in enumerate(points):
                if len(point) != count:
                    raise ValueError(f"{self.name}: {label} {index} has {len(point)} values for {count} parameters")
        for answer in self.answers:
            if answer.parameters is not None and len(answer.parameters) != count:
                raise ValueError(f"{self.name}: an answer has {len(answer.parameters)} values, expected {count}")

    def residual(self, theta: ArrayLike) -> NDArray[Any]:
        """Residual vector (n,) at ``theta`` (P,), real or complex."""
        theta = np.asarray(theta)
        if self.function is not None:
            return self.function(theta)
        assert self.model is not None
        assert self.y is not None
        return np.ravel(self.model(self.x, *theta) - self.y)

    def jacobian(self, theta: ArrayLike) -> NDArray[np.float64]:
        """Exact Jacobian (n, P) by the complex step: dr/dtheta_j = Im r(theta + i h e_j) / h, h = 1e-30."""
        theta = np.asarray(theta, dtype=float)
        columns = []
        for j in range(theta.size):
            shifted = theta.astype(complex)
            shifted[j] += 1e-30j
            columns.append(np.imag(self.residual(shifted)) / 1e-30)
        return np.stack(columns, axis=1)

    def rss(self, theta: ArrayLike) -> float:
        """Sum of squared residuals at ``theta``, or for counts the deviance; inf where it is not finite.

        The deviance is Baker and Cousins' 2 sum(mu - y + y log(y / mu)) (Nucl. Instrum. Methods 221 (1984) 437).
        """
        r = self.residual(np.asarray(theta, dtype=float))
        if self.kind == "counts":
            assert self.y is not None
            y = np.ravel(self.y)
            mu = r + y
            if not np.all(mu > 0):
                return float("inf")
            total = float(2 * np.sum(r - y * np.log(mu / np.where(y > 0, y, mu))))
        else:
            total = float(np.sum(r * r))
        return total if np.isfinite(total) else float("inf")

    def gradient(self, theta: ArrayLike) -> NDArray[np.float64]:
        """Half the exact gradient of ``rss`` with each component divided by its Jacobian column's norm, shape (P,)."""
        r, jacobian = self.residual(np.asarray(theta, dtype=float)), self.jacobian(theta)
        if self.kind == "counts":
            assert self.y is not None
            mu = r + np.ravel(self.y)
            r, jacobian = r / np.sqrt(mu), jacobian / np.sqrt(mu)[:, None]
        norms = np.linalg.norm(jacobian, axis=0)
        return jacobian.T @ r / np.where(norms == 0.0, 1.0, norms)

    def check(self, theta: ArrayLike, rss: float | None = None) -> tuple[bool, int | None]:
        """Whether a fit reached a known minimum, and which.

        Parameters
        ----------
        theta : array_like
            Where the fit ended, shape (P,).
        rss : float, optional
            Sum of squares there; evaluated when not given.

        Returns
        -------
        hit : bool
        which : int or None
            Index into ``answers``.
        """
        value = self.rss(theta) if rss is None else float(rss)
        for index, answer in enumerate(self.answers):
            if answer.reached(theta, value):
                return True, index
        return False, None

    def target_digits(self, theta: ArrayLike, start: int) -> float:
        """Correct digits of the pseudoinverse answer: -log10 of |theta - target| / |target| (maximum norms).

        nan where the case knows no target for that start.
        """
        if self.targets is None:
            return float("nan")
        target = np.asarray(self.targets[start])
        distance = float(np.max(np.abs(np.asarray(theta, dtype=float) - target)) / np.max(np.abs(target)))
        if not np.isfinite(distance):
            return 0.0
        return DIGITS_CAP if distance == 0.0 else float(np.clip(-np.log10(distance), 0.0, DIGITS_CAP))

    def digits(self, theta: ArrayLike) -> float:
        """Correct digits of the worst parameter against the nearest known answer (nan if none is a point)."""
        found = [a.digits(theta) for a in self.answers if a.parameters is not None]
        return max(found) if found else float("nan")
