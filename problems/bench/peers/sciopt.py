"""sciopt with default settings."""

from __future__ import annotations

import math

import numpy as np

from problems._case import Case
from problems.bench._peer import Peer, PeerResult

__all__ = ["PEERS"]


def fit(case: Case, start: tuple[float, ...]) -> PeerResult:
    """Fit a model by ``sciopt.fit`` and a bare residual by ``sciopt.solve``."""
    import sciopt as so

    if case.model is not None:
        names = case.parameters
        loss = "poisson" if case.kind == "counts" else "gaussian"
        solution = so.fit(case.model, case.x, case.y, start=dict(zip(names, start, strict=True)), loss=loss)
        theta = [float(solution.values[name]) for name in names]
        errors = [math.nan if solution.errors[name] is None else float(solution.errors[name]) for name in names]
    else:
        assert case.function is not None
        solution = so.solve(so.Problem(case.function, unknown=np.array(start)))
        theta, errors = [float(v) for v in np.ravel(solution.params)], None
    return PeerResult(theta, errors, bool(solution.success), int(solution.nfev), int(solution.njev), solution.message)


PEERS = (Peer("sciopt", fit, "sciopt", ("sciopt.fit", "sciopt.solve")),)
