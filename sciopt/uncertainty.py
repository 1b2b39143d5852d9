"""Covariance, rank and null directions from the whitened Jacobian at the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sciopt._types import Array

__all__ = ["Uncertainty", "constrained", "information_root", "prediction_error", "sandwich", "uncertainty"]

EPS = float(np.finfo(float).eps)


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
    identified
        V S^-2 V^T without gaps, shape (P, P): the covariance of combinations that have no null component; zero for
        parameters at a bound.
    effective
        Number of parameters that the data fix where equations fix the others: the trace of the data's part of the
        projection on the columns of J; None without equations.
    """

    covariance: Array
    singular_values: Array
    rank: int
    null: Array
    reasons: dict[int, str]
    identified: Array
    effective: float | None = None


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
    from sciopt.linalg.compact import spectrum

    n, P = J.shape
    free = np.flatnonzero(np.logical_not(held)) if held.any() else None
    A = J if free is None else J[:, free]
    norms, S, Vt = spectrum(A) if A.shape[1] else (np.zeros(0), np.zeros(0), np.zeros((0, 0)))
    reasons = {int(j): "at a bound" for j in np.flatnonzero(held)} if free is not None else {}
    if not S.size:
        lost = np.full((P, P), np.nan)
        return Uncertainty(lost, S, 0, np.zeros((P, 0)), reasons, lost.copy())
    rank = int(np.count_nonzero(10 * max(n, P) * EPS * S[0] < S))
    used = norms
    if rank < A.shape[1]:
        used = np.where(norms > 0, norms, 1.0 / (scale if free is None else scale[free]))
    V = Vt[:rank].T / used[:, None]
    C = (V / S[:rank] ** 2) @ V.T
    if free is None and rank == P:
        return Uncertainty(C, S, rank, np.zeros((P, 0)), reasons, C)
    free = np.arange(P) if free is None else free
    identified, covariance = np.zeros((P, P)), np.full((P, P), np.nan)
    identified[np.ix_(free, free)] = C
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
    return Uncertainty(covariance, S, rank, null, reasons, identified)


def sandwich(known: Uncertainty, J: Array, scatter: Array) -> Uncertainty:
    r"""Return the covariance where the rows scatter otherwise than their weights say: A J^T Sigma J A, A = V S^-2 V^T.

    Parameters
    ----------
    known
        Uncertainty from J alone.
    J
        Whitened Jacobian, shape (n, P).
    scatter
        Covariance Sigma of the whitened rows, shape (n, n).

    Notes
    -----
    Huber, Proc. Fifth Berkeley Symposium (1967) 221; White, Econometrica 48 (1980) 817.
    """
    A = known.identified @ J.T
    C = A @ scatter @ A.T
    return replace(known, covariance=np.where(np.isnan(known.covariance), np.nan, C), identified=C)


def constrained(J: Array, equations: Array, held: Array, scale: Array) -> Uncertainty:
    r"""Return the covariance of an answer that has to meet equations, from the noise of the data alone.

    The answer moves by :math:`-J^+ \delta r` when the rows do; equations have no noise, so that
    :math:`C = J^+_d (J^+_d)^T` with the columns of the pseudoinverse that belong to data. As the weights of the equations
    grow this becomes the covariance of the data in the directions that the equations leave free.

    Parameters
    ----------
    J
        Whitened Jacobian, shape (n, P).
    equations
        True for rows that are equations, shape (n,).
    held, scale
        As in `uncertainty`.
    """
    known = uncertainty(J, held, scale)
    free = np.flatnonzero(np.logical_not(held))
    norms = np.sqrt(np.sum(J[:, free] ** 2, axis=0))
    norms[norms == 0] = 1.0
    U, S, Vt = np.linalg.svd(J[:, free] / norms, full_matrices=False)
    data = U[np.logical_not(equations), : known.rank]
    moved = (Vt[: known.rank].T / (norms[:, None] * S[: known.rank])) @ data.T
    C = np.zeros_like(known.identified)
    C[np.ix_(free, free)] = moved @ moved.T
    covariance = np.where(np.isfinite(known.covariance), C, np.nan)
    return replace(known, covariance=covariance, identified=C, effective=float(np.sum(data**2)))


def information_root(lin: Any) -> Array | None:
    """Return R (P, P) with R^T R = second derivatives of the merit, or None where they are not positive.

    Central differences of the gradient J^T r, with steps of a thousandth of the error that the scores suggest.
    """
    theta, layout, J = lin.theta, lin.layout, lin.dense()
    norms = np.sqrt(np.sum(J * J, axis=0))
    with np.errstate(all="ignore"):
        steps = np.where(norms > 0, 1e-3 / norms, 1e-6 * np.maximum(np.abs(theta), layout.scale))
    P = theta.size
    H = np.empty((P, P))
    for j in range(P):
        up, down = theta.copy(), theta.copy()
        up[j] = min(theta[j] + steps[j], layout.upper[j])
        down[j] = max(theta[j] - steps[j], layout.lower[j])
        H[j] = (lin.at(up).gradient() - lin.at(down).gradient()) / (up[j] - down[j])
    if not np.isfinite(H).all():
        return None
    values, vectors = np.linalg.eigh(0.5 * (H + H.T) / np.outer(*(2 * [np.where(norms > 0, norms, 1.0)])))
    if values.min() < -1e-6 * values.max():
        return None
    return np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T * np.where(norms > 0, norms, 1.0)


def prediction_error(
    at: Callable[[Array], Any], theta: Array, known: Uncertainty, sizes: Array, scale: float = 1.0
) -> Any:
    """Return the standard error of a prediction, sqrt(diag(G C G^T)), with G by central differences.

    A prediction that moves along a null direction has no error bar: its entry is NaN. One that does not is known
    however many parameters are not. Parameters at a bound are taken as exact.

    Parameters
    ----------
    at
        Prediction as a function of theta, of any shape, real or complex.
    theta, known
        Point (P,) and what is known about it.
    sizes
        Typical sizes (P,) used for steps of parameters at zero.
    scale
        Factor of the covariance, chi2/dof where errors are scaled.

    Returns
    -------
    ndarray
        Shape of the prediction; for complex predictions the error of the real part + i times that of the imaginary
        part.
    """
    steps = np.cbrt(np.finfo(float).eps) * np.where(theta != 0, np.abs(theta), sizes)
    columns = []
    for j, h in enumerate(steps):
        if not known.identified[j].any() and not known.null[j].any():  # at a bound
            columns.append(np.zeros_like(at(theta)))
            continue
        up, down = theta.copy(), theta.copy()
        up[j] += h
        down[j] -= h
        columns.append((at(up) - at(down)) / (up[j] - down[j]))
    G: Any = np.stack(columns, axis=-1)
    if G.dtype.kind == "c":
        return _error(G.real, known, scale) + 1j * _error(G.imag, known, scale)
    return _error(G, known, scale)


def _error(G: Array, known: Uncertainty, scale: float) -> Array:
    error = np.sqrt(scale * np.maximum(np.einsum("...i,ij,...j->...", G, known.identified, G), 0.0))
    for direction in known.null.T:
        terms = G * direction
        error = np.where(np.abs(terms.sum(-1)) > 1e-6 * np.abs(terms).sum(-1), np.nan, error)
    return error
