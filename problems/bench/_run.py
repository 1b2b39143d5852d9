"""Run one solver on one start, time it and judge it."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from problems._case import Case
from problems.bench._peer import Peer

__all__ = ["Run", "run"]


@dataclass(frozen=True)
class Run:
    """Verdict on one fit.

    ``digits`` and ``error_digits`` are those of the worst parameter and of the worst standard error; ``rss_digits``
    those of the sum of squares; ``hit`` the catalogue's criterion; ``target_digits`` the pseudoinverse answer's.
    ``cold_ms`` is the first call (with compilation, on a case's first start), ``warm_ms`` the fastest later one, both
    CPU time of the process.
    """

    peer: str
    case: str
    start: int
    claims_success: bool
    hit: bool
    rss: float
    digits: float
    rss_digits: float
    error_digits: float
    target_digits: float
    nfev: int
    njev: int
    cold_ms: float
    warm_ms: float
    exception: str
    message: str

    def record(self) -> dict[str, Any]:
        """Fields as plain JSON values, nan as None."""
        return {k: None if isinstance(v, float) and not np.isfinite(v) else v for k, v in asdict(self).items()}


def _digits(found: Any, exact: Any) -> float:
    found, exact = np.asarray(found, dtype=float), np.asarray(exact, dtype=float)
    if not np.all(np.isfinite(found)):
        return 0.0
    worst = float(np.max(np.abs(found - exact) / np.abs(exact)))
    return 16.0 if worst == 0.0 else float(np.clip(-np.log10(worst), 0.0, 16.0))


def run(peer: Peer, case: Case, start: int, repeat: int) -> Run:
    """Fit ``case`` from start number ``start``, once cold and ``repeat`` times warm."""
    point = case.starts[start]
    nan = float("nan")
    began = time.process_time()
    try:
        result = peer.fit(case, point)
        cold = 1e3 * (time.process_time() - began)
        warm = nan
        for _ in range(repeat):
            began = time.process_time()
            peer.fit(case, point)
            warm = np.fmin(warm, 1e3 * (time.process_time() - began))
    except Exception as error:
        cold = 1e3 * (time.process_time() - began)
        text = f"{type(error).__name__}: {error}".splitlines()[0]
        return Run(peer.name, case.name, start, False, False, nan, 0.0, 0.0, nan, nan, 0, 0, cold, nan, text, "")
    theta = np.asarray(result.theta, dtype=float)
    rss = case.rss(theta) if np.all(np.isfinite(theta)) else float("inf")
    hit, _ = case.check(theta, rss)
    error_digits = nan
    if result.errors is not None and "ext_std" in case.published:
        error_digits = _digits(result.errors, case.published["ext_std"])
    best = case.answers[0].rss
    return Run(
        peer=peer.name,
        case=case.name,
        start=start,
        claims_success=result.claims_success,
        hit=hit,
        rss=rss,
        digits=case.digits(theta),
        rss_digits=_digits(rss, best) if best > 0 else nan,
        error_digits=error_digits,
        target_digits=case.target_digits(theta, start),
        nfev=result.nfev,
        njev=result.njev,
        cold_ms=cold,
        warm_ms=float(warm),
        exception="",
        message=" ".join(result.message.split()),
    )
