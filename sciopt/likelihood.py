"""Unbinned data: the problem of the maximum likelihood."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from sciopt._errors import ConditionError, DataError
from sciopt._model import read_model
from sciopt.condition import Condition
from sciopt.curve import _columns, _kept
from sciopt.losses import Likelihood
from sciopt.problem import Problem

__all__ = ["LogDensity", "likelihood"]


class LogDensity:
    """The rows of an unbinned likelihood: log densities, and the expected number if it is fitted too.

    Parameters
    ----------
    pdf
        ``pdf(x, ...)``.
    extended, log
        As in `likelihood`.
    keep
        Which events are used, or None.
    """

    def __init__(self, pdf: Callable[..., Any], extended: bool, log: bool, keep: Any = None) -> None:
        self.pdf, self.extended, self.log, self.keep = pdf, extended, log, keep
        self.__signature__ = inspect.signature(pdf)
        self.__name__ = getattr(pdf, "__name__", type(pdf).__name__)

    def __call__(self, *arguments: Any) -> Any:
        """Return log p(x_i), and nu as the last row of an extended likelihood."""
        out = self.pdf(*arguments)
        xp = _namespace(out[1] if self.extended and isinstance(out, tuple) else out)
        with np.errstate(all="ignore"):
            if not self.extended:
                rows = xp.ravel(out if self.log else xp.log(out))
                return rows if self.keep is None else rows[self.keep]
            if not (isinstance(out, tuple) and len(out) == 2):
                raise ConditionError(
                    f"condition {self.__name__!r}: an extended density returns (expected number, density scaled to it), "
                    f"got {type(out).__name__}"
                )
            nu, rate = out
            rows = xp.ravel(rate if self.log else xp.log(rate)) - xp.log(nu)
            rows = rows if self.keep is None else rows[self.keep]
            return xp.concatenate([rows, xp.reshape(nu, (1,))])


def likelihood(
    pdf: Callable[..., Any],
    data: Any,
    *,
    extended: bool = False,
    log: bool = False,
    start: Any = None,
    jacobian: Any = None,
    nan: str = "raise",
    name: str = "",
) -> Problem:
    r"""Return the problem of fitting a density to single events, without bins.

    Minimises :math:`-\sum_i \log p(x_i)`, or with ``extended=True`` :math:`\nu - \sum_i \log(\nu p(x_i))`, in which the
    number of events is data too.

    Parameters
    ----------
    pdf
        ``pdf(x, mu=0.0, width=Parameter(1.0, bounds=(0, None)))``, normalised over x for all parameters; arguments are
        read as by `curve`. If extended, it returns ``(nu, nu p(x))``: the expected number of events and the density
        scaled to it.
    data
        Events, shape (n,), or a tuple or dict of columns.
    extended
        Whether the expected number is fitted too.
    log
        Whether the pdf returns logarithms of densities.
    start, jacobian, nan
        As in `curve`.
    name
        Name of the condition; the function's by default.

    Returns
    -------
    Problem
        Problems add: ``solve(likelihood(f, a) + likelihood(g, b))`` shares parameters of the same name.

    Raises
    ------
    DataError, ParameterError, ConditionError
        Naming the datum, parameter or density at fault.

    Notes
    -----
    Steps use the outer products of the scores as curvature (Berndt, Hall, Hall and Hausman, 1974). **Errors** come from
    the observed information, the second derivatives of :math:`-\log L` at the answer, as those of HESSE;
    ``solution.information`` says so. An unbinned likelihood has no goodness of fit: ``chi2`` is zero over no rows.

    References
    ----------
    R. Barlow, Nucl. Instrum. Methods A 297 (1990) 496 (extended likelihood); B. Efron and D. V. Hinkley, Biometrika 65
    (1978) 457 (observed information).

    Examples
    --------
    >>> import numpy as np
    >>> from sciopt.solve import solve
    >>> times = np.random.default_rng(1).exponential(2.0, 400)
    >>> s = solve(likelihood(lambda t, tau=1.0: np.exp(-t / tau) / tau, times))
    >>> bool(np.isclose(s.values["tau"], times.mean(), rtol=1e-9))
    True
    """
    x = _columns(data)
    events, mask = _events(x)
    x, events, keep = _kept(x, events, mask, nan)
    reading = read_model(pdf, x, events, start)
    function = LogDensity(pdf, extended, log, None if keep is None else np.flatnonzero(keep))
    condition = Condition(
        function,
        name or ("density" if function.__name__ == "<lambda>" else function.__name__),
        reading.x,
        loss=Likelihood(extended),
        batched=True,
        jacobian=jacobian or "auto",
        columns=("*",) if reading.whole else None,
        absolute=True,
    )
    return Problem([condition], reading.unknown)


def _events(x: Any) -> tuple[Any, Any]:
    """Return the first column, to count the events, and which are masked."""
    parts: Sequence[Any] = tuple(x.values()) if isinstance(x, dict) else x if isinstance(x, tuple) else (x,)
    if not parts or np.size(parts[0]) == 0:
        raise DataError("there are no events; a likelihood needs data")
    shapes = {np.shape(p) for p in parts}
    if len(shapes) > 1:
        raise DataError(f"the columns of the events have different shapes: {', '.join(map(str, sorted(shapes)))}")
    first = np.asarray(parts[0])
    if first.dtype.kind not in "biuf":
        raise DataError(f"events must be real numbers, got dtype {first.dtype}")
    return first, None


def _namespace(a: Any) -> Any:
    if type(a).__module__.startswith("jax"):
        import jax.numpy as jnp

        return jnp
    return np
