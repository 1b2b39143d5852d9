"""The secular equation ``||D delta(lambda)|| = radius`` of a trust region, by safeguarded Newton steps."""

import math
from collections.abc import Callable

__all__ = ["secular_root"]


def secular_root(
    evaluate: Callable[[float], tuple[float, float]],
    radius: float,
    upper: float,
    floor: float = 0.0,
    rtol: float = 1e-10,
    start: float | None = None,
    most: int = 100,
) -> float:
    r"""Damping at which the scaled step has length ``radius``.

    Newton's method on ``1/||p|| - 1/radius``, nearly linear in the damping (Hebden 1973; More 1978), kept inside a
    bracket that shrinks at every evaluation; a step that leaves the bracket is replaced by the geometric mean of its
    ends, so that spectra of thirty decades cost tens of evaluations, not thousands.

    Parameters
    ----------
    evaluate
        Damping -> ``(||p||, q)`` with ``q = -d(||p||^2 / 2)/d lambda``, both positive.
    radius
        Length wanted; the step at ``floor`` is known to be longer, or the answer is ``floor``.
    upper
        A damping at which the step is no longer than ``radius``, such as ``||A^T r|| / radius``.
    floor
        Smallest damping allowed.
    rtol
        Relative tolerance on the length.
    start
        First guess.
    most
        Most evaluations.
    """
    low, high = floor, max(upper, floor)
    damping = start if start is not None and low < start < high else max(low, high * 1e-3)
    for _ in range(most):
        norm, q = evaluate(damping)
        excess = norm - radius
        if abs(excess) <= rtol * radius or high <= low:
            return damping
        if excess > 0.0:
            low = max(low, damping)
        else:
            high = min(high, damping)
            if damping <= floor:
                return floor
        newton = damping + (norm * norm / q) * (excess / radius) if q > 0.0 else math.nan
        middle = math.sqrt(low * high) if low > 0.0 else high * 1e-3
        damping = newton if low < newton < high else middle
        if not low < damping < high:  # the bracket is down to neighbouring numbers
            return high
    return high
