"""Transport between measures of different mass: unmatched mass is penalised, or a part of the mass is moved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sciopt._errors import DataError, OptionError
from sciopt._types import Array
from sciopt.status import Status
from sciopt.transport.setting import Setting, setting
from sciopt.transport.unbalanced_dual import NEWTON, PenalisedDual, divergence_of, maximised

__all__ = ["KL", "Partial", "UnbalancedSolution", "unbalanced_distance"]

FACTOR = 0.35
SMALL = 1e-4  # epsilon relative to the largest cost where none is given


@dataclass(frozen=True)
class KL:
    r"""Penalty :math:`\rho\,KL(P1|a) + \rho\,KL(P^T1|b)` of marginals that differ from the masses.

    Parameters
    ----------
    rho
        Price of unmatched mass, in units of the cost; mass moves over costs up to a few rho.
    """

    rho: float

    def __post_init__(self) -> None:
        if not (isinstance(self.rho, int | float) and np.isfinite(self.rho) and self.rho > 0):
            raise OptionError(f"KL(rho={self.rho!r}): give a positive number in units of the cost")


@dataclass(frozen=True)
class Partial:
    """Move exactly ``mass``, at most that of the lighter measure, whichever part is cheapest.

    Parameters
    ----------
    mass
        Mass to move, in units of the weights.
    """

    mass: float

    def __post_init__(self) -> None:
        if not (isinstance(self.mass, int | float) and np.isfinite(self.mass) and self.mass > 0):
            raise OptionError(f"Partial(mass={self.mass!r}): give a positive number in units of the weights")


@dataclass(frozen=True, eq=False)
class UnbalancedSolution:
    r"""Transport with unmatched mass.

    Attributes
    ----------
    value
        The full objective :math:`\langle P,C\rangle + \rho KL(P1|a) + \rho KL(P^T1|b) + \epsilon KL(P|ab^T/\sqrt{M_aM_b})`
        without its entropy term; for partial transport <P, C>.
    regularised
        The same with its entropy term.
    transport, penalty
        The terms <P, C> and rho KL + rho KL.
    mass
        Mass of the plan.
    plan
        The plan, (n, m): an array, or a sparse matrix for partial transport.
    potentials
        (f, g).
    interval
        Certified interval of the value at epsilon = 0.
    epsilon, status, message, error
        What was solved and how it ended; ``error`` is the relative L1 norm of the gradient of the dual.
    """

    value: float
    regularised: float
    transport: float
    penalty: float
    mass: float
    plan: Any
    potentials: tuple[Array, Array]
    interval: tuple[float, float]
    epsilon: float
    status: Status
    message: str
    error: float

    def __float__(self) -> float:
        """Return the value."""
        return self.value

    @property
    def marginals(self) -> tuple[Array, Array]:
        """Row and column sums of the plan."""
        return np.asarray(self.plan.sum(1)).ravel(), np.asarray(self.plan.sum(0)).ravel()


def unbalanced_distance(
    x: Any,
    y: Any,
    weights: Any = None,
    cost: Any = "sqeuclidean",
    epsilon: Any = None,
    unbalanced: Any = None,
    tol: float = 1e-9,
    memory: int | None = None,
) -> UnbalancedSolution:
    r"""Return unbalanced transport; called as ``distance(..., unbalanced=KL(rho))`` or ``Partial(mass)``.

    ``KL``: the dual

    .. math:: -\rho\, a\cdot(e^{-f/\rho}-1) - \rho\, b\cdot(e^{-g/\rho}-1)
       - \epsilon \sum_{ij} Q_{ij} (e^{(f_i+g_j-C_{ij})/\epsilon} - 1), \qquad Q = ab^T/\sqrt{M_a M_b},

    is maximised by annealed Newton with the rows eliminated. ``Partial``: balanced transport with one added point on
    either side, which takes what is not moved; exact at epsilon = None.

    Parameters
    ----------
    x, y, weights, cost, memory
        As in `sciopt.transport.distance`; the masses may differ. All pairs are stored.
    epsilon
        Weight of the entropy; None: 1e-4 of the largest cost for ``KL``, none at all for ``Partial``.
    unbalanced
        `KL` or `Partial`; a number is ``KL(number)``.
    tol
        Relative L1 norm of the gradient at which ``KL`` has converged.

    Raises
    ------
    OptionError
        Another penalty; more mass to move than there is.

    References
    ----------
    Chizat, Peyré, Schmitzer and Vialard 2018, Math. Comput. 87, 2563; Séjourné, Peyré and Vialard 2023, Handbook of
    Numerical Analysis 24, 407; Caffarelli and McCann 2010, Ann. Math. 171, 673 (partial transport).
    """
    if isinstance(unbalanced, int | float) and not isinstance(unbalanced, bool):
        unbalanced = KL(unbalanced)
    s = setting(x, y, weights, cost, memory=memory, equal=False)
    n, m = s.pairs.shape
    if 24 * n * m > s.memory:
        raise OptionError(f"unbalanced transport stores {n} x {m} pairs, more than memory={s.memory:.3g} bytes")
    if isinstance(unbalanced, Partial):
        return _partial(s, unbalanced.mass, epsilon, tol)
    if not isinstance(unbalanced, KL):
        raise OptionError(f"unbalanced={unbalanced!r}: give KL(rho), Partial(mass), or a number rho")
    scale = s.scale or 1.0
    eps = SMALL * min(scale, 50.0 * unbalanced.rho) if epsilon is None else s.epsilon(epsilon)
    return _penalised(s, unbalanced.rho, eps, tol)


# ---- Kullback-Leibler ------------------------------------------------------------------------------------------------
def _penalised(s: Setting, rho: float, epsilon: float, tol: float) -> UnbalancedSolution:
    rows, columns = np.flatnonzero(s.a > 0), np.flatnonzero(s.b > 0)
    C = s.pairs.restricted(rows, columns).dense()
    a, b = s.a[rows], s.b[columns]
    dual = PenalisedDual(C, a, b, rho)
    g = np.zeros(len(b))
    eps = max(epsilon, 0.25 * min(s.scale or 1.0, 50.0 * rho))
    while True:
        g, error, steps = maximised(dual, g, eps, tol if eps == epsilon else 1e-3)
        if eps == epsilon:
            break
        eps = max(epsilon, FACTOR * eps)
    f, P = dual.rows(g, eps)
    converged = error <= tol
    transport, penalty = dual.terms(P)
    entropy = divergence_of(P, np.outer(a, b) / np.sqrt(a.sum() * b.sum()))
    full = np.zeros(s.pairs.shape)
    full[np.ix_(rows, columns)] = P
    potentials = np.zeros(s.x.size), np.zeros(s.y.size)
    potentials[0][rows], potentials[1][columns] = f, g
    lower = dual.lower(s, rows, columns, g)
    upper = transport + penalty
    slack = 4e-15 * (abs(upper) + rho * (a.sum() + b.sum())) * max(C.shape)
    status = Status.converged if converged else Status.rounding_floor if steps < NEWTON else Status.budget
    return UnbalancedSolution(
        upper,
        upper + epsilon * entropy,
        transport,
        penalty,
        float(P.sum()),
        full,
        potentials,
        (float(min(lower, upper) - slack), float(upper + slack)),
        epsilon,
        status,
        f"relative gradient {error:.2g}" + ("" if converged else f", above tol={tol:g}"),
        error,
    )


# ---- partial ---------------------------------------------------------------------------------------------------------
def _partial(s: Setting, mass: float, epsilon: Any, tol: float) -> UnbalancedSolution:
    """Solve with one point added to either side that takes what is not moved; pairs of added points are forbidden."""
    from scipy.sparse import csr_matrix

    from sciopt.transport.distances import distance

    light = min(float(s.a.sum()), float(s.b.sum()))
    if mass > light * (1.0 + 1e-12):
        raise OptionError(f"Partial(mass={mass:g}): the lighter measure has {light:g} only")
    mass = min(mass, light)
    n, m = s.pairs.shape
    C = np.zeros((n + 1, m + 1))
    C[:n, :m] = s.pairs.dense()
    C[n, m] = np.inf
    a, b = np.append(s.a, max(float(s.b.sum()) - mass, 0.0)), np.append(s.b, max(float(s.a.sum()) - mass, 0.0))
    keep_row, keep_column = a[n] > 1e-14 * s.b.sum(), b[m] > 1e-14 * s.a.sum()
    N, M = n + keep_row, m + keep_column
    eps = None if epsilon is None else s.epsilon(epsilon)
    if not (np.isfinite(C[:n, :m]).any()):
        raise DataError("cost forbids every pair")
    found = distance(cost=C[:N, :M], weights=(a[:N], b[:M]), epsilon=eps, tol=tol)
    P = csr_matrix(found.plan if eps is None else found.plan.dense())[:n, :m]
    P = P.tocoo()
    transport = float(P.data @ C[P.row, P.col])
    f, g = found.potentials
    return UnbalancedSolution(
        transport,
        found.regularised,
        transport,
        0.0,
        float(P.data.sum()),
        P.tocsr(),
        (f[:n], g[:m]),
        found.interval,
        eps or 0.0,
        found.status,
        found.message,
        found.marginal_errors.total / s.a.sum(),
    )
