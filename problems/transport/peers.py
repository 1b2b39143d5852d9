"""Other solvers of entropic transport, each asked for marginal errors of 1e-9 within a budget of seconds."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import sciopt as so
from problems.transport.families import Array, Instance

__all__ = ["PEERS", "against", "error_of"]

TOLERANCE = 1e-9
Answer = tuple[Array, Array]
"""Potentials (f, g) with P = exp((f + g - C) / epsilon)."""


def error_of(case: Instance, eps: float, f: Array, g: Array) -> float:
    """Return the L1 error of both marginals of the plan exp((f + g - C) / eps)."""
    with np.errstate(all="ignore"):
        P = np.exp((f[:, None] + g - case.C) / eps)
        error = float(np.abs(P.sum(1) - case.a).sum() + np.abs(P.sum(0) - case.b).sum())
    return error if np.isfinite(error) else np.inf


def ours(case: Instance, eps: float, seconds: float) -> Answer:
    """Solve by the default method, one thread, costs given as a matrix."""
    d = so.transport.distance(cost=case.C, weights=(case.a, case.b), epsilon=eps, tol=TOLERANCE, threads=1)
    return d.potentials.f + eps * np.log(case.a), d.potentials.g + eps * np.log(case.b)


def _pot(method: str) -> Callable[[Instance, float, float], Answer]:
    def run(case: Instance, eps: float, seconds: float) -> Answer:
        import ot

        n = len(case.a)
        begun = time.process_time()
        ot.sinkhorn(case.a, case.b, case.C, eps, method=method, numItermax=20, stopThr=0, warn=False)
        each = max((time.process_time() - begun) / 20, 1e-6)
        most = int(seconds / each)
        _, log = ot.sinkhorn(
            case.a,
            case.b,
            case.C,
            eps,
            method=method,
            numItermax=most,
            stopThr=TOLERANCE / np.sqrt(n),
            log=True,
            warn=False,
        )
        if "log_u" in log:
            return eps * np.asarray(log["log_u"]), eps * np.asarray(log["log_v"])
        if "alpha" in log:
            return np.asarray(log["alpha"]), np.asarray(log["beta"])
        with np.errstate(all="ignore"):
            return eps * np.log(log["u"]), eps * np.log(log["v"])

    return run


def _regot(name: str) -> Callable[[Instance, float, float], Answer]:
    def run(case: Instance, eps: float, seconds: float) -> Answer:
        import regot  # pyright: ignore[reportMissingImports]

        solver = getattr(regot, name)
        result = solver(case.C, case.a, case.b, eps, tol=TOLERANCE / np.sqrt(2 * len(case.a)), max_iter=400)
        n = len(case.a)
        dual = np.append(np.asarray(result.dual), 0.0)  # the last potential is fixed at zero and may be left out
        return dual[:n], dual[n : n + len(case.b)]

    return run


def _ott(**options: Any) -> Callable[[Instance, float, float], Answer]:
    def run(case: Instance, eps: float, seconds: float) -> Answer:
        import jax
        from ott.geometry.geometry import Geometry  # pyright: ignore[reportMissingImports]
        from ott.problems.linear.linear_problem import LinearProblem  # pyright: ignore[reportMissingImports]
        from ott.solvers.linear.sinkhorn import Sinkhorn  # pyright: ignore[reportMissingImports]

        with jax.enable_x64(True):
            problem = LinearProblem(Geometry(cost_matrix=jax.numpy.asarray(case.C), epsilon=eps), case.a, case.b)
            out = Sinkhorn(threshold=TOLERANCE, max_iterations=int(2000 * seconds / 4), **options)(problem)
            return np.asarray(out.f), np.asarray(out.g)

    return run


PEERS: dict[str, tuple[str, Callable[[Instance, float, float], Answer]]] = {
    "POT sinkhorn": ("ot", _pot("sinkhorn")),
    "POT sinkhorn_log": ("ot", _pot("sinkhorn_log")),
    "POT stabilized": ("ot", _pot("sinkhorn_stabilized")),
    "OTT": ("ott", _ott()),
    "regot ssns": ("regot", _regot("sinkhorn_ssns")),
    "regot splr": ("regot", _regot("sinkhorn_splr")),
}


def against(path: str, **options: Any) -> Callable[[Instance, float, float], Answer]:
    """Return a solver from a Python file with ``solve(C, a, b, epsilon, tol=..., **options) -> (f, g, ...)``."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def run(case: Instance, eps: float, seconds: float) -> Answer:
        f, g, *_ = module.solve(case.C, case.a, case.b, eps, tol=TOLERANCE, **options)
        return f, g

    return run
