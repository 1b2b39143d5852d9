"""Linearisation: r and J at theta on one frame, the only thing a method sees."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from sciopt._types import Array
from sciopt.frames import Frame
from sciopt.layout import Layout
from sciopt.linearise.work import Work

__all__ = ["Linearisation"]


class Linearisation:
    """Residual and Jacobian at theta on one frame; the seam between problems and methods.

    A problem kind provides `_evaluate` and one of `_dense`, `_sparse` or (`jvp`, `vjp`); everything else follows.
    All quantities are computed when asked for and kept.

    Attributes
    ----------
    theta
        Point, float64 array of shape (P,).
    frame
        The `Frame`; linearisations are comparable only on the same one.
    layout
        Names, scales and bounds of theta.
    structure
        ``"rectangular"``, ``"square"`` or ``"symmetric"``.
    null
        Known null vectors of J, shape (P,) or (P, k), or None.
    objective
        Whether f is an objective with gradient r and Hessian J (an energy, a dual objective), rather than a sum over
        the rows of r.
    rounding
        Known rounding error of an objective f; 0 where it is not known.
    """

    structure: str = "rectangular"
    null: Array | None = None
    objective: bool = False
    rounding: float = 0.0

    _f: float | None = None
    _r: Array | None = None
    _failed: str | None = None
    _J: Array | None = None
    _csr: Any = None
    _g: Array | None = None

    def __init__(self, theta: Array, frame: Frame, layout: Layout, work: Work | None = None) -> None:
        self.theta = theta
        self.frame = frame
        self.layout = layout
        self.work = work if work is not None else Work()

    # ---- what a kind provides -------------------------------------------------------------------------------------
    def _evaluate(self) -> tuple[float, Array]:
        """Return (merit, whitened residual); set ``_failed`` and return infinite merit where they cannot be had."""
        raise NotImplementedError

    def _dense(self) -> Array:
        raise NotImplementedError

    def _sparse(self) -> Any:
        raise NotImplementedError

    def at(self, theta: Array) -> Linearisation:
        """Return the (lazy) linearisation at another point of the same frame."""
        raise NotImplementedError

    # ---- what methods use -----------------------------------------------------------------------------------------
    def _ensure(self) -> None:
        if self._f is None:
            with np.errstate(all="ignore"):  # overflow at a trial point is a rejected step, not a warning
                f, r = self._evaluate()
            if self._failed is None and not math.isfinite(f):
                self._failed = "the merit is not finite"
            self._f, self._r = (f if self._failed is None else np.inf), r

    @property
    def f(self) -> float:
        """Merit: half the sum of squares, or the losses; infinite where the evaluation failed."""
        if self._f is None:
            self._ensure()
        assert self._f is not None
        return self._f

    @property
    def r(self) -> Array:
        """Whitened residual, shape (n,)."""
        if self._r is None:
            self._ensure()
        assert self._r is not None
        return self._r

    @property
    def failed(self) -> str | None:
        """Why the evaluation failed (non-finite rows, a solver that gave up), or None."""
        if self._f is None:
            self._ensure()
        return self._failed

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.r)

    @property
    def rows(self) -> dict[str, slice]:
        """Condition name -> slice of r."""
        return {"residual": slice(0, self.n)}

    @property
    def offers(self) -> frozenset[str]:
        """Products that this kind computes directly, of {"dense", "sparse", "jvp", "vjp", "second", "blocks"}."""
        return frozenset({"dense"})

    def dense(self) -> Array:
        """Return J, shape (n, P), float64."""
        if self._J is None:
            if type(self)._dense is Linearisation._dense:
                self._J = np.asarray(self.sparse().toarray())
            else:
                self._J = self._dense()
        return self._J

    def sparse(self) -> Any:
        """Return J as scipy CSR."""
        if self._csr is None:
            if type(self)._sparse is Linearisation._sparse:
                from scipy.sparse import csr_matrix

                self._csr = csr_matrix(self.dense())
            else:
                self._csr = self._sparse()
        return self._csr

    def augmented(self) -> Array:
        """Return J with r as a further column, (n, P + 1) in column-major order, as a QR factorisation wants them."""
        J = self.dense()
        A = np.empty((J.shape[0], J.shape[1] + 1), order="F")
        A[:, :-1], A[:, -1] = J, self.r
        return A

    def gram(self, side: str = "primal") -> Array:
        """Return J^T J (``"primal"``, (P, P)) or J J^T (``"dual"``, (n, n)) in float64."""
        J = self.dense()
        return J.T @ J if side == "primal" else J @ J.T

    def gradient(self) -> Array:
        """Return the gradient of the merit, shape (P,): J^T r, or r itself where the merit is an objective."""
        if self._g is None:
            self._g = self.r if self.objective else self.vjp(self.r)
        return self._g

    def jvp(self, V: Array) -> Array:
        """Return J V for V of shape (P,) or (P, k)."""
        return (self.sparse() if self._J is None and "sparse" in self.offers else self.dense()) @ V

    def vjp(self, W: Array) -> Array:
        """Return J^T W for W of shape (n,) or (n, k)."""
        return (self.sparse() if self._J is None and "sparse" in self.offers else self.dense()).T @ W

    def second(self, v: Array) -> Array:
        """Return the second derivative of r along v, shape (n,), by one further residual evaluation."""
        h = 0.1
        moved = self.at(self.theta + h * v)
        if moved.failed:
            return np.full(self.n, np.nan)
        return (2.0 / h) * ((moved.r - self.r) / h - self.jvp(v))

    def row_gradients(self) -> Array:
        """Return r_i times row i of J, shape (n, P): gradients of the single rows' merits."""
        return self.dense() * self.r[:, None]

    def own_step(self) -> tuple[Array, dict[str, float]] | None:
        """Return Newton's step by the kind's own solver and numbers for the history, or None: the method solves.

        The number ``"safe"`` marks a step that is not Newton's, where its model is not to be trusted.
        """
        return None

    def safe_step(self) -> Array | None:
        """Return a direction that descends whatever the curvature, tried where Newton's fails, or None."""
        return None

    def blocks(self) -> list[tuple[slice, slice, Array]] | None:
        """Return diagonal blocks (rows, columns, J) for problems that fall apart, or None."""
        return None

    def secondary(self) -> tuple[float, Array] | None:
        """Return (value, gradient) of a secondary objective (a regulariser), or None."""
        return None

    def preconditioner(self) -> Callable[[Array], Array] | None:
        """Return an approximate inverse of a square J, on vectors (n,), for iterative solves; None if there is none."""
        return None

    def at_many(self, thetas: Sequence[Array] | Array) -> list[Linearisation]:
        """Return linearisations at several points (k, P), evaluated together where the kind can."""
        return [self.at(np.asarray(theta)) for theta in thetas]

    def reduction(self, other: Linearisation) -> float:
        """Return f - other.f, for sums of squares in product form, half sum((r - r')(r + r')); -inf if other failed.

        Raises
        ------
        ValueError
            The other linearisation is on another frame.
        """
        if other.frame is not self.frame:
            raise ValueError("merits on different frames cannot be compared")
        if other.failed:
            return -np.inf
        return self._reduction(other)

    def _reduction(self, other: Any) -> float:
        if self.objective:
            return self.f - other.f
        d = self.r - other.r
        return 0.5 * float(d @ (self.r + other.r))
