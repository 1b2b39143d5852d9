"""Summaries of the runs, one row a solver, and their aligned text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from problems.bench._run import Run
from problems.least_squares import CASES, MINPACK_STARTS

__all__ = ["COLUMNS", "LEGEND", "summarise", "text"]

COLUMNS: dict[str, str] = {
    "nist_4": "NIST>=4",
    "nist_6": ">=6",
    "nist_6_start1": "s1>=6",
    "nist_6_start2": "s2>=6",
    "nist_rss_8": "rss>=8",
    "nist_false_success": "falseOK",
    "nist_errors_3": "std>=3",
    "nist_errors_6": "std>=6",
    "nist_exceptions": "exc",
    "nfev_median": "nfev",
    "njev_median": "njev",
    "warm_ms": "warm ms",
    "cold_ms": "cold ms",
    "mgh_hits": "MGH",
    "minpack_hits": "minpack",
    "mgh_false_success": "MGH falseOK",
    "rank_deficient_hits": "rankdef",
    "rank_deficient_targets": "pinv>=6",
    "rank_deficient_false_success": "rd falseOK",
}

LEGEND = """\
NIST>=d: runs whose worst parameter has d digits (s1, s2: from start 1, 2); rss>=8: digits of the sum of squares
(52 of 54 is all: Lanczos1's is below rounding);
falseOK: claims convergence with < 4 digits (MGH, rank deficient: at no known minimum); std: its own standard errors;
nfev, njev: medians over NIST (own differences count as nfev); warm: median over NIST runs of the fastest call, CPU ms;
cold: median over problems of the first call from start 1; MGH, minpack, rankdef: starts that reach a known minimum
(rankdef: all starts of problems whose Jacobian is singular at a minimum); pinv>=6: starts that end at the point of the
solution set nearest to the start, to 6 digits. A figure a/b counts a of b; '-': nothing to count."""


def _count(flags: Iterable[bool]) -> str:
    values = list(flags)
    return f"{sum(values)}/{len(values)}" if values else "-"


def _median(values: Iterable[float]) -> float:
    finite = [v for v in values if np.isfinite(v)]
    return float(np.median(finite)) if finite else float("nan")


def summarise(runs: Sequence[Run]) -> dict[str, str | float]:
    """Row of the table from all runs of one solver."""
    tags = {name: CASES[name]().tags for name in {r.case for r in runs}}
    nist = [r for r in runs if r.case.startswith("nist/")]
    mgh = [r for r in runs if r.case.startswith("mgh/")]
    minpack = [r for r in mgh if (r.case, r.start) in set(MINPACK_STARTS)]
    singular = [r for r in runs if "rank_deficient" in tags[r.case]]
    ended = [r for r in nist if not r.exception]
    own_errors = [r for r in ended if np.isfinite(r.error_digits)]
    return {
        "nist_4": _count(r.digits >= 4 for r in nist),
        "nist_6": _count(r.digits >= 6 for r in nist),
        "nist_6_start1": _count(r.digits >= 6 for r in nist if r.start == 0),
        "nist_6_start2": _count(r.digits >= 6 for r in nist if r.start == 1),
        "nist_rss_8": _count(r.rss_digits >= 8 for r in nist),
        "nist_false_success": _count(r.claims_success and r.digits < 4 for r in nist),
        "nist_errors_3": f"{sum(r.error_digits >= 3 for r in own_errors)}/{len(nist)}" if own_errors else "-",
        "nist_errors_6": f"{sum(r.error_digits >= 6 for r in own_errors)}/{len(nist)}" if own_errors else "-",
        "nist_exceptions": _count(bool(r.exception) for r in nist),
        "nfev_median": _median(r.nfev for r in ended),
        "njev_median": _median(r.njev for r in ended),
        "warm_ms": _median(r.warm_ms for r in ended),
        "cold_ms": _median(r.cold_ms for r in ended if r.start == 0),
        "mgh_hits": _count(r.hit for r in mgh),
        "minpack_hits": _count(r.hit for r in minpack),
        "mgh_false_success": _count(r.claims_success and not r.hit for r in mgh),
        "rank_deficient_hits": _count(r.hit for r in singular),
        "rank_deficient_targets": _count(r.target_digits >= 6 for r in singular if not np.isnan(r.target_digits)),
        "rank_deficient_false_success": _count(r.claims_success and not r.hit for r in singular),
    }


def _cell(key: str, value: str | float) -> str:
    if isinstance(value, str):
        return value
    if not np.isfinite(value):
        return "-"
    return f"{value:.2f}" if key.endswith("_ms") and value < 100 else f"{value:.0f}"


def text(rows: dict[str, dict[str, str | float]]) -> str:
    """Aligned table of ``{solver: row}``."""
    shown = [key for key in COLUMNS if any(_cell(key, row[key]) != "-" for row in rows.values())]
    lines = [["solver", *(COLUMNS[key] for key in shown)]]
    lines += [[name, *(_cell(key, row[key]) for key in shown)] for name, row in rows.items()]
    widths = [max(len(line[j]) for line in lines) for j in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(w) if j == 0 else cell.rjust(w) for j, (cell, w) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )
