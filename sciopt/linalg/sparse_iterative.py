"""Iterations for sparse systems ``A x = b``: conjugate gradients (compiled), MINRES and GMRES, null space kept out."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sciopt._errors import DataError
from sciopt.linalg.sparse_report import SparseFlag, relative_residual

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["conjugate_gradients", "generalised_minimal_residual", "minimal_residual"]

Array = NDArray[np.float64]
Preconditioner = Callable[[Array], Array]


def _most(n: int) -> int:
    return max(1000, min(10 * n, 20_000))


def _jacobi(A: "csr_matrix") -> Array:
    """Inverse of |diagonal|; rows without a diagonal entry count as the mean one."""
    diagonal = np.abs(A.diagonal())
    positive = diagonal > 0.0
    return 1.0 / np.where(positive, diagonal, diagonal[positive].mean() if positive.any() else 1.0)


def _operator(n: int, apply: Callable[[Array], Array]) -> Any:
    """Wrap a function of vectors (n,) for SciPy's iterations."""
    from scipy.sparse.linalg import LinearOperator

    return LinearOperator(shape=(n, n), matvec=lambda v: apply(np.asarray(v).reshape(-1)), dtype=np.float64)  # pyright: ignore[reportCallIssue]


def conjugate_gradients(
    A: "csr_matrix", b: Array, null: Array, rtol: float, preconditioner: Preconditioner | None = None
) -> tuple[Array, SparseFlag]:
    """Preconditioned conjugate gradients for symmetric A, definite of either sign up to the rows of ``null`` (k, n).

    Negative curvature hands over to MINRES (to GMRES with a preconditioner); the flag says so. A (semi-)definite negative
    A is solved as ``(-A) x = -b``, recognised by its trace; the preconditioner may approximate the inverse of either.
    """
    sign = -1.0 if float(A.diagonal().sum()) < 0.0 else 1.0
    if preconditioner is None:
        from sciopt.linalg.sparse_kernels import jacobi_cg

        x, iterations, _, code = jacobi_cg(
            sign * A.data, A.indices, A.indptr, sign * b, _jacobi(A), np.ascontiguousarray(null), rtol, _most(len(b))
        )
    else:
        x, iterations, code = _pcg(A, b, null, rtol, preconditioner, sign)
    if code == 2:
        # MINRES would need a definite preconditioner; an approximate inverse of an indefinite A serves GMRES.
        if preconditioner is None:
            delta, flag = minimal_residual(A, b, null, rtol)
        else:
            delta, flag = generalised_minimal_residual(A, b, null, rtol, preconditioner)
        return delta, flag.noting(f"cg met negative curvature at iteration {iterations}")
    residual = relative_residual(A, x, b)
    # The recursive residual drifts from the true one by rounding; ten times rtol is still what was asked for.
    return x, SparseFlag("cg", residual, iterations, code == 0 and residual <= max(10.0 * rtol, 1e-11))


def _pcg(
    A: "csr_matrix", b: Array, null: Array, rtol: float, preconditioner: Preconditioner, sign: float
) -> tuple[Array, int, int]:
    """Conjugate gradients with any positive definite preconditioner of ``sign * A``."""
    from sciopt.linalg.sparse_kernels import cg_direction, cg_update

    def out(v: Array) -> Array:
        return v - null.T @ (null @ v) if len(null) else v

    x, r = np.zeros_like(b), out(sign * b)
    target = float(np.linalg.norm(r))
    if target == 0.0:
        return x, 0, 0
    z = out(_checked(preconditioner, r))
    turn = 1.0 if float(r @ z) >= 0.0 else -1.0
    p, rho = turn * z, turn * float(r @ z)
    start = rho
    most = _most(len(b))
    for iteration in range(1, most + 1):
        q = A @ p
        curvature = sign * float(p @ q)
        if not (curvature > 0.0 and rho > 0.0):
            return out(x), iteration, 2
        square = cg_update(x, r, p, q, rho / curvature, sign)
        if len(null):
            r = out(r)
        z = out(_checked(preconditioner, r))
        rho, before = turn * float(r @ z), rho
        if square <= (rtol * target) ** 2 and abs(rho) <= rtol * rtol * start:
            return out(x), iteration, 0
        cg_direction(p, z, turn, rho / before)
    return out(x), most, 1


def _checked(preconditioner: Preconditioner, r: Array) -> Array:
    z = np.asarray(preconditioner(r), dtype=np.float64)
    if z.shape != r.shape:
        raise DataError(f"the preconditioner returned shape {z.shape} for a vector of shape {r.shape}")
    return z


def minimal_residual(
    A: "csr_matrix", b: Array, null: Array, rtol: float, preconditioner: Preconditioner | None = None
) -> tuple[Array, SparseFlag]:
    """MINRES for symmetric A, definite or not, restarted on the true residual until it meets ``rtol`` or stalls."""
    from scipy.sparse.linalg import minres

    n = len(b)
    inverse = _jacobi(A)

    def out(v: Array) -> Array:
        return v - null.T @ (null @ v) if len(null) else v

    def precondition(v: Array) -> Array:
        # P M P + (1 - P): positive definite on everything, and keeps the iterates orthogonal to null.
        inside = out(v)
        return out(inverse * inside if preconditioner is None else _checked(preconditioner, inside)) + (v - inside)

    operator = _operator(n, lambda v: out(A @ out(v)))
    M = _operator(n, precondition)
    count = [0]

    def counting(_: Array) -> None:
        count[0] += 1

    x, residual = np.zeros(n), 1.0
    for _ in range(4):
        r = out(b - A @ x)
        step = out(minres(operator, r, rtol=max(rtol * 0.1, 1e-15), maxiter=_most(n), M=M, callback=counting)[0])
        after = relative_residual(A, x + step, b)
        if not after < residual:
            break
        improved, residual, x = residual / max(after, 1e-300), after, x + step
        if residual <= rtol or improved < 2.0:
            break
    return x, SparseFlag("minres", residual, count[0], residual <= max(10.0 * rtol, 1e-11))


def generalised_minimal_residual(
    A: "csr_matrix", b: Array, null: Array, rtol: float, preconditioner: Preconditioner | None = None
) -> tuple[Array, SparseFlag]:
    """Restarted GMRES for general A, by default preconditioned by an incomplete LU (Jacobi if that breaks down)."""
    from scipy.sparse import csc_matrix
    from scipy.sparse.linalg import gmres, spilu

    n, note = len(b), ""

    def out(v: Array) -> Array:
        return v - null.T @ (null @ v) if len(null) else v

    if preconditioner is None:
        inverse = _jacobi(A)
        try:
            inner: Preconditioner = spilu(csc_matrix(A), drop_tol=1e-4, fill_factor=20).solve
        except RuntimeError:
            inner, note = (lambda v: inverse * v), "incomplete LU broke down, Jacobi used"
    else:
        inner = preconditioner
    M = _operator(n, lambda v: out(_checked(inner, v)))
    count = [0]

    def counting(_: float) -> None:
        count[0] += 1

    x, residual = np.zeros(n), 1.0
    for _ in range(3):
        step = gmres(
            A,
            b - A @ x,
            rtol=rtol,
            atol=0.0,
            restart=min(n, 60),
            maxiter=max(1, _most(n) // 60),
            M=M,
            callback=counting,
            callback_type="pr_norm",
        )[0]
        after = relative_residual(A, out(x + step), b)
        if not after < residual:
            break
        residual, x = after, out(x + step)
        if residual <= rtol:
            break
    return x, SparseFlag("gmres", residual, count[0], residual <= max(10.0 * rtol, 1e-11), note)
