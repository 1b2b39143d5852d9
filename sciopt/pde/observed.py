"""Measured values of the unknown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sciopt._errors import DataError, OptionError
from sciopt.condition import Condition
from sciopt.pde._domain import Domain
from sciopt.pde._rows import Row

__all__ = ["observed"]


class _Observed(Row):
    owner = "observed"

    def row(self, u: Any, x: Any, *rest: Any) -> Any:
        quantity = self.options["quantity"]
        return u(x) if quantity is None else quantity(u)(x)


def observed(
    domain: Domain,
    x: Any,
    y: Any,
    sigma: Any,
    *,
    quantity: Callable[..., Any] | None = None,
    unknown: str = "u",
    component: int | None = None,
    loss: Any = "gaussian",
    name: str = "observed",
) -> Condition:
    r"""Return the condition that the unknown meets data, :math:`(u(x_i) - y_i) / \sigma_i`.

    These are the only rows that enter chi-square, degrees of freedom and error bars; equations act as constraints.

    Parameters
    ----------
    domain
        Where the data were taken.
    x, y
        Points (n, d) and values (n,) or (n, m).
    sigma
        Standard deviation of y: a number, an array like y, or a covariance matrix.
    quantity
        What was measured, if not u itself: a function of u that returns a function of a point, such as
        ``so.pde.grad``.
    unknown, component, loss, name
        As in `dirichlet` and `Condition`.

    Raises
    ------
    DataError
        Points outside the domain, numbers that do not match or are not finite.

    Examples
    --------
    >>> from sciopt.pde import Interval
    >>> observed(Interval(0, 1), [[0.2], [0.7]], [1.0, 2.0], 0.1).name
    'observed'
    """
    try:
        points = domain.at(x)
    except DataError as error:
        raise DataError(f"condition {name!r}: {error}") from error
    values = np.asarray(y)
    if not values.ndim or len(values) != len(points):
        raise DataError(f"condition {name!r}: y has shape {values.shape} for {len(points)} points")
    if values.dtype.kind not in "iufc" or not np.isfinite(values).all():
        raise DataError(f"condition {name!r}: y has entries that are not finite numbers")
    if sigma is None:
        raise OptionError(f"condition {name!r}: observed needs sigma=, the standard deviation of y")
    row = _Observed(unknown, component, quantity=quantity)
    return Condition(row, name, points, target=values, sigma=sigma, loss=loss)
