"""Losses: what a row costs when the model misses it.

Every loss offers ``value``, ``whiten``, ``decrease`` and ``deviance`` (see `Loss`); `resolve` turns the ``loss=``
argument of a condition into one. Losses are immutable, know no problem, and work on numpy rows.
"""

from typing import Any

from sciopt._errors import OptionError
from sciopt.losses._contract import Loss, RowOperator
from sciopt.losses.binomial import Binomial
from sciopt.losses.custom import Adapted, Elementwise
from sciopt.losses.gaussian import Gaussian
from sciopt.losses.likelihood import Likelihood
from sciopt.losses.logistic import Logistic
from sciopt.losses.poisson import Poisson
from sciopt.losses.robust import Cauchy, Huber, SoftL1, StudentT
from sciopt.losses.softmax import Softmax, SoftmaxRows

__all__ = [
    "NAMES",
    "Adapted",
    "Binomial",
    "Cauchy",
    "Elementwise",
    "Gaussian",
    "Huber",
    "Likelihood",
    "Logistic",
    "Loss",
    "Poisson",
    "RowOperator",
    "SoftL1",
    "Softmax",
    "SoftmaxRows",
    "StudentT",
    "resolve",
]

_BY_NAME = {
    "gaussian": Gaussian,
    "poisson": Poisson,
    "binomial": Binomial,
    "logistic": Logistic,
    "softmax": Softmax,
    "huber": Huber,
    "soft_l1": SoftL1,
    "cauchy": Cauchy,
    "student_t": StudentT,
}
NAMES = tuple(_BY_NAME)


def resolve(loss: Any) -> Loss:
    """Return the loss object for a name, a loss, or an object of the user.

    Parameters
    ----------
    loss : str or object
        One of `NAMES`; an object with ``value``, ``whiten`` and ``decrease``; or one with elementwise functions
        ``value``, ``derivative`` and ``curvature`` of (z, y).

    Returns
    -------
    Loss

    Raises
    ------
    OptionError
        Unknown name, a class in place of an object, or missing functions (named).

    Examples
    --------
    >>> resolve("huber")
    Huber(delta=1.345)
    """
    names = ", ".join(NAMES)
    if isinstance(loss, str):
        if loss not in _BY_NAME:
            raise OptionError(f"loss={loss!r} is unknown; known names: {names}; or give a loss object")
        return _BY_NAME[loss]()
    if isinstance(loss, type):
        raise OptionError(f"loss={loss.__name__} is a class; write {loss.__name__}() to make the loss")

    def has(*functions: str) -> bool:
        return all(callable(getattr(loss, f, None)) for f in functions)

    if has("value", "whiten", "decrease"):
        complete = has("check", "deviance") and hasattr(loss, "name") and hasattr(loss, "statistical")
        return loss if complete else Adapted(loss)
    if has("value", "derivative", "curvature"):
        name = str(getattr(loss, "name", type(loss).__name__))
        statistical = bool(getattr(loss, "statistical", False))
        return Elementwise(loss.value, loss.derivative, loss.curvature, name, statistical)
    missing = [f for f in ("value", "whiten", "decrease") if not has(f)]
    raise OptionError(
        f"loss of type {type(loss).__name__} lacks {', '.join(missing)}; give one of {names}, an object with value, "
        "whiten and decrease, or one with value, derivative and curvature"
    )
