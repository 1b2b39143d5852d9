"""Read unknown functions and their domains off a solution."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from sciopt._errors import OptionError
from sciopt.pde.collocation import Collocation
from sciopt.pde.field import Field

__all__ = ["domain_for", "field_of", "functions_of", "given", "the_field"]

_FIELDS: WeakKeyDictionary[Any, dict[str, Field | None]] = WeakKeyDictionary()


def functions_of(solution: Any) -> dict[str, Any]:
    """Return the unknown functions by name; one that is no entry of a dict is called u."""
    params = solution.params
    if isinstance(params, dict):
        return {k: v for k, v in params.items() if callable(v)}
    return {"u": params} if callable(params) else {}


def given(problem: Any) -> tuple[Any, ...]:
    """Return the conditions as the user gave them, where an ansatz chosen from them has put others in their place."""
    plan = getattr(problem, "plan", None)
    return tuple(getattr(plan, "conditions", problem.conditions))


def domain_for(problem: Any, name: str) -> Any:
    """Return the domain of an unknown: that of the first condition inside a domain that uses it, else of any."""
    found = None
    for c, binding in zip(problem.conditions, problem.bindings, strict=True):
        if not isinstance(c.points, Collocation):
            continue
        used = {key for kind, key in binding.slots if kind == "p"}
        if used and name not in used:
            continue
        if c.points.face is None and c.points.rule != "fixed":
            return c.points.domain
        found = found or c.points.domain
    return found


def field_of(solution: Any, name: str) -> Field | None:
    """Return an unknown function as a `Field`, or None if there is none of that name."""
    kept = _FIELDS.setdefault(solution, {})  # compiled once a solution, and not part of what is saved
    if name not in kept:
        functions = functions_of(solution)
        domain = domain_for(solution.problem, name)
        kept[name] = Field(functions[name], domain, name) if name in functions and domain is not None else None
    return kept[name]


def the_field(solution: Any, name: str | None) -> Field:
    """Return the unknown function of that name, or the only one.

    Raises
    ------
    OptionError
        There are none or several to choose from.
    """
    functions = functions_of(solution)
    if name is None and len(functions) == 1:
        name = next(iter(functions))
    found = None if name is None else field_of(solution, name)
    if found is None:
        raise OptionError(
            f"name the unknown function: {', '.join(functions) or 'this solution has none'}; got {name!r}"
        )
    return found
