"""Solutions in files: readable without the problem, resumable with it."""

from __future__ import annotations

import functools
import os
import sys
import types
from dataclasses import is_dataclass, replace
from typing import Any

import numpy as np

from sciopt._errors import OptionError
from sciopt.effective import EffectiveVariance
from sciopt.history import History
from sciopt.iterate import Iterate
from sciopt.points import Fixed
from sciopt.saved import ARRAYS, PLAIN, SavedSolution
from sciopt.storage import StorageError, fingerprint, pack, unpack
from sciopt.storage import load as read

__all__ = ["content_of", "identity", "load", "nameless", "reduced", "resumed"]


def identity(problem: Any) -> dict[str, str]:
    """Return fingerprints, by what they describe, of all that a resume relies on."""
    layout = problem.layout
    out = {
        "the names of the free parameters": fingerprint(list(layout.names)),
        "the bounds": fingerprint(layout.lower, layout.upper),
        "the kind of problem": fingerprint(type(problem).__name__),
    }
    for leaf in layout.leaves:
        if leaf.numeric and leaf.parameter.fixed:
            out[f"the fixed value of {leaf.name!r}"] = fingerprint(np.asarray(leaf.parameter.value))
    for c in getattr(problem, "conditions", ()):
        coords = c.points.batch.coords if isinstance(c.points, Fixed) else getattr(c.points, "coords", None)
        y, sigma, sigma_x = c.target, c.sigma, None
        if isinstance(c.function, EffectiveVariance):
            y, sigma, sigma_x = c.function.y, c.function.sigma, c.function.sigma_x
        loss = [getattr(c.loss, "name", ""), repr(c.loss) if is_dataclass(c.loss) else ""]
        for what, item in (
            ("loss", tuple(loss)),
            ("weight", c.weight),
            ("points", coords),
            ("data", y),
            ("sigma", sigma),
            ("sigma_x", sigma_x),
            ("choice of data", c.keep),
        ):
            out[f"the {what} of condition {c.name!r}"] = fingerprint(_readable(item))
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


def content_of(solution: Any) -> dict[str, Any]:
    """Return all numbers of a solution, and all that a resume needs, as plain data."""
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
    return content


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
    return SavedSolution(unpack(meta["content"], listed), f"{path} does not hold the model")


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
        raise StorageError(
            f"the saved solution is of another problem: {', '.join(wrong)} differ{'s' * (len(wrong) == 1)}"
        )
    it = saved._content["iterate"]
    kept = saved._content["method"]
    if kept is not None:
        if method not in ("auto", kept):
            raise OptionError(
                f"a saved solve goes on with its own method, {kept!r}; to begin with another, give start=saved.values"
            )
        method = kept
    elif method == "auto":
        raise OptionError(f"the method {saved._content['method_repr']} cannot be read from a file; give it as method=")
    key, theta = saved._content["key"], np.array(it["theta"])
    frame = problem.frame(theta, None, {}, key, 0)
    if hasattr(frame, "batches"):
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


def reduced(solution: Any) -> Any:
    """Return how a solution is pickled: whole if its functions can be imported again, else without the problem."""
    name = nameless(solution.problem)
    if name is not None:
        source = f"the pickle left out the model, because {name} cannot be imported by name"
        return SavedSolution, (content_of(solution), source)
    state = {k: v for k, v in vars(solution).items() if k != "_lin"}
    state["iterate"] = replace(solution.iterate, lin=None)
    return object.__new__, (type(solution),), state


def nameless(obj: Any, seen: set[int] | None = None) -> str | None:
    """Return the first function in an object that cannot be found again by its module and name, or None."""
    seen = set() if seen is None else seen
    if isinstance(obj, (str, bytes, int, float, complex, np.ndarray, np.generic, type(None))) or id(obj) in seen:
        return None
    seen.add(id(obj))
    if isinstance(obj, (types.FunctionType, type)):
        found: Any = sys.modules.get(obj.__module__)
        for part in obj.__qualname__.split("."):
            found = getattr(found, part, None)
        return None if found is obj else f"{obj.__qualname__!r} of {obj.__module__}"
    if isinstance(obj, (types.BuiltinFunctionType, types.ModuleType)):
        return None
    if isinstance(obj, types.MethodType):
        return nameless(obj.__self__, seen)
    if isinstance(obj, functools.partial):
        return nameless((obj.func, obj.args, obj.keywords), seen)
    if isinstance(obj, dict):
        parts = list(obj.values())
    elif isinstance(obj, (tuple, list, set, frozenset)):
        parts = list(obj)
    else:
        parts = [type(obj), *getattr(obj, "__dict__", {}).values()]
    return next((name for part in parts if (name := nameless(part, seen)) is not None), None)
