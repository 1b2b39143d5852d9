r"""Variable projection: exact elimination of the unknowns that enter linearly.

For a model ``Phi(theta) c`` with target y, the coefficients ``c = Phi^+ y`` are eliminated and the residual
``r(theta) = Phi c - y = -(1 - Phi Phi^+) y`` depends on the non-linear unknowns alone (Golub and Pereyra 1973).
"""

from dataclasses import dataclass

import numpy as np
import scipy.linalg
from numpy.typing import ArrayLike, NDArray

from sciopt._errors import DataError
from sciopt.linalg.dense import pivoted_qr

__all__ = ["Projector", "eliminate", "golub_pereyra_jacobian", "kaufman_jacobian"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Projector:
    """The basis ``Phi`` (n, m) in factored form ``Phi / columns = Q R Z^T``, with Q (n, k) and Z (m, k) orthonormal.

    Attributes
    ----------
    Q
        Orthonormal basis (n, rank) of the range of Phi.
    R
        Triangular factor (rank, rank).
    Z
        Orthonormal basis (m, rank) of the row space, or the permutation of the pivoted columns.
    columns
        Lengths of the columns of Phi (m,), 1 for zero columns.
    """

    Q: Array
    R: Array
    Z: Array
    columns: Array

    @property
    def rank(self) -> int:
        """Numerical rank of the basis."""
        return self.R.shape[0]

    def orthogonal(self, x: Array) -> Array:
        """Return ``(1 - Phi Phi^+) x`` for x (n,) or (n, k)."""
        # Twice: one pass leaves rounding of the size of x in the range of Phi.
        x = x - self.Q @ (self.Q.T @ x)
        return x - self.Q @ (self.Q.T @ x)

    def inverse(self, x: Array) -> Array:
        """Return ``Phi^- x`` (m,) or (m, k): least-squares coefficients, of least norm in scaled columns."""
        solved = scipy.linalg.solve_triangular(self.R, self.Q.T @ x, check_finite=False)
        return self._unscale(self.Z @ solved)

    def inverse_transposed(self, x: Array) -> Array:
        """Return ``(Phi^-)^T x`` (n,) or (n, k) for x (m,) or (m, k)."""
        solved = scipy.linalg.solve_triangular(self.R, self.Z.T @ self._unscale(x), trans=1, check_finite=False)
        return self.Q @ solved

    def _unscale(self, x: Array) -> Array:
        return x / (self.columns if x.ndim == 1 else self.columns[:, None])


def _projector(Phi: Array, rtol: float | None) -> Projector:
    n, m = Phi.shape
    columns = np.sqrt(np.einsum("ij,ij->j", Phi, Phi))
    columns[columns == 0.0] = 1.0
    Q, R, pivots = pivoted_qr(Phi / columns)
    diagonal = np.abs(np.diagonal(R))
    cut = (max(n, m) * np.finfo(np.float64).eps if rtol is None else rtol) * diagonal.max(initial=0.0)
    rank = int(np.count_nonzero(diagonal > cut))
    if rank == m:
        return Projector(Q, R, np.eye(m)[:, pivots], columns)
    # Complete orthogonal decomposition: the second QR, of R^T, turns the basic solution into the one of least norm.
    Z, T = np.linalg.qr(R[:rank].T)
    unpivoted = np.zeros_like(Z)
    unpivoted[pivots] = Z
    # T^T is lower triangular; a third, small QR makes the middle factor upper triangular again.
    W, U = np.linalg.qr(T.T)
    return Projector(Q[:, :rank] @ W, U, unpivoted, columns)


def eliminate(Phi: ArrayLike, target: ArrayLike, rtol: float | None = None) -> tuple[Array, Array, Projector]:
    r"""Minimise ``||Phi c - target||`` over c by column-pivoted QR of the column-scaled basis.

    Parameters
    ----------
    Phi
        Basis (n, m), real: one column for each linear unknown.
    target
        Data (n,) or (n, k), weighted like the rows of Phi.
    rtol
        Pivots below ``rtol`` times the first are dropped; default ``max(n, m) * eps``.

    Returns
    -------
    coefficients (m,) or (m, k)
        Of least norm in scaled columns when Phi is rank deficient.
    residual (n,) or (n, k)
        ``Phi c - target``.
    projector
        For the Jacobians of the reduced residual, `kaufman_jacobian` and `golub_pereyra_jacobian`.

    Raises
    ------
    DataError
        Shapes that disagree or entries that are not finite.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.linspace(0.0, 1.0, 5)
    >>> c, residual, _ = eliminate(np.stack([np.ones(5), x], axis=1), 2.0 - 3.0 * x)
    >>> c.round(12)
    array([ 2., -3.])
    """
    basis, y = np.asarray(Phi, dtype=np.float64), np.asarray(target, dtype=np.float64)
    if basis.ndim != 2 or y.ndim not in (1, 2) or y.shape[0] != basis.shape[0] or 0 in basis.shape:
        raise DataError(f"Phi has shape {basis.shape} and target {y.shape}; expected (n, m) and (n,) or (n, k)")
    for name, values in (("Phi", basis), ("target", y)):
        if not np.isfinite(values).all():
            index = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
            raise DataError(f"{name}{list(index)} is {values[index]}; all entries must be finite")
    projector = _projector(basis, rtol)
    coefficients = projector.inverse(y)
    # The projection loses no digits when the fit is nearly perfect; Phi c - y would.
    return coefficients, -projector.orthogonal(y), projector


def kaufman_jacobian(dPhi_c: ArrayLike, projector: Projector) -> Array:
    r"""Jacobian (n, q) of the reduced residual, without its second term (Kaufman 1975).

    ``J = (1 - Phi Phi^+) dPhi/dtheta c``: cheaper than the full one, equal to it at a perfect fit, with the same
    gradient ``J^T r``, and usually as good for Gauss-Newton steps.

    Parameters
    ----------
    dPhi_c
        ``dPhi/dtheta_j @ c`` (n, q), one column for each non-linear unknown.
    projector
        From `eliminate`.
    """
    return projector.orthogonal(_matrix("dPhi_c", dPhi_c, projector.Q.shape[0]))


def golub_pereyra_jacobian(dPhi_c: ArrayLike, dPhi_r: ArrayLike, projector: Projector) -> Array:
    r"""Full Jacobian (n, q) of the reduced residual ``r = Phi c - y`` (Golub and Pereyra 1973).

    ``J_j = (1 - Phi Phi^+) dPhi_j c - (Phi^+)^T dPhi_j^T r``, exact while the rank of Phi does not change.

    Parameters
    ----------
    dPhi_c
        ``dPhi/dtheta_j @ c`` (n, q).
    dPhi_r
        ``(dPhi/dtheta_j)^T @ r`` (m, q).
    projector
        From `eliminate`.
    """
    second = _matrix("dPhi_r", dPhi_r, projector.columns.size)
    return kaufman_jacobian(dPhi_c, projector) - projector.inverse_transposed(second)


def _matrix(name: str, value: ArrayLike, rows: int) -> Array:
    matrix = np.asarray(value, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != rows:
        raise DataError(f"{name} has shape {matrix.shape}; expected ({rows}, q)")
    return matrix
