"""The parameter table: one row a scalar, one row a large array."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sciopt.report.pdg import number, rounded
from sciopt.report.size import is_small

__all__ = ["Row", "parameter_rows"]

LARGEST_ARRAY = 30
MOST_ROWS = 60


@dataclass(frozen=True)
class Row:
    """One line of the parameter table, as text."""

    name: str
    value: str
    error: str
    unit: str
    start: str
    bounds: str
    flags: str
    reason: str = ""  # why there is no error
    estimate: tuple[float, float | None] | None = None  # the numbers behind value and error; None for an array

    @property
    def remark(self) -> str:
        """Flags and reason in one text."""
        return "; ".join(filter(None, [self.flags, f"no error: {self.reason}" if self.reason else ""]))

    @property
    def limited(self) -> bool:
        """Whether the value sits at a bound or has no error for a reason."""
        return bool(self.reason) or " bound" in self.flags


def parameter_rows(solution: Any) -> tuple[list[Row], int]:
    """Return the rows of the parameter table and the number of rows left out.

    Parameters
    ----------
    solution
        Object with ``values`` and, where known, ``errors``, ``error_reasons``, ``units``, ``bounds``, ``start``,
        ``fixed``, ``at_bound`` and ``names``.
    """
    values = dict(getattr(solution, "values", None) or {})
    expand = LARGEST_ARRAY
    if sum(np.size(v) for v in values.values() if np.size(v) <= LARGEST_ARRAY) > MOST_ROWS:
        expand = 0  # a network: its short bias vectors are no more readable than its weights
    reader = _Reader(solution)
    rows: list[Row] = []
    for name, value in values.items():
        rows += reader.rows(str(name), value, expand)
    return rows[:MOST_ROWS], max(0, len(rows) - MOST_ROWS)


class _Reader:
    """Looks up what a solution knows about a parameter, whole or by entry."""

    def __init__(self, solution: Any) -> None:
        small = is_small(solution)
        self.errors = (getattr(solution, "errors", None) or {}) if small else {}
        self.reasons = (getattr(solution, "error_reasons", None) or {}) if small else {}
        self.units = getattr(solution, "units", None) or {}
        self.bounds = getattr(solution, "bounds", None) or {}
        self.start = getattr(solution, "start", None) or {}
        self.fixed = set(getattr(solution, "fixed", None) or ())
        self.at_bound = getattr(solution, "at_bound", None) or {}
        self.free = set(getattr(solution, "names", None) or ())

    def rows(self, name: str, value: Any, expand: int) -> list[Row]:
        array = np.asarray(value)
        if array.ndim and array.size > expand:
            return [self._whole(name, array)]
        labels = [name] if not array.ndim else [f"{name}[{','.join(map(str, i))}]" for i in np.ndindex(*array.shape)]
        errors = self._spread(self.errors.get(name), array)
        starts = self._spread(self.start.get(name), array)
        rows = []
        for label, v, error, start in zip(labels, array.ravel(), errors, starts, strict=True):
            if np.iscomplexobj(array):
                pair = (error.real, error.imag) if np.iscomplexobj(error) else (error, error)
                begun = (None, None) if start is None else (np.real(start), np.imag(start))
                rows.append(self._row(name, f"{label}.re", float(v.real), pair[0], begun[0]))
                rows.append(self._row(name, f"{label}.im", float(v.imag), pair[1], begun[1]))
            else:
                rows.append(self._row(name, label, float(v), error, start))
        return rows

    def _row(self, name: str, label: str, value: float, error: Any, start: Any) -> Row:
        error = None if error is None or np.isnan(error) else float(error)
        text, spread = rounded(value, error)
        return Row(
            name=label,
            value=text,
            error=spread,
            unit=str(self._of(self.units, name, label) or ""),
            start="" if start is None else number(float(start)),
            bounds=_interval(self._of(self.bounds, name, label)),
            flags=self._flags(name, label),
            reason="" if error is not None else self._reason(name, label),
            estimate=(value, error),
        )

    def _flags(self, name: str, label: str) -> str:
        if self._is_fixed(name, label):
            return "fixed"
        flags = ["tied"] if self._is_tied(label) else []
        side = self._of(self.at_bound, name, label)
        return "; ".join([*flags, *([f"at {side} bound"] if side else [])])

    def _reason(self, name: str, label: str) -> str:
        if self._is_fixed(name, label) or self._is_tied(label):
            return ""
        return str(self._of(self.reasons, name, label) or "")

    def _is_tied(self, label: str) -> bool:
        return bool(self.free) and label not in self.free

    def _is_fixed(self, name: str, label: str) -> bool:
        return name in self.fixed or label in self.fixed

    def _whole(self, name: str, array: np.ndarray) -> Row:
        flagged = [n for n in self.at_bound if n == name or n.startswith(f"{name}[")]
        remarks = [f"array {array.shape}"]
        if name in self.fixed:
            remarks.append("fixed")
        if flagged:
            remarks.append(f"{len(flagged)} entries at a bound")
        return Row(
            name=name,
            value=f"norm {np.linalg.norm(array.ravel()):.4g}",
            error="",
            unit=str(self.units.get(name) or ""),
            start="",
            bounds=_interval(self.bounds.get(name)),
            flags="; ".join(remarks),
            reason="" if name in self.fixed or self.errors.get(name) is not None else str(self.reasons.get(name) or ""),
        )

    @staticmethod
    def _of(table: Any, name: str, label: str) -> Any:
        return table.get(label, table.get(name))

    @staticmethod
    def _spread(entry: Any, array: np.ndarray) -> list[Any]:
        """Return one entry for each element of ``array``, None where nothing is known."""
        if entry is None:
            return [None] * array.size
        given = np.asarray(entry)
        if np.iscomplexobj(array) and given.shape == (2, *array.shape):  # errors of real and imaginary parts
            given = given[0] + 1j * given[1]
        if given.size == array.size:
            return list(given.ravel())
        return [given[()]] * array.size if given.size == 1 else [None] * array.size


def _interval(bounds: Any) -> str:
    if bounds is None:
        return ""
    lower, upper = (None if b is None or not np.isfinite(b) else float(b) for b in bounds)
    if lower is None and upper is None:
        return ""
    left = "(-inf" if lower is None else f"[{number(lower)}"
    right = "inf)" if upper is None else f"{number(upper)}]"
    return f"{left}, {right}"
