"""What the benchmark asks of a solver: one function per configuration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

from numpy.typing import NDArray

from problems._case import Case

__all__ = ["Peer", "PeerResult"]


@dataclass(frozen=True)
class PeerResult:
    """What one solver says about one fit.

    Parameters
    ----------
    theta : sequence of float or ndarray
        Where it ended, in the order of ``case.parameters``.
    errors : sequence of float or ndarray, optional
        Its own standard errors; None where it gives none, nan for a missing one.
    claims_success : bool
        Whether it reports convergence.
    nfev, njev : int
        Residual evaluations (those of its own finite differences included) and exact Jacobians.
    message : str
        Its verdict in words.
    """

    theta: Sequence[float] | NDArray[Any]
    errors: Sequence[float] | NDArray[Any] | None
    claims_success: bool
    nfev: int
    njev: int
    message: str = ""


@dataclass(frozen=True)
class Peer:
    """One configuration of one solver.

    Parameters
    ----------
    name : str
        Row label.
    fit : callable
        ``fit(case, start) -> PeerResult``; whatever it compiles for a case it keeps between calls.
    package : str
        Distribution whose version is reported, and which must be installed.
    modules : tuple of str
        Modules that must be importable.
    """

    name: str
    fit: Callable[[Case, tuple[float, ...]], PeerResult]
    package: str
    modules: tuple[str, ...]

    def missing(self) -> str:
        """Why this row cannot run; empty if it can."""
        absent = [module for module in self.modules if find_spec(module) is None]
        return f"not installed: {', '.join(absent)}" if absent else ""

    def version(self) -> str:
        """Version of the package, "" if unknown."""
        try:
            return version(self.package)
        except PackageNotFoundError:
            return ""
