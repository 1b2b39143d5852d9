"""Ansaetze for unknown functions: networks, random features and tensor bases, in float64 with explicit keys.

Every model is an equinox module that maps one point ``x`` of shape (d,) to a scalar or a vector; `jax.vmap` maps it
over points. Arrays are fitted, constants (bounds, frequencies, knots) are not.
"""

import importlib
from typing import Any

_HOME = {
    "CfC": "closed_form",
    "Constrained": "boundary",
    "CrossBasis": "cross",
    "GroupRational": "rational",
    "MLP": "perceptron",
    "Model": "base",
    "Piecewise": "piecewise",
    "RandomFeatures": "ridges",
    "Separable": "products",
    "Siren": "sines",
    "TensorBasis": "tensor",
    "cfc": "closed_form",
    "chebyshev": "axes",
    "constrained": "boundary",
    "cross_basis": "cross",
    "fourier": "axes",
    "fourier_features": "waves",
    "group_rational": "rational",
    "liquid_closed_form": "liquid",
    "mlp": "perceptron",
    "periodic": "embedding",
    "random_features": "ridges",
    "separable": "products",
    "siren": "sines",
    "sparse_wiring": "wiring",
    "spline": "axes",
    "tensor_basis": "tensor",
}

__all__ = sorted(_HOME)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    """Load the module of a model on first use."""
    if name in _HOME:
        return getattr(importlib.import_module(f"sciopt.models.{_HOME[name]}"), name)
    raise AttributeError(f"module 'sciopt.models' has no attribute {name!r}")
