"""Colouring of the columns of a sparsity pattern: columns of one colour share no row and need one product only."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sciopt._errors import DataError
from sciopt.linalg.sparse import dimensions

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["colour_columns", "compress_seeds", "decompress"]


def _pattern(pattern: Any) -> "csr_matrix":
    from scipy.sparse import csr_matrix

    csr = csr_matrix(pattern)
    if not csr.has_canonical_format:
        csr = csr.copy()
        csr.sum_duplicates()
    return csr


def colour_columns(pattern: Any) -> NDArray[np.int64]:
    """Colour the columns of a sparsity pattern so that two columns with an entry in one row differ in colour.

    Greedy, columns with many neighbours first (Curtis, Powell and Reid 1974; Gebremedhin, Manne and Pothen 2005). A
    Jacobian with k colours costs k products instead of P.

    Parameters
    ----------
    pattern
        Sparse matrix or array (n, P); stored entries (non-zeros of a dense array) are the pattern.

    Returns
    -------
    colours (P,)
        Integers from 0 to k - 1.

    Examples
    --------
    >>> import numpy as np
    >>> colour_columns(np.eye(3) + np.eye(3, k=1)).max() + 1
    np.int64(2)
    """
    from sciopt.linalg.colouring_kernels import greedy_colours

    csr = _pattern(pattern)
    csc = csr.tocsc()
    # Number of neighbours, counted with multiplicity: cheap, and a good order all the same.
    row_sizes = np.diff(csr.indptr).astype(np.int64)
    per_entry = np.concatenate([[0], np.cumsum(row_sizes[csc.indices])])
    neighbours = per_entry[csc.indptr[1:]] - per_entry[csc.indptr[:-1]]
    order = np.argsort(-neighbours, kind="stable")
    return greedy_colours(
        csr.indptr.astype(np.int64),
        csr.indices.astype(np.int64),
        csc.indptr.astype(np.int64),
        csc.indices.astype(np.int64),
        order,
    )


def compress_seeds(colours: ArrayLike) -> NDArray[np.float64]:
    """Return the seed matrix (P, k): column c is 1 on the columns of colour c; ``J @ seeds`` is what to compute."""
    labels = np.asarray(colours, dtype=np.int64)
    if labels.ndim != 1 or (labels.size and labels.min() < 0):
        raise DataError(f"colours has shape {labels.shape}; expected (P,) integers >= 0")
    return np.eye(int(labels.max(initial=-1)) + 1)[labels]


def decompress(compressed: ArrayLike, pattern: Any, colours: ArrayLike) -> "csr_matrix":
    """Recover the sparse Jacobian (n, P) from ``compressed = J @ seeds`` (n, k).

    Raises
    ------
    DataError
        When the shapes of ``compressed``, ``pattern`` and ``colours`` disagree.
    """
    from scipy.sparse import csr_matrix

    csr = _pattern(pattern)
    products, labels = np.asarray(compressed, dtype=np.float64), np.asarray(colours, dtype=np.int64)
    n, P = dimensions(csr)
    k = int(labels.max(initial=-1)) + 1
    if labels.shape != (P,) or products.shape != (n, k):
        raise DataError(
            f"compressed has shape {products.shape} and colours {labels.shape}; a pattern of shape ({n}, {P}) with {k} "
            f"colours needs ({n}, {k}) and ({P},)"
        )
    rows = np.repeat(np.arange(n), np.diff(csr.indptr))
    return csr_matrix((products[rows, labels[csr.indices]], csr.indices, csr.indptr), shape=(n, P))
