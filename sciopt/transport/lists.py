"""Neighbour lists with a guarantee: blocks left out cannot carry more than a known mass at new potentials."""

from __future__ import annotations

from typing import Any

import numpy as np

from sciopt._types import Array

__all__ = ["NeighbourLists"]


class NeighbourLists:
    r"""Blocks of columns that each row needs, with a bound on what the others carry.

    A list made at (beta_l, eps_l) holds the blocks whose scores lie within T_l of the row maximum. At other potentials
    each entry left out is at most :math:`\min(a_i, b_j)\, e^{-\mathrm{margin}}` with

    .. math:: \mathrm{margin} = r\,T_\mathrm{eff} - (\max_j - \min_j)(\beta_j - r\,\beta_{l,j}), \qquad
       r = \epsilon_l / \epsilon \ge 1,

    for any cost matrix. Lists are valid while margin >= T and are made anew otherwise; together the entries left out
    carry at most min(n, m) e^-T of the mass.

    References
    ----------
    Schmitzer (2019), SIAM J. Sci. Comput. 41, A1443, for truncated kernels with absorbed potentials.
    """

    def __init__(self, n: int, blocks: int, room: int, threshold: float, slack: float) -> None:
        self.start, self.end = np.zeros(n, np.int64), np.zeros(n, np.int64)
        self.block = np.empty(max(room, 1), np.int32)
        self.room, self.blocks = room, blocks
        self.threshold, self.reach = threshold, threshold + slack
        self.beta: Array | None = None
        self.epsilon = self.effective = 0.0

    def margin(self, beta: Array, epsilon: float) -> float:
        """Return the margin at new potentials; -inf without a list or where epsilon has grown."""
        if self.beta is None or epsilon > self.epsilon * (1.0 + 1e-12):
            return -np.inf
        ratio = self.epsilon / epsilon
        change = beta - ratio * self.beta
        return ratio * self.effective - float(change.max() - change.min())

    def made(self, beta: Array, epsilon: float, effective: float) -> None:
        """Note where the list in the arrays was made."""
        self.beta, self.epsilon, self.effective = beta.copy(), epsilon, min(effective, self.reach)

    def dropped(self) -> None:
        """Forget the list."""
        self.beta = None

    @property
    def entries(self) -> Any:
        """Number of entries on the list."""
        return int((self.end - self.start).sum()) * 16
