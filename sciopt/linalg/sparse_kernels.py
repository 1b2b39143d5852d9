"""Compiled kernels on compressed sparse rows (CSR): product and preconditioned conjugate gradients.

Importing this module imports Numba. Indices may be int32 or int64.
"""

import math

import numpy as np
from numba import njit

__all__ = ["cg_direction", "cg_update", "csr_matvec", "jacobi_cg"]


@njit(cache=True, error_model="numpy")
def csr_matvec(data, indices, indptr, x, out):  # pragma: no cover - compiled
    """Write ``A x`` into ``out`` (n,) for A in CSR form; returns ``out``."""
    for i in range(out.shape[0]):
        total = 0.0
        for k in range(indptr[i], indptr[i + 1]):
            total += data[k] * x[indices[k]]
        out[i] = total
    return out


@njit(cache=True, error_model="numpy")
def cg_update(x, r, p, q, alpha, sign):  # pragma: no cover - compiled
    """Move ``x += alpha p``, ``r -= sign alpha q`` in place; returns the new ``r . r``."""
    total = 0.0
    for i in range(x.shape[0]):
        x[i] += alpha * p[i]
        new = r[i] - sign * alpha * q[i]
        r[i] = new
        total += new * new
    return total


@njit(cache=True, error_model="numpy")
def cg_direction(p, z, turn, beta):  # pragma: no cover - compiled
    """Write ``p = turn z + beta p`` in place."""
    for i in range(p.shape[0]):
        p[i] = turn * z[i] + beta * p[i]


@njit(cache=True, error_model="numpy")
def _project(x, null):  # pragma: no cover - compiled
    """Remove from x its components along the orthonormal rows of null (k, n), in place."""
    for k in range(null.shape[0]):
        s = 0.0
        for i in range(x.shape[0]):
            s += null[k, i] * x[i]
        for i in range(x.shape[0]):
            x[i] -= s * null[k, i]


@njit(cache=True, error_model="numpy")
def jacobi_cg(data, indices, indptr, b, inverse_diagonal, null, rtol, most):  # pragma: no cover - compiled
    """Jacobi-preconditioned conjugate gradients for ``A x = b``, A symmetric positive (semi-)definite.

    Parameters
    ----------
    data, indices, indptr
        A (n, n) in CSR form.
    b
        Right-hand side (n,).
    inverse_diagonal
        Preconditioner (n,), positive.
    null
        Orthonormal null vectors of A as rows (k, n), k may be 0; b, search directions and x are kept orthogonal to
        them.
    rtol
        Stop when the recursive residual has fallen to ``rtol`` in the plain norm and in that of the preconditioner;
        the second one sees the small rows of a badly scaled A.
    most
        Most iterations.

    Returns
    -------
    x (n,), iterations, residual, code
        Relative recursive residual; code 0 converged, 1 out of iterations, 2 negative curvature (A is not positive).
    """
    n = b.shape[0]
    r = b.copy()
    _project(r, null)
    x, q = np.zeros(n), np.empty(n)
    target = 0.0
    for i in range(n):
        target += r[i] * r[i]
    target = math.sqrt(target)
    if target == 0.0:
        return x, 0, 0.0, 0
    z = inverse_diagonal * r
    _project(z, null)
    p = z.copy()
    rho = 0.0
    for i in range(n):
        rho += r[i] * z[i]
    residual, start = 1.0, rho
    for iteration in range(1, most + 1):
        curvature = 0.0
        for i in range(n):
            total = 0.0
            for k in range(indptr[i], indptr[i + 1]):
                total += data[k] * p[indices[k]]
            q[i] = total
            curvature += total * p[i]
        if not curvature > 0.0:
            return x, iteration, residual, 2
        alpha = rho / curvature
        for i in range(n):
            x[i] += alpha * p[i]
            r[i] -= alpha * q[i]
        _project(r, null)
        square, new = 0.0, 0.0
        for i in range(n):
            z[i] = inverse_diagonal[i] * r[i]
            square += r[i] * r[i]
        _project(z, null)
        for i in range(n):
            new += r[i] * z[i]
        residual = math.sqrt(square) / target
        if residual <= rtol and new <= rtol * rtol * start:
            _project(x, null)
            return x, iteration, residual, 0
        beta = new / rho
        rho = new
        for i in range(n):
            p[i] = z[i] + beta * p[i]
    _project(x, null)
    return x, most, residual, 1
