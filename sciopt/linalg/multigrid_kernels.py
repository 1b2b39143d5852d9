"""Compiled smoothers and residuals on compressed sparse rows (CSR). Importing this module imports Numba."""

from numba import njit

__all__ = ["residual", "smooth_backward", "smooth_forward", "smooth_from_zero"]


@njit(cache=True, error_model="numpy")
def smooth_from_zero(data, indices, indptr, inverse, b, x):  # pragma: no cover - compiled
    """One forward Gauss-Seidel sweep for ``A x = b`` from x = 0; x (n,) is written."""
    for i in range(b.shape[0]):
        total = b[i]
        for k in range(indptr[i], indptr[i + 1]):
            j = indices[k]
            if j < i:
                total -= data[k] * x[j]
        x[i] = total * inverse[i]


@njit(cache=True, error_model="numpy")
def smooth_forward(data, indices, indptr, inverse, b, x):  # pragma: no cover - compiled
    """One forward Gauss-Seidel sweep for ``A x = b`` in place; ``inverse`` holds 1 / diagonal."""
    for i in range(b.shape[0]):
        total = b[i]
        for k in range(indptr[i], indptr[i + 1]):
            total -= data[k] * x[indices[k]]
        x[i] += total * inverse[i]


@njit(cache=True, error_model="numpy")
def smooth_backward(data, indices, indptr, inverse, b, x):  # pragma: no cover - compiled
    """One backward Gauss-Seidel sweep in place: the adjoint of the forward one where A is symmetric."""
    for i in range(b.shape[0] - 1, -1, -1):
        total = b[i]
        for k in range(indptr[i], indptr[i + 1]):
            total -= data[k] * x[indices[k]]
        x[i] += total * inverse[i]


@njit(cache=True, error_model="numpy")
def residual(data, indices, indptr, b, x, out):  # pragma: no cover - compiled
    """Write ``b - A x`` into ``out`` (n,)."""
    for i in range(b.shape[0]):
        total = b[i]
        for k in range(indptr[i], indptr[i + 1]):
            total -= data[k] * x[indices[k]]
        out[i] = total
