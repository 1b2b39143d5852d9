"""Sparse square and symmetric systems ``J delta = -r``, never through ``J^T J``."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sciopt._errors import DataError, OptionError
from sciopt.linalg.sparse_iterative import conjugate_gradients, generalised_minimal_residual, minimal_residual
from sciopt.linalg.sparse_report import SparseFlag, relative_residual

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["SparseFlag", "solve_sparse"]

Array = NDArray[np.float64]
DIRECT_UP_TO = 300_000
DIRECT_ENTRIES = 3_000_000


def as_csr(J: Any) -> "csr_matrix":
    """Return J as a float64 CSR matrix with summed duplicates; DataError if an entry is not finite."""
    from scipy.sparse import csr_matrix

    matrix = csr_matrix(J, dtype=np.float64)
    if not matrix.has_canonical_format:
        matrix = matrix.copy()
        matrix.sum_duplicates()
    if not np.isfinite(matrix.data).all():
        entry = int(np.flatnonzero(~np.isfinite(matrix.data))[0])
        row = int(np.searchsorted(matrix.indptr, entry, side="right")) - 1
        column = int(matrix.indices[entry])
        raise DataError(f"J[{row}, {column}] is {matrix.data[entry]} (row {row}, column {column}); it must be finite")
    return matrix


def dimensions(A: "csr_matrix") -> tuple[int, int]:
    """Return the shape of a sparse matrix."""
    shape: tuple[int, int] = getattr(A, "shape")  # noqa: B009 - SciPy does not type it
    return shape


def finite_rows(r: ArrayLike, n: int) -> Array:
    """Return r as float64 (n,); DataError for another shape or entries that are not finite."""
    rhs = np.asarray(r, dtype=np.float64)
    if rhs.shape != (n,):
        raise DataError(f"r has shape {rhs.shape}; expected ({n},)")
    if not np.isfinite(rhs).all():
        index = int(np.flatnonzero(~np.isfinite(rhs))[0])
        raise DataError(f"r[{index}] is {rhs[index]}; all entries must be finite")
    return rhs


def _null_rows(null: ArrayLike | None, n: int) -> Array:
    """Orthonormal null vectors as rows (k, n); k = 0 without any."""
    if null is None:
        return np.zeros((0, n))
    N = np.asarray(null, dtype=np.float64)
    N = N[:, None] if N.ndim == 1 else N
    if N.ndim != 2 or N.shape[0] != n:
        raise DataError(f"null has shape {np.shape(null)}; expected ({n},) or ({n}, k)")
    Q, R = np.linalg.qr(N)
    if N.shape[1] and np.abs(np.diagonal(R)).min() <= n * np.finfo(float).eps * np.abs(R).max():
        raise DataError("null vectors are linearly dependent or zero; give a basis")
    return np.ascontiguousarray(Q.T)


def solve_sparse(
    J: Any,
    r: ArrayLike,
    *,
    structure: Literal["square", "symmetric"] = "square",
    null: ArrayLike | None = None,
    how: Literal["auto", "direct", "cg", "minres", "gmres"] = "auto",
    rtol: float = 1e-12,
    preconditioner: Callable[[Array], Array] | None = None,
) -> tuple[Array, SparseFlag]:
    r"""Solve ``J delta = -r`` for a sparse square J (n, n), orthogonally to known null vectors.

    Parameters
    ----------
    J
        Sparse matrix or array (n, n).
    r
        Right-hand side (n,). With null vectors, the part of r outside the range of J is left over: for symmetric J that
        is the component of r along ``null``.
    structure
        "symmetric" promises ``J = J^T``.
    null
        Basis of the known null space, (n,) or (n, k); delta is orthogonal to it.
    how
        * "direct": sparse LU with one iterative refinement; null vectors border the matrix;
        * "cg": compiled conjugate gradients, for (semi-)definite J of either sign; falls back to "minres" on negative
          curvature;
        * "minres": symmetric indefinite; the preconditioner must be positive definite;
        * "gmres": general, with incomplete LU unless a preconditioner is given;
        * "auto": "direct" up to 300 000 unknowns and 3 million entries, above, or with a preconditioner, "cg" if
          symmetric, else "gmres"; when the residual misses ``rtol`` by more than 100 (and, of a direct solve, 1e-8),
          another one is tried and the better answer kept.
    rtol
        Relative residual ``||J delta + r|| / ||r||`` aimed at by the iterations.
    preconditioner
        Approximate inverse as a callable on vectors (n,); default Jacobi (cg, minres) or incomplete LU (gmres).

    Returns
    -------
    delta (n,), flag
        ``flag`` is a string that says what ran and the residual reached, with attributes ``how``, ``residual``,
        ``iterations``, ``converged``.

    Raises
    ------
    DataError
        Wrong shapes, entries that are not finite, dependent null vectors.
    OptionError
        Unknown options, or "cg" / "minres" for a matrix that is not declared symmetric.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import diags_array
    >>> delta, flag = solve_sparse(diags_array([2.0, 4.0]), np.array([2.0, 2.0]))
    >>> delta
    array([-1. , -0.5])
    """
    if structure not in ("square", "symmetric"):
        raise OptionError(f"structure={structure!r} is unknown; choose 'square' or 'symmetric'")
    if how not in ("auto", "direct", "cg", "minres", "gmres"):
        raise OptionError(f"how={how!r} is unknown; choose auto, direct, cg, minres or gmres")
    if how in ("cg", "minres") and structure != "symmetric":
        raise OptionError(f"how={how!r} needs a symmetric matrix; pass structure='symmetric' if it is one")
    A = as_csr(J)
    n, columns = dimensions(A)
    if columns != n:
        raise DataError(f"J has shape {(n, columns)}; a square system is needed (sparse_lstsq takes rectangular ones)")
    rhs, N = -finite_rows(r, n), _null_rows(null, n)
    symmetric = structure == "symmetric"
    if symmetric:
        rhs = rhs - N.T @ (N @ rhs)
    if how != "auto":
        return _solve(A, rhs, N, symmetric, how, rtol, preconditioner)
    direct = preconditioner is None and n <= DIRECT_UP_TO and A.nnz <= DIRECT_ENTRIES
    iterative = "cg" if symmetric else "gmres"
    order = ("direct", "minres" if symmetric else "gmres") if direct else (iterative, "direct")
    best = _solve(A, rhs, N, symmetric, order[0], rtol, preconditioner)
    if best[1].residual <= 100.0 * rtol or (direct and best[1].converged):
        return best
    other = _solve(A, rhs, N, symmetric, order[1], rtol, preconditioner)
    kept, lost = (other, best) if other[1].residual < best[1].residual else (best, other)
    return kept[0], kept[1].noting(f"{lost[1].how} reached only {lost[1].residual:.1e}")


def _solve(
    A: "csr_matrix",
    b: Array,
    null: Array,
    symmetric: bool,
    how: str,
    rtol: float,
    preconditioner: Callable[[Array], Array] | None,
) -> tuple[Array, SparseFlag]:
    if how == "direct":
        return _direct(A, b, null, symmetric, rtol)
    if how == "cg":
        return conjugate_gradients(A, b, null, rtol, preconditioner)
    if how == "minres":
        return minimal_residual(A, b, null, rtol, preconditioner)
    return generalised_minimal_residual(A, b, null, rtol, preconditioner)


def _direct(A: "csr_matrix", b: Array, null: Array, symmetric: bool, rtol: float) -> tuple[Array, SparseFlag]:
    """Sparse LU; null vectors N border the matrix, [[A, N], [N^T, 0]], which fixes delta and absorbs their residual."""
    from scipy.sparse import block_array, csc_array, csc_matrix
    from scipy.sparse.linalg import splu

    n, k = len(b), len(null)
    if k:
        # Border entries of the size of the matrix keep the pivots of one size.
        border = csc_array(null.T * max(float(np.abs(A.data).max(initial=0.0)), 1.0))
        system = csc_matrix(block_array([[A, border], [border.T, None]], format="csc"))
    else:
        system = csc_matrix(A)
    try:
        if symmetric and not k:
            # Pattern of A + A^T and diagonal pivots first: much less fill; small pivots are still exchanged.
            lu = splu(system, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.01, options={"SymmetricMode": True})
        else:
            lu = splu(system)
    except RuntimeError:
        return np.zeros(n), SparseFlag("direct", 1.0, 0, False, "exactly singular")
    padded = np.concatenate([b, np.zeros(k)])
    solution = lu.solve(padded)
    if np.isfinite(solution).all():
        refined = solution + lu.solve(padded - system @ solution)
        before, after = (float(np.linalg.norm(padded - system @ s)) for s in (solution, refined))
        solution = refined if after < before else solution
    delta = solution[:n]
    if not np.isfinite(delta).all():
        return np.zeros(n), SparseFlag("direct", 1.0, 0, False, "singular to rounding")
    residual = relative_residual(A, delta, b)
    # Backward stability promises eps * (|A| |delta| + |b|), not a small residual for ill-conditioned systems.
    return delta, SparseFlag("direct", residual, 0, residual <= max(100.0 * rtol, 1e-8))
