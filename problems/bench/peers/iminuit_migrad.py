"""iminuit's MIGRAD and HESSE on the sum of squares in units of the certified residual deviation.

Without that unit its stopping rule, a distance in chi2, means nothing on data of small scale. The tuned row has the
exact gradient, strategy 2 and tolerance 1e-5.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from problems._case import Case
from problems.bench._peer import Peer, PeerResult

__all__ = ["PEERS"]


def fit(case: Case, start: tuple[float, ...], *, tuned: bool) -> PeerResult:
    """Minimise chi2; HESSE gives the errors."""
    from iminuit import Minuit
    from iminuit.cost import LeastSquares

    sigma = float(case.published.get("rsd", 1.0))
    if case.model is not None:
        assert case.x is not None
        assert case.y is not None

        def slopes(x: Any, *theta: float) -> Any:
            return case.jacobian(theta).T

        cost = LeastSquares(case.x, case.y, sigma, case.model, grad=slopes if tuned else None)
        minuit = Minuit(cost, *start, name=case.parameters, grad=cost.grad if tuned else None)
    else:

        def chi2(theta: Any) -> float:
            r = case.residual(theta)
            return float(np.sum(r * r))

        def gradient(theta: Any) -> Any:
            return 2 * case.jacobian(theta).T @ case.residual(theta)

        # One array argument: Minuit calls with a vector when it is started with one.
        as_vector: Any = Minuit
        minuit = as_vector(chi2, np.array(start), name=case.parameters, grad=gradient if tuned else None)
        minuit.errordef = Minuit.LEAST_SQUARES
    if tuned:
        minuit.strategy = 2
        minuit.tol = 1e-5
    minuit.migrad(ncall=20000)
    minuit.hesse()
    errors = [float(e) for e in minuit.errors]
    return PeerResult([float(v) for v in minuit.values], errors, bool(minuit.valid), minuit.nfcn, minuit.ngrad)


PEERS = (
    Peer("iminuit sigma=RSD", partial(fit, tuned=False), "iminuit", ("iminuit",)),
    Peer("iminuit sigma=RSD tuned", partial(fit, tuned=True), "iminuit", ("iminuit",)),
)
