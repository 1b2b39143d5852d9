"""Damping policies: pure update rules over numpy or jax.numpy, and the frozen dataclasses that hold their options."""

from sciopt.methods.damping._contract import Damping
from sciopt.methods.damping.fixed import Fixed
from sciopt.methods.damping.gradient_normalised import gradient_normalised
from sciopt.methods.damping.nielsen import Nielsen, nielsen
from sciopt.methods.damping.ratio_window import ratio_window
from sciopt.methods.damping.spectral_cut import spectral_cut
from sciopt.methods.damping.target_ratio import TargetRatio, target_ratio
from sciopt.methods.damping.trust_radius import trust_radius

__all__ = [
    "Damping",
    "Fixed",
    "Nielsen",
    "TargetRatio",
    "gradient_normalised",
    "nielsen",
    "ratio_window",
    "spectral_cut",
    "target_ratio",
    "trust_radius",
]
