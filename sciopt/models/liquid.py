"""Liquid time-constant neurons and the closed form that approximates their motion."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["liquid_closed_form"]


def liquid_closed_form(t: Any, x0: Any, A: Any, w: Any, f: Callable[[Any], Any], current: Callable[[Any], Any]) -> Any:
    r"""Return the closed form :math:`(x_0 - A)\,e^{-(w + f(I(t)))t} f(-I(t)) + A` of a liquid time-constant neuron.

    It approximates the solution of :math:`\dot x = -(w + f(I(t)))(x - A)`, :math:`x(0) = x_0`. For
    :math:`0 \le f \le 1` with :math:`f(u) + f(-u) = 1` and :math:`x \ne A`, the error obeys
    :math:`e^{-wt}(e^{-t} - 1) \le (x - \tilde x)/(x_0 - A) \le e^{-wt}`.

    Parameters
    ----------
    t
        Times, any shape.
    x0, A, w
        Start, rest level and leak rate.
    f
        Sigmoidal conductance.
    current
        Input current I(t).

    Notes
    -----
    Hasani et al., Nature Machine Intelligence 4 (2022) 992.

    Examples
    --------
    >>> float(liquid_closed_form(0.0, 2.0, 1.0, 0.5, lambda u: 1 / (1 + np.exp(-u)), np.cos))
    1.2689414213699952
    """
    t = np.asarray(t, float)
    now = current(t)
    return (x0 - A) * np.exp(-(w + f(now)) * t) * f(-now) + A
