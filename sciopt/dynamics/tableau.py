"""Butcher tableaus of the embedded Runge-Kutta pairs, read from diffrax and kept as plain numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sciopt._errors import OptionError

__all__ = ["EXPLICIT", "IMPLICIT", "Tableau", "tableau_of"]

EXPLICIT = ("Tsit5", "Dopri5", "Dopri8", "Heun", "Bosh3", "Midpoint", "Ralston")
IMPLICIT = ("Kvaerno3", "Kvaerno4", "Kvaerno5")

# Length of the negative real axis inside the region of stability.
REAL_AXIS = {
    "Tsit5": 3.5068,
    "Dopri5": 3.3066,
    "Dopri8": 5.4,
    "Heun": 2.0,
    "Midpoint": 2.0,
    "Ralston": 2.0,
    "Bosh3": 2.5127,
}


@dataclass(frozen=True)
class Tableau:
    r"""One embedded Runge-Kutta pair, comparable by value.

    .. math:: k_i = f(t + c_i h,\; y + h \sum_j a_{ij} k_j), \quad y_1 = y + h \sum_i b_i k_i, \quad
              e = h \sum_i e_i k_i

    Attributes
    ----------
    name
        Name of the solver in diffrax.
    order
        Order q of the step-size rule: the local error e behaves like :math:`h^q` there.
    a
        Rows of the matrix, diagonal included.
    b, e, c
        Weights of the solution, weights of the error estimate, nodes.
    gamma
        The diagonal entry of all stages but the first of a diagonally implicit pair; zero if explicit.
    fsal
        Whether the last stage is the first one of the next step.
    pair
        The last two stages at c = 1 of an explicit pair, whose difference shows the stiffness (Shampine); None if there
        are no two.
    real_axis
        Length of the negative real axis inside the region of stability; infinite for the L-stable pairs.
    """

    name: str
    order: int
    a: tuple[tuple[float, ...], ...]
    b: tuple[float, ...]
    e: tuple[float, ...]
    c: tuple[float, ...]
    gamma: float
    fsal: bool
    pair: tuple[int, int] | None
    real_axis: float

    @property
    def stages(self) -> int:
        """Number of stages."""
        return len(self.b)

    @property
    def implicit(self) -> bool:
        """Whether the stages are solved for."""
        return self.gamma != 0.0

    @property
    def evaluations(self) -> int:
        """Evaluations of an explicit field for one step."""
        return self.stages - (1 if self.fsal else 0)


def tableau_of(solver: Any) -> Tableau:
    """Return the tableau of a solver given by name or as a diffrax object.

    Parameters
    ----------
    solver
        ``"Tsit5"``, ``"Dopri5"``, ``"Dopri8"``, ``"Heun"``, ``"Bosh3"``, ``"Midpoint"``, ``"Ralston"`` (explicit),
        ``"Kvaerno3"``, ``"Kvaerno4"``, ``"Kvaerno5"`` (stiff), or such an object of diffrax.

    Raises
    ------
    OptionError
        A solver that is no Runge-Kutta pair with an error estimate.
    """
    import diffrax

    if isinstance(solver, Tableau):
        return solver
    name = solver if isinstance(solver, str) else type(solver).__name__
    known = {n.lower(): n for n in EXPLICIT + IMPLICIT}
    if name.lower() not in known:
        raise OptionError(
            f"solver={name!r} is no Runge-Kutta pair with an error estimate known here; choose one of "
            f"{', '.join(EXPLICIT + IMPLICIT)}, or 'auto'"
        )
    name = known[name.lower()]
    made = getattr(diffrax, name)()
    t = made.tableau
    s = len(t.b_sol)
    a = np.zeros((s, s))
    for i, row in enumerate(t.a_lower):
        a[i + 1, : i + 1] = row
    gamma = 0.0
    if t.a_diagonal is not None:
        a[np.diag_indices(s)] = t.a_diagonal
        gamma = float(t.a_diagonal[-1])
    b, c = np.asarray(t.b_sol), np.concatenate([[0.0], np.asarray(t.c)])
    at_end = [i for i in range(s) if c[i] == 1.0]
    pair = (at_end[-2], at_end[-1]) if len(at_end) > 1 and gamma == 0.0 else None
    return Tableau(
        name,
        int(made.error_order(diffrax.ODETerm(lambda t, y, args: y))),
        tuple(map(tuple, a.tolist())),
        tuple(b.tolist()),
        tuple(np.asarray(t.b_error).tolist()),
        tuple(c.tolist()),
        gamma,
        bool(np.array_equal(a[-1], b)) and c[-1] == 1.0,
        pair,
        REAL_AXIS.get(name, np.inf),
    )
