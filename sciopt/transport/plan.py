"""The plan: formed only as far as it is asked for."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from sciopt._errors import OptionError
from sciopt._types import Array
from sciopt.transport._threads import over_rows
from sciopt.transport.setting import Setting

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix
    from scipy.sparse.linalg import LinearOperator

__all__ = ["EntropicPlan", "RoundedPlan"]

ROWS = 1 << 21  # entries formed at a time


class EntropicPlan:
    r"""The plan :math:`P_{ij} = a_i b_j e^{(f_i+g_j-C_{ij})/\epsilon} / M` of two potentials, shape (n, m).

    Parameters
    ----------
    setting
        Measures and costs.
    f, g, epsilon
        Potentials of the levelled costs (`Setting.levelled`), and temperature.
    """

    def __init__(self, setting: Setting, f: Array, g: Array, epsilon: float) -> None:
        self.pairs, self.a, self.b, self.memory = setting.levelled.pairs, setting.a, setting.b, setting.memory
        self.shifts = setting.levelled.x, setting.levelled.y
        self.f, self.g, self.epsilon = f, g, epsilon
        with np.errstate(divide="ignore"):
            self._alpha = f / epsilon + np.log(self.a) - np.log(setting.mass)
            self._beta = g / epsilon + np.log(self.b)

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of points."""
        return self.pairs.shape

    def rows(self, first: int, last: int) -> Array:
        """Return rows first .. last-1, dense."""
        with np.errstate(over="ignore"):
            return np.exp(self._alpha[first:last, None] + (self._beta - self.pairs.rows(first, last) / self.epsilon))

    def blocks(self) -> Any:
        """Yield (first, rows) over all rows."""
        n, m = self.shape
        step = max(1, ROWS // m)
        for first in range(0, n, step):
            yield first, self.rows(first, min(n, first + step))

    def sums(self, values: Array | None = None) -> tuple[Array, Array, float, Array]:
        """Return row sums, column sums, <P, C> and ``P values`` for values (m, k), in one pass."""
        from sciopt.transport.plan_kernels import plan_sums

        n, m = self.shape
        row = np.zeros(n)
        wanted = np.zeros((0, m)) if values is None else np.ascontiguousarray(values.T)
        moments = np.zeros((n, len(wanted)))
        arguments = (*self.pairs.arguments, self._alpha, self._beta, 1.0 / self.epsilon)

        def work(first: int, last: int) -> tuple[float, Array]:
            column = np.zeros(m)
            return plan_sums(first, last, *arguments, row, column, wanted, moments), column

        parts = over_rows(work, n)
        column = np.sum([p[1] for p in parts], axis=0)
        spent = sum(p[0] for p in parts) + float(row @ self.shifts[0]) + float(column @ self.shifts[1])
        return row, column, float(spent), moments

    def dense(self) -> Array:
        """Return all entries, (n, m); refuses above the memory budget."""
        n, m = self.shape
        if 8 * n * m > self.memory:
            raise OptionError(
                f"the plan has {n} x {m} entries, {8e-9 * n * m:.3g} GB, above memory={self.memory:.3g} bytes; use .sparse() or .operator"
            )
        return self.rows(0, n)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
        """Return the dense plan for numpy."""
        return self.dense() if dtype is None else self.dense().astype(dtype)

    def sparse(self, keep: float = 1e-9) -> csr_matrix:
        """Return the entries above ``keep`` times the smaller of the two masses, as a sparse matrix.

        The mass of what is left out is its attribute ``dropped``.
        """
        from scipy.sparse import csr_matrix, vstack

        parts, kept = [], 0.0
        for first, P in self.blocks():
            limit = keep * np.minimum(self.a[first : first + len(P), None], self.b)
            part = csr_matrix(np.where(limit < P, P, 0.0))
            kept += float(part.sum())
            parts.append(part)
        out = csr_matrix(vstack(parts, format="csr"))
        out.dropped = float(self.sums()[0].sum()) - kept  # pyright: ignore[reportAttributeAccessIssue]
        return out

    @cached_property
    def operator(self) -> LinearOperator:
        """The plan as a linear operator (n, m): products without storing it."""
        from scipy.sparse.linalg import LinearOperator

        def forward(v: Array) -> Array:
            return np.concatenate([P @ v for _, P in self.blocks()])

        def backward(w: Array) -> Array:
            return np.sum([P.T @ w[first : first + len(P)] for first, P in self.blocks()], axis=0)

        make: Any = LinearOperator
        return make(shape=self.shape, matvec=forward, rmatvec=backward, matmat=forward, rmatmat=backward, dtype=float)

    @cached_property
    def rounded(self) -> RoundedPlan:
        """A feasible plan near this one: exact marginals to rounding."""
        return RoundedPlan(self)

    def sample(self, key: int, k: int) -> tuple[Any, Any]:
        """Return indices (i, j) of k pairs drawn with probability P_ij; ``key`` determines them."""
        rng = np.random.default_rng(key)
        row = self.sums()[0]
        i = np.sort(rng.choice(len(row), size=k, p=row / row.sum()))
        j = np.empty(k, int)
        rows, starts = np.unique(i, return_index=True)
        for place, r in enumerate(rows):
            stop = starts[place + 1] if place + 1 < len(rows) else k
            total = np.cumsum(self.rows(int(r), int(r) + 1)[0])
            j[starts[place] : stop] = np.searchsorted(total, rng.random(stop - starts[place]) * total[-1], side="right")
        return i, np.minimum(j, len(self.b) - 1)


class RoundedPlan:
    r"""The feasible plan :math:`\hat P = D_x P D_y + e k^T/|e|_1` with marginals a and b.

    References
    ----------
    Altschuler, Niles-Weed, Rigollet (2017), Advances in Neural Information Processing Systems 30.
    """

    def __init__(self, plan: EntropicPlan) -> None:
        self.base = plan
        row, _, _, _ = plan.sums()
        with np.errstate(divide="ignore", invalid="ignore"):
            self.x = np.where(row > 0, np.minimum(plan.a / row, 1.0), 1.0)
            column = np.sum([P.T @ self.x[first : first + len(P)] for first, P in plan.blocks()], axis=0)
            self.y = np.where(column > 0, np.minimum(plan.b / column, 1.0), 1.0)
        row = np.concatenate([P @ self.y for _, P in plan.blocks()]) * self.x
        self.e = np.maximum(plan.a - row, 0.0)
        self.k = np.maximum(plan.b - column * self.y, 0.0)

    def dense(self) -> Array:
        """Return all entries (n, m)."""
        total = float(self.e.sum())
        extra = np.outer(self.e, self.k) / total if total > 0 else 0.0
        return self.x[:, None] * self.base.dense() * self.y + extra
