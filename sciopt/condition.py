"""A condition: something that should vanish, or a model that should meet its data."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from sciopt._errors import ConditionError, OptionError
from sciopt.losses import resolve
from sciopt.points import Points, as_points

__all__ = ["Condition", "condition"]

JACOBIANS = ("auto", "forward", "reverse", "per_sample", "host", "complex", "difference", "zeroth")


@dataclass(frozen=True, eq=False)
class Condition:
    """One named block of residual rows.

    Parameters
    ----------
    function
        ``function(u, x)`` for one point x (vmapped), or for all points with ``batched=True``. If the unknown is a
        dict, its entries are passed by argument name: ``def heat(u, D, x)``. Without points it gets the unknown only.
    name
        Name in reports and errors; the function's name by default.
    points
        Points, arrays, a tuple or dict of columns, or any object (passed untouched to a batched function).
    target
        Data that the function should meet (same shape as its output); zero if None.
    sigma
        Marks **data**: scalar, array, covariance or ``(stat, systematics)``; rows are divided by it and summed.
    weight
        Marks **equations**: rows are scaled by sqrt(weight / number of rows).
    loss
        Name or loss object; see `sciopt.losses`.
    batched
        The function takes all points at once.
    jacobian
        ``"auto"``, ``"forward"``, ``"reverse"``, ``"per_sample"`` (JAX), ``"host"``, ``"complex"``, ``"difference"``
        (numpy), ``"zeroth"`` (random directions), or a function with the arguments of ``function`` that returns
        d(function)/d(theta), dense or scipy sparse.
    pattern
        Sparsity pattern (rows, P) of the Jacobian: coloured differences fill it.
    directions
        Number of random directions for ``jacobian="zeroth"``.
    chunk
        Points differentiated at once in JAX; bounds the temporaries.
    args
        Further objects passed untouched after the points.
    scatter
        Covariance (rows, rows) of the rows where it is not what ``sigma`` says, or a function ``(unknown, coords)`` that
        returns it at the answer: sigma weighs the rows, errors come from the sandwich A J^T Sigma J A.
    """

    function: Callable[..., Any]
    name: str = ""
    points: Any = None
    target: Any = None
    sigma: Any = None
    weight: float | None = None
    loss: Any = "gaussian"
    batched: bool = False
    jacobian: Any = "auto"
    pattern: Any = None
    directions: int | None = None
    chunk: int | None = None
    args: tuple[Any, ...] = ()
    keep: Any = None
    columns: tuple[str, ...] | None = None
    renames: tuple[tuple[str, str], ...] = ()
    absolute: bool | None = None
    label: Mapping[str, str] = field(default_factory=dict)
    own: tuple[str, ...] | None = None  # names of the unknown that the function may see; None = all
    scatter: Any = None

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise ConditionError(f"a condition needs a function, got {type(self.function).__name__}")
        name = self.name or getattr(self.function, "__name__", "") or type(self.function).__name__
        object.__setattr__(self, "name", "residual" if name == "<lambda>" else name)
        if not callable(self.jacobian) and self.jacobian not in JACOBIANS:
            raise OptionError(
                f"condition {self.name!r}: unknown jacobian={self.jacobian!r}; choose one of {JACOBIANS} or a function"
            )
        if self.sigma is not None and self.weight is not None:
            raise ConditionError(
                f"condition {self.name!r} has both sigma and weight: sigma= marks data, weight= marks equations; drop one"
            )
        if self.weight is not None and not (np.isfinite(self.weight) and self.weight > 0):
            raise ConditionError(f"condition {self.name!r}: weight must be positive, got {self.weight!r}")
        object.__setattr__(self, "loss", resolve(self.loss))
        object.__setattr__(self, "points", as_points(self.points))
        bound = getattr(self.points, "bound", None)
        if bound is not None:  # points of a domain let the function know the domain
            object.__setattr__(self, "function", bound(self.function, self.name))

    @property
    def equation(self) -> bool:
        """Whether the rows are equations (weight) rather than data."""
        return self.weight is not None

    def renamed(self, names: Mapping[str, str]) -> Condition:
        """Return a copy whose arguments read the unknown under other names."""
        chained = {argument: names.get(key, key) for argument, key in self.renames}
        chained.update({old: new for old, new in names.items() if old not in chained})
        own = None if self.own is None else tuple(names.get(k, k) for k in self.own)
        return replace(self, renames=tuple(chained.items()), own=own)

    def within(self, unknown: Any) -> Condition:
        """Return a copy that goes on seeing this unknown alone when others are added to it."""
        return self if self.own is not None else replace(self, own=tuple(unknown))


@dataclass(frozen=True)
class Binding:
    """How the arguments of a condition's function are filled.

    ``slots`` holds ("p", key) for a part of the unknown, ("u", None) for the whole unknown or ("u", ((name, key), ...))
    for a view of it, ("x", i) for a column of the points, ("s", key) for a setting of the stage, ("a", i) for a further
    object, ("*", keys) for all parameters that are not named.
    """

    slots: tuple[tuple[str, Any], ...]
    direct: bool = False  # columns first, then theta in order: function(*columns, *theta)

    def arguments(
        self, tree: Any, columns: tuple[Any, ...], settings: Mapping[str, Any], args: tuple[Any, ...]
    ) -> list[Any]:
        """Return the positional arguments of the function."""
        out: list[Any] = []
        for kind, key in self.slots:
            if kind == "p":
                out.append(tree[key])
            elif kind == "x":
                out.append(columns[key])
            elif kind == "u":
                out.append(tree if key is None else {name: tree[k] for name, k in key})
            elif kind == "s":
                out.append(settings[key])
            elif kind == "a":
                out.append(args[key])
            else:
                out.extend(tree[k] for k in key)
        return out


def bind(c: Condition, unknown: Any, settings: Mapping[str, Any], sample: Any, simple: bool) -> Binding:
    """Work out how the condition's arguments are filled; `ConditionError` names the argument that cannot be."""
    columns = split(sample, c.columns)
    if not c.batched and len(columns) > 1 and c.columns != ("*",):
        _same_length(c, columns)
    try:
        parameters = list(inspect.signature(c.function).parameters.values())
    except (TypeError, ValueError):
        parameters = None
    keys = tuple(unknown) if isinstance(unknown, dict) else ()
    keys = keys if c.own is None else c.own
    renames = dict(c.renames)
    named = parameters is not None and any(renames.get(p.name, p.name) in keys for p in parameters)
    star = parameters is not None and any(p.kind is p.VAR_POSITIONAL for p in parameters) and bool(keys)
    if not named and not star:
        rest: list[tuple[str, Any]] = [
            *(("x", i) for i in range(len(columns))),
            *(("a", i) for i in range(len(c.args))),
        ]
        for place, p in enumerate((parameters or [])[1:]):
            if p.name in settings:
                rest.insert(min(place, len(rest)), ("s", p.name))
        called = {key: name for name, key in c.renames}
        view = None if c.own is None and not called else tuple((called.get(k, k), k) for k in keys)
        return Binding((("u", view), *rest))
    assert parameters is not None
    slots: list[tuple[str, Any]] = []
    places = [("x", i) for i in range(len(columns))] + [("a", i) for i in range(len(c.args))]
    if isinstance(sample, dict) and c.columns is None:
        by_name = {k: ("x", i) for i, k in enumerate(sample)}
    else:
        by_name = {}
    used = 0
    for p in parameters:
        key = renames.get(p.name, p.name)
        if p.kind is p.VAR_POSITIONAL:
            taken = {renames.get(q.name, q.name) for q in parameters}
            slots.append(("*", tuple(k for k in keys if k not in taken)))
        elif key in keys:
            slots.append(("p", key))
        elif key in settings:
            slots.append(("s", key))
        elif p.name in by_name:
            slots.append(by_name[p.name])
        elif used < len(places) and not (by_name and places[used][0] == "x"):
            slots.append(places[used])
            used += 1
        elif p.default is not p.empty or p.kind in (p.VAR_KEYWORD, p.KEYWORD_ONLY):
            break
        else:
            raise ConditionError(
                f"condition {c.name!r}: nothing to fill its argument {p.name!r}; the unknown has "
                f"{', '.join(map(repr, keys))} and the points have {len(columns)} column(s)"
            )
    direct = simple and slots == [("x", i) for i in range(len(columns))] + [("p", k) for k in unknown]
    return Binding(tuple(slots), direct)


def _same_length(c: Condition, columns: tuple[Any, ...]) -> None:
    lengths = [len(x) if hasattr(x, "__len__") else None for x in columns]
    if None in lengths or len(set(lengths)) > 1:
        told = ", ".join("no length" if n is None else str(n) for n in lengths)
        raise ConditionError(
            f"condition {c.name!r}: its columns of points have lengths {told}; a function of one point needs equal ones "
            "(batched=True passes them whole)"
        )


def split(coords: Any, columns: tuple[str, ...] | None) -> tuple[Any, ...]:
    """Return the columns of the points: none, one array, or the parts of a tuple or dict."""
    if coords is None:
        return ()
    if columns is not None and columns == ("*",):
        return (coords,)
    if isinstance(coords, tuple):
        return coords
    if isinstance(coords, dict):
        return tuple(coords.values())
    return (coords,)


def condition(
    function: Callable[..., Any] | None = None,
    *,
    points: Points | Any = None,
    name: str = "",
    target: Any = None,
    sigma: Any = None,
    weight: float | None = None,
    loss: Any = "gaussian",
    batched: bool = False,
    jacobian: Any = "auto",
    pattern: Any = None,
    directions: int | None = None,
    chunk: int | None = None,
    args: tuple[Any, ...] = (),
) -> Any:
    """Make a `Condition` from a residual function; used as a decorator.

    Takes the parameters of `Condition`. With points and neither ``sigma`` nor ``weight`` the rows are
    equations of weight 1.

    Examples
    --------
    >>> import numpy as np
    >>> @condition(points=np.linspace(0, 1, 5), batched=True)
    ... def flat(a, x):
    ...     return a * x - 1.0
    >>> flat.name
    'flat'
    """
    if points is not None and sigma is None and weight is None and target is None:
        weight = 1.0

    def decorate(f: Callable[..., Any]) -> Condition:
        return Condition(
            f, name, points, target, sigma, weight, loss, batched, jacobian, pattern, directions, chunk, args
        )

    return decorate if function is None else decorate(function)
