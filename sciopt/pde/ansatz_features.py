"""Random features and sparse polynomials as an ansatz: slopes and sizes tried in turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sciopt.condition import Condition
from sciopt.models.cross import CrossBasis, cross_basis
from sciopt.models.ridges import RandomFeatures, random_features
from sciopt.pde._domain import Domain
from sciopt.pde.ansatz_points import spread
from sciopt.pde.ansatz_shape import Shape

__all__ = ["Cross", "Features"]

SLOPES = (1.0, 2.0, 4.0, 8.0, 16.0)
SIZES = (200, 400, 700, 1100, 1600, 2200)
LEVELS = (4, 6, 9, 13, 18, 24, 32)
LARGEST = 3000  # functions of all components


@dataclass(frozen=True)
class Features:
    """Random tanh ridges on Sobol points, their slopes chosen at the first size by the held-out residual."""

    conditions: tuple[Condition, ...]
    shape: Shape
    domain: Domain

    name = "random features"
    why = "the domain is no box, and has at most three coordinates"

    def start(self) -> tuple[int, float]:
        """Return the first size and slope."""
        return SIZES[0], SLOPES[0]

    def label(self, setting: tuple[int, float]) -> str:
        """Describe an ansatz."""
        return f"{setting[0]} random tanh features with slopes up to {setting[1]:g}"

    def size(self, setting: tuple[int, float]) -> int:
        """Number of functions."""
        return setting[0]

    def made(self, setting: tuple[int, float], solved: Any) -> tuple[list[Condition], Any]:
        """Return the conditions on three points a function, and the unknown."""
        size, slope = setting

        def build(m: int | None, k: int) -> RandomFeatures:
            return random_features(self.domain.bounds, size, slope=slope, outputs=m, key=k)

        return [spread(c, 3 * size) for c in self.conditions], self.shape.unknown(build)

    def scanned(self, setting: tuple[int, float]) -> tuple[int, float] | None:
        """Return the next slope to try at the first size, or None when all were tried."""
        place = SLOPES.index(setting[1]) + 1
        return (setting[0], SLOPES[place]) if place < len(SLOPES) else None

    def larger(self, setting: tuple[int, float], solved: Any) -> tuple[int, float] | None:
        """Return the next size, or None at the limit."""
        return _next(SIZES, setting[0], LARGEST // _components(self.shape), setting[1])

    def hopeless(self, setting: Any, solved: Any) -> bool:
        """Whether larger sizes need not be tried."""
        return False


@dataclass(frozen=True)
class Cross:
    """Chebyshev polynomials of the hyperbolic cross on Sobol points."""

    conditions: tuple[Condition, ...]
    shape: Shape
    domain: Domain

    name = "sparse polynomials"
    why = "the domain is a box of more than three coordinates"

    def start(self) -> int:
        """Return the first level."""
        return LEVELS[0]

    def label(self, level: int) -> str:
        """Describe an ansatz."""
        return f"{self.size(level)} Chebyshev polynomials of the hyperbolic cross of level {level}"

    def size(self, level: int) -> int:
        """Number of functions."""
        return cross_basis(self.domain.bounds, level).size

    def made(self, level: int, solved: Any) -> tuple[list[Condition], Any]:
        """Return the conditions on three points a function, and the unknown."""

        def build(m: int | None, k: int) -> CrossBasis:
            return cross_basis(self.domain.bounds, level, outputs=m)

        n = max(3 * self.size(level), 200)
        return [spread(c, n) for c in self.conditions], self.shape.unknown(build)

    def larger(self, level: int, solved: Any) -> int | None:
        """Return the next level, or None at the limit."""
        place = LEVELS.index(level) + 1
        if place == len(LEVELS) or self.size(LEVELS[place]) * _components(self.shape) > LARGEST:
            return None
        return LEVELS[place]

    def hopeless(self, setting: Any, solved: Any) -> bool:
        """Whether larger sizes need not be tried."""
        return False


def _next(sizes: tuple[int, ...], size: int, most: int, slope: float) -> tuple[int, float] | None:
    place = sizes.index(size) + 1
    return (sizes[place], slope) if place < len(sizes) and sizes[place] <= most else None


def _components(shape: Shape) -> int:
    return sum(m or 1 for m in shape.outputs)
