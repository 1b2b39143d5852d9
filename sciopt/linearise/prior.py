"""Gaussian priors as extra rows."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from sciopt._types import Array
from sciopt.condition import Condition
from sciopt.frames import Frame
from sciopt.layout import Layout, Leaf
from sciopt.linearise.work import Work
from sciopt.points import Batch

__all__ = ["PriorBlock"]


class PriorBlock:
    """One row (value - mean) / sigma for each entry of a parameter with a `Normal` prior; counts as data."""

    sparse = False
    traced = False

    def __init__(self, index: int, layout: Layout) -> None:
        self.indices = (index,)
        self.layout = layout
        self.leaves = [leaf for leaf in layout.leaves if has_prior(leaf)]
        self.condition = Condition(_nothing, "prior", sigma=1.0)
        self.batch = Batch()

    def outputs(self, theta: Array, frame: Frame, work: Work) -> list[Any]:
        """Return the rows of all priors."""
        return [self._rows(theta)]

    def _rows(self, theta: Any) -> Any:
        values = self.layout.values(theta)
        out = []
        for leaf in self.leaves:
            rows = np.ravel(leaf.parameter.prior.rows(values[leaf.name]))
            out.append(np.concatenate([np.real(rows), np.imag(rows)]) if leaf.complex else rows)
        return np.concatenate(out)

    def jacobians(self, theta: Array, frame: Frame, work: Work, z: list[Array]) -> list[Any]:
        """Return the exact Jacobian (complex step through ties)."""
        J = np.zeros((len(z[0]), self.layout.size))
        place = 0
        for leaf in self.leaves:
            k = leaf.size
            if leaf.start >= 0:
                one = leaf.parameter.prior.rows(1.0) - leaf.parameter.prior.rows(0.0)
                J[place : place + k, leaf.slice] = np.eye(k) * one
            else:
                for j in range(self.layout.size):
                    moved = theta.astype(complex)
                    moved[j] += 1e-30j
                    J[place : place + k, j] = self._rows(moved)[place : place + k].imag / 1e-30
            place += k
        return [J]


def has_prior(leaf: Leaf) -> bool:
    """Whether a leaf has a prior that makes rows."""
    return (
        leaf.numeric
        and leaf.parameter.prior is not None
        and hasattr(leaf.parameter.prior, "rows")
        and not leaf.parameter.fixed
    )


def _nothing(p: SimpleNamespace) -> Any:
    return p
