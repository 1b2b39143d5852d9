r"""Filters on singular values: every direction of the engine is ``delta = -V phi(S) U^T r``.

With ``J = U S V^T`` the Gauss-Newton, Levenberg-Marquardt, Sven and half-inverse directions differ in ``phi`` only.
A filter is an immutable callable on the descending singular values ``S`` that returns ``phi(S)`` of the same shape.
"""

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from sciopt._errors import OptionError

__all__ = ["Filter", "HalfInverse", "Pinv", "SmoothPinv", "Tikhonov", "Truncated"]

Vector = NDArray[np.float64]


@runtime_checkable
class Filter(Protocol):
    """Anything that maps descending singular values ``S`` (m,) to filter values ``phi(S)`` (m,)."""

    def __call__(self, S: Vector, /) -> Vector:
        """Return ``phi(S)``."""
        ...


def _fraction(owner: str, name: str, value: float) -> None:
    if not (math.isfinite(value) and 0.0 <= value < 1.0):
        raise OptionError(
            f"{owner}({name}={value!r}): {name} is relative to the largest singular value; give 0 <= x < 1"
        )


def _inverse(S: Vector, keep: NDArray[np.bool_], power: float = 1.0) -> Vector:
    """Return ``S**-power`` where ``keep`` holds and 0 elsewhere, without dividing by zero."""
    phi = np.zeros_like(S)
    np.power(S, -power, out=phi, where=keep)
    return phi


@dataclass(frozen=True)
class Pinv:
    r"""Pseudoinverse: ``phi = 1/S`` for ``S > rtol * S[0]``, else 0 (the Gauss-Newton step of least norm).

    Parameters
    ----------
    rtol
        Relative cut. ``None`` leaves the cut to the factor, which uses ``max(n, P) * eps`` (more for Gram matrices);
        called on bare singular values, ``None`` means ``len(S) * eps``.

    Examples
    --------
    >>> import numpy as np
    >>> Pinv(rtol=1e-3)(np.array([2.0, 1.0, 1e-4]))
    array([0.5, 1. , 0. ])
    """

    rtol: float | None = None

    def __post_init__(self) -> None:
        if self.rtol is not None:
            _fraction("Pinv", "rtol", self.rtol)

    def __call__(self, S: Vector, /) -> Vector:
        """Return ``phi(S)``."""
        rtol = len(S) * np.finfo(float).eps if self.rtol is None else self.rtol
        return _inverse(S, rtol * S.max(initial=0.0) < S)


@dataclass(frozen=True)
class Truncated:
    r"""Spectral cut of Sven (Bright-Thonney et al., arXiv 2604.01279): the first ``k``, and ``S > rtol * S[0]``.

    Parameters
    ----------
    k
        Most directions to keep; ``None`` keeps all that pass ``rtol``.
    rtol
        Relative cut.
    absolute
        Singular values below this are dropped whatever ``rtol`` says, in the units of the scaled Jacobian; 0 switches
        the guard off. It breaks unit invariance, hence off by default.
    """

    k: int | None = None
    rtol: float = 1e-3
    absolute: float = 0.0

    def __post_init__(self) -> None:
        _fraction("Truncated", "rtol", self.rtol)
        if self.k is not None and self.k < 1:
            raise OptionError(f"Truncated(k={self.k!r}): keep at least one direction, or k=None for all above rtol")
        if not self.absolute >= 0.0:
            raise OptionError(f"Truncated(absolute={self.absolute!r}): give a cut >= 0")

    def __call__(self, S: Vector, /) -> Vector:
        """Return ``phi(S)``."""
        keep = (self.rtol * S.max(initial=0.0) < S) & (self.absolute <= S)
        if self.k is not None:
            keep[self.k :] = False
        return _inverse(S, keep)


@dataclass(frozen=True)
class Tikhonov:
    r"""Damped step of Levenberg and Marquardt: ``phi = S / (S**2 + damping)``.

    Parameters
    ----------
    damping
        ``lambda`` in ``(J^T J + lambda D^2) delta = -J^T r``; 0 is the pseudoinverse over non-zero singular values.
    """

    damping: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.damping) and self.damping >= 0.0):
            raise OptionError(f"Tikhonov(damping={self.damping!r}): give a finite damping >= 0")

    def __call__(self, S: Vector, /) -> Vector:
        """Return ``phi(S)``."""
        if self.damping == 0.0:
            return _inverse(S, S > 0.0)
        return S / (S * S + self.damping)


@dataclass(frozen=True)
class SmoothPinv:
    r"""Pseudoinverse with a soft cut: ``phi = 1/S * 1 / (1 + (rtol * S[0]**2 / S**2)**6)``.

    The cut acts on the eigenvalues ``S**2`` of the Gram matrix (Medvidovic and Sels, arXiv 2212.11289), so ``rtol``
    compares squares: singular values near ``sqrt(rtol) * S[0]`` are halved.
    """

    rtol: float = 1e-14

    def __post_init__(self) -> None:
        _fraction("SmoothPinv", "rtol", self.rtol)

    def __call__(self, S: Vector, /) -> Vector:
        """Return ``phi(S)``."""
        keep = S > 0.0
        # An infinite ratio is a direction that is cut off, as it should be.
        with np.errstate(over="ignore"):
            ratio = self.rtol * _inverse(S / S.max(initial=np.finfo(float).tiny), keep, 2.0)
            return _inverse(S, keep) / (1.0 + ratio**6)


@dataclass(frozen=True)
class HalfInverse:
    r"""Half-inverse gradients (Schnell et al., arXiv 2203.10131): ``phi = S**-1/2`` above ``rtol * S[0]``, else 0."""

    rtol: float = 1e-6

    def __post_init__(self) -> None:
        _fraction("HalfInverse", "rtol", self.rtol)

    def __call__(self, S: Vector, /) -> Vector:
        """Return ``phi(S)``."""
        return _inverse(S, self.rtol * S.max(initial=0.0) < S, 0.5)
