"""Differential equations with exact or highly accurate answers.

``CASES`` maps a name to the factory of its `FieldCase`: domain, conditions, and the answer as a function of points.
"""

from collections.abc import Callable
from functools import partial

from problems.pde import fronts, smooth
from problems.pde._case import FieldCase, relative_errors

__all__ = ["CASES", "FieldCase", "relative_errors"]

CASES: dict[str, Callable[[], FieldCase]] = {
    "poisson_2d": smooth.poisson_2d,
    "helmholtz": smooth.helmholtz,
    "kovasznay": smooth.kovasznay,
    "poisson_3d": smooth.poisson_3d,
    "poisson_5d": smooth.poisson_5d,
    "heat": smooth.heat,
    "wave": smooth.wave,
    "annulus": smooth.annulus,
    "l_shape": smooth.l_shape,
    "schroedinger": smooth.schroedinger,
    "burgers": fronts.burgers,
    "burgers_0.01": partial(fronts.burgers, 0.01),
    "allen_cahn": fronts.allen_cahn,
    "kdv": fronts.kdv,
}
