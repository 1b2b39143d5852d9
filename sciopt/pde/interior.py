"""The equation inside a domain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sciopt.condition import Condition
from sciopt.pde._domain import Domain

__all__ = ["interior"]


def interior(
    domain: Domain,
    n: Any = 1000,
    rule: str = "sobol",
    *,
    weight: float = 1.0,
    name: str = "",
    refine: float | None = None,
    every: int | None = None,
) -> Callable[[Callable[..., Any]], Condition]:
    """Return a decorator that makes an equation hold inside a domain.

    The same as ``so.condition(points=domain.interior(n, rule), weight=weight)``.

    Parameters
    ----------
    domain
        The domain.
    n, rule, refine, every
        Points, as in ``domain.interior``.
    weight
        Weight of the mean square of the rows.
    name
        Name in reports; that of the function by default.

    Examples
    --------
    >>> from sciopt.pde import Interval, laplacian
    >>> @interior(Interval(0, 1), 20)
    ... def poisson(u, x):
    ...     return laplacian(u)(x) + 1.0
    >>> poisson.name
    'poisson'
    """
    points = domain.interior(n, rule, every=every, refine=refine)

    def decorate(function: Callable[..., Any]) -> Condition:
        return Condition(function, name, points, weight=weight)

    return decorate
