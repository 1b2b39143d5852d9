"""Which arguments of a model are coordinates and which are parameters, and where the parameters start."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sciopt._errors import ParameterError
from sciopt.parameters import Parameter

__all__ = ["Reading", "read_model"]


@dataclass(frozen=True, eq=False)
class Reading:
    """How a model's arguments are filled.

    Attributes
    ----------
    unknown
        Start value or `Parameter` by argument, in the order of the arguments.
    coordinates
        Names of the arguments that take columns of x.
    places
        Positions of these arguments in the call.
    x
        The points as the condition wants them.
    whole
        Whether all columns go into one argument, as one tuple or dict.
    """

    unknown: dict[str, Any]
    coordinates: tuple[str, ...]
    places: tuple[int, ...]
    x: Any
    whole: bool


def read_model(model: Callable[..., Any], x: Any, y: Any, start: Any) -> Reading:
    """Tell coordinates from parameters.

    Arguments with a default, or named in ``start``, are parameters; the others take the columns of x: those of a dict
    by name where the names agree, else in order. A model with one such argument gets a tuple or dict whole. Arguments
    that can only be given by keyword are left alone.

    Raises
    ------
    ParameterError
        An argument without a start, columns without an argument, a name that is no argument.
    """
    arguments = _arguments(model)
    star = any(a.kind is a.VAR_POSITIONAL for a in arguments)
    plain = [a for a in arguments if a.kind is not a.VAR_POSITIONAL]
    columns = len(x) if isinstance(x, (tuple, dict)) else 0 if x is None else 1
    given, coordinates = _sorted_out(model, plain, start, star, columns)
    unknown = {}
    for a in plain:
        if a.name not in coordinates:
            default = None if a.default is a.empty else a.default
            unknown[a.name] = _started(default, given.pop(a.name, None))
    if star and unknown:
        raise ParameterError(
            f"the model takes {next(iter(unknown))!r} by name and more parameters by *{_star(arguments)}; name them all"
        )
    if star:
        unknown, given = dict(given), {}
    if given:
        raise ParameterError(
            f"start names {next(iter(given))!r}, which is no argument of the model; arguments: "
            f"{', '.join(a.name for a in arguments)}"
        )
    if isinstance(x, dict):
        both = [k for k in x if k in unknown]
        if both:
            raise ParameterError(f"{both[0]!r} is both a column of x and a parameter; rename one of them")
    if hasattr(model, "guess"):
        unknown = _guessed(model, unknown, x, y)
    if not unknown:
        raise ParameterError("the model has no parameters: give its arguments defaults, or name them in start=")
    names = [a.name for a in plain]
    whole = len(coordinates) == 1 and columns != 1
    if isinstance(x, dict) and not whole:
        if set(x) == set(coordinates):
            x = {name: x[name] for name in coordinates}
        elif not set(x) & set(coordinates):
            x = tuple(x.values())
        else:
            raise ParameterError(
                f"columns of x are {', '.join(map(repr, x))}, but the model wants {', '.join(map(repr, coordinates))}"
            )
    elif isinstance(x, tuple) and not whole and columns == 1:
        x = (x[0],)
    return Reading(unknown, coordinates, tuple(names.index(c) for c in coordinates), x, whole)


def _arguments(model: Any) -> list[inspect.Parameter]:
    if not callable(model):
        raise ParameterError(f"the model must be a function, got {type(model).__name__}")
    try:
        found = inspect.signature(model).parameters.values()
    except (TypeError, ValueError):
        raise ParameterError(
            f"the arguments of {getattr(model, '__name__', model)!r} cannot be read; wrap it: lambda x, a=1.0: ..."
        ) from None
    return [a for a in found if a.kind not in (a.KEYWORD_ONLY, a.VAR_KEYWORD)]


def _star(arguments: list[inspect.Parameter]) -> str:
    return next(a.name for a in arguments if a.kind is a.VAR_POSITIONAL)


def _sorted_out(
    model: Any, plain: list[inspect.Parameter], start: Any, star: bool, columns: int
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the starts by name and the arguments that take x."""
    bare = [a.name for a in plain if a.default is a.empty]
    if hasattr(model, "guess"):
        first = (plain[0].name,)
        return _by_name([a.name for a in plain[1:]], start), first
    if start is not None and not isinstance(start, dict) and not star:
        return _in_order(plain, bare, list(start), columns)
    given = _by_name([], start)
    coordinates = tuple(n for n in bare if n not in given)
    if len(coordinates) in (1, columns) and (columns or not coordinates):
        return given, coordinates
    if len(coordinates) > max(columns, 1):
        lost = coordinates[max(columns, 1)]
        raise ParameterError(f"parameter {lost!r} has no start value: give it a default, or start={{{lost!r}: ...}}")
    if not columns:
        raise ParameterError(f"the model's argument {coordinates[0]!r} needs x, which is None")
    raise ParameterError(
        f"x has {columns} column(s), but the model has {len(coordinates)} argument(s) without a start: "
        f"{', '.join(coordinates) or 'none'}"
    )


def _by_name(order: list[str], start: Any) -> dict[str, Any]:
    if start is None:
        return {}
    if isinstance(start, dict):
        return dict(start)
    values = list(start)
    if not order:
        return {f"p{i}": v for i, v in enumerate(values)}
    if len(values) > len(order):
        raise ParameterError(f"start has {len(values)} values, the model has {len(order)} parameters")
    return dict(zip(order, values, strict=False))


def _in_order(
    plain: list[inspect.Parameter], bare: list[str], values: list[Any], columns: int
) -> tuple[dict[str, Any], tuple[str, ...]]:
    for count in dict.fromkeys((columns, 1)):
        coordinates = tuple(bare[:count])
        rest = [a.name for a in plain if a.name not in coordinates]
        if len(coordinates) == count and len(values) <= len(rest) and not set(rest[len(values) :]) & set(bare):
            return dict(zip(rest, values, strict=False)), coordinates
    raise ParameterError(
        f"start has {len(values)} values and x {columns} column(s), the model has {len(plain)} arguments "
        f"({', '.join(a.name for a in plain)}): they do not fit together"
    )


def _started(default: Any, given: Any) -> Any:
    if given is None:
        return default
    if isinstance(default, Parameter) and not isinstance(given, Parameter):
        return default.started(given)
    return given


def _guessed(model: Any, unknown: dict[str, Any], x: Any, y: Any) -> dict[str, Any]:
    """Fill in what a ready line shape knows: starts, and the bounds that the meaning of a parameter implies."""
    bounds, guess, out = getattr(model, "bounds", {}), None, {}
    for name, value in unknown.items():
        p = value if isinstance(value, Parameter) else Parameter(value)
        if p.value is None and p.prior is None and p.tied is None:
            guess = model.guess(x, y) if guess is None else guess
            p = p.started(guess[name])
        limits = bounds.get(name)
        if limits is not None and p.bounds == (None, None) and p.free:
            p = replace(p, bounds=limits)
        out[name] = p
    return out
