"""Sparse damped least squares ``min 1/2 ||J delta + r||^2 + damping/2 ||D delta||^2``."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sciopt._errors import DataError
from sciopt.linalg.sparse import as_csr, dimensions, finite_rows
from sciopt.linalg.sparse_report import SparseFlag

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["sparse_lstsq"]

Array = NDArray[np.float64]
EPS = float(np.finfo(np.float64).eps)
NORMAL_ENTRIES = 20_000_000
ACCURATE = 1e-8


def sparse_lstsq(J: Any, r: ArrayLike, damping: float = 0.0, D: ArrayLike | None = None) -> tuple[Array, SparseFlag]:
    r"""Minimise ``1/2 ||J delta + r||^2 + damping/2 ||D delta||^2`` for a sparse rectangular J (n, P).

    The normal equations ``(J^T J + damping D^2) delta = -J^T r`` of the column-scaled problem are factored by sparse LU
    and refined with the residual formed from J itself (as the corrected seminormal equations of Bjorck 1987), which
    repairs the squared condition number as long as the correction contracts. When it does not, when the matrix is
    singular, or when ``J^T J`` would fill beyond 2e7 entries, LSMR (Fong and Saunders 2011) finishes; the flag says so.

    Parameters
    ----------
    J
        Sparse matrix (n, P).
    r
        Residual (n,).
    damping
        Finite, >= 0.
    D
        Column scale (P,) of the damping, positive, zeros count as 1; default ones.

    Returns
    -------
    delta (P,), flag
        ``flag.residual`` is the optimality ``||J^T (J delta + r) + damping D^2 delta|| / ||J^T r||`` in scaled columns.

    Raises
    ------
    DataError
        Wrong shapes, a negative damping, or entries that are not finite.
    """
    A = as_csr(J)
    n, P = dimensions(A)
    rhs = finite_rows(r, n)
    lam = float(damping)
    if not (np.isfinite(lam) and lam >= 0.0):
        raise DataError(f"damping is {damping!r}; it must be finite and >= 0")
    weight = np.ones(P) if D is None else np.array(D, dtype=np.float64)
    if weight.shape != (P,) or not bool((np.isfinite(weight) & (weight >= 0.0)).all()):
        raise DataError(f"D has shape {weight.shape} or entries that are negative or not finite; expected ({P},)")
    weight[weight == 0.0] = 1.0
    stacked = _Stacked(A, rhs, np.sqrt(lam) * weight)
    entries = int(np.sum(np.diff(A.indptr).astype(np.int64) ** 2))
    if entries > NORMAL_ENTRIES:
        return stacked.lsmr(np.zeros(P), f"J^T J would have up to {entries} entries")
    return stacked.normal_equations()


class _Stacked:
    """``min ||[J; diag(w)] E y + [r; 0]||`` with ``delta = E y``, E making the columns unit."""

    def __init__(self, A: "csr_matrix", r: Array, w: Array) -> None:
        from scipy.sparse import csr_matrix, diags_array, vstack

        rows = A if not w.any() else csr_matrix(vstack([A, diags_array(w)]))
        length = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=0)).reshape(-1))
        self.columns = 1.0 / np.where(length > 0.0, length, 1.0)
        self.matrix = csr_matrix(rows @ diags_array(self.columns))
        self.transposed = csr_matrix(self.matrix.T)
        self.rhs = np.concatenate([r, np.zeros(dimensions(self.matrix)[0] - len(r))])
        self.size = float(np.linalg.norm(self.transposed @ self.rhs)) or 1.0

    def gradient(self, y: Array) -> Array:
        return self.transposed @ (self.matrix @ y + self.rhs)

    def flag(self, how: str, y: Array, iterations: int, converged: bool, note: str) -> tuple[Array, SparseFlag]:
        optimality = float(np.linalg.norm(self.gradient(y))) / self.size
        return self.columns * y, SparseFlag(how, optimality, iterations, converged, note)

    def normal_equations(self) -> tuple[Array, SparseFlag]:
        from scipy.sparse import csc_matrix
        from scipy.sparse.linalg import splu

        zero = np.zeros(self.columns.size)
        normal = csc_matrix(self.transposed @ self.matrix)
        try:
            lu = splu(normal, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
        except RuntimeError:
            return self.lsmr(zero, "J^T J is singular")
        pivots = np.abs(lu.U.diagonal())
        if pivots.min() <= 10.0 * len(zero) * EPS * pivots.max():
            return self.lsmr(zero, "J^T J is singular to rounding")
        y = -lu.solve(self.gradient(zero))
        correction = -lu.solve(self.gradient(y))
        y = y + correction
        if not np.isfinite(y).all():
            return self.lsmr(zero, "the factors of J^T J overflowed")
        last = lu.solve(self.gradient(y))
        if float(np.linalg.norm(last)) > ACCURATE * float(np.linalg.norm(y)):
            return self.lsmr(y, "refinement of the normal equations did not contract")
        return self.flag("normal equations", y - last, 0, True, "")

    def lsmr(self, start: Array, note: str) -> tuple[Array, SparseFlag]:
        from scipy.sparse.linalg import lsmr

        # A correction from `start`; from zero it is the solution of least norm in scaled columns.
        rows = self.matrix @ start + self.rhs
        most = max(1000, 10 * self.columns.size)
        out = lsmr(self.matrix, -rows, atol=1e-15, btol=1e-15, conlim=0.0, maxiter=min(most, 20_000))
        y, code, iterations = start + np.asarray(out[0]), int(out[1]), int(out[2])
        return self.flag("lsmr", y, iterations, code != 7, note)
