"""Methods: each turns linearisations into steps, one file a method."""

from sciopt.methods._contract import Method, Step
from sciopt.methods.auto import choose
from sciopt.methods.trust_region import TrustRegion

__all__ = ["Method", "Step", "TrustRegion", "choose"]
