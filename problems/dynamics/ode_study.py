"""Fits of trajectories against solve_ivp with lmfit and with scipy's least squares: ``python -m problems.bench dynamics``."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from time import process_time
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import least_squares

from problems.dynamics.ordinary import ODE_CASES, ODECase

__all__ = ["PEERS", "run", "table"]

PATIENCE = 400  # evaluations of the residual that a peer may use
STARTS = {
    "lotka_volterra": 20,
    "lorenz": 5,
    "lorenz_x_only": 5,
    "van_der_pol_100": 4,
    "robertson": 4,
}


def _residual(case: ODECase, data: Any, sigma: Any) -> tuple[list[str], list[float], Callable[[Any], Any]]:
    """Return (names, start of the free initial values, residual of (parameters, free initial values))."""
    names, state = list(case.truth), list(case.initial)
    begin = float(case.options.get("start", case.t[0]))
    first = [float(data[k][0]) if k in data and np.isfinite(data[k][0]) else case.initial[k] for k in case.free]

    def residual(v: Any) -> Any:
        p = dict(zip(names, v, strict=False))
        y0 = {**case.initial, **dict(zip(case.free, v[len(names) :], strict=True))}

        def rhs(t: float, y: Any) -> list[Any]:
            out = case.rate(t, dict(zip(state, y, strict=True)), p)
            return [out[k] for k in state]

        method = "LSODA" if case.stiff else "RK45"
        got = solve_ivp(rhs, (begin, case.t[-1]), list(y0.values()), method, case.t, rtol=1e-8, atol=1e-10)
        if not got.success or got.y.shape[1] != len(case.t):
            return np.full(sum(int(np.isfinite(data[k]).sum()) for k in case.seen), 1e6)
        rows = [(got.y[state.index(k)] - data[k]) / sigma[k] for k in case.seen]
        return np.concatenate([r[np.isfinite(data[k])] for r, k in zip(rows, case.seen, strict=True)])

    return names, first, residual


def _sciopt(case: ODECase, seed: int) -> tuple[dict[str, float], float]:
    fit = case.fit(seed)
    return {k: float(fit.values[k]) for k in case.truth}, fit.chi2


def _scipy(case: ODECase, seed: int) -> tuple[dict[str, float], float]:
    names, first, residual = _residual(case, *case.sample(seed))
    start = np.array([*case.start(seed).values(), *first])
    got = least_squares(residual, start, x_scale="jac", max_nfev=PATIENCE // (len(start) + 1))
    return dict(zip(names, map(float, got.x), strict=False)), 2.0 * float(got.cost)


def _lmfit(case: ODECase, seed: int) -> tuple[dict[str, float], float]:
    import lmfit

    names, first, residual = _residual(case, *case.sample(seed))
    parameters = lmfit.Parameters()
    for k, v in zip([*names, *(f"start_{k}" for k in case.free)], [*case.start(seed).values(), *first], strict=True):
        parameters.add(k, v)
    got: Any = lmfit.minimize(lambda p: residual(list(p.valuesdict().values())), parameters, max_nfev=PATIENCE)
    return {k: float(got.params[k]) for k in names}, float(got.chisqr)


PEERS: dict[str, Callable[[ODECase, int], tuple[dict[str, float], float]]] = {
    "sciopt": _sciopt,
    "scipy least_squares + solve_ivp": _scipy,
    "lmfit + solve_ivp": _lmfit,
}


def run(case: ODECase, peer: str, seeds: int) -> dict[str, Any]:
    """Fit ``seeds`` data sets from as many starts; a fit counts if chi2 per datum is below 1.5."""
    good, seconds, worst, cold = 0, [], [], np.nan
    for seed in range(seeds):
        begun = process_time()
        try:
            values, chi2 = PEERS[peer](case, seed)
        except Exception:  # a failure of any kind is a miss
            values, chi2 = {}, np.inf
        used = process_time() - begun
        if seed == 0:
            cold = used
        else:
            seconds.append(used)
        data, _ = case.sample(seed)
        rows = sum(int(np.isfinite(v).sum()) for v in data.values())
        if chi2 / rows < 1.5:
            good += 1
            worst.append(max(abs(values[k] / v - 1.0) for k, v in case.truth.items()))
    median = float(np.median(seconds)) if seconds else np.nan
    return {
        "good": good,
        "of": seeds,
        "seconds": median,
        "cold": cold,
        "error": float(np.median(worst)) if worst else np.nan,
    }


def table(seeds: int, peers: tuple[str, ...] = tuple(PEERS)) -> str:
    """Return the table of all cases; ``seeds`` is the least number of starts (some cases have more)."""
    lines = [f"{'case':20s} {'solver':34s} {'fits':>7s} {'CPU s':>8s} {'cold':>7s} {'error':>9s}"]
    for name, case in ODE_CASES.items():
        for peer in peers:
            if peer.startswith("lmfit") and find_spec("lmfit") is None:
                continue
            n = STARTS.get(name, seeds)
            row = run(case, peer, n if peer == "sciopt" else min(n, 5))
            fits = f"{row['good']}/{row['of']}"
            lines.append(
                f"{name:20s} {peer:34s} {fits:>7s} {row['seconds']:8.2f} {row['cold']:7.1f} {row['error']:9.1e}"
            )
    told = "fits: chi2 per datum < 1.5; CPU s: median of all fits but the first (cold, with compilation);"
    return "\n".join([*lines, told, "error: median over good fits of the largest relative error of a parameter"])
