"""History of a solve: one row a step."""

from __future__ import annotations

from typing import Any

import numpy as np

from sciopt._errors import OptionError
from sciopt._types import Array

__all__ = ["History"]


class History:
    """Numbers recorded at each step, by name.

    ``history["f"]`` is an array with one entry a step (NaN where a step did not report that number); the first row is
    the start. Names depend on the method; ``f``, ``accepted``, ``stage`` and ``frame`` are always there.

    Examples
    --------
    >>> h = History()
    >>> h.append({"f": 2.0}); h.append({"f": 1.0, "step": 0.1})
    >>> h["f"].tolist()
    [2.0, 1.0]
    """

    __slots__ = ("_rows",)

    def __init__(self, rows: list[dict[str, float]] | None = None) -> None:
        self._rows = list(rows or [])

    def append(self, row: dict[str, float]) -> None:
        """Add one step."""
        self._rows.append(row)

    def keys(self) -> list[str]:
        """Names recorded, in order of appearance."""
        return list(dict.fromkeys(k for row in self._rows for k in row))

    def __getitem__(self, name: str) -> Array:
        """Return one number over the steps."""
        values = [row.get(name, np.nan) for row in self._rows]
        if all(np.isnan(v) for v in values) and name not in self.keys():
            raise OptionError(f"the history has no {name!r}; it has {', '.join(self.keys())}")
        return np.array(values, dtype=float)

    def __len__(self) -> int:
        """Return the number of rows, the start included."""
        return len(self._rows)

    def __getstate__(self) -> Any:
        """Return the rows."""
        return self._rows

    def __setstate__(self, rows: Any) -> None:
        """Take the rows."""
        self._rows = rows

    def __repr__(self) -> str:
        """Say how long and what."""
        return f"History({len(self)} rows: {', '.join(self.keys())})"
