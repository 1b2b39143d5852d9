"""Exact elimination of the unknowns that enter linearly: the reduced problem that methods see in their stead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import combinations
from typing import Any

import numpy as np

from sciopt._errors import ConditionError, OptionError, ParameterError
from sciopt._types import Array
from sciopt.frames import Frame
from sciopt.linalg.elimination import Projector, eliminate, golub_pereyra_jacobian, kaufman_jacobian
from sciopt.linearise.base import Linearisation
from sciopt.linearise.build import linearise
from sciopt.linearise.work import Work
from sciopt.losses import Gaussian

__all__ = ["Eliminated", "EliminatedLinearisation", "reduced"]

LINEAR = 1e-9  # departure from linearity, relative to the terms of a row, that is still rounding


def reduced(problem: Any) -> Any:
    """Return the problem of the other unknowns if some are declared linear, else the problem itself."""
    linear = getattr(problem, "linear", ())
    if not linear or len(_places(problem.layout, linear)) == problem.layout.size:
        return problem  # a wholly linear problem needs no elimination: its first step is the answer
    return Eliminated(problem)


class Eliminated:
    r"""The problem of the non-linear unknowns alpha, the linear ones c being solved for at every point.

    With whitened residual :math:`r(\alpha, c) = r(\alpha, 0) + \Phi(\alpha) c` the coefficients are
    :math:`c(\alpha) = -\Phi^+ r(\alpha, 0)`, and what is left to minimise is
    :math:`\rho(\alpha) = (1 - \Phi\Phi^+)\, r(\alpha, 0)` (variable projection).

    Parameters
    ----------
    problem
        A `Problem` with ``linear=``.
    jacobian
        ``"kaufman"`` or ``"full"``; by default what the problem says.

    Raises
    ------
    OptionError
        A condition with a loss for which the linear unknowns have no closed form.

    References
    ----------
    Golub and Pereyra (1973), SIAM J. Numer. Anal. 10, 413; Kaufman (1975), BIT 15, 49.
    """

    def __init__(self, problem: Any, jacobian: str | None = None) -> None:
        self.problem = problem
        self.jacobian = jacobian or getattr(problem, "elimination", "kaufman")
        for c in problem.conditions:
            if not isinstance(c.loss, Gaussian):
                raise OptionError(
                    f"condition {c.name!r}: linear unknowns can be eliminated from sums of squares only, its loss is "
                    f"{getattr(c.loss, 'name', c.loss)!r}; leave out linear="
                )
        self.linear = _places(problem.layout, problem.linear)
        self.moving = np.setdiff1d(np.arange(problem.layout.size), self.linear)
        self.layout = problem.layout.part(self.moving)
        self.stages = problem.stages
        sizes = np.abs(problem.layout.start[self.linear])
        self.units = np.exp2(np.round(np.log2(np.where(sizes > 0, sizes, problem.layout.scale[self.linear]))))

    def frame(
        self,
        theta: Array,
        previous: Frame | None = None,
        request: Mapping[str, Any] | None = None,
        key: int = 0,
        step: int = 0,
    ) -> Frame:
        """Return the frame of the whole problem."""
        return self.problem.frame(self.whole(theta), previous, request, key, step)

    def whole(self, theta: Array, c: Array | float | None = None) -> Array:
        """Return theta of the whole problem for values of the moving and the linear unknowns (their start if None)."""
        full = np.array(self.problem.layout.start)
        full[self.moving] = theta
        if c is not None:
            full[self.linear] = c
        return full

    def linearise(self, theta: Array, frame: Frame, work: Work) -> EliminatedLinearisation:
        """Return the linearisation of the moving unknowns; checks once a solve that the others are linear."""
        whole = linearise(self.problem, self.whole(theta), frame, work)
        if not work.modes.get("linear"):
            with inside(work):
                self._check(whole)
            work.modes["linear"] = True
        return EliminatedLinearisation(self, theta, whole)

    def _check(self, whole: Linearisation) -> None:
        """Raise `ParameterError` naming the unknowns in which the residual is not linear."""
        if whole.failed:
            return  # reported by the loop
        m = len(self.linear)
        theta, names, ones = whole.theta[self.moving], [whole.layout.names[i] for i in self.linear], np.ones(m)

        def at(c: Array) -> Array:
            lin = whole.at(self.whole(theta, c * self.units))
            if lin.failed:
                listed = ", ".join(f"{n}={v:.3g}" for n, v in zip(names, c * self.units, strict=True))
                raise ParameterError(f"linear={names}: cannot be evaluated at {listed}: {lin.failed}")
            return lin.r

        def bent(base: Array, *moves: tuple[int, float]) -> bool:
            """Tell whether changes of single unknowns do not add up to the change of all together."""
            origin, every, total = at(base), base.copy(), 0.0
            size = np.abs(origin)
            for j, t in moves:
                change = at(base + np.eye(m)[j]) - origin
                total, every[j], size = total + t * change, every[j] + t, size + (1 + abs(t)) * np.abs(change)
            return bool(np.any(np.abs(at(every) - origin - total) > LINEAR * size + 1e-300))

        spread = np.modf(0.618033988749895 * np.arange(1, m + 1))[0]
        if not any(bent(0 * ones, *enumerate(t)) for t in (1.0 + spread, -0.5 - spread)):
            return
        for j, name in enumerate(names):
            if bent(ones, (j, 1.7)) or bent(ones, (j, -0.6)):
                raise ParameterError(
                    f"linear={name!r}: the residual is not linear in {name!r}; leave it out of linear="
                )
        for k, j in combinations(range(m), 2):
            if bent(ones, (j, 1.0), (k, 1.0)):
                raise ParameterError(
                    f"linear={names}: the residual is not linear in {names[k]!r} and {names[j]!r} together (it holds "
                    "their product); leave one of them out of linear="
                )
        raise ParameterError(f"linear={names}: the residual is not linear in these together; leave some out of linear=")


class EliminatedLinearisation(Linearisation):
    """Residual and Jacobian of the moving unknowns at the best linear ones."""

    _projector: Projector
    _c: Array

    def __init__(self, problem: Eliminated, theta: Array, base: Linearisation) -> None:
        super().__init__(theta, base.frame, problem.layout, base.work)
        self.problem, self.base = problem, base
        self._best: Linearisation | None = None

    def at(self, theta: Array) -> Linearisation:
        """Return the linearisation at another point; at a point of the whole problem, shape (P,), the whole one."""
        if len(theta) != self.layout.size:
            best = self._best
            return best if best is not None and np.array_equal(best.theta, theta) else self.base.at(theta)
        return EliminatedLinearisation(self.problem, theta, self.base)

    @property
    def rows(self) -> dict[str, slice]:
        """Condition name -> slice of r."""
        return self.base.rows

    @property
    def complete(self) -> Array:
        """The point of the whole problem, shape (P,), the best linear unknowns included."""
        if self.failed:
            return self.problem.whole(self.theta)
        return self.problem.whole(self.theta, self._c)

    def _evaluate(self) -> tuple[float, Array]:
        problem, n = self.problem, self.base.n
        points = [problem.whole(self.theta, 0.0)]
        for place, unit in zip(problem.linear, problem.units, strict=True):
            point = points[0].copy()
            point[place] = unit
            points.append(point)
        self.work.spend()
        with inside(self.work, free=1):
            lins = self.base.at_many(points)
            self._failed = next((lin.failed for lin in lins if lin.failed), None)
        if self._failed:
            return np.inf, np.full(n, np.nan)
        zero = lins[0].r
        Phi = np.stack([lin.r - zero for lin in lins[1:]], axis=1) / problem.units
        c, r, projector = eliminate(Phi, -zero)
        if projector.rank < len(c):  # not unique: the ones nearest to the start
            start = problem.problem.layout.start[problem.linear]
            c = c + start - projector.inverse(Phi @ start)
        self._c, self._projector = c, projector
        return 0.5 * float(r @ r), r

    def _dense(self) -> Array:
        if self.failed:
            raise ConditionError(f"no Jacobian where the residual cannot be evaluated: {self._failed}")
        problem, njev = self.problem, self.work.njev
        with inside(self.work):
            whole = self._best = self.base.at(self.complete)
            J = whole.dense()[:, problem.moving]
            if problem.jacobian == "kaufman":
                return kaufman_jacobian(J, self._projector)
            at_c, rows = whole.vjp(self.r)[problem.moving], []
            for place, unit in zip(problem.linear, problem.units, strict=True):
                point = whole.theta.copy()
                point[place] += unit  # exact: the derivative is linear in c
                rows.append((whole.at(point).vjp(self.r)[problem.moving] - at_c) / (point[place] - whole.theta[place]))
        self.work.njev = njev + 1
        return golub_pereyra_jacobian(J, np.stack(rows), self._projector)


@contextmanager
def inside(work: Work, free: int = 0) -> Iterator[None]:
    """Count residual evaluations of the block as columns, which no budget limits; the ``free`` first are not counted."""
    before, allowed = work.nfev, work.evaluations
    work.evaluations = None
    try:
        yield
    finally:
        work.columns += max(work.nfev - before - free, 0)
        work.nfev, work.evaluations = before, allowed


def _places(layout: Any, names: tuple[str, ...]) -> np.ndarray:
    leaves = [leaf for leaf in layout.leaves if leaf.name in names and leaf.start >= 0]
    return np.concatenate([np.arange(leaf.start, leaf.start + leaf.size) for leaf in leaves])
