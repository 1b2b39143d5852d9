"""A compiled exponential that vectorises: for arguments in [-80, 0], about one unit in the last place.

Importing this module imports Numba.
"""

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

__all__ = ["LOWEST", "exponential"]

LOWEST = -80.0  # below it the kernels take 0
LOG2E = 1.4426950408889634
LN2_HIGH, LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
SHIFT = 6755399441055744.0  # 1.5 * 2^52: adding it leaves the nearest integer in the low bits
ONE = 1023 << 52


@intrinsic
def _bits(typing, x):  # pragma: no cover - compiled
    def make(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.int64(types.float64), make


@intrinsic
def _float(typing, x):  # pragma: no cover - compiled
    def make(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.int64), make


@njit(fastmath={"contract"})
def exponential(x):  # pragma: no cover - compiled
    """Return exp(x); wrong outside [-700, 700], so clamp first.

    exp(x) = 2^k exp(r) with |r| <= log(2)/2 reduced in two parts (Cody and Waite 1980) and the Taylor polynomial of
    degree 13; reassociation would destroy the reduction, so only contraction is allowed, and inlining is left to LLVM,
    which keeps the flags of each instruction.
    """
    shifted = x * LOG2E + SHIFT
    k = shifted - SHIFT
    r = x - k * LN2_HIGH
    r = r - k * LN2_LOW
    p = 1.0 / 6227020800.0
    p = p * r + 1.0 / 479001600.0
    p = p * r + 1.0 / 39916800.0
    p = p * r + 1.0 / 3628800.0
    p = p * r + 1.0 / 362880.0
    p = p * r + 1.0 / 40320.0
    p = p * r + 1.0 / 5040.0
    p = p * r + 1.0 / 720.0
    p = p * r + 1.0 / 120.0
    p = p * r + 1.0 / 24.0
    p = p * r + 1.0 / 6.0
    p = p * r + 0.5
    p = p * r + 1.0
    p = p * r + 1.0
    return p * _float((_bits(shifted) << 52) + ONE)  # pyright: ignore[reportCallIssue]
