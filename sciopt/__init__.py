"""Residual conditions in, one Gauss-Newton engine, answers with error bars out."""

import importlib
from typing import Any

from sciopt.condition import Condition, condition
from sciopt.curve import curve
from sciopt.fit import fit
from sciopt.frames import Stage
from sciopt.iterate import iterate
from sciopt.likelihood import likelihood
from sciopt.linearise import check_jacobian, linearise
from sciopt.parameters import Parameter
from sciopt.priors import Normal, Uniform
from sciopt.problem import Problem
from sciopt.solution import Solution
from sciopt.solve import solve
from sciopt.status import Status
from sciopt.stop import Stop

__version__ = "0.1.0"

ROOMS = (
    "analysis",
    "dynamics",
    "linalg",
    "lineshapes",
    "losses",
    "methods",
    "models",
    "pde",
    "plot",
    "points",
    "report",
    "storage",
    "transport",
)

__all__ = [
    "Condition",
    "Normal",
    "Parameter",
    "Problem",
    "Solution",
    "Stage",
    "Status",
    "Stop",
    "Uniform",
    "check_jacobian",
    "condition",
    "curve",
    "fit",
    "iterate",
    "likelihood",
    "linearise",
    "load",
    "solve",
    *ROOMS,
]


def __dir__() -> list[str]:
    """List the public names, rooms included."""
    return sorted(__all__)


def __getattr__(name: str) -> Any:
    """Load a room on first use."""
    if name == "load":
        from sciopt.saving import load

        return load
    if name in ROOMS:
        return importlib.import_module(f"sciopt.{name}")
    raise AttributeError(f"module 'sciopt' has no attribute {name!r}")
