"""Command line: ``python -m problems.bench least_squares|pde [--solver NAME ...] [--case GLOB] [--json FILE]``."""

from __future__ import annotations

import argparse
import json
import platform
import shlex
import sys
import warnings
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from fnmatch import fnmatch
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from problems.bench._peer import Peer
from problems.bench._run import Run, run
from problems.bench._table import COLUMNS, LEGEND, summarise, text
from problems.bench.peers import PEERS
from problems.bench.studies import STUDIES
from problems.least_squares import CASES

FAMILIES = ("nist/", "mgh/", "rank_deficient/")


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m problems.bench", description=__doc__)
    parser.add_argument(
        "room", choices=["least_squares", "pde", "transport", *STUDIES], help="which part of the catalogue"
    )
    parser.add_argument("--solver", nargs="+", default=["*"], metavar="NAME", help="names or globs, such as 'scipy*'")
    parser.add_argument("--case", default="*", metavar="GLOB", help="cases to run, such as 'nist/*'")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write rows, runs, versions and command")
    parser.add_argument("--repeat", type=int, default=3, metavar="N", help="warm calls timed on NIST runs (default 3)")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="seeds or starts of a study (default 3)")
    parser.add_argument("--runs", action="store_true", help="also list the runs that missed")
    return parser.parse_args(argv)


def _one_thread():
    """Limit BLAS to one thread: CPU time of a pool says nothing about a small fit."""
    if find_spec("threadpoolctl") is None:
        return nullcontext()
    from threadpoolctl import threadpool_limits

    return threadpool_limits(limits=1)


def _measure(peer: Peer, pattern: str, repeat: int) -> list[Run]:
    runs = []
    for name, factory in CASES.items():
        if not name.startswith(FAMILIES) or not fnmatch(name, pattern):
            continue
        case = factory()
        for start in range(len(case.starts)):
            runs.append(run(peer, case, start, repeat if name.startswith("nist/") else 0))
    return runs


def _missed(runs: Sequence[Run]) -> str:
    lines = []
    for r in runs:
        bad = r.digits < 6 if r.case.startswith("nist/") else not r.hit
        if bad or (r.target_digits < 6):
            verdict = "claims success" if r.claims_success else "reports failure"
            target = "" if np.isnan(r.target_digits) else f", target digits {r.target_digits:.1f}"
            lines.append(
                f"  {r.peer}: {r.case} start {r.start + 1}: rss {r.rss:.6g}, digits {r.digits:.1f}{target}, "
                f"nfev {r.nfev}, {verdict} {r.exception or r.message}"
            )
    return "\n".join(lines)


def _fields(options: argparse.Namespace) -> int:
    """Solve the differential equations with the ansatz chosen from their conditions; returns the exit status."""
    from problems.pde import CASES as FIELDS
    from problems.pde.default_study import run as run_fields
    from problems.pde.default_study import table

    if not any(fnmatch(name, options.case) for name in FIELDS):
        sys.stderr.write(f"no case matches {options.case!r}; there are: {', '.join(FIELDS)}\n")
        return 2
    with _one_thread():
        rows = run_fields(options.case, options.repeat)
    sys.stdout.write(table(rows) + "\n")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit status."""
    given = sys.argv[1:] if argv is None else list(argv)
    if given[:1] == ["transport"]:
        from problems.transport.bench import main as transport

        with _one_thread():
            return transport(given[1:])
    options = _arguments(argv)
    if options.room in STUDIES:
        with _one_thread():
            sys.stdout.write(STUDIES[options.room](options.seeds) + "\n")
        return 0
    if options.room == "pde":
        return _fields(options)
    chosen = [p for p in PEERS if any(fnmatch(p.name, glob) for glob in options.solver)]
    if not chosen:
        sys.stderr.write(f"no solver matches {options.solver}; there are: {', '.join(p.name for p in PEERS)}\n")
        return 2
    rows: dict[str, dict[str, str | float]] = {}
    runs: list[Run] = []
    skipped: dict[str, str] = {}
    with _one_thread(), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for peer in chosen:
            reason = peer.missing()
            if reason:
                skipped[peer.name] = reason
                continue
            sys.stderr.write(f"{peer.name} ...\n")
            mine = _measure(peer, options.case, options.repeat)
            if not mine:
                sys.stderr.write(f"no case matches {options.case!r}\n")
                return 2
            rows[peer.name] = summarise(mine)
            runs += mine
    versions = {p.package: p.version() for p in chosen if p.name in rows}
    versions |= {"python": platform.python_version(), "numpy": np.__version__}
    command = shlex.join(["python", "-m", "problems.bench", *(sys.argv[1:] if argv is None else argv)])
    date = datetime.now(UTC).isoformat(timespec="seconds")
    out = [text(rows), "", LEGEND, "", f"{command}  ({date})", "  ".join(f"{k} {v}" for k, v in versions.items())]
    out += [f"skipped {name}: {reason}" for name, reason in skipped.items()]
    if options.runs:
        out += ["", "missed:", _missed(runs)]
    sys.stdout.write("\n".join(out) + "\n")
    if options.json:
        report = {
            "command": command,
            "date": date,
            "versions": versions,
            "machine": {"processor": platform.machine(), "system": platform.system()},
            "columns": COLUMNS,
            "rows": rows,
            "skipped": skipped,
            "runs": [r.record() for r in runs],
        }
        report["rows"] = {
            name: {k: None if isinstance(v, float) and not np.isfinite(v) else v for k, v in row.items()}
            for name, row in rows.items()
        }
        options.json.write_text(json.dumps(report, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
