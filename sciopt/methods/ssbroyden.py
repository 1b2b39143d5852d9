"""Self-scaled Broyden: a dense quasi-Newton method for merits that Gauss-Newton does not help."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sciopt._types import Array
from sciopt.linearise.base import Linearisation
from sciopt.methods._contract import Step, relative_step
from sciopt.methods._line_search import wolfe
from sciopt.methods._options import choice, positive
from sciopt.methods._second_order import standstill

__all__ = ["SSBroyden", "SSBroydenState", "self_scaled_update"]


class SSBroydenState(NamedTuple):
    """Inverse Hessian (P, P), number of updates made, and stalled searches in a row."""

    H: Array
    updates: int
    failures: int


@dataclass(frozen=True)
class SSBroyden:
    r"""Directions :math:`-H g` with H from the self-scaled Broyden family, and a strong Wolfe line search.

    Uses gradients of the merit only, P^2 memory and work. For shocks, large residuals and losses without a residual
    structure; for least squares with small residuals Gauss-Newton methods need far fewer steps. Update as in Al-Baali
    and Khalfan (2005), used for networks by Urban, Stefanou and Pons, arXiv 2405.04230.

    Parameters
    ----------
    update
        ``"broyden"`` (the member of the family chosen from the curvature), or ``"bfgs"`` (its member 0, self-scaled).
    curvature
        Second Wolfe constant, between 1e-4 and 1.

    Examples
    --------
    >>> SSBroyden(update="bfgs").curvature
    0.9
    """

    update: str = "broyden"
    curvature: float = 0.9

    def __post_init__(self) -> None:
        choice(self, "update", ("broyden", "bfgs"))
        positive(self, "curvature", below=1.0)

    def init(self, lin: Linearisation) -> SSBroydenState:
        """Return the state at the start: H = I."""
        return SSBroydenState(np.eye(lin.layout.size), 0, 0)

    def step(self, lin: Linearisation, state: SSBroydenState, key: int) -> Step:
        """Search along -H g and update H from the gradients at both ends, on the frame of ``lin``."""
        g = lin.gradient()
        length = float(np.linalg.norm(g))
        if length == 0.0:
            return standstill(lin, state, ("converged", "the gradient is zero"))
        if not np.isfinite(length):
            return standstill(lin, state, ("nonfinite", "the gradient is not finite"))
        direction = -state.H @ g
        if not float(direction @ g) < 0:
            direction, state = -g, self.init(lin)
        first = 1.0 if state.updates else min(1.0, 1.0 / length)
        found = wolfe(lin, direction, g, first=first, curvature=self.curvature)
        if found is None:
            if state.updates:  # begin again from steepest descent before giving up
                return standstill(lin, self.init(lin)._replace(failures=int(state.failures) + 1))
            verdict = ("stalled", "no decrease along the steepest descent")
            return standstill(lin, state._replace(failures=int(state.failures) + 1), verdict)
        s, y = found.lin.theta - lin.theta, found.gradient - g
        H, updates = state.H, int(state.updates)
        if float(y @ s) > 1e-14 * float(np.linalg.norm(y) * np.linalg.norm(s)):
            H = self_scaled_update(H, s, y, g, found.length, self.update, first=updates == 0)
            updates += 1
        told = {
            "reduction": found.reduction,
            "predicted": -0.5 * float(s @ g),
            "step": relative_step(s, found.lin.theta, lin.layout.scale),
            "slope": float(np.linalg.norm(found.gradient)),
            "length": found.length,
        }
        return Step(found.lin.theta, SSBroydenState(H, updates, 0), True, told, lin=found.lin)


def self_scaled_update(
    H: Array, s: Array, y: Array, g: Array, length: float, update: str = "broyden", first: bool = False
) -> Array:
    r"""Return the inverse Hessian after a step s with change of gradient y, y^T s > 0; secant: H y = s.

    Parameters
    ----------
    H
        Inverse Hessian before, shape (P, P).
    s, y
        Step and change of the gradient, shape (P,).
    g
        Gradient before the step.
    length
        Length of the step along -H g, so that :math:`s^T H^{-1} s = -\mathrm{length}\; s^T g`.
    update
        ``"broyden"`` or ``"bfgs"``.
    first
        Whether H is still the identity: it is then scaled by :math:`y^T H y / y^T s`.
    """
    P = len(s)
    ys = float(y @ s)
    Hy = H @ y
    yHy = float(y @ Hy)
    h, b = yHy / ys, -length * float(s @ g) / ys
    a = max(b * h - 1.0, 0.0)  # Cauchy-Schwarz; rounding may break it
    rho = min(1.0, 1.0 / b) if b > 0 else 1.0
    theta = 0.0
    if update == "broyden" and a > 1e-12:
        c = np.sqrt(a / (1.0 + a))
        shrunk = min(1.0, h * (1.0 - c))
        low, high = (shrunk - 1.0) / a, 1.0 / shrunk
        theta = max(low, min(high, (1.0 - b) / b))
    sigma = 1.0 + theta * a
    if first:
        tau = h / sigma
    elif update == "bfgs":
        tau = rho
    else:
        sigma_n = abs(sigma) ** (1.0 / (1.0 - P)) if P > 1 else 1.0
        tau = min(rho * sigma_n, sigma) if theta <= 0 else rho * min(sigma_n, 1.0 / theta)
    if not (np.isfinite(tau) and tau > 0):
        tau = 1.0
    phi = (1.0 - theta) / sigma
    v = s / ys - Hy / yHy
    new = (H - np.outer(Hy, Hy) / yHy + (phi * yHy) * np.outer(v, v)) / tau + np.outer(s, s) / ys
    return 0.5 * (new + new.T)
