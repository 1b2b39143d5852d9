"""Randomised range finder for the row space of ``J / D``, with an explicit seed."""

import numpy as np

from sciopt._errors import OptionError
from sciopt.linalg.bases import Explicit
from sciopt.linalg.decompositions import svd_ladder
from sciopt.linalg.operators import ScaledJacobian
from sciopt.linalg.spectral import SpectralFactor

__all__ = ["sketch_factor"]


def sketch_factor(
    jacobian: ScaledJacobian, k: int | None = None, oversampling: int = 10, power: int = 1, seed: int = 0
) -> SpectralFactor:
    r"""Restrict the problem to a random subspace that holds the leading ``k`` right singular vectors and the gradient.

    ``Q`` is an orthonormal basis of ``[A^T r, (A^T A)^power A^T Omega]`` with Gaussian ``Omega`` (n, k + oversampling)
    (Halko, Martinsson and Tropp 2011); then ``A Q`` is decomposed. The steps are exact minimisers *within* the
    subspace, so predicted decreases are exact, and the gradient in it makes every damped step a descent direction.

    Parameters
    ----------
    jacobian
        The scaled Jacobian, dense or as products; costs ``(2 power + 2)(k + oversampling)`` products.
    k
        Leading directions wanted; default ``min(n, P, 500)``.
    oversampling
        Extra random directions; they are kept.
    power
        Power iterations, each re-orthonormalised; 1 or 2 for slowly decaying spectra.
    seed
        Seed of the Gaussian matrix: same seed, same bits.
    """
    n, P = jacobian.shape
    wanted = min(n, P, 500) if k is None else k
    if wanted < 1 or oversampling < 0 or power < 0:
        raise OptionError(f"sketch: k={k!r}, oversampling={oversampling!r}, power={power!r}; need k >= 1, others >= 0")
    columns = min(wanted + oversampling, n, P)
    omega = np.random.default_rng(seed).standard_normal((n, columns))
    Y = jacobian.adjoint(omega)
    for _ in range(power):
        Q = np.linalg.qr(Y)[0]
        Y = jacobian.adjoint(np.linalg.qr(jacobian.apply(Q))[0])
    gradient = jacobian.adjoint(jacobian.r)
    size = float(np.linalg.norm(gradient))
    if size > 0.0 and columns < min(n, P):
        Y = np.concatenate([(gradient / size)[:, None], Y / np.linalg.norm(Y, 2)], axis=1)
    Q = np.linalg.qr(Y)[0]
    U, S, Wt, note = svd_ladder(jacobian.apply(Q))
    note = "; ".join(x for x in (f"{Q.shape[1]} of {min(n, P)} directions, seed {seed}", note) if x)
    rtol = max(n, P) * float(np.finfo(float).eps)
    complete = columns >= min(n, P)
    return SpectralFactor("sketch", jacobian, S, Explicit(U), Explicit(Q @ Wt.T), rtol, note, complete)
