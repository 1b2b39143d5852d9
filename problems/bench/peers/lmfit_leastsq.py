"""``lmfit.minimize(method="leastsq")``, default and tight tolerances."""

from __future__ import annotations

from functools import partial
from typing import Any

from problems._case import Case
from problems.bench._peer import Peer, PeerResult

__all__ = ["PEERS"]


def fit(case: Case, start: tuple[float, ...], *, tight: bool) -> PeerResult:
    """Fit with one ``lmfit.Parameter`` a parameter."""
    import lmfit

    parameters = lmfit.Parameters()
    for name, value in zip(case.parameters, start, strict=True):
        parameters.add(name, value=value)

    def residual(p: lmfit.Parameters) -> Any:
        return case.residual([p[name].value for name in case.parameters])

    options: dict[str, Any] = {"ftol": 1e-15, "xtol": 1e-15, "gtol": 1e-15} if tight else {}
    result: Any = lmfit.minimize(residual, parameters, max_nfev=20000 if tight else None, **options)
    found = [result.params[name] for name in case.parameters]
    errors = [float("nan") if p.stderr is None else p.stderr for p in found]
    return PeerResult([p.value for p in found], errors, bool(result.success), int(result.nfev), 0, result.message)


PEERS = (
    Peer("lmfit leastsq", partial(fit, tight=False), "lmfit", ("lmfit",)),
    Peer("lmfit leastsq tight", partial(fit, tight=True), "lmfit", ("lmfit",)),
)
