"""Black-box conditions: J is seen only along random directions, by function values."""

from __future__ import annotations

from typing import Any

import numpy as np

from sciopt._types import Array
from sciopt.frames import Frame
from sciopt.linearise.host import HostBlock
from sciopt.linearise.rows import real_rows
from sciopt.linearise.work import Work

__all__ = ["ZerothBlock"]


class ZerothBlock(HostBlock):
    """A host block whose Jacobian is sketched: J U U^T from m central differences along orthonormal directions.

    ``directions`` of the condition sets m (default min(P, 8)); the directions are drawn from the frame's step, so the
    sketch is the same for all trial points of a frame. Steps taken from such a Jacobian stay in the span of U.
    """

    step = 1e-4

    def _jacobian(self, theta: Array, frame: Frame, work: Work, z: Array) -> Any:
        U = self.directions(frame)
        size = float(np.max(np.abs(theta), initial=0.0)) or 1.0
        h = self.step * size
        columns = []
        for u in U.T:
            plus = real_rows(self.raw(theta + h * u, frame))
            minus = real_rows(self.raw(theta - h * u, frame))
            columns.append((plus - minus) / (2 * h))
        work.columns += 2 * U.shape[1]
        return np.stack(columns, axis=1) @ U.T

    def directions(self, frame: Frame) -> Array:
        """Return m orthonormal directions, shape (P, m), a function of the frame's step alone."""
        P = self.layout.size
        m = min(self.condition.directions or min(P, 8), P)
        rng = np.random.default_rng([frame.step, self.index, P])
        return np.linalg.qr(rng.standard_normal((P, m)))[0]
