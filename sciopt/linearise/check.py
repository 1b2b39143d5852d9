"""Compare a Jacobian with differences and name the column that is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np

from sciopt._errors import ConditionError

__all__ = ["check_jacobian"]


def check_jacobian(lin: Any, *, rtol: float = 1e-4) -> float:
    """Compare J with central differences of the residual, column by column.

    Parameters
    ----------
    lin
        A `Linearisation`.
    rtol
        Largest difference allowed, relative to the column's norm (and to rounding).

    Returns
    -------
    float
        The largest relative difference over the columns.

    Raises
    ------
    ConditionError
        Naming the condition and the parameter of the first wrong column, with both values of its worst row.
    """
    J, theta, layout = lin.dense(), lin.theta, lin.layout
    worst = 0.0
    eps = np.finfo(float).eps
    for j, name in enumerate(layout.names):
        size = abs(theta[j]) or max(abs(layout.start[j]), 1e-3 * layout.scale[j])
        h = np.cbrt(eps) * size
        up, down = theta.copy(), theta.copy()
        up[j] = min(theta[j] + h, layout.upper[j])
        down[j] = max(theta[j] - h, layout.lower[j])
        difference = (lin.at(up).r - lin.at(down).r) / (up[j] - down[j])
        noise = 50 * eps * (np.max(np.abs(lin.r)) + 1e-300) / h
        scale = np.linalg.norm(difference) + np.linalg.norm(J[:, j]) + noise * np.sqrt(len(difference))
        error = float(np.linalg.norm(J[:, j] - difference) / scale)
        worst = max(worst, error)
        if not error <= rtol:
            row = int(np.argmax(np.abs(J[:, j] - difference)))
            where = next((k for k, s in lin.rows.items() if s.start <= row < s.stop), "residual")
            raise ConditionError(
                f"condition {where!r}: the Jacobian's column for parameter {name!r} is wrong: at row {row} it says "
                f"{J[row, j]:.6g}, differences say {difference[row]:.6g}"
            )
    return worst
