"""A differential equation with a known answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["FieldCase", "relative_errors"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FieldCase:
    """Conditions on an unknown function, and that function.

    Parameters
    ----------
    name
        Key in `problems.pde.CASES`.
    domain
        Domain of the points.
    conditions
        Conditions on the unknown.
    exact
        ``exact(points) -> (n,)`` or (n, m): the answer, or a reference of stated accuracy.
    unknown
        Unknown to start from, where the ansatz is not left to choice; None otherwise.
    components
        Names of the components of a vector answer.
    times
        Instants at which a reference is known; None where points may be anywhere.
    accuracy
        Relative accuracy of the reference; 0 for formulas.
    source
        Where the problem is posed.
    published
        Figures of others, in words.
    """

    name: str
    domain: Any
    conditions: tuple[Any, ...]
    exact: Callable[[Array], Array]
    unknown: Any = None
    components: tuple[str, ...] = ("u",)
    times: tuple[float, ...] | None = None
    accuracy: float = 0.0
    source: str = ""
    published: str = ""
    tags: frozenset[str] = field(default_factory=frozenset)

    def points(self, n: int = 2000, seed: int = 12345) -> Array:
        """Return about n fresh points of the domain, uniform (at the instants of a reference, if it has any)."""
        rng = np.random.default_rng(seed)
        low, high = self.domain.bounds.T
        x = rng.uniform(low, high, (4 * n, self.domain.dim))
        if self.times is not None:
            x[:, 0] = rng.choice(self.times, len(x))
        return x[self.domain.contains(x)][:n]


def relative_errors(case: FieldCase, function: Callable[[Any], Any], n: int = 2000) -> Array:
    """Return the relative L2 error of each component of a function of one point, on fresh points."""
    import jax

    x = case.points(n)
    with jax.enable_x64(True):
        found = np.asarray(jax.jit(jax.vmap(function))(x)).reshape(len(x), -1)
    exact = np.asarray(case.exact(x)).reshape(len(x), -1)
    return np.linalg.norm(found - exact, axis=0) / np.linalg.norm(exact, axis=0)
