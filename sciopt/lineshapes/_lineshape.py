"""A ready model: function, start and meaning of its parameters."""

import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sciopt._errors import ParameterError

__all__ = ["LineShape", "namespace"]


def namespace(*arguments: Any) -> Any:
    """Return jax.numpy if any argument is a JAX array, else numpy; JAX is never imported here."""
    jax = sys.modules.get("jax")
    kind = getattr(jax, "Array", None)
    if kind is not None and any(isinstance(a, kind) for a in arguments):
        return sys.modules["jax.numpy"]
    return np


@dataclass(frozen=True, repr=False)
class LineShape:
    """A model function with named parameters and an automatic start.

    It is called like the function, ``shape(x, *values)`` or with parameters by name, on numpy and JAX arrays, real or
    complex parameters; `inspect.signature` shows the parameter names.

    Parameters
    ----------
    name : str
        Name in reports.
    function : callable
        ``function(x, *values)`` returning an array of the shape of x.
    guess : callable
        ``guess(x, y)`` returning a dict of starting values by parameter name; it reads no random numbers. Raises
        `DataError` when the data are too few.
    formula : str
        The equation, as text.
    parameters : tuple of str
        Parameter names in order; by default those of the function after the first.
    units : mapping
        Unit of each parameter as a pattern of ``{x}`` and ``{y}``; see `unit_labels`.
    bounds : mapping
        Bounds (lower, upper) that the meaning of a parameter implies, None for open ends.

    Examples
    --------
    >>> from sciopt.lineshapes import gaussian
    >>> gaussian.parameters
    ('amplitude', 'centre', 'width', 'offset')
    >>> float(gaussian(1.0, amplitude=2.0, centre=1.0, width=0.5, offset=0.0))
    2.0
    """

    name: str
    function: Callable[..., Any]
    guess: Callable[[Any, Any], dict[str, Any]]
    formula: str
    parameters: tuple[str, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict, hash=False)
    bounds: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        names = self.parameters or tuple(inspect.signature(self.function).parameters)[1:]
        object.__setattr__(self, "parameters", tuple(names))
        object.__setattr__(self, "units", dict(self.units))
        object.__setattr__(self, "bounds", dict(self.bounds))
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        arguments = [inspect.Parameter(p, kind) for p in ("x", *self.parameters)]
        object.__setattr__(self, "__signature__", inspect.Signature(arguments))
        object.__setattr__(self, "__name__", self.name)

    def __call__(self, x: Any, *values: Any, **named: Any) -> Any:
        """Evaluate at x."""
        if named:
            rest = self.parameters[len(values) :]
            wrong = [p for p in named if p not in rest]
            missing = [p for p in rest if p not in named]
            if wrong or missing:
                raise ParameterError(
                    f"{self.name} takes {', '.join(self.parameters)}; wrong: {wrong}, missing: {missing}"
                )
            values = (*values, *(named[p] for p in rest))
        elif len(values) != len(self.parameters):
            raise ParameterError(f"{self.name} takes {', '.join(self.parameters)}; {len(values)} values were given")
        return self.function(x, *values)

    def __repr__(self) -> str:
        return f"<line shape {self.name}(x, {', '.join(self.parameters)}) = {self.formula}>"

    def unit_labels(self, x: str = "", y: str = "") -> dict[str, str]:
        """Return the unit of each parameter, given those of x and y; empty where it is not known."""
        out = {}
        for p in self.parameters:
            pattern = self.units.get(p, "")
            known = ("{x}" not in pattern or x) and ("{y}" not in pattern or y)
            out[p] = pattern.format(x=x, y=y) if known else ""
        return out
