"""Spectral factors by SVD, QR, the eigenvalues of a Gram matrix, and a pivoted Cholesky factor of it."""

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from sciopt.linalg.bases import Derived, Explicit, Householder
from sciopt.linalg.dense import lapack, raw_qr
from sciopt.linalg.gram import gram_matrix, gram_rtol
from sciopt.linalg.operators import ScaledJacobian
from sciopt.linalg.spectral import SpectralFactor

__all__ = ["gram_factor", "pivoted_cholesky_factor", "qr_factor", "svd_factor", "svd_ladder"]

Array = NDArray[np.float64]
EPS = float(np.finfo(np.float64).eps)


def svd_ladder(A: Array) -> tuple[Array, Array, Array, str]:
    """Thin SVD by the first of gesdd, gesvd, eigh of the Gram matrix that converges.

    Returns
    -------
    U (n, m), S (m,), Vt (m, P), note
        ``note`` is empty for gesdd, else says which rung was reached.
    """
    try:
        U, S, Vt = np.linalg.svd(A, full_matrices=False)
        return U, S, Vt, ""
    except np.linalg.LinAlgError:
        pass
    try:
        U, S, Vt = scipy.linalg.svd(A, full_matrices=False, lapack_driver="gesvd", check_finite=False)
        return U, S, Vt, "gesdd failed, gesvd used"
    except np.linalg.LinAlgError:
        pass
    note = "gesdd and gesvd failed, eigh of the Gram matrix used"
    if A.shape[0] < A.shape[1]:
        S, U = _gram_eigen(A @ A.T)
        return U, S, (U.T @ A) / np.where(S > 0.0, S, 1.0)[:, None], note
    S, V = _gram_eigen(A.T @ A)
    return (A @ V) / np.where(S > 0.0, S, 1.0), S, V.T, note


def _gram_eigen(K: Array) -> tuple[Array, Array]:
    """Descending singular values and vectors from a Gram matrix; eigenvalues under the noise are lifted to it."""
    eigenvalues, vectors = np.linalg.eigh(K)
    eigenvalues, vectors = eigenvalues[::-1], vectors[:, ::-1]
    # Eigenvalues below eps * largest are rounding of either sign. A positive stand-in keeps S * g exact for the damped
    # steps; directions under rtol are never inverted.
    return np.sqrt(np.maximum(eigenvalues, EPS * max(float(eigenvalues[0]), 0.0))), np.ascontiguousarray(vectors)


def svd_factor(jacobian: ScaledJacobian) -> SpectralFactor:
    """SVD of ``J / D`` itself: full accuracy, the slowest (about ``6 n P min(n, P)`` operations)."""
    U, S, Vt, note = svd_ladder(jacobian.matrix)
    rtol = gram_rtol(len(S)) if "Gram" in note else max(jacobian.shape) * EPS
    return SpectralFactor("svd", jacobian, S, Explicit(U), Explicit(Vt.T), rtol, note)


def qr_factor(jacobian: ScaledJacobian) -> SpectralFactor:
    """QR (n >= P) or LQ (n < P) of ``J / D``, then SVD of the triangle: accuracy of the SVD, several times faster."""
    A = jacobian.matrix
    tall = jacobian.side == "primal"
    m = min(A.shape)
    columns = A if tall else A.T
    reflectors, tau, R = raw_qr(columns)
    U, S, Vt, note = svd_ladder(R[:m])
    outer, inner = (U, Vt.T) if tall else (Vt.T, U)
    implicit = Householder(reflectors, tau, outer if tall else inner)
    rtol = gram_rtol(m) if "Gram" in note else max(A.shape) * EPS
    if tall:
        return SpectralFactor("qr", jacobian, S, implicit, Explicit(inner), rtol, note)
    # A^T = Q R = Q (U S Vt), hence A = Vt^T S (Q U)^T: left vectors Vt^T, right vectors Q U.
    return SpectralFactor("qr", jacobian, S, Explicit(outer), implicit, rtol, note)


def gram_factor(jacobian: ScaledJacobian, memory: int | None = None, K: Array | None = None) -> SpectralFactor:
    """Eigenvalues of the float64 Gram matrix: cheap, resolves ``S / S[0]`` down to ``sqrt(10 m eps)`` only."""
    K = gram_matrix(jacobian, memory) if K is None else K
    try:
        S, vectors = _gram_eigen(K)
    except np.linalg.LinAlgError:
        factor = svd_factor(jacobian)
        note = "eigh failed, SVD of J used" + (f"; {factor.note}" if factor.note else "")
        return SpectralFactor("gram", jacobian, factor.S, factor.left, factor.right, factor.relative, note)
    return _from_one_side("gram", jacobian, S, vectors, gram_rtol(len(S)))


def pivoted_cholesky_factor(
    jacobian: ScaledJacobian, memory: int | None = None, tolerance: float | None = None
) -> SpectralFactor:
    """Rank-revealing Cholesky (LAPACK pstrf) of the Gram matrix, then SVD of the thin factor: a cheap pseudoinverse.

    Stops when the largest remaining diagonal entry is below ``tolerance`` times the largest one, so that only the
    numerical rank (often a tenth of min(n, P) for networks) is decomposed: five to seven times faster than eigh.

    Parameters
    ----------
    jacobian
        The scaled Jacobian; dense.
    memory
        Bytes allowed for a scaled copy of J.
    tolerance
        Relative to the largest diagonal entry of the Gram matrix, hence to *squares* of singular values; the default
        ``10 m eps`` is the rounding level, a cut at ``rtol`` needs no more than about ``rtol**2 / 100``.
    """
    K = gram_matrix(jacobian, memory)
    m = len(K)
    relative = 10.0 * m * EPS if tolerance is None else max(tolerance, m * EPS)
    largest = float(K.diagonal().max())
    if not largest > 0.0:
        factor = _from_one_side("pivoted_cholesky", jacobian, np.zeros(1), np.eye(m, 1), gram_rtol(m))
        return factor
    # K is symmetric: its transpose is the Fortran-ordered view that LAPACK overwrites in place.
    L, pivots, rank, info = lapack.dpstrf(K.T, tol=relative * largest, lower=1, overwrite_a=1)
    if info < 0:  # pragma: no cover - only wrong arguments can do this
        raise np.linalg.LinAlgError(f"dpstrf returned info = {info}")
    thin = np.zeros((m, rank))
    thin[pivots - 1] = np.tril(L[:, :rank])
    U, S, _, note = svd_ladder(thin)
    rtol = gram_rtol(m) if tolerance is None else float(np.sqrt(relative))
    note = f"rank {rank} of {m}" + (f"; {note}" if note else "")
    return _from_one_side("pivoted_cholesky", jacobian, S, U, rtol, note)


def _from_one_side(
    how: str, jacobian: ScaledJacobian, S: Array, vectors: Array, rtol: float, note: str = ""
) -> SpectralFactor:
    known = Explicit(vectors)
    if jacobian.side == "primal":
        left = Derived(jacobian.apply, jacobian.adjoint, known, S)
        return SpectralFactor(how, jacobian, S, left, known, rtol, note)
    return SpectralFactor(how, jacobian, S, known, Derived(jacobian.adjoint, jacobian.apply, known, S), rtol, note)
