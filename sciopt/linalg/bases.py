"""Orthonormal bases of singular vectors, explicit or implicit (Householder vectors, or the other side's basis)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sciopt.linalg.dense import lapack

__all__ = ["Basis", "Derived", "Explicit", "Householder"]

Array = NDArray[np.float64]


class Basis(Protocol):
    """Columns ``B`` (N, m): only products with B and B^T are asked for."""

    def dot(self, coefficients: Array) -> Array:
        """Return ``B c`` for c (m,) or (m, k)."""
        ...

    def t(self, vectors: Array) -> Array:
        """Return ``B^T x`` for x (N,) or (N, k)."""
        ...


@dataclass(frozen=True, eq=False)
class Explicit:
    """A basis held as a matrix."""

    columns: Array

    def dot(self, coefficients: Array) -> Array:
        """Return ``B c``."""
        return self.columns @ coefficients

    def t(self, vectors: Array) -> Array:
        """Return ``B^T x``."""
        return self.columns.T @ vectors


@dataclass(frozen=True, eq=False)
class Householder:
    """``B = Q[:, :m] W`` with Q kept as Householder reflectors: forming Q would double the cost of the QR."""

    reflectors: Array
    tau: Array
    small: Array

    def _q(self, trans: str, block: Array) -> Array:
        # dormqr is faster blocked; 64 columns of workspace per right-hand side is LAPACK's own block size bound.
        out, _, info = lapack.dormqr(
            "L", trans, self.reflectors, self.tau, block, max(1, 64 * block.shape[1]), overwrite_c=1
        )
        if info != 0:  # pragma: no cover - only wrong arguments can do this
            raise np.linalg.LinAlgError(f"dormqr returned info = {info}")
        return out

    def dot(self, coefficients: Array) -> Array:
        """Return ``Q W c``."""
        block = coefficients.reshape(len(coefficients), -1)
        padded = np.zeros((self.reflectors.shape[0], block.shape[1]), order="F")
        padded[: self.small.shape[0]] = self.small @ block
        out = self._q("N", padded)
        return out.reshape(-1) if coefficients.ndim == 1 else out

    def t(self, vectors: Array) -> Array:
        """Return ``W^T Q^T x``."""
        block = np.array(vectors.reshape(len(vectors), -1), order="F")
        out = self.small.T @ self._q("T", block)[: self.small.shape[0]]
        return out.reshape(-1) if vectors.ndim == 1 else out


@dataclass(frozen=True, eq=False)
class Derived:
    """One side's singular vectors from the other's: ``B = M C S^-1`` with ``M`` = A (left) or A^T (right).

    Directions with ``S = 0`` give zero columns. Accurate where ``S`` is well above the rounding of the Gram matrix.
    """

    forward: Callable[[Array], Array]
    backward: Callable[[Array], Array]
    other: Basis
    S: Array

    def _over(self, coefficients: Array) -> Array:
        inverse = np.divide(1.0, self.S, out=np.zeros_like(self.S), where=self.S > 0.0)
        return coefficients * (inverse if coefficients.ndim == 1 else inverse[:, None])

    def dot(self, coefficients: Array) -> Array:
        """Return ``M C S^-1 c``."""
        return self.forward(self.other.dot(self._over(coefficients)))

    def t(self, vectors: Array) -> Array:
        """Return ``S^-1 C^T M^T x``."""
        return self._over(self.other.t(self.backward(vectors)))
