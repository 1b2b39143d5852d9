"""Typed doors to the LAPACK and QR routines of SciPy, whose own signatures say nothing."""

from typing import Any

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

__all__ = ["complete_qr", "lapack", "pivoted_qr", "raw_qr"]

Array = NDArray[np.float64]

lapack: Any = scipy.linalg.lapack
_qr: Any = scipy.linalg.qr


def raw_qr(A: Array) -> tuple[Array, Array, Array]:
    """Householder reflectors (n, m), their factors tau and the triangle R of ``A = Q R``, Q not formed."""
    (reflectors, tau), R = _qr(A, mode="raw", check_finite=False)
    return reflectors, tau, R


def pivoted_qr(A: Array) -> tuple[Array, Array, NDArray[np.intp]]:
    """Thin Q, R and the column order of ``A[:, order] = Q R`` with decreasing ``|R[i, i]|``."""
    return _qr(A, mode="economic", pivoting=True, check_finite=False)


def complete_qr(A: Array) -> Array:
    """Square orthogonal Q whose first columns span those of A."""
    return _qr(A, check_finite=False)[0]
