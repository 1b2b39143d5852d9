"""Gram matrices ``A^T A`` or ``A A^T`` of the scaled Jacobian in float64, within a memory budget."""

import numpy as np
from numpy.typing import NDArray

from sciopt._errors import OptionError
from sciopt.linalg.operators import ScaledJacobian

__all__ = ["gram_matrix", "gram_rtol"]

Array = NDArray[np.float64]


def gram_rtol(m: int) -> float:
    """Relative singular value that drowns in the rounding of an m x m Gram matrix: ``sqrt(10 m eps)``."""
    return float(np.sqrt(10.0 * m * np.finfo(np.float64).eps))


def gram_matrix(jacobian: ScaledJacobian, memory: int | None = None) -> Array:
    """Return the smaller Gram matrix (m, m), exactly symmetric, m = min(n, P).

    NumPy hands ``X @ X.T`` to BLAS ``syrk``, half the work of a general product. The primal scale is applied to the
    finished matrix; the dual scale needs ``J / D``, which is formed in column blocks of at most ``memory`` bytes and
    accumulated.

    Parameters
    ----------
    jacobian
        The scaled Jacobian; dense.
    memory
        Bytes allowed for a scaled copy of J; ``None`` is no limit.
    """
    J, D = jacobian.dense, jacobian.scale
    if J is None and jacobian.product.gram is not None:
        return _streamed(jacobian)
    if J is None:
        J = jacobian.matrix  # raises the error that says what to use instead
    if jacobian.side == "primal":
        K = J.T @ J
        if D is not None:
            # Row and column scaling only adds one rounding per entry, and keeps the matrix exactly symmetric.
            inverse = 1.0 / D
            K *= inverse[:, None] * inverse
        return K
    if D is None:
        return J @ J.T
    n, P = J.shape
    width = P if memory is None else max(1, min(P, memory // (8 * n)))
    K = np.zeros((n, n))
    for first in range(0, P, width):
        block = J[:, first : first + width] / D[first : first + width]
        K += block @ block.T
    return K


def _streamed(jacobian: ScaledJacobian) -> Array:
    """Return the Gram matrix of a J that is never stored; column scales reach the primal one only."""
    assert jacobian.product.gram is not None
    D = jacobian.scale
    if D is None:
        return jacobian.product.gram(jacobian.side)
    if jacobian.side == "dual":
        raise OptionError("a streamed J J^T has no column scales; use scaling='none', which suits networks")
    inverse = 1.0 / D
    return jacobian.product.gram("primal") * (inverse[:, None] * inverse)
