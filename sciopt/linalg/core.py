"""Both sides sketched: the core of J in random subspaces of rows and parameters, decomposed exactly."""

import numpy as np
from numpy.typing import NDArray

from sciopt._errors import OptionError
from sciopt.linalg.bases import Explicit
from sciopt.linalg.decompositions import svd_ladder
from sciopt.linalg.operators import Product, ScaledJacobian
from sciopt.linalg.spectral import SpectralFactor

__all__ = ["core_factor"]

Array = NDArray[np.float64]


def core_factor(
    jacobian: ScaledJacobian, columns: int | None = None, rows: int | None = None, hashes: int = 4, seed: int = 0
) -> SpectralFactor:
    r"""Restrict the step to a random subspace of parameters, and the residual to random sums of rows.

    :math:`B = S\,A\,Q` with Q an orthonormal basis of random directions and of the gradient, and S a sparse sign matrix
    that adds every row, with random sign and weight :math:`h^{-1/2}`, to h of the ``rows`` buckets (Clarkson and Woodruff
    2013). Steps are those of the sketched problem; their predicted decreases are of it too. Rows are sketched only
    where there are more than ``rows``.

    Parameters
    ----------
    jacobian
        The scaled Jacobian, dense or as products; costs ``columns`` products with J.
    columns
        Dimension of the subspace; default ``min(n, P, max(P // 2, 1), 2000)``.
    rows
        Buckets; default four times ``columns``.
    hashes
        Buckets that a row goes to.
    seed
        Same seed, same bits.

    References
    ----------
    Webb, Jerad and Cartis, arXiv 2607.02194.
    """
    n, P = jacobian.shape
    s = min(n, P, max(P // 2, 1), 2000) if columns is None else min(columns, P)
    m = min(n, 4 * s if rows is None else rows)
    if s < 1 or m < 1 or hashes < 1:
        raise OptionError(f"core: columns={columns!r}, rows={rows!r}, hashes={hashes!r}; all must be at least 1")
    rng = np.random.default_rng(seed)
    gradient = jacobian.adjoint(jacobian.r)
    start = rng.standard_normal((P, s))
    size = float(np.linalg.norm(gradient))
    if size > 0.0:
        start[:, 0] = gradient / size * float(np.sqrt(P))
    Q = np.linalg.qr(start)[0]
    AQ, r = jacobian.apply(Q), jacobian.r
    if m < n:
        S = _signs(m, n, min(hashes, m), rng)
        AQ, r = S @ AQ, S @ r
    U, sigma, Wt, note = svd_ladder(AQ)
    right = Explicit(Q @ Wt.T)
    small = Product((len(r), P), lambda x: AQ @ (Q.T @ x), lambda y: Q @ (AQ.T @ y))
    sketched = ScaledJacobian(small, None, r, None)
    told = "; ".join(x for x in (f"{s} of {P} directions, {len(r)} of {n} rows, seed {seed}", note) if x)
    if jacobian.scale is not None:
        D = jacobian.scale
        unscaled = Product((len(r), P), lambda x: AQ @ (Q.T @ _times(D, x)), lambda y: _times(D, Q @ (AQ.T @ y)))
        sketched = ScaledJacobian(unscaled, None, r, D)
    rtol = max(n, P) * float(np.finfo(float).eps)
    return SpectralFactor("core", sketched, sigma, Explicit(U), right, rtol, told, complete=False)


def _times(D: Array, x: Array) -> Array:
    return x * (D if x.ndim == 1 else D[:, None])


def _signs(m: int, n: int, hashes: int, rng: np.random.Generator):
    """Return the sparse (m, n) matrix of random signs over sqrt(hashes)."""
    from scipy.sparse import csr_array

    rows = np.concatenate([rng.integers(0, m, n) for _ in range(hashes)])
    signs = rng.choice([-1.0, 1.0], n * hashes) / np.sqrt(hashes)
    return csr_array((signs, (rows, np.tile(np.arange(n), hashes))), shape=(m, n))
