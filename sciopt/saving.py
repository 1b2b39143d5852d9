"""Solutions in files: readable without the problem, resumable with it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from sciopt._errors import OptionError
from sciopt.history import History
from sciopt.iterate import Iterate
from sciopt.points import Fixed
from sciopt.status import Status
from sciopt.storage import StorageError, fingerprint, pack, unpack
from sciopt.storage import load as read
from sciopt.storage import save as write

__all__ = ["SavedSolution", "identity", "load", "resumed", "save"]

ARRAYS = ("theta", "covariance", "singular_values")
PLAIN = tuple(
    ["names", "message", "success", "nfev", "njev", "nit", "seconds", "key", "notes", "errors_kind", "chi2", "dof", "rank", "values", "errors", "error_reasons", "units", "bounds", "start", "fixed", "at_bound", "chi2_by_condition", "null_directions"]
)


def identity(problem: Any) -> dict[str, str]:
    """Return fingerprints of what a resume relies on: names and shapes, and the data of each condition."""
    layout = problem.layout
    out = {"parameters": fingerprint(list(layout.names), layout.lower, layout.upper, list(problem.__class__.__name__))}
    for c in getattr(problem, "conditions", ()):
        parts = [c.name, getattr(c.loss, "name", "")]
        coords = c.points.batch.coords if isinstance(c.points, Fixed) else None
        for item in (c.target, c.sigma, c.weight, coords):
            parts.append(_readable(item))
        out[f"condition {c.name!r}"] = fingerprint(*parts)
    return out


def _readable(item: Any) -> Any:
    """Return an item if it is numbers (or a tuple or dict of them), else its type: such data cannot be compared."""
    if isinstance(item, tuple):
        return tuple(map(_readable, item))
    if isinstance(item, dict):
        return {str(k): _readable(v) for k, v in item.items()}
    if item is None or isinstance(item, (int, float, complex, str)):
        return item
    array = np.asarray(item)
    return array if array.dtype.kind in "biufcSUmM" else type(item).__name__


def save(solution: Any, path: str | os.PathLike[str]) -> Path:
    """Write a solution: all its numbers, and all that a resume needs."""
    it = solution.iterate
    moving = [
        None if isinstance(c.points, Fixed) else b
        for c, b in zip(getattr(solution.problem, "conditions", ()), it.frame.batches, strict=False)
    ]
    content: dict[str, Any] = {name: getattr(solution, name) for name in (*ARRAYS, *PLAIN)}
    content["status"] = solution.status.value
    content["history"] = {k: solution.history[k] for k in solution.history.keys()}
    content["iterate"] = {
        "theta": it.theta,
        "state": it.state,
        "number": it.number,
        "info": it.info,
        "accepted": it.accepted,
        "estimate": it.estimate,
        "stalled": it.stalled,
        "stage": it.frame.stage,
        "step": it.frame.step,
        "batches": moving,
        "extra": it.frame.extra,
        "begun": solution._start,
    }
    content["method_repr"] = repr(solution.method)
    try:
        pack(solution.method)
        content["method"] = solution.method
    except StorageError:  # a method of the user's: it must be given again
        content["method"] = None
    content["identity"] = identity(solution.problem)
    spec, arrays = pack(content)
    named = {f"array/{i}": a for i, a in enumerate(arrays)}
    named |= {name: np.asarray(getattr(solution, name)) for name in ARRAYS}
    return write(path, named, {"kind": "sciopt solution", "content": spec, "names": list(solution.names)})


class SavedSolution:
    """A solution read from a file: every number is there; the model is not.

    Attributes are those of `Solution`; ``solve(problem, start=saved)`` goes on from it. ``predict`` and plots of the
    model need the problem.
    """

    def __init__(self, content: dict[str, Any], path: Path) -> None:
        self.path, self._content = path, content
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

    @property
    def correlation(self) -> Any:
        """Correlation matrix of theta."""
        with np.errstate(all="ignore"):
            d = np.sqrt(np.diag(self._content["covariance"]))
            return self._content["covariance"] / np.outer(d, d)

    def predict(self, *_: Any, **__: Any) -> Any:
        """Raise: the file does not hold the model."""
        raise StorageError(
            "the file does not hold the model: solve(problem, start=saved, steps=1) gives a Solution that predicts"
        )

    def summary(self) -> str:
        """Return the report as text."""
        from sciopt.report import summary

        return summary(self)

    def __repr__(self) -> str:
        """Return the text report."""
        return self.summary()

    def _repr_html_(self) -> str:
        from sciopt.report import to_html

        return to_html(self)


def load(path: str | os.PathLike[str]) -> SavedSolution:
    """Read a solution written by `Solution.save`.

    Parameters
    ----------
    path
        The file; ``.npz`` is appended if it is missing.

    Returns
    -------
    SavedSolution

    Raises
    ------
    StorageError
        The file is truncated, foreign, or of a newer version.
    FileNotFoundError
        There is no such file.
    """
    arrays, meta = read(path)
    if meta.get("kind") != "sciopt solution":
        raise StorageError(f"{path} is no sciopt solution")
    listed = [arrays[f"array/{i}"] for i in range(sum(name.startswith("array/") for name in arrays))]
    return SavedSolution(unpack(meta["content"], listed), Path(path))


def resumed(saved: SavedSolution, problem: Any, method: Any) -> tuple[Iterate, Any, History]:
    """Return the iterate, the start and the history from which a solve goes on.

    Raises
    ------
    StorageError
        The problem is not the one that was saved; names what differs.
    OptionError
        The method cannot be taken from the file and is not given.
    """
    now, then = identity(problem), saved._content["identity"]
    wrong = [part for part in sorted(set(now) | set(then)) if now.get(part) != then.get(part)]
    if wrong:
        raise StorageError(f"{saved.path} was saved from another problem: {', '.join(wrong)} differ")
    it = saved._content["iterate"]
    if saved._content["method"] is not None:
        method = saved._content["method"]
    elif method == "auto":
        raise OptionError(f"the method {saved._content['method_repr']} cannot be read from a file; give it as method=")
    key, theta = saved._content["key"], np.array(it["theta"])
    frame = problem.frame(theta, None, {}, key, 0)
    if hasattr(frame, "batches"):
        from dataclasses import replace

        batches = tuple(
            f if b is None else b
            for f, b in zip(frame.batches, it["batches"] or (None,) * len(frame.batches), strict=True)
        )
        stage = problem.stages[it["stage"]]
        frame = replace(
            frame,
            batches=batches,
            stage=it["stage"],
            step=it["step"],
            settings=stage.settings,
            extra=it["extra"],
            cache={},
        )
    lin: Any = None  # made anew by the loop
    point = Iterate(
        it["number"],
        theta,
        lin,
        it["state"],
        frame,
        key,
        it["info"],
        it["accepted"],
        method,
        it["estimate"],
        None,
        it["stalled"],
    )
    return point, it["begun"], saved.history
