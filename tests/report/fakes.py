"""Solutions made by hand, with every number fixed, for the reports' golden files."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np


class Status(Enum):
    """Status words of a solve."""

    converged = 1
    stalled = 2
    budget = 3
    interrupted = 4


class History(dict):
    """Columns by name."""


@dataclass
class Fake:
    """The attributes of a solution that reports read."""

    values: dict[str, Any]
    errors: dict[str, Any]
    names: list[str]
    status: Status = Status.converged
    success: bool = True
    message: str = "gradient: largest cosine between r and a column of J is 3e-12"
    error_reasons: dict[str, str] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    bounds: dict[str, Any] = field(default_factory=dict)
    start: dict[str, Any] = field(default_factory=dict)
    fixed: set[str] = field(default_factory=set)
    correlation: Any = None
    chi2: float | None = 36.4
    chi2_by_condition: dict[str, tuple[float, int]] = field(default_factory=lambda: {"curve": (36.4, 40)})
    dof: float | None = 37
    rank: int | None = 3
    singular_values: Any = None
    null_directions: list[dict[str, float]] = field(default_factory=list)
    at_bound: dict[str, str] = field(default_factory=dict)
    nit: int = 6
    nfev: int = 7
    njev: int = 7
    seconds: float = 0.00123
    history: Any = field(default_factory=lambda: History(f=np.array([900.0, 120.0, 25.0, 18.3, 18.2, 18.2])))
    method: Any = "LevenbergMarquardt(rule='nielsen')"
    errors_kind: str = "absolute"
    notes: tuple[str, ...] = ()
    key: int = 0


def good() -> Fake:
    """A decay with three parameters and one that is fixed; nothing to complain about."""
    return Fake(
        values={"A": 2.50291, "tau": 1.3127, "c": 0.40012, "t0": 0.5, "half": 0.90989},
        errors={"A": 0.00812, "tau": 0.0119, "c": 0.00967, "t0": None, "half": 0.00825},
        names=["A", "tau", "c"],
        units={"tau": "s", "t0": "s", "half": "s"},
        bounds={"tau": (0.0, None), "A": (None, None)},
        start={"A": 2.0, "tau": 1.0, "c": 0.0, "t0": 0.5, "half": 0.693147},
        fixed={"t0"},
        correlation=np.array([[1.0, -0.31, 0.12], [-0.31, 1.0, -0.872], [0.12, -0.872, 1.0]]),
        singular_values=np.array([41.0, 17.0, 3.7]),
        notes=("float32 data were promoted to float64.",),
    )


def rank_deficient() -> Fake:
    """Only the product of A and B, in logarithms their sum, is seen by the data."""
    return Fake(
        values={"A": 1.2, "B": 0.8, "tau": 1.3e-7},
        errors={"A": None, "B": None, "tau": 4.4e-9},
        error_reasons={"A": "not identified (rank 2 of 3)", "B": "not identified (rank 2 of 3)"},
        names=["A", "B", "tau"],
        start={"A": 1.0, "B": 1.0, "tau": 1e-7},
        rank=2,
        singular_values=np.array([12.0, 0.4, 3e-16]),
        null_directions=[{"A": 0.7071, "B": -0.7071, "tau": 1e-9}],
        correlation=np.array([[np.nan] * 3, [np.nan] * 3, [np.nan, np.nan, 1.0]]),
        dof=38,
        errors_kind="scaled",
        chi2=0.0152,
    )


def at_bound() -> Fake:
    """Two data sets whose signal wants to be negative; names that need escaping."""
    return Fake(
        values={"signal <1>": 0.0, "background_&": 3.14159},
        errors={"signal <1>": None, "background_&": 0.0571},
        error_reasons={"signal <1>": "at its lower bound; see limit()"},
        names=["signal <1>", "background_&"],
        units={"background_&": "counts/bin"},
        bounds={"signal <1>": (0.0, None), "background_&": (0.0, 100.0)},
        start={"signal <1>": 5.0, "background_&": 1.0},
        at_bound={"signal <1>": "lower"},
        correlation=np.array([[np.nan, np.nan], [np.nan, 1.0]]),
        chi2=112.7,
        dof=98,
        chi2_by_condition={"run 1": (60.3, 50), "run <2>": (52.4, 50)},
        rank=1,
        singular_values=np.array([9.0]),
    )


def not_converged() -> Fake:
    """The budget ran out on the way; no degrees of freedom, a complex and a vector parameter."""
    return Fake(
        values={"z": 1.5 - 0.25j, "w": np.array([1.0, -2.0e6])},
        errors={"z": 0.03 + 0.011j, "w": np.array([0.25, np.nan])},
        names=["z.re", "z.im", "w[0]", "w[1]"],
        start={"z": 1.0 + 0.0j, "w": np.zeros(2)},
        status=Status.budget,
        success=False,
        message="20 steps were taken and no stop rule was met",
        chi2=3.0,
        dof=0,
        rank=4,
        nit=1,
        nfev=1,
        njev=1,
        history=History(f=np.array([1.5])),
    )


def network() -> Fake:
    """A small network: equations only, hence no chi2 and no errors."""
    rng = np.random.default_rng(0)
    shapes = {
        "layers[0].weight": (32, 2),
        "layers[0].bias": (32,),
        "layers[1].weight": (32, 32),
        "layers[1].bias": (32,),
    }
    values: dict[str, Any] = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    values |= {f"gain[{i}]": np.ones(20) for i in range(4)}
    reason = "equations only: no data to take an error from"
    return Fake(
        values=values,
        errors=dict.fromkeys(values),
        error_reasons=dict.fromkeys(values, reason),
        names=[f"theta[{i}]" for i in range(1232)],
        status=Status.stalled,
        success=False,
        message="20 steps in a row were rejected",
        chi2=None,
        dof=None,
        rank=None,
        chi2_by_condition={},
        history=History(f=np.geomspace(1e2, 1e-9, 300)),
        nit=300,
        nfev=450,
        njev=300,
        seconds=12.3,
        method="LevenbergMarquardt(rule='target_ratio', geodesic=True)",
    )


CASES = {
    "good": good,
    "rank_deficient": rank_deficient,
    "at_bound": at_bound,
    "not_converged": not_converged,
    "network": network,
}
