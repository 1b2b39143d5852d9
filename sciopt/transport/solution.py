"""What a transport solve returns: distance with interval, potentials, plan and map on request."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from sciopt._errors import DataError, OptionError
from sciopt._types import Array
from sciopt.history import History
from sciopt.solution import Solution
from sciopt.status import Status
from sciopt.transport.bounds import c_transform, dual_bound, plan_bound
from sciopt.transport.cost import MATRIX
from sciopt.transport.grids import GridPlan, grid_bounds
from sciopt.transport.measure import Measure
from sciopt.transport.plan import EntropicPlan
from sciopt.transport.setting import Setting
from sciopt.transport.soft import soft_transform

__all__ = ["BarycentricMap", "MarginalErrors", "Potentials", "TransportSolution"]


class Potentials(NamedTuple):
    """Potentials f (n,) of x and g (m,) of y, in units of the cost, with a.f = b.g."""

    f: Array
    g: Array


class MarginalErrors(NamedTuple):
    """L1 norms of the errors of the row and column sums, in units of mass."""

    rows: float
    columns: float

    @property
    def total(self) -> float:
        """Sum of both."""
        return self.rows + self.columns


class BarycentricMap(NamedTuple):
    """Mean target of each point of x, (n, d), and the root of its mean squared spread, (n,)."""

    target: Array
    spread: Array


class TransportSolution(Solution):
    r"""A transport distance, and all that is known about it.

    ``float(solution)`` is the distance. Quantities are computed when asked for.

    Attributes
    ----------
    setting
        Measures and cost.
    epsilon
        Weight of the entropy that was really solved; 0 for exact plans.
    potentials
        (f, g) with :math:`P_{ij} = a_i b_j e^{(f_i+g_j-C_{ij})/\epsilon}/M`; for exact plans
        :math:`f_i + g_j \le C_{ij}`.
    status, message, history
        How the solve ended and went.
    """

    setting: Setting
    epsilon: float
    potentials: Potentials
    refinement: tuple[Any, ...] = ()  # certificates of a multiscale solve, coarse to fine

    def __init__(
        self,
        setting: Setting,
        potentials: Potentials,
        epsilon: float,
        *,
        status: Status,
        message: str,
        solved: Solution | None = None,
        plan: EntropicPlan | None = None,
        extrapolated: Array | None = None,
        swapped: bool = False,
        exact: Any = None,
        seconds: float = 0.0,
        method: Any = None,
    ) -> None:
        if solved is not None:
            self.__dict__.update(solved.__dict__)
        else:
            nothing: Any = None
            self.problem, self.key, self.history, self.iterate = None, 0, History(), nothing
            self.theta, self._start = potentials.g, potentials.g
            self.nfev = self.njev = self.nit = self.columns = 0
            self.notes = []
            self.seconds = seconds
            self.method = method
        self.setting, self.potentials, self.epsilon = setting, potentials, epsilon
        self.status, self.message = status, message
        self._extrapolated, self._swapped, self._exact = extrapolated, swapped, exact
        self._plan = plan

    # ---- numbers --------------------------------------------------------------------------------------------------
    def __float__(self) -> float:
        """Return the distance."""
        return self.distance

    @property
    def exponent(self) -> float:
        """p: the distance is the p-th root of the cost per unit mass times the mass."""
        return self.setting.cost.exponent

    @cached_property
    def _sums(self) -> tuple[Array, Array, float, Array]:
        return self.plan.sums()

    @cached_property
    def cost(self) -> float:
        """Transport cost <P, C> of the plan (the p-th power of the distance)."""
        return self._exact.cost if self._exact is not None else self._sums[2]

    @property
    def distance(self) -> float:
        """The p-th root of the cost."""
        return _root(self.cost, self.exponent)

    @cached_property
    def regularised(self) -> float:
        r"""Value of the entropic problem, :math:`\langle P,C\rangle + \epsilon\,KL(P | a b^T/M)`, by its dual."""
        if self._exact is not None:
            return self.cost
        f, g = self.potentials
        a, b = self.setting.a, self.setting.b
        return float(a @ f) + float(b @ g) - self.epsilon * (float(self._sums[0].sum()) - self.setting.mass)

    @cached_property
    def interval(self) -> tuple[float, float]:
        """Certified interval of the *unregularised* cost, whether or not the solve converged; rounding included.

        It says nothing about sampling: n random points of a law in d dimensions estimate W with an error of about
        n^(-1/d).
        """
        if self._exact is not None:
            return self._exact.lower, self._exact.upper
        s, (f, g) = self.setting, self.potentials
        starts = [g]
        if self._extrapolated is not None:
            other = self._extrapolated
            starts.append(c_transform(s.pairs, other, columns=True) if self._swapped else other)
        if isinstance(self._plan, GridPlan):
            found = [grid_bounds(s, self._plan, start) for start in starts]
            return max(v[0] for v in found), min(v[1] for v in found)
        low = dual_bound(s.pairs, s.a, s.b, starts).value
        high = plan_bound(s.pairs, s.a, s.b, f, g, self.epsilon).value
        if not self.setting.pairs.stored:
            low = max(low, 0.0)
        return low, max(high, low)

    @property
    def distance_interval(self) -> tuple[float, float]:
        """Certified interval of the unregularised distance."""
        low, high = self.interval
        return _root(max(low, 0.0), self.exponent), _root(max(high, 0.0), self.exponent)

    @property
    def gap(self) -> float:
        """Width of the interval of the cost."""
        low, high = self.interval
        return high - low

    @cached_property
    def marginal_errors(self) -> MarginalErrors:
        """Errors of the marginals of the returned plan, recomputed from the potentials."""
        s = self.setting
        if self._exact is not None:
            P = self._exact.plan
            row, column = np.asarray(P.sum(1)).ravel(), np.asarray(P.sum(0)).ravel()
        else:
            row, column = self._sums[0], self._sums[1]
        return MarginalErrors(float(np.abs(row - s.a).sum()), float(np.abs(column - s.b).sum()))

    @property
    def floor(self) -> float:
        """Marginal error, relative to the mass, that rounding alone causes at this epsilon."""
        if self._exact is not None or self.iterate is None:
            return 0.0
        lin: Any = self.iterate.lin
        return self.problem.floor(lin)

    @property
    def scale(self) -> float:
        """Largest cost (for clouds: the cost across the joint bounding box), the unit of relative epsilons."""
        return self.setting.scale

    @property
    def mass_rescaled(self) -> float:
        """Factor by which the weights of y were multiplied to make the masses agree to the last digit."""
        return self.setting.rescaled

    @property
    def dropped_mass(self) -> float:
        """Bound on the relative mass that neighbour lists may have left out."""
        if not hasattr(self.problem, "work"):
            return 0.0
        work = self.problem.work
        return 0.0 if work.separable else min(work.pairs.shape) * math.exp(-work.threshold)

    # ---- use ------------------------------------------------------------------------------------------------------
    def potential(self, points: Any, *, side: str = "x") -> Array:
        r"""Return the potential at any points: :math:`f(x) = -\epsilon\log\sum_j (b_j/M)\,e^{(g_j-c(x,y_j))/\epsilon}`.

        Parameters
        ----------
        points
            Positions (k, d).
        side
            "x" for f at points of the first space, "y" for g.
        """
        s = self.setting
        if side not in ("x", "y"):
            raise OptionError(f"potential(side={side!r}): choose 'x' or 'y'")
        if s.cost.kind == MATRIX:
            raise DataError("potential: the cost is a matrix; points off the data need a cost of positions")
        here = Measure.of(points, name="points")
        other = s.y if side == "x" else s.x
        from sciopt.transport.pairs import pairs

        between = pairs(here, other, s.cost)
        masses, dual = (s.b, self.potentials.g) if side == "x" else (s.a, self.potentials.f)
        if self.epsilon == 0.0:
            return c_transform(between, np.where(masses > 0, dual, -np.inf))
        return soft_transform(between, dual, masses, s.mass, self.epsilon)

    @cached_property
    def plan(self) -> Any:
        """The plan, formed only as far as it is asked for: `.sparse()`, `.operator`, `.dense()`, `.rounded`, `.sample`."""
        return self._exact.plan if self._exact is not None else self._plan

    @cached_property
    def map(self) -> BarycentricMap:
        """Barycentric projection of the plan: where each point of x goes on the mean, and the spread around it."""
        s = self.setting
        y = s.y.points
        if y.shape[1] == 0:
            raise DataError("map: y has no positions")
        centre = y.mean(0)
        values = np.concatenate([y - centre, ((y - centre) ** 2).sum(1)[:, None]], axis=1)
        if self._exact is not None:
            P = self._exact.plan
            row, moments = np.asarray(P.sum(1)).ravel(), np.asarray(P @ values)
        else:
            row, _, _, moments = self.plan.sums(values)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = moments / row[:, None]
        spread = np.sqrt(np.maximum(mean[:, -1] - (mean[:, :-1] ** 2).sum(1), 0.0))
        return BarycentricMap(mean[:, :-1] + centre, spread)

    @property
    def plot(self) -> Any:
        """Plots: ``.pairs()``, ``.plan()``, ``.densities()``, ``.strip()``, ``.convergence()``."""
        from sciopt.plot import TransportPlots

        return TransportPlots(self)

    # ---- reports --------------------------------------------------------------------------------------------------
    def summary(self) -> str:
        """Return the report as text."""
        low, high = self.interval
        d_low, d_high = self.distance_interval
        p = self.exponent
        n, m = self.setting.pairs.shape
        lines = [
            f"{self.status.value}: {self.message}",
            f"distance  {self.distance:.6g}   certified in [{d_low:.6g}, {d_high:.6g}]",
            f"cost      {self.cost:.6g}   certified in [{low:.6g}, {high:.6g}]   (distance^{p:g})",
        ]
        if self.epsilon:
            lines.append(
                f"epsilon   {self.epsilon:.4g}   ({self.epsilon / (self.scale or 1.0):.3g} of the largest cost)"
            )
        else:
            lines.append("epsilon   0 (exact plan)")
        lines.append(f"points    {n} and {m}, mass {self.setting.mass:.6g}, cost {self.setting.cost.name}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        from html import escape

        return f"<pre>{escape(self.summary())}</pre>"


def _root(cost: float, p: float) -> float:
    return cost if p == 1.0 else math.copysign(abs(cost) ** (1.0 / p), cost)
