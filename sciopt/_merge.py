"""What two problems say about a parameter that they share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from sciopt._errors import ParameterError
from sciopt._tree import flatten
from sciopt.parameters import Parameter

__all__ = ["Retied", "merged", "renamed_unknown"]

UNSAID = {"value": None, "name": None, "unit": "", "bounds": (None, None), "prior": None, "scale": 1.0}


def merged(name: str, a: Any, b: Any) -> Any:
    """Return the one parameter that two problems mean by a name; what one leaves unsaid the other may say.

    Raises
    ------
    ParameterError
        Naming the parameter and what contradicts: start, bounds, prior, unit, scale, name, fixed or tie.
    """
    pa = a if isinstance(a, Parameter) else Parameter(a, name=None) if _plain(a) else a
    pb = b if isinstance(b, Parameter) else Parameter(b, name=None) if _plain(b) else b
    if not (isinstance(pa, Parameter) and isinstance(pb, Parameter)):
        if _same_tree(a, b):
            return a
        raise ParameterError(
            f"{name!r} is shared, but holds another {type(a).__name__} in one problem than in the other "
            f"({type(b).__name__}); use renamed() to keep two apart"
        )
    if pa.tied is not pb.tied and pa.tied != pb.tied:
        said = "tied in two ways" if pa.tied and pb.tied else "tied in one problem and not in the other"
        raise ParameterError(f"parameter {name!r} is shared, but {said}; use renamed() to keep two apart")
    if pa.fixed != pb.fixed:
        raise _contradiction(name, "fixed", pa.fixed, pb.fixed)
    chosen = {}
    for what, unsaid in UNSAID.items():
        va, vb = getattr(pa, what), getattr(pb, what)
        if _same(va, unsaid) or _same(va, vb):
            chosen[what] = vb if _same(va, unsaid) else va
        elif _same(vb, unsaid):
            chosen[what] = va
        else:
            raise _contradiction(name, "start" if what == "value" else what, va, vb)
    if not (isinstance(a, Parameter) or isinstance(b, Parameter)):
        return a
    shown = chosen["name"] or name
    return replace(pa, **chosen | {"name": shown})


def _contradiction(name: str, what: str, a: Any, b: Any) -> ParameterError:
    return ParameterError(
        f"parameter {name!r} is shared with contradictory {what}: {a!r} and {b!r}; use renamed() to keep two apart"
    )


def _same(a: Any, b: Any) -> bool:
    if a is None or b is None or isinstance(a, (str, tuple)):
        return a is b or (a is not None and b is not None and a == b)
    try:
        return bool(np.array_equal(np.asarray(a), np.asarray(b))) if _plain(a) and _plain(b) else bool(a == b)
    except (TypeError, ValueError):
        return False


def _plain(value: Any) -> bool:
    if isinstance(value, (str, bytes, dict, list, tuple)) or callable(value):
        return False
    return isinstance(value, (int, float, complex)) or hasattr(value, "dtype")


def _same_tree(a: Any, b: Any) -> bool:
    if a is b:
        return True
    ours, theirs = flatten(a), flatten(b)
    return (
        type(a) is type(b)
        and [p for p, _ in ours] == [p for p, _ in theirs]
        and all(x is y or _same(x, y) for (_, x), (_, y) in zip(ours, theirs, strict=True))
    )


@dataclass(frozen=True)
class Retied:
    """A tie whose parameters have got other names: the function still reads them under the old ones."""

    tied: Callable[[Any], Any]
    names: tuple[tuple[str, str], ...]

    def __call__(self, p: SimpleNamespace) -> Any:
        """Return the tied value."""
        view = dict(vars(p))
        for old, new in self.names:
            if new in view:
                view[old] = vars(p)[new]
        return self.tied(SimpleNamespace(**view))


def renamed_unknown(unknown: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """Return the dict of parameters under other names, ties included.

    Raises
    ------
    ParameterError
        A name is unknown, is no string, or is taken.
    """
    for old, new in names.items():
        if old not in unknown:
            raise ParameterError(f"renamed: no parameter named {old!r}; parameters: {', '.join(map(str, unknown))}")
        if not isinstance(new, str) or not new:
            raise ParameterError(f"renamed: the new name of {old!r} must be a string, got {new!r}")
    keys = [names.get(k, k) for k in unknown]
    double = next((k for k in keys if keys.count(k) > 1), None)
    if double is not None:
        raise ParameterError(f"renamed: there would be two parameters named {double!r}")
    out = {}
    for old, value in unknown.items():
        if isinstance(value, Parameter):
            tied = None if value.tied is None else Retied(value.tied, tuple(names.items()))
            value = replace(value, name=None if old in names else value.name, tied=tied)
        out[names.get(old, old)] = value
    return out
