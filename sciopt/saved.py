"""A solution without its model: what files and pickles give back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sciopt._errors import SolveFailed
from sciopt.history import History
from sciopt.report.reported import Reported
from sciopt.status import Status
from sciopt.storage import StorageError, pack
from sciopt.storage import save as write

__all__ = ["ARRAYS", "PLAIN", "SavedSolution", "save"]

ARRAYS = ("theta", "covariance", "singular_values")
PLAIN = (
    "names",
    "message",
    "success",
    "nfev",
    "njev",
    "nit",
    "seconds",
    "key",
    "notes",
    "errors_kind",
    "chi2",
    "dof",
    "rank",
    "values",
    "errors",
    "error_reasons",
    "units",
    "bounds",
    "start",
    "fixed",
    "at_bound",
    "chi2_by_condition",
    "null_directions",
)


def save(content: dict[str, Any], path: str | os.PathLike[str]) -> Path:
    """Write the content of a solution."""
    spec, arrays = pack(content)
    named = {f"array/{i}": a for i, a in enumerate(arrays)}
    named |= {name: np.asarray(content[name]) for name in ARRAYS}
    return write(path, named, {"kind": "sciopt solution", "content": spec, "names": list(content["names"])})


class SavedSolution(Reported):
    """A solution without its model, from a file or a pickle: every number is there.

    Attributes are those of `Solution`; ``solve(problem, start=saved)`` goes on from it. ``predict`` and plots of the
    model say that they need the problem.
    """

    if TYPE_CHECKING:  # set from the content

        def __getattr__(self, name: str) -> Any: ...

    def __init__(self, content: dict[str, Any], source: str) -> None:
        self._source, self._content = source, content
        for name in (*ARRAYS, *PLAIN):
            setattr(self, name, content[name])
        self.names = tuple(content["names"])
        self.status = Status(content["status"])
        columns = content["history"]
        rows = len(next(iter(columns.values()))) if columns else 0
        self.history = History(
            [{k: float(v[i]) for k, v in columns.items() if not np.isnan(v[i])} for i in range(rows)]
        )
        self.method = content["method"] if content["method"] is not None else content["method_repr"]

    def __reduce__(self) -> Any:
        """Pickle the content."""
        return SavedSolution, (self._content, self._source)

    @property
    def correlation(self) -> Any:
        """Correlation matrix of theta."""
        with np.errstate(all="ignore"):
            d = np.sqrt(np.diag(self._content["covariance"]))
            return self._content["covariance"] / np.outer(d, d)

    def raise_if_failed(self) -> SavedSolution:
        """Return self, or raise `SolveFailed` with the status if the solve did not converge."""
        if self.status is not Status.converged:
            raise SolveFailed(f"{self.status.value}: {self.message}")
        return self

    def _without(self, *_: Any, **__: Any) -> Any:
        """Raise: the model is not here."""
        raise StorageError(
            f"{self._source}: this needs the model; solve(problem, start=saved, steps=1) gives a Solution that has it"
        )

    predict = data_of = profile = limit = contour = _without

    @property
    def plot(self) -> Any:
        """Plots of what was stored: ``.convergence()``, ``.spectrum()``, ``.correlation()``."""
        from sciopt.plot import PlotAccessor

        return PlotAccessor(self)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the same content again."""
        return save(self._content, path)
