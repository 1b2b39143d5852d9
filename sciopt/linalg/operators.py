"""The scaled Jacobian ``A = J / D`` behind every factor: checked, in float64, dense or as a pair of products."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sciopt._errors import DataError, OptionError

__all__ = ["Product", "ScaledJacobian", "scaled_jacobian"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Product:
    """A linear map (n, P) known through ``apply(x) = J x`` and ``adjoint(y) = J^T y`` on vectors or column blocks.

    ``gram(side)``, if known, returns J J^T (``"dual"``) or J^T J (``"primal"``) without J being stored, and ``norms()`` the
    2-norms of the columns.
    """

    shape: tuple[int, int]
    apply: Callable[[Array], Array]
    adjoint: Callable[[Array], Array]
    gram: Callable[[str], Array] | None = None
    norms: Callable[[], Array] | None = None

    def __matmul__(self, x: Array) -> Array:
        """Return ``J x``."""
        return self.apply(x)

    @property
    def T(self) -> "Product":
        """The adjoint map."""
        return Product((self.shape[1], self.shape[0]), self.adjoint, self.apply)


@dataclass(frozen=True, eq=False)
class ScaledJacobian:
    """``A = J / D`` with the residual ``r``; ``dense`` is J itself when it is an array, else None."""

    product: Product
    dense: Array | None
    r: Array
    scale: Array | None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows n and parameters P."""
        return self.product.shape

    @property
    def side(self) -> Literal["primal", "dual"]:
        """The smaller Gram matrix: "dual" (J J^T) when n < P, else "primal" (J^T J)."""
        return "dual" if self.shape[0] < self.shape[1] else "primal"

    @cached_property
    def matrix(self) -> Array:
        """The dense ``J / D`` (n, P); J itself, not a copy, when there is no scale."""
        if self.dense is None:
            raise OptionError("this factorisation needs a dense Jacobian; use how='krylov' or how='sketch' on products")
        return self.dense if self.scale is None else self.dense / self.scale

    def unscale(self, scaled: Array) -> Array:
        """Return ``D^-1 p`` for vectors (P,) or column blocks (P, k)."""
        if self.scale is None:
            return scaled
        return scaled / (self.scale if scaled.ndim == 1 else self.scale[:, None])

    def rescale(self, vector: Array) -> Array:
        """Return ``D v`` for vectors (P,) or column blocks (P, k)."""
        if self.scale is None:
            return vector
        return vector * (self.scale if vector.ndim == 1 else self.scale[:, None])

    def apply(self, scaled: Array) -> Array:
        """Return ``A p = J D^-1 p``."""
        return self.product.apply(self.unscale(scaled))

    def adjoint(self, rows: Array) -> Array:
        """Return ``A^T y = D^-1 J^T y``."""
        return self.unscale(self.product.adjoint(rows))


def _finite(a: Array) -> bool:
    # The sum of finite numbers is finite unless it overflows, and it needs no temporary of the size of J.
    with np.errstate(all="ignore"):
        return bool(np.isfinite(a.sum())) or bool(np.isfinite(a).all())


def _vector(name: str, value: Any, size: int | None) -> Array:
    vector = np.asarray(value)
    if vector.dtype.kind not in "fiub":
        raise DataError(f"{name} has dtype {vector.dtype}; real numbers are needed (stack real and imaginary parts)")
    vector = np.ascontiguousarray(vector, dtype=np.float64)
    if vector.ndim != 1 or (size is not None and vector.size != size):
        raise DataError(f"{name} has shape {vector.shape}; expected ({'n' if size is None else size},)")
    if not _finite(vector):
        index = int(np.flatnonzero(~np.isfinite(vector))[0])
        raise DataError(f"{name}[{index}] is {vector[index]}; all entries must be finite")
    return vector


def _scale(scale: Any, P: int) -> Array | None:
    if scale is None:
        return None
    D = _vector("scale", scale, P)
    if (D < 0.0).any():
        column = int(np.flatnonzero(D < 0.0)[0])
        raise DataError(f"scale[{column}] is {D[column]}; column scales must be positive (0 counts as 1)")
    return np.where(D == 0.0, 1.0, D)


def _dense(J: Any) -> Array:
    matrix = np.asarray(J)
    if matrix.dtype.kind not in "fiub":
        raise DataError(f"J has dtype {matrix.dtype}; real numbers are needed (stack real and imaginary parts)")
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise DataError(f"J has shape {matrix.shape}; expected (n, P) with at least one row and one column")
    matrix = np.ascontiguousarray(matrix, dtype=np.float64)
    if not _finite(matrix):
        row, column = (int(i) for i in np.argwhere(~np.isfinite(matrix))[0])
        raise DataError(f"J[{row}, {column}] is {matrix[row, column]} (row {row}, column {column}); it must be finite")
    return matrix


def _product(J: Any, r: Array) -> Product | None:
    """Products of operators, sparse matrices and (matvec, rmatvec) pairs; None for dense input."""
    pair: Any = J
    if isinstance(pair, tuple) and len(pair) == 2 and callable(pair[0]) and callable(pair[1]):
        matvec, rmatvec = pair
        P = np.asarray(rmatvec(r)).size
        return Product((r.size, P), _columns(matvec), _columns(rmatvec))
    if isinstance(J, Product):
        return J
    if hasattr(J, "rmatvec"):
        n, P = J.shape
        return Product((n, P), _columns(J.matvec), _columns(J.rmatvec))
    if hasattr(J, "tocsr"):
        csr = J.tocsr()
        return Product(csr.shape, lambda x: csr @ x, lambda y: csr.T @ y)
    return None


def _columns(matvec: Callable[[Array], Any]) -> Callable[[Array], Array]:
    def on_block(x: Array) -> Array:
        if x.ndim == 1:
            return np.asarray(matvec(x), dtype=np.float64).reshape(-1)
        return np.stack([np.asarray(matvec(c), dtype=np.float64).reshape(-1) for c in x.T], axis=1)

    return on_block


def scaled_jacobian(J: Any, r: Any, scale: Any = None) -> ScaledJacobian:
    """Check J (n, P), r (n,) and the column scale D (P,), promote them to float64 and bundle them.

    Parameters
    ----------
    J
        Dense array, scipy sparse matrix, ``LinearOperator``, ``Product`` or a pair ``(matvec, rmatvec)``.
    r
        Residual.
    scale
        Column scale, positive; zeros count as 1; ``None`` is all ones.

    Raises
    ------
    DataError
        For wrong shapes or dtypes and for entries that are not finite; the message names row and column.
    """
    residual = _vector("r", r, None)
    product = _product(J, residual)
    dense = None
    if product is None:
        dense = _dense(J)
        transposed = dense.T
        product = Product(dense.shape, dense.__matmul__, transposed.__matmul__)
    n, P = product.shape
    if residual.size != n:
        raise DataError(f"r has {residual.size} rows but J has shape ({n}, {P})")
    return ScaledJacobian(product, dense, residual, _scale(scale, P))
