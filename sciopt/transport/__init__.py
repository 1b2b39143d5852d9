"""Optimal transport: distances between measures with certified intervals, plans and potentials."""

import importlib
from typing import Any

_HOME = {
    "Cost": "cost",
    "Density": "measure",
    "Grid": "measure",
    "Histogram": "measure",
    "Measure": "measure",
    "Multiscale": "multiscale",
    "Exact": "distances",
    "Sinkhorn": "sinkhorn",
    "SinkhornNewtonSparse": "sns",
    "SparseNewton": "sparse_newton",
    "TransportSolution": "solution",
    "cityblock": "cost",
    "distance": "distances",
    "function": "cost",
    "periodic": "cost",
    "power": "cost",
    "problem": "distances",
    "relative": "setting",
    "sphere": "cost",
}

__all__ = sorted(_HOME)  # pyright: ignore[reportUnsupportedDunderAll]


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)


def __getattr__(name: str) -> Any:
    """Load the module of a name on first use."""
    if name in _HOME:
        return getattr(importlib.import_module(f"sciopt.transport.{_HOME[name]}"), name)
    raise AttributeError(f"module 'sciopt.transport' has no attribute {name!r}")
