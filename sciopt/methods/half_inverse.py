"""Half-inverse gradients: between gradient descent and Gauss-Newton."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from sciopt.linalg import HalfInverse as Half
from sciopt.linearise.base import Linearisation
from sciopt.methods._contract import Step
from sciopt.methods._leap import leap, recovered, shortened
from sciopt.methods._options import positive
from sciopt.methods._second_order import decompose, standstill

__all__ = ["HalfInverse", "HalfInverseState"]


class HalfInverseState(NamedTuple):
    """Step length relative to ``lr``; below 1 only after steps into points that cannot be evaluated."""

    length: float


@dataclass(frozen=True)
class HalfInverse:
    r"""Steps :math:`\delta = -\eta\, V S^{-1/2} U^T r`, singular values under ``rtol * s1`` left out.

    Directions of small singular values are amplified less than in a pseudoinverse, which makes the rule robust to the
    noise of mini-batches. The length depends on the scale of r: multiply r by c and the steps grow by sqrt(c), so rows
    should be standardised. Steps are taken as they come. Schnell, Holl and Thuerey, arXiv 2203.10131.

    Parameters
    ----------
    rtol
        Cut relative to the largest singular value.
    lr
        Step length eta; the fixed point is stable for :math:`\eta \sqrt{s_1} < 2`.
    """

    rtol: float = 1e-6
    lr: float = 1.0

    def __post_init__(self) -> None:
        positive(self, "rtol", zero=True, below=1.0)
        positive(self, "lr")

    def init(self, lin: Linearisation) -> HalfInverseState:
        """Return the state at the start."""
        return HalfInverseState(1.0)

    def step(self, lin: Linearisation, state: HalfInverseState, key: int) -> Step:
        """Take one step."""
        if lin.f == 0.0:
            return standstill(lin, state, ("converged", "the residual is zero"))
        found = decompose(lin, "qr" if self.rtol < 1e-5 or min(lin.n, lin.layout.size) < 16 else "gram")
        if found is None:
            return standstill(lin, state, ("nonfinite", "the Jacobian has entries that are not finite"))
        filter_ = Half(self.rtol)
        delta = found.step(filter_) * (self.lr * float(state.length))
        moved, stayed = (HalfInverseState(f(state.length)) for f in (recovered, shortened))
        return leap(lin, moved, stayed, delta, rank=float((filter_(found.spectrum) > 0).sum()))
