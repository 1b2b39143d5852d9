"""Choose a method from the shape and kind of the problem."""

from __future__ import annotations

from typing import Any

from sciopt.methods._contract import Method

__all__ = ["choose"]

FEW = 400  # up to that many parameters the scaled trust region is the default


def choose(problem: Any, lin: Any) -> Method:
    """Return the method for ``method="auto"``: that of a problem which has its own, else by structure and size."""
    own = getattr(problem, "default_method", None)
    if own is not None:
        return own
    if lin.structure in ("square", "symmetric"):
        from sciopt.methods.newton import Newton

        return Newton()
    if getattr(lin, "collocated", False) and not lin.layout.bounded:
        from sciopt.methods.least_squares import LeastSquares

        return LeastSquares()
    if lin.layout.size > FEW or any(len(leaf.shape) > 1 for leaf in lin.layout.leaves if leaf.start >= 0):
        from sciopt.methods.levenberg_marquardt import LevenbergMarquardt

        return LevenbergMarquardt()
    from sciopt.methods.persistent import Persistent

    return Persistent()
