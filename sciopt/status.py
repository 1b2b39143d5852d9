"""How a solve ended."""

from enum import StrEnum

__all__ = ["Status"]


class Status(StrEnum):
    """How a solve ended; only ``converged`` is a success.

    ``converged``: a stop rule was met. ``rounding_floor``: nothing more can be had in this precision.
    ``stalled``: steps fail though the gradient does not vanish. ``budget``: steps, evaluations or time are spent.
    ``nonfinite``: NaN or infinity that cannot be stepped around. ``infeasible``: no point satisfies the constraints.
    ``interrupted``: Ctrl-C. ``stopped_by_callback``: a callback returned True.
    """

    converged = "converged"
    stalled = "stalled"
    rounding_floor = "rounding_floor"
    budget = "budget"
    nonfinite = "nonfinite"
    infeasible = "infeasible"
    interrupted = "interrupted"
    stopped_by_callback = "stopped_by_callback"
