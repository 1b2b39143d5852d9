"""Optimal transport: distances between measures with certified intervals, plans and potentials."""

import importlib
from typing import Any

_HOME = {
    "Barycentre": "barycentres",
    "BatchResult": "batches",
    "CloudBounds": "large",
    "Cost": "cost",
    "Density": "measure",
    "Divergence": "divergences",
    "Exact": "distances",
    "GaussianTransport": "gaussians",
    "Grid": "measure",
    "Histogram": "measure",
    "KL": "unbalanced",
    "Measure": "measure",
    "Multiscale": "multiscale",
    "Partial": "unbalanced",
    "Sinkhorn": "sinkhorn",
    "SinkhornNewtonSparse": "sns",
    "SparseNewton": "sparse_newton",
    "TransportGradient": "gradients",
    "TransportSolution": "solution",
    "UnbalancedSolution": "unbalanced",
    "barycentre": "barycentres",
    "batch": "batches",
    "cityblock": "cost",
    "cloud_bounds": "large",
    "distance": "distances",
    "divergence": "divergences",
    "entropic_potentials": "differentiable",
    "entropic_value": "differentiable",
    "function": "cost",
    "gaussian": "gaussians",
    "gradient": "gradients",
    "interpolate": "interpolation",
    "map": "shortcuts",
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
