"""Multigrid for matrices on tensor grids: Galerkin coarse matrices, Gauss-Seidel smoothing, one V-cycle a call."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sciopt._errors import DataError
from sciopt.linalg.interpolation import Axis, interpolation
from sciopt.linalg.sparse import as_csr, dimensions

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["Multigrid", "multigrid"]

Array = NDArray[np.float64]
COARSEST = 120
WEAK = 0.25  # an axis whose couplings are weaker than that, relative to the strongest, is not coarsened


@dataclass(eq=False)
class _Level:
    """Matrix of a level, 1 / diagonal, interpolation from the next coarser one, and work vectors."""

    A: Any
    inverse: Array
    P: Any
    R: Any
    x: Array
    rest: Array


class Multigrid:
    r"""Approximate inverse of a matrix on a tensor grid: one symmetric V(1, 1)-cycle a call.

    Every other unknown along an axis makes the coarser grid, linear interpolation the transfer P, and the Galerkin
    product :math:`P^T A P` the coarser matrix, so that variable coefficients, Jacobian terms and boundary rows need no
    thought. Axes along which the couplings are weak are left alone (semi-coarsening); the others would spoil the
    smoothing. The coarsest system, at most some hundred unknowns, is solved by a dense pseudoinverse, so that an A with
    a null space, or with a few eigenvalues of the other sign, is welcome. Forward Gauss-Seidel before and backward
    after make the cycle symmetric where A is. Cost and memory are linear in the number of unknowns.

    Make one with `multigrid`; call it with vectors (n,).

    References
    ----------
    Trottenberg, Oosterlee, Schueller (2001), Multigrid, Academic Press.
    """

    def __init__(self, levels: list[_Level], coarsest: Array) -> None:
        self.levels, self._coarsest = levels, coarsest
        self._outs = [np.empty(len(coarsest))]

    @property
    def complexity(self) -> float:
        """Stored entries of all levels over those of the finest: work and memory of a cycle."""
        if not self.levels:
            return 1.0
        return (sum(level.A.nnz for level in self.levels) + self._coarsest.size) / self.levels[0].A.nnz

    def __call__(self, b: Array) -> Array:
        """Return approximately ``A^-1 b`` (n,)."""
        return self._cycle(0, np.ascontiguousarray(b, dtype=np.float64)).copy()

    def _cycle(self, depth: int, b: Array) -> Array:
        from sciopt.linalg.multigrid_kernels import residual, smooth_backward, smooth_from_zero

        if depth == len(self.levels):
            return self._coarsest @ b
        level = self.levels[depth]
        A, x = level.A, level.x
        smooth_from_zero(A.data, A.indices, A.indptr, level.inverse, b, x)
        residual(A.data, A.indices, A.indptr, b, x, level.rest)
        x += level.P @ self._cycle(depth + 1, level.R @ level.rest)
        smooth_backward(A.data, A.indices, A.indptr, level.inverse, b, x)
        return x


def multigrid(A: Any, axes: tuple[Axis, ...], fields: int = 1, transfers: dict[Any, Any] | None = None) -> Multigrid:
    """Build the levels of a `Multigrid`.

    Parameters
    ----------
    A
        Sparse matrix (n, n) with n = fields * product of the sizes of the axes; field after field, last axis fastest.
    axes
        Where the unknowns sit along each axis.
    fields
        Unknowns a point.
    transfers
        A dict that keeps the interpolations between calls for matrices on the same grid.

    Raises
    ------
    DataError
        A does not fit the grid, or has entries that are not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import diags_array
    >>> n = 1023
    >>> A = diags_array([-np.ones(n - 1), 2 * np.ones(n), -np.ones(n - 1)], offsets=(-1, 0, 1))
    >>> cycle = multigrid(A, (Axis(np.arange(1.0, n + 1), 0.0, n + 1.0),))
    >>> b = np.ones(n)
    >>> x = cycle(b)
    >>> bool(np.linalg.norm(A @ x - b) < 0.2 * np.linalg.norm(b))
    True
    """
    matrix = as_csr(A)
    points = int(np.prod([axis.size for axis in axes]))
    if dimensions(matrix) != (fields * points, fields * points):
        raise DataError(f"A has shape {dimensions(matrix)}; the grid has {fields} x {points} unknowns")
    transfers = {} if transfers is None else transfers
    levels: list[_Level] = []
    while dimensions(matrix)[0] > COARSEST:
        halve = _halved(matrix, axes, fields)
        if not any(halve):
            break
        key = (tuple(axis.size for axis in axes), halve)
        pair = transfers.get(key)
        if pair is None:
            P = interpolation(axes, halve, fields)
            pair = transfers[key] = (P, P.T.tocsr())
        P, R = pair
        n = dimensions(matrix)[0]
        diagonal = matrix.diagonal()
        safe = np.where(diagonal != 0.0, diagonal, np.inf)
        levels.append(_Level(matrix, 1.0 / safe, P, R, np.empty(n), np.empty(n)))
        matrix = (R @ (matrix @ P)).tocsr()
        axes = tuple(axis.halved() if half else axis for axis, half in zip(axes, halve, strict=True))
    return Multigrid(levels, _inverse(matrix.toarray()))


def _inverse(A: Array) -> Any:
    """Return the inverse, or the pseudoinverse where A is singular to rounding."""
    try:
        inverse: Any = np.linalg.inv(A)
    except np.linalg.LinAlgError:
        return np.linalg.pinv(A, rcond=1e-12)
    size = float(np.linalg.norm(inverse, 1) * np.linalg.norm(A, 1))
    return inverse if size < 1e12 else np.linalg.pinv(A, rcond=1e-12)


def _halved(A: "csr_matrix", axes: tuple[Axis, ...], fields: int) -> tuple[bool, ...]:
    """Tell which axes are coarsened next: those with strong couplings and with points to spare."""
    sizes = [axis.size for axis in axes]
    long = [size >= 4 for size in sizes]
    strides = [int(np.prod(sizes[k + 1 :])) for k in range(len(sizes))]
    strength = np.array([float(np.abs(A.diagonal(stride)).mean()) for stride in strides])
    largest = max((s for s, ok in zip(strength, long, strict=True) if ok), default=0.0)
    return tuple(bool(ok and s >= WEAK * largest) for s, ok in zip(strength, long, strict=True))
