"""How far the unknown function is from the solution of its equations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sciopt.pde._probe import probed

__all__ = ["ErrorEstimate", "error_estimate"]

SIZES = {1: 40, 2: 20, 3: 8, 4: 5, 5: 4}


@dataclass(frozen=True)
class ErrorEstimate:
    """Estimated error of the unknown functions of a solution.

    Attributes
    ----------
    relative
        Root mean square error over that of the function, by name.
    absolute
        Root mean square error, by name.
    explained
        Share of the residual on fresh points that the correction removes; well below 1, the estimate is a lower bound.
    method
        How it was found.
    """

    relative: dict[str, float]
    absolute: dict[str, float]
    explained: float
    method: str

    def __str__(self) -> str:
        """Say the errors, the method, and whether they are lower bounds."""
        least = "at least " if self.explained < 0.9 else ""
        told = ", ".join(f"{k}: {least}{v:.1e}" for k, v in self.relative.items())
        return f"relative error {told} ({self.method}; {100 * self.explained:.0f} % of the residual explained)"


def error_estimate(solution: Any, functions: int | None = None) -> ErrorEstimate:
    r"""Return an estimate of the error of the unknown functions, by defect correction on fresh points.

    The conditions are linearised about the solution and solved for a correction w in a tensor basis of polynomials, at
    points that were not used: :math:`F'(u)\, w = -F(u)` in least squares. If u solved the equation, w would vanish.

    Parameters
    ----------
    solution
        Solution of a problem on points of domains.
    functions
        Polynomials along each coordinate; 40, 20, 8 in one to three dimensions by default.

    References
    ----------
    Stetter, H. J. (1978), The defect correction principle and discretization methods, Numer. Math. 29, 425.

    Examples
    --------
    >>> import sciopt as so
    >>> line = so.pde.Interval(0, 1)
    >>> @so.condition(points=line.interior(30))
    ... def decay(u, x):
    ...     return so.pde.grad(u)(x)[0] + u(x)
    >>> begin = so.pde.dirichlet(line.boundary(1, "x-"), 1.0)
    >>> crude = so.solve(so.Problem([decay, begin], so.models.tensor_basis(line, 4)))
    >>> 1e-4 < error_estimate(crude).relative["u"] < 1e-2
    True
    """
    q = SIZES if functions is None else dict.fromkeys(SIZES, functions)
    p = probed(solution, q)
    norms = np.linalg.norm(p.A, axis=0)
    norms[norms == 0] = 1.0
    w = np.linalg.lstsq(p.A / norms, -p.r, rcond=1e-10)[0] / norms
    left = float(np.linalg.norm(p.A @ w + p.r))
    size = float(np.linalg.norm(p.r))
    absolute, relative = {}, {}
    for name, space in p.spaces.items():
        moved = space.basis @ w[space.columns].reshape(-1, space.basis.shape[1]).T
        absolute[name] = float(np.sqrt(np.mean(np.sum(moved**2, axis=1))))
        scale = float(np.sqrt(np.mean(np.sum(space.values**2, axis=1))))
        relative[name] = absolute[name] / scale if scale > 0 else np.inf
    explained = 1.0 if size == 0 else 1.0 - left / size
    return ErrorEstimate(
        relative,
        absolute,
        explained,
        f"defect correction, {max(p.basis.shape[1] for p in p.spaces.values())} polynomials",
    )
