"""What a sparse solve reports."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["SparseFlag", "relative_residual"]


class SparseFlag(str):
    """A short sentence about a sparse solve, with its figures as attributes.

    Attributes
    ----------
    how : str
        Algorithm that produced the answer.
    residual : float
        Relative residual reached, recomputed from the answer.
    iterations : int
        Iterations taken; 0 for direct solves.
    converged : bool
        Whether the tolerance was reached.
    note : str
        Fallbacks and failures, empty if none.
    """

    __slots__ = ("converged", "how", "iterations", "note", "residual")

    how: str
    residual: float
    iterations: int
    converged: bool
    note: str

    def __new__(cls, how: str, residual: float, iterations: int, converged: bool, note: str = "") -> "SparseFlag":
        """Make the sentence."""
        parts = [f"{how}: residual {residual:.1e}"]
        if iterations:
            parts.append(f"{iterations} iterations")
        if not converged:
            parts.append("not converged")
        if note:
            parts.append(note)
        flag = super().__new__(cls, ", ".join(parts))
        flag.how, flag.residual, flag.iterations, flag.converged, flag.note = how, residual, iterations, converged, note
        return flag

    def noting(self, note: str) -> "SparseFlag":
        """Return the flag with another remark."""
        joined = f"{self.note}; {note}" if self.note else note
        return SparseFlag(self.how, self.residual, self.iterations, self.converged, joined)


def relative_residual(A: "csr_matrix", delta: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Return ``||A delta - b|| / ||b||``, or the numerator when b = 0."""
    return float(np.linalg.norm(A @ delta - b)) / (float(np.linalg.norm(b)) or 1.0)
