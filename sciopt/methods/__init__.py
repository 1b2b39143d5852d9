"""Methods: each turns linearisations into steps, one file a method, loaded on first use."""

import importlib
from typing import Any

from sciopt.methods._contract import Method, Step

_HOME = {
    "Averaged": "averaged",
    "Dogleg": "dogleg",
    "FirstOrder": "first_order",
    "GaussNewton": "gauss_newton",
    "GradientNormalised": "gradient_normalised",
    "HalfInverse": "half_inverse",
    "LeastSquares": "least_squares",
    "LevenbergMarquardt": "levenberg_marquardt",
    "Newton": "newton",
    "NullSpace": "null_space",
    "Persistent": "persistent",
    "RatioTargeting": "ratio_targeting",
    "RegularisedNewton": "regularised_newton",
    "SSBroyden": "ssbroyden",
    "SketchedGaussNewton": "zeroth",
    "Spring": "spring",
    "Spsa": "zeroth",
    "Sven": "sven",
    "TrustRegion": "trust_region",
}

__all__ = ["Method", "Step", *sorted(_HOME)]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    """Load the module of a method on first use."""
    if name in _HOME:
        return getattr(importlib.import_module(f"sciopt.methods.{_HOME[name]}"), name)
    raise AttributeError(f"module 'sciopt.methods' has no attribute {name!r}")
