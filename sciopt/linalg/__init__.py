"""Linear algebra of one step: filters, factorisations, sparse systems, colouring, elimination of linear unknowns.

Knows arrays and operators only. Numba is imported on first use of a compiled kernel (`sciopt.linalg.small`, sparse
iterations, colouring), never by importing this room.
"""

from sciopt.linalg.base import Factor, needs_qr
from sciopt.linalg.colouring import colour_columns, compress_seeds, decompress
from sciopt.linalg.elimination import Projector, eliminate, golub_pereyra_jacobian, kaufman_jacobian
from sciopt.linalg.factor import choose, factor
from sciopt.linalg.filters import Filter, HalfInverse, Pinv, SmoothPinv, Tikhonov, Truncated
from sciopt.linalg.interpolation import Axis, interpolation
from sciopt.linalg.krylov import krylov_factor
from sciopt.linalg.multigrid import Multigrid, multigrid
from sciopt.linalg.operators import Product, scaled_jacobian
from sciopt.linalg.sketch import sketch_factor
from sciopt.linalg.sparse import solve_sparse
from sciopt.linalg.sparse_lstsq import sparse_lstsq
from sciopt.linalg.sparse_report import SparseFlag
from sciopt.linalg.threads import blas_threads

__all__ = [
    "Axis",
    "Factor",
    "Filter",
    "HalfInverse",
    "Multigrid",
    "Pinv",
    "Product",
    "Projector",
    "SmoothPinv",
    "SparseFlag",
    "Tikhonov",
    "Truncated",
    "blas_threads",
    "choose",
    "colour_columns",
    "compress_seeds",
    "decompress",
    "eliminate",
    "factor",
    "golub_pereyra_jacobian",
    "interpolation",
    "kaufman_jacobian",
    "krylov_factor",
    "multigrid",
    "needs_qr",
    "scaled_jacobian",
    "sketch_factor",
    "solve_sparse",
    "sparse_lstsq",
]
