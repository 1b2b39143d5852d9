"""Covariance, rank and null directions from the whitened Jacobian at the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sciopt._types import Array

__all__ = ["Uncertainty", "prediction_error", "uncertainty"]


@dataclass(frozen=True, eq=False)
class Uncertainty:
    """What the rows say about the parameters.

    Attributes
    ----------
    covariance
        V S^-2 V^T over the identified directions, in the parameters' units, shape (P, P); NaN where unknown.
    singular_values
        Of the column-scaled Jacobian, descending.
    rank
        Number of singular values above rounding.
    null
        Basis (P, k) of directions in which nothing is known.
    reasons
        Why a parameter has no error, by its place in theta.
    """

    covariance: Array
    singular_values: Array
    rank: int
    null: Array
    reasons: dict[int, str]


def uncertainty(J: Array, held: Array, scale: Array) -> Uncertainty:
    """Return the covariance of a least-squares answer from its whitened Jacobian.

    Parameters
    ----------
    J
        Whitened Jacobian, shape (n, P).
    held
        True where a parameter sits at a bound; its error is absent and the others' are conditional on it.
    scale
        Typical size of each parameter, shape (P,); the metric of the null directions.
    """
    n, P = J.shape
    covariance = np.full((P, P), np.nan)
    reasons = {int(j): "at a bound" for j in np.flatnonzero(held)}
    free = np.flatnonzero(np.logical_not(held))
    A = J[:, free]
    norms = np.sqrt(np.sum(A * A, axis=0))
    used = np.where(norms > 0, norms, 1.0 / scale[free])
    if not free.size or not np.isfinite(A).all():
        return Uncertainty(covariance, np.zeros(0), 0, np.zeros((P, 0)), reasons)
    _, S, Vt = np.linalg.svd(A / used, full_matrices=True)
    cut = 10 * max(n, P) * np.finfo(float).eps * (S[0] if S.size else 0.0)
    rank = int(np.count_nonzero(cut < S))
    V = Vt[:rank].T / used[:, None]
    C = (V / S[:rank] ** 2) @ V.T
    null = np.zeros((P, free.size - rank))
    null[free] = Vt[rank:].T / used[:, None]
    lost = np.zeros(free.size, dtype=bool)
    if null.shape[1]:
        null = np.linalg.qr(null)[0]
        lost = np.max(np.abs(null[free]), axis=1) > 1e-8
    C[lost, :] = np.nan
    C[:, lost] = np.nan
    covariance[np.ix_(free, free)] = C
    for j in free[lost]:
        reasons[int(j)] = "not identified by the data"
    return Uncertainty(covariance, S, rank, null, reasons)


def prediction_error(at: Callable[[Array], Array], theta: Array, covariance: Array, scale: Array) -> Array:
    """Return the standard error of a prediction, sqrt(diag(J C J^T)), with J by central differences.

    Parameters
    ----------
    at
        Prediction as a function of theta, of any shape.
    theta, covariance, scale
        Point (P,), its covariance (P, P) and the typical sizes (P,) used for steps of parameters at zero.
    """
    sizes = np.where(theta != 0, np.abs(theta), scale)
    columns = []
    for j, h in enumerate(np.cbrt(np.finfo(float).eps) * sizes):
        up, down = theta.copy(), theta.copy()
        up[j] += h
        down[j] -= h
        columns.append((at(up) - at(down)) / (2 * h))
    J = np.stack(columns, axis=-1)
    return np.sqrt(np.einsum("...i,ij,...j->...", J, covariance, J))
