"""Points of a domain: where the conditions of a differential equation are asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from sciopt._errors import OptionError
from sciopt._types import Array
from sciopt.pde._draw import drawn
from sciopt.pde._refine import refined
from sciopt.points import Batch

if TYPE_CHECKING:
    from sciopt.pde._domain import Domain

__all__ = ["Collocation"]

RULES = ("sobol", "uniform", "grid", "gauss", "fixed")


@dataclass(frozen=True, eq=False)
class Collocation:
    """Points inside a domain or on its faces; made by ``domain.interior``, ``.boundary``, ``.initial``, ``.at``.

    Attributes
    ----------
    domain
        The domain.
    face
        Names of the faces; None = inside.
    n, rule, every, refine
        As given to ``interior``.
    with_normals, with_weights
        Whether conditions get the outward normal, or the quadrature weight, after x.
    given
        Coordinates of fixed points, shape (n, d).
    balanced
        Whether equations next to data get the weights that make them constraints.
    """

    domain: Domain
    face: tuple[str, ...] | None
    n: Any
    rule: str = "sobol"
    every: int = 0
    refine: float = 0.0
    with_normals: bool = False
    given: Array | None = field(default=None, repr=False)
    with_weights: bool = False
    balanced: bool = True

    traced = True  # conditions on these points are computed in JAX

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise OptionError(f"unknown rule={self.rule!r}; choose one of {', '.join(RULES[:-1])}")
        counts = self.n if isinstance(self.n, tuple) else (self.n,)
        if not all(isinstance(m, (int, np.integer)) and not isinstance(m, bool) and m >= 1 for m in counts):
            raise OptionError(f"the number of points must be a positive integer (or a tuple of them), got {self.n!r}")
        if isinstance(self.n, tuple) and self.rule not in ("grid", "gauss"):
            raise OptionError(f"numbers for each coordinate, n={self.n!r}, go with rule='grid' or 'gauss' only")
        if not 0.0 <= self.refine <= 1.0:
            raise OptionError(f"refine is a share between 0 and 1, got {self.refine!r}")
        if (self.refine or self.every) and self.rule not in ("sobol", "uniform"):
            raise OptionError(
                f"refine= and every= redraw points; rule={self.rule!r} does not, use 'sobol' or 'uniform'"
            )
        if not isinstance(self.every, (int, np.integer)) or self.every < 0:
            raise OptionError(f"every must be an integer of at least 0, got {self.every!r}")

    # ---- the points -----------------------------------------------------------------------------------------------
    @cached_property
    def _preview(self) -> tuple[Array, Array | None, Array | None]:
        return self._draw(np.random.default_rng(0), self.n)

    @property
    def coords(self) -> Array:
        """Coordinates of a draw with key 0, shape (n, d)."""
        return self._preview[0]

    @property
    def normals(self) -> Array | None:
        """Outward unit normals of that draw, shape (n, d); None inside the domain."""
        return self._preview[1]

    @property
    def measure(self) -> float:
        """Length, area or volume of what the points are drawn from."""
        return float(sum(p.extent() for p in self._patches))

    @cached_property
    def _patches(self) -> list[Any]:
        if self.face is None:
            return list(self.domain._patches())
        faces = self.domain._all_faces()
        return [p for name in self.face for p in faces[name]]

    def _draw(self, rng: np.random.Generator, n: Any) -> tuple[Array, Array | None, Array | None]:
        """Return coordinates, normals and quadrature weights (of sum 1) of n points."""
        if self.rule == "fixed":
            assert self.given is not None
            return self.given, None, None
        return drawn(self._patches, n, self.rule, rng, repr(self.domain))

    def _batch(self, x: Array, normals: Array | None, weights: Array | None = None) -> Batch:
        if self.with_weights:  # of the integral: they multiply values, not rows
            w = np.full(len(x), 1.0 / len(x)) if weights is None else weights
            return Batch((x, self.measure * w), len(x))
        return Batch((x, normals) if self.with_normals else x, len(x), None, weights)

    # ---- the Points protocol --------------------------------------------------------------------------------------
    def first(self, rng: np.random.Generator) -> Batch:
        """Return the batch of the first frame."""
        return self._batch(*self._draw(rng, self.n))

    def following(self, batch: Batch, request: Mapping[str, Any], step: int, rng: np.random.Generator) -> Batch:
        """Return the same batch, or another: after ``every`` steps, at a plateau, or when a method asks for it.

        Points that follow the residual (``refine``) change only where fresh points show a larger residual; those that
        do not are drawn anew after ``every`` steps.
        """
        if self.rule not in ("sobol", "uniform") or not (self.every or self.refine):
            return batch
        n = int(request.get("rows", batch.n))
        due = bool(self.every) and step % self.every == 0
        plateau = bool(request.get("plateau"))
        density = request.get("density")
        if n == batch.n and self.refine and density is not None:
            if due or plateau or request.get("refresh"):
                return refined(batch, lambda m: self._coords(rng, m), density, self.refine, plateau, rng)
            return batch
        if n != batch.n or due or request.get("refresh"):
            return self._batch(*self._draw(rng, n))
        return batch

    def _coords(self, rng: np.random.Generator, n: int) -> Any:
        return self._batch(*self._draw(rng, n)).coords

    @property
    def adaptive(self) -> bool:
        """Whether the points follow the residual."""
        return self.refine > 0

    # ---- use ------------------------------------------------------------------------------------------------------
    def normal_aware(self) -> Collocation:
        """Return the same points, handing their outward normal to conditions."""
        return replace(self, with_normals=True)

    def ansatz(self, conditions: Any) -> Any:
        """Return the plan of an ansatz for conditions that come without an unknown."""
        from sciopt.pde.ansatz import ansatz

        return ansatz(conditions)

    def bound(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        """Return the condition's function, knowing the domain while it runs."""
        from sciopt.pde._context import Bound

        return Bound.of(function, self.domain, name)

    def balance(self, problem: Any, theta: Array) -> dict[str, float]:
        """Return factors for the weights of a problem's equations, by name."""
        from sciopt.pde._balance import constraint_weights

        return constraint_weights(problem, theta) if self.balanced else {}

    def field(self, solution: Any, name: str) -> Any:
        """Return the unknown function called ``name`` of a solution, or None if there is none."""
        from sciopt.pde._read import field_of

        return field_of(solution, name)

    def __len__(self) -> int:
        """Number of points."""
        return len(self.coords)
