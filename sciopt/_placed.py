"""What a problem asks of points that know their domain: an ansatz, unknown functions, weights, residuals elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from sciopt._errors import ParameterError
from sciopt._types import Array
from sciopt.condition import Condition
from sciopt.frames import BALANCE

__all__ = ["asked", "balanced", "planned", "read"]


def planned(conditions: list[Condition]) -> Any:
    """Return the plan of an ansatz that the points of a condition propose."""
    for c in conditions:
        propose = getattr(c.points, "ansatz", None)
        if propose is not None:
            return propose(conditions)
    raise ParameterError("Problem needs unknown=: start values as a number, array, dict, or module")


def read(conditions: Sequence[Condition], solution: Any, name: str) -> Any:
    """Return an unknown function of a solution as the points of the conditions make it, or None."""
    for c in conditions:
        reader = getattr(c.points, "field", None)
        found = None if reader is None else reader(solution, name)
        if found is not None:
            return found
    return None


def balanced(problem: Any, theta: Array) -> dict[str, float]:
    """Return factors of the weights of equations as the points of a condition propose them, by setting."""
    for c in problem.conditions:
        propose = getattr(c.points, "balance", None)
        if propose is not None:
            return {f"{BALANCE}{name}": factor for name, factor in propose(problem, theta).items()}
    return {}


def asked(request: Mapping[str, Any], i: int) -> Mapping[str, Any]:
    """Return what is asked of the points of condition i: ``density(coords)`` is the size of its residual there."""
    at = request.get("residuals")
    return request if at is None else {**request, "density": partial(at, i)}
