"""From error bars and covariances to rows of unit variance."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sciopt._errors import DataError
from sciopt._types import Array

__all__ = ["Whitener", "whitener"]


@dataclass(frozen=True, eq=False)
class Whitener:
    r"""Linear map W with :math:`W^T W = C^{-1}` for the covariance C of the data.

    Made by `whitener`. Complex rows are mapped as they are, so that C holds for real and imaginary parts each.

    Parameters
    ----------
    scale : ndarray (n,)
        First factor, a diagonal: 1/sigma.
    lower : ndarray (n, n), optional
        Cholesky factor of the correlation matrix: rows are L^-1 (scale z).
    basis, shrink : ndarray (n, k) and (k,), optional
        Second factor of a covariance of low rank beyond its diagonal: I - basis diag(shrink) basis^T.
    sigma : ndarray (n,)
        Total standard deviation of each datum, the length of its error bar.
    """

    scale: Array
    sigma: Array
    lower: Array | None = None
    basis: Array | None = None
    shrink: Array | None = None

    @property
    def size(self) -> int:
        """Number of data n."""
        return self.scale.size

    @property
    def diagonal(self) -> Array | None:
        """1/sigma (n,), or None when data are correlated."""
        return self.scale if self.lower is None and self.basis is None else None

    def apply(self, z: ArrayLike) -> Any:
        """Whiten values.

        Parameters
        ----------
        z : array of n entries, real or complex, or 2 n real ones (real parts, then imaginary parts)

        Returns
        -------
        ndarray (n,) or (2 n,)
        """
        return self.rows(np.asarray(z).reshape(-1))

    def rows(self, J: Any) -> Any:
        """Whiten rows (n, P), or (2 n, P) with real parts first; a vector is one column."""
        flat = np.asarray(_dense(J))
        n = self.size
        if flat.shape[0] == 2 * n:
            return np.concatenate([self._map(flat[:n]), self._map(flat[n:])])
        if flat.shape[0] != n:
            raise DataError(f"sigma describes {n} data but {flat.shape[0]} rows were given")
        return self._map(flat)

    def _map(self, rows: Any) -> Any:
        out = (self.scale if rows.ndim == 1 else self.scale[:, None]) * rows
        if self.lower is not None:
            from scipy.linalg import solve_triangular

            with np.errstate(all="ignore"):
                return solve_triangular(self.lower, out, lower=True, check_finite=False)
        if self.basis is not None and self.shrink is not None:
            with np.errstate(all="ignore"):
                inner = self.basis.T @ out
                out = out - self.basis @ ((self.shrink if out.ndim == 1 else self.shrink[:, None]) * inner)
        return out


def _dense(J: Any) -> Any:
    """Return a sparse matrix as an array: correlated data fill its rows."""
    return J.toarray() if hasattr(J, "toarray") else J


def whitener(
    sigma: Any, shape: tuple[int, ...], *, name: str = "y", keep: Any = None, complex_data: bool = False
) -> Whitener:
    r"""Read the ``sigma=`` of a condition.

    Parameters
    ----------
    sigma : None, float, array, or (stat, systematics)
        Standard deviation of the data, in their unit: a number; an array that broadcasts to ``shape``; the full
        covariance (n, n), n the number of data (where an array could be read both ways, it is standard deviations);
        or independent errors together with k systematic effects, columns (n, k) or ``shape + (k,)`` of one-sigma
        shifts, for the covariance diag(stat^2) + S S^T. None is 1. For complex data the same holds for real and
        imaginary parts each.
    shape : tuple of int
        Shape of the data.
    name : str
        What the data are called in messages.
    keep : bool array of that shape, optional
        Rows in use; the others are neither checked nor described by the result.
    complex_data : bool
        Only for the message when a covariance of the stacked parts is given.

    Returns
    -------
    Whitener

    Raises
    ------
    DataError
        sigma <= 0 or not finite, of a wrong shape, a covariance that is not symmetric or not positive definite;
        naming the index.

    Notes
    -----
    With U = diag(1/stat) S = Q diag(s) V^T, the symmetric root of (I + U U^T)^-1 is
    I - Q diag(1 - 1/sqrt(1 + s^2)) Q^T: O(n k^2) once and O(n k) a row, no n x n array (M. A. Woodbury, 1950).

    Examples
    --------
    >>> whitener(0.5, (2,)).apply([1.0, 2.0])
    array([2., 4.])
    """
    shape = tuple(shape)
    mask = np.ones(shape, dtype=bool) if keep is None else np.asarray(keep, dtype=bool)
    if mask.shape != shape:
        raise DataError(f"the mask of {name} has shape {mask.shape}, the data {shape}")
    use = np.flatnonzero(mask)
    if isinstance(sigma, tuple):
        if len(sigma) != 2:
            raise DataError(f"sigma of {name}: a tuple must be (stat, systematics), not of length {len(sigma)}")
        return _systematic(sigma[0], sigma[1], shape, use, name)
    values = _real(1.0 if sigma is None else sigma, "sigma", name)
    if _broadcasts(values.shape, shape):
        spread = _spread(values, shape, use, "sigma", name)
        return Whitener(1.0 / spread, spread)
    n = int(np.prod(shape))
    if values.shape == (n, n):
        return _covariance(values[np.ix_(use, use)], use, shape, name)
    if values.shape == (*shape, *shape):
        return _covariance(values.reshape(n, n)[np.ix_(use, use)], use, shape, name)
    hint = ""
    if complex_data and values.shape == (2 * n, 2 * n):
        hint = "; for complex data give the covariance of one part, it is used for both"
    raise DataError(
        f"sigma of {name} has shape {values.shape}; needed: a number, {shape} or what broadcasts to it, "
        f"a covariance ({n}, {n}), or (stat, systematics){hint}"
    )


def _real(value: Any, what: str, name: str) -> Array:
    raw = np.asarray(value)
    if raw.dtype.kind not in "uif":
        raise DataError(f"{what} of {name} has dtype {raw.dtype}; real numbers are needed")
    return raw.astype(np.float64)


def _broadcasts(small: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    try:
        return np.broadcast_shapes(small, shape) == shape
    except ValueError:
        return False


def _index(flat: int, shape: tuple[int, ...]) -> str:
    where = tuple(int(i) for i in np.unravel_index(flat, shape))
    return f"index {where[0]}" if len(where) == 1 else f"index {where}"


def _spread(values: Array, shape: tuple[int, ...], use: NDArray[np.intp], what: str, name: str) -> Array:
    """Check the standard deviations of the rows in use and return them."""
    spread = np.broadcast_to(values, shape).reshape(-1)[use]
    with np.errstate(all="ignore"):
        bad = np.flatnonzero(~(np.isfinite(spread) & (spread > 0) & np.isfinite(1.0 / spread)))
    if bad.size:
        first = int(bad[0])
        where = f" at {_index(int(use[first]), shape)}" if values.ndim else ""
        raise DataError(
            f"{what} of {name} is {spread[first]:g}{where}; it must be positive and finite (mask a row to leave it out)"
        )
    return spread


def _covariance(matrix: Array, use: NDArray[np.intp], shape: tuple[int, ...], name: str) -> Whitener:
    from scipy.linalg import LinAlgError, cholesky

    bad = np.argwhere(~np.isfinite(matrix))
    if bad.size:
        i, j = (int(v) for v in bad[0])
        raise DataError(f"covariance of {name} is {matrix[i, j]} at index ({use[i]}, {use[j]})")
    variance = np.diagonal(matrix)
    low = np.flatnonzero(variance <= 0)
    if low.size:
        i = int(low[0])
        raise DataError(f"covariance of {name}: variance {variance[i]:g} at {_index(int(use[i]), shape)} must be > 0")
    sigma = np.sqrt(variance)
    correlation = matrix / sigma[:, None] / sigma
    skew = np.abs(correlation - correlation.T)
    if skew.max(initial=0.0) > 1e-8:
        i, j = (int(v) for v in np.unravel_index(int(np.argmax(skew)), skew.shape))
        raise DataError(
            f"covariance of {name} is not symmetric: {matrix[i, j]:g} at ({use[i]}, {use[j]}) "
            f"but {matrix[j, i]:g} at ({use[j]}, {use[i]})"
        )
    correlation = 0.5 * (correlation + correlation.T)
    try:
        lower = cholesky(correlation, lower=True, check_finite=False)
        definite = bool(np.diagonal(lower).min(initial=1.0) ** 2 > len(use) * np.finfo(np.float64).eps)
    except LinAlgError:
        definite, lower = False, None
    if not definite:
        eigenvalues, vectors = np.linalg.eigh(correlation)
        worst = int(np.argmax(np.abs(vectors[:, 0])))
        raise DataError(
            f"covariance of {name} is not positive definite: smallest eigenvalue of its correlation matrix "
            f"{eigenvalues[0]:.2g}, mostly at {_index(int(use[worst]), shape)}; data that determine each other must be "
            "dropped, or the parts given as (stat, systematics)"
        )
    return Whitener(1.0 / sigma, sigma, lower=lower)


def _systematic(stat: Any, systematics: Any, shape: tuple[int, ...], use: NDArray[np.intp], name: str) -> Whitener:
    independent = _real(stat, "stat part of sigma", name)
    if not _broadcasts(independent.shape, shape):
        raise DataError(f"stat part of sigma of {name} has shape {independent.shape}, the data {shape}")
    spread = _spread(independent, shape, use, "stat part of sigma", name)
    columns = _real(systematics, "systematics", name)
    n = int(np.prod(shape))
    if columns.shape == shape:
        columns = columns.reshape(n, 1)
    elif columns.shape[:-1] in (shape, (n,)):
        columns = columns.reshape(n, columns.shape[-1])
    else:
        raise DataError(
            f"systematics of {name} have shape {columns.shape}; needed ({n}, k), one column an effect, "
            f"or {shape} for a single one"
        )
    columns = columns[use]
    bad = np.argwhere(~np.isfinite(columns))
    if bad.size:
        i, j = (int(v) for v in bad[0])
        raise DataError(f"systematics of {name}: {columns[i, j]} at {_index(int(use[i]), shape)}, effect {j}")
    sigma = np.sqrt(spread**2 + np.sum(columns**2, axis=1))
    basis, s, _ = np.linalg.svd(columns / spread[:, None], full_matrices=False)
    root = np.hypot(1.0, s)
    return Whitener(1.0 / spread, sigma, basis=basis, shrink=(s / root) * (s / (1.0 + root)))
