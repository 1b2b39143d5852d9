"""The ansatz that is chosen where none is given: error and time on every case."""

from __future__ import annotations

import sys
from fnmatch import fnmatch
from statistics import median
from time import process_time
from typing import Any

import sciopt as so
from problems.pde import CASES, FieldCase, relative_errors

__all__ = ["run", "table"]


def solved(case: FieldCase) -> tuple[Any, float]:
    """Return the solution of a case and the CPU seconds it took."""
    began = process_time()
    solution = so.solve(so.Problem(list(case.conditions), unknown=case.unknown))
    return solution, process_time() - began


def run(pattern: str = "*", repeats: int = 3) -> list[dict[str, Any]]:
    """Solve every case that matches a glob: once with compilation, then ``repeats`` times.

    Returns
    -------
    list of dict
        ``case``, ``status``, ``errors`` (relative L2, by component), ``cold`` and ``warm`` CPU seconds (median),
        ``steps``, ``unknowns``, ``ansatz``.
    """
    rows = []
    for name, factory in CASES.items():
        if not fnmatch(name, pattern):
            continue
        case = factory()
        solution, cold = solved(case)
        times = []
        for _ in range(repeats):
            solution, seconds = solved(case)
            times.append(seconds)
        function = solution.params["u"] if isinstance(solution.params, dict) else solution.params
        notes = [note for note in solution.notes if note.startswith("ansatz: ")]
        rows.append(
            {
                "case": name,
                "status": solution.status.value,
                "errors": dict(zip(case.components, relative_errors(case, function).tolist(), strict=True)),
                "cold": cold,
                "warm": median(times) if times else cold,
                "steps": solution.nit,
                "unknowns": len(solution.theta),
                "ansatz": notes[-1].removeprefix("ansatz: ").split(",")[0] if notes else "as given",
                "values": {k: v for k, v in solution.values.items() if isinstance(v, float)},
            }
        )
        sys.stderr.write(table(rows[-1:]).splitlines()[-1] + "\n")
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as a table."""
    lines = [f"{'case':14s} {'status':10s} {'relative L2 error':34s} {'CPU s':>7s} {'first':>7s} {'steps':>6s}  ansatz"]
    for row in rows:
        errors = ", ".join(f"{name} {value:.1e}" for name, value in row["errors"].items())
        lines.append(
            f"{row['case']:14s} {row['status']:10s} {errors:34s} {row['warm']:7.2f} {row['cold']:7.2f} {row['steps']:6d}  "
            f"{row['ansatz']}"
        )
    return "\n".join(lines)
