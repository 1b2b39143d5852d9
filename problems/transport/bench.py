"""Benchmark of entropic transport: ``python -m problems.bench transport [--sizes ...] [--families ...] [--peers ...]``."""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np

from problems.transport.families import FAMILIES, Instance, instance
from problems.transport.peers import PEERS, TOLERANCE, against, error_of, ours

__all__ = ["main"]


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m problems.bench transport", description=__doc__)
    parser.add_argument("--sizes", nargs="+", type=int, default=[500], metavar="N")
    parser.add_argument("--families", nargs="+", default=list(FAMILIES), choices=list(FAMILIES))
    parser.add_argument("--epsilons", nargs="+", type=float, default=[1e-2, 1e-3, 1e-4], help="of the largest cost")
    parser.add_argument("--peers", nargs="*", default=[], metavar="NAME", help=f"'all', or of {list(PEERS)}, 'emd'")
    parser.add_argument("--against", metavar="FILE", help="a Python file with solve(C, a, b, epsilon, tol=...)")
    parser.add_argument("--settings", nargs="+", default=[""], help="options of its solve, such as fac=.35,elog=False")
    parser.add_argument("--repeat", type=int, default=3, metavar="N", help="median of N calls")
    parser.add_argument("--seconds", type=float, default=4.0, help="budget of a peer")
    return parser.parse_args(argv)


def timed(solver: Any, case: Instance, eps: float, seconds: float, repeat: int) -> tuple[float, float]:
    """Return the median CPU seconds of a solver and the marginal error that it reached."""
    used, error = [], np.inf
    for _ in range(repeat):
        begun = time.process_time()
        try:
            f, g = solver(case, eps, seconds)
        except Exception:  # a peer that breaks down has not arrived
            return float("nan"), np.inf
        used.append(time.process_time() - begun)
        error = error_of(case, eps, f, g)
        if error > 2 * TOLERANCE or used[-1] > 2.0:
            break
    return float(np.median(used)), error


def _emd(case: Instance) -> float:
    import ot

    used = []
    for _ in range(3):
        begun = time.process_time()
        ot.emd(case.a, case.b, case.C)
        used.append(time.process_time() - begun)
    return float(np.median(used))


def _setting(text: str) -> dict[str, Any]:
    def value(v: str) -> Any:
        return {"True": True, "False": False}.get(v) if v in ("True", "False") else float(v)

    return {k: value(v) for k, v in (item.split("=") for item in text.split(",") if item)}


def main(argv: Sequence[str]) -> int:
    """Run the benchmark; returns the exit status."""
    o = _options(argv)
    solvers: dict[str, Any] = {"sciopt": ours}
    for text in o.settings if o.against else []:
        solvers[f"against {text}".strip()] = against(o.against, **_setting(text))
    names = [*PEERS, "emd"] if o.peers == ["all"] else o.peers
    for name in names:
        if name in PEERS and find_spec(PEERS[name][0]) is not None:
            solvers[name] = PEERS[name][1]
    warnings.simplefilter("ignore")
    with np.errstate(all="ignore"):
        small = instance("lap", 100)
        for solver in solvers.values():
            for eps in (0.3, 1e-1, 1e-3):
                timed(solver, small, eps, 1.0, 1)
        emd = "emd" in names and find_spec("ot") is not None
        heads = [*solvers, *(["emd (exact)"] if emd else []), "ratio"]
        sys.stdout.write(f"{'problem':18s}" + "".join(f"{h:>22s}" for h in heads) + "\n")
        for n in o.sizes:
            for family in o.families:
                case = instance(family, n)
                exact = f"{_emd(case):22.3f}" if emd else ""
                for eps in o.epsilons:
                    cells, times = [], {}
                    for name, solver in solvers.items():
                        used, error = timed(solver, case, eps, o.seconds, o.repeat if name not in PEERS else 1)
                        arrived = error <= 2 * TOLERANCE
                        times[name] = used if arrived else np.inf
                        cells.append(f"{used:.4f}" if arrived else f"x {error:.0e} ({used:.2f})")
                    others = [t for name, t in times.items() if name != "sciopt"]
                    best = min(others, default=np.inf)
                    ratio = f"{times['sciopt'] / best:.2f}" if np.isfinite(best) else "-"
                    row = f"{family:5s} {len(case.a):5d} {eps:6.0e}" + "".join(f"{c:>22s}" for c in cells)
                    sys.stdout.write(row + exact + f"{ratio:>22s}\n")
                    sys.stdout.flush()
    return 0
