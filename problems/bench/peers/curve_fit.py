"""``scipy.optimize.curve_fit`` with the plain numpy model, default and tight tolerances."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from problems._case import Case
from problems.bench._peer import Peer, PeerResult

__all__ = ["PEERS"]


def fit(case: Case, start: tuple[float, ...], *, tight: bool) -> PeerResult:
    """Fit a model to its data; a bare residual is a model of zeros."""
    from scipy.optimize import curve_fit

    options: dict[str, Any] = {"ftol": 1e-15, "xtol": 1e-15, "gtol": 1e-15, "maxfev": 20000} if tight else {}
    if case.model is not None:
        model, x, y = case.model, case.x, case.y
    else:
        y = np.zeros(case.residual(start).size)
        x, function = y, case.residual

        def model(_: Any, *theta: float) -> Any:
            return function(theta)

    values, covariance, info, message, code = curve_fit(model, x, y, p0=start, full_output=True, **options)
    with np.errstate(invalid="ignore"):
        errors = np.sqrt(np.diag(covariance))
    return PeerResult(values, errors, code in (1, 2, 3, 4), int(info["nfev"]), 0, message)


PEERS = (
    Peer("curve_fit", partial(fit, tight=False), "scipy", ("scipy",)),
    Peer("curve_fit tight", partial(fit, tight=True), "scipy", ("scipy",)),
)
