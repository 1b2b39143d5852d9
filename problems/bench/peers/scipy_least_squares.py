"""``scipy.optimize.least_squares``: lm and trf, exact (complex-step) and 2-point Jacobian, default and tight."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from problems._case import Case
from problems.bench._peer import Peer, PeerResult

__all__ = ["PEERS"]

TIGHT: dict[str, Any] = {"ftol": 1e-15, "xtol": 1e-15, "gtol": 1e-15, "max_nfev": 5000}


def fit(
    case: Case,
    start: tuple[float, ...],
    *,
    method: Literal["lm", "trf"],
    exact: bool,
    tight: bool = False,
    x_scale: Literal["jac"] | None = None,
) -> PeerResult:
    """Fit with one configuration."""
    from scipy.optimize import least_squares

    options: dict[str, Any] = dict(TIGHT) if tight else {}
    if x_scale is not None:
        options["x_scale"] = x_scale
    jac: Any = case.jacobian if exact else "2-point"
    # Counted here: whether nfev includes the evaluations of its own differences depends on method and version.
    calls = 0

    def residual(theta: NDArray[np.float64]) -> NDArray[np.float64]:
        nonlocal calls
        calls += 1
        return case.residual(theta)

    result = least_squares(residual, start, jac=jac, method=method, **options)
    return PeerResult(
        theta=result.x,
        errors=None,
        claims_success=bool(result.success),
        nfev=calls,
        njev=int(result.njev or 0) if exact else 0,
        message=result.message,
    )


def _peer(name: str, **options: Any) -> Peer:
    return Peer(f"scipy {name}", partial(fit, **options), "scipy", ("scipy",))


PEERS = (
    _peer("lm 2pt", method="lm", exact=False),
    _peer("lm 2pt tight", method="lm", exact=False, tight=True),
    _peer("lm jac", method="lm", exact=True),
    _peer("lm jac tight", method="lm", exact=True, tight=True),
    _peer("trf 2pt", method="trf", exact=False),
    _peer("trf 2pt tight", method="trf", exact=False, tight=True),
    _peer("trf jac", method="trf", exact=True),
    _peer("trf jac tight", method="trf", exact=True, tight=True),
    _peer("trf jac xs=jac tight", method="trf", exact=True, tight=True, x_scale="jac"),
)
