"""Which domain and which condition the operators are at work for."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from sciopt._errors import ConditionError, SciOptError

if TYPE_CHECKING:
    from sciopt.pde._domain import Domain

__all__ = ["Bound", "domain_of", "within"]

_current: ContextVar[Any] = ContextVar("domain", default=None)


@contextmanager
def within(domain: Domain | None) -> Iterator[None]:
    """Let operators know the domain."""
    token = _current.set(domain)
    try:
        yield
    finally:
        _current.reset(token)


def domain_of(u: Any) -> Domain | None:
    """Return the domain of a function: its own, else that of the condition being computed."""
    own = getattr(u, "domain", None)
    return own if own is not None and hasattr(own, "space") else _current.get()


class Bound:
    """A condition's function that runs with its domain known; equal if function, domain and name are.

    Errors of operators inside it are told with the name of the condition.
    """

    def __init__(self, function: Callable[..., Any], domain: Domain, name: str) -> None:
        self.function, self.domain, self.name = function, domain, name
        self.__name__ = name
        self.__doc__ = getattr(function, "__doc__", None)
        self.__signature__ = inspect.signature(function)

    @staticmethod
    def of(function: Callable[..., Any], domain: Domain, name: str) -> Bound:
        """Bind a function, or bind anew one that is bound already."""
        if isinstance(function, Bound):
            if function.domain is domain and function.name == name:
                return function
            function = function.function
        return Bound(function, domain, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function."""
        with within(self.domain):
            try:
                return self.function(*args, **kwargs)
            except SciOptError as error:
                if f"condition {self.name!r}" in str(error):
                    raise
                raise ConditionError(f"condition {self.name!r}: {error}") from error

    def _key(self) -> tuple[Any, ...]:
        return (self.function, self.domain, self.name)

    def __eq__(self, other: object) -> bool:
        """Whether function, domain and name are equal."""
        return isinstance(other, Bound) and self._key() == other._key()

    def __hash__(self) -> int:
        """Hash of function, domain and name."""
        return hash(self._key())
