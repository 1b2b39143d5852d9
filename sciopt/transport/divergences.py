"""Sinkhorn divergence: entropic transport without its bias."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sciopt._types import Array
from sciopt.status import Status
from sciopt.transport.distances import distance
from sciopt.transport.setting import Relative, setting
from sciopt.transport.solution import TransportSolution

__all__ = ["Divergence", "divergence"]

ONE_PERCENT = Relative(1e-2)


@dataclass(frozen=True, eq=False)
class Divergence:
    r"""Debiased entropic transport and the three solutions that it is made of.

    Attributes
    ----------
    between, of_x, of_y
        Solutions of x to y, x to x and y to y at the same epsilon.
    """

    between: TransportSolution
    of_x: TransportSolution
    of_y: TransportSolution

    @property
    def value(self) -> float:
        r""":math:`S = OT_\epsilon(a,b) - \frac12 OT_\epsilon(a,a) - \frac12 OT_\epsilon(b,b)`, in units of the cost."""
        return self.between.regularised - 0.5 * self.of_x.regularised - 0.5 * self.of_y.regularised

    def __float__(self) -> float:
        """Return the value."""
        return self.value

    @property
    def epsilon(self) -> float:
        """Weight of the entropy, the same in all three."""
        return self.between.epsilon

    @property
    def status(self) -> Status:
        """The first of the three that is not a success, or converged."""
        parts = (self.between, self.of_x, self.of_y)
        return next((p.status for p in parts if p.status is not Status.converged), Status.converged)

    @property
    def weight_gradients(self) -> tuple[Array, Array]:
        """Derivatives (n,), (m,) with respect to the weights of x and of y, up to a constant each."""
        f, g = self.between.potentials
        return f - _symmetric(self.of_x), g - _symmetric(self.of_y)


def _symmetric(solution: TransportSolution) -> Array:
    f, g = solution.potentials
    return 0.5 * (f + g)


def divergence(
    x: Any,
    y: Any,
    epsilon: Any = ONE_PERCENT,
    *,
    weights: Any = None,
    cost: Any = "sqeuclidean",
    method: Any = "auto",
    tol: float = 1e-9,
    budget: float | int | None = None,
    memory: int | None = None,
    threads: int | None = None,
) -> Divergence:
    r"""Return the Sinkhorn divergence :math:`S_\epsilon` of two measures: zero for equal ones, else positive.

    Unlike the entropic cost it tends to the transport cost for small epsilon *and* to the energy distance for large
    ones, and its gradient vanishes where the measures agree.

    Parameters
    ----------
    x, y, weights, cost, method, tol, budget, memory, threads
        As in `sciopt.transport.distance`; positions or grids are needed, as x is also transported to itself.
    epsilon
        Weight of the entropy, absolute or ``relative(...)`` of the largest cost between x and y; the same in all parts.

    References
    ----------
    Feydy, Séjourné, Vialard, Amari, Trouvé and Peyré 2019, AISTATS (positivity).

    Examples
    --------
    >>> round(float(divergence([0.0], [3.0], 0.5)), 12)
    9.0
    """
    s = setting(x, y, weights, cost, memory=memory)
    eps = s.epsilon(epsilon)
    options: dict[str, Any] = {
        "cost": s.cost,
        "epsilon": eps,
        "method": method,
        "tol": tol,
        "budget": budget,
        "memory": memory,
        "threads": threads,
    }
    return Divergence(
        distance(s.x, s.y, weights=(s.a, s.b), **options),
        distance(s.x, s.x, weights=(s.a, s.a), **options),
        distance(s.y, s.y, weights=(s.b, s.b), **options),
    )
