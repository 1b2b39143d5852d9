"""Sven, singular value descent: truncated pseudoinverse steps on the losses of single data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from sciopt._errors import DataError
from sciopt._types import Array
from sciopt.linalg import Factor, Truncated, factor
from sciopt.linearise.base import Linearisation
from sciopt.methods._contract import Step
from sciopt.methods._leap import leap, recovered, shortened
from sciopt.methods._options import count, positive
from sciopt.methods._second_order import at_the_floor, finish, project, ratio_of, standstill
from sciopt.methods.damping import spectral_cut

__all__ = ["Sven", "SvenState", "sven_rows"]

TRIES = 16
LEAST = 1e-12  # smallest cut of the safeguarded rule
EXHAUSTED = 0.1  # share of the residual that the directions above the cut must hold
SHARE = 0.7  # of the promised decrease that a higher cut must keep
GUARD = 1e-10  # singular values under it are never inverted in the published algorithm


class SvenState(NamedTuple):
    """Relative cut of the spectrum, and step length relative to ``lr``."""

    cut: float
    length: float


@dataclass(frozen=True)
class Sven:
    r"""Steps :math:`\delta = -\eta\, V_k S_k^{-1} U_k^T R` of the rows :math:`R_a = \mathrm{sign}(r_a)|r_a|^\kappa`.

    Each datum's loss is a condition of its own that should vanish; the truncated singular value decomposition of the
    n rows (a mini-batch, say) solves as many of them as the spectrum supports. Bright-Thonney, Harvey, Lukas and
    Thaler, arXiv 2604.01279. With ``safeguarded=False`` the algorithm is the published one. The default adapts the cut:
    lowered by sqrt(10) when the linear model held, raised tenfold when it failed, and takes decreasing steps only.

    Parameters
    ----------
    k
        Most singular directions; None = all above the cut.
    rtol
        Cut relative to the largest singular value; the first cut when safeguarded.
    lr
        Step length eta.
    kappa
        Power of the residual: 1 = least squares; 2 = the losses themselves as rows.
    microbatch
        Consecutive rows whose losses are averaged into one row, :math:`R_g = (\mathrm{mean}\, r^2)^{\kappa/2}`: less
        memory, fewer conditions. None = every row by itself.
    param_fraction
        Share of the parameters, drawn anew for every step, that move.
    safeguarded
        Whether to adapt the cut and take only steps that decrease the merit.

    Examples
    --------
    >>> Sven(k=16, rtol=0.03, lr=0.5, safeguarded=False).kappa
    1.0
    """

    k: int | None = None
    rtol: float = 1e-3
    lr: float = 1.0
    kappa: float = 1.0
    microbatch: int | None = None
    param_fraction: float = 1.0
    safeguarded: bool = True

    def __post_init__(self) -> None:
        for name in ("k", "microbatch"):
            if getattr(self, name) is not None:
                count(self, name)
        positive(self, "rtol", zero=True, below=1.0)
        positive(self, "lr")
        positive(self, "kappa")
        positive(self, "param_fraction", most=1.0)

    def init(self, lin: Linearisation) -> SvenState:
        """Return the state at the start."""
        return SvenState(self.rtol, 1.0)

    def step(self, lin: Linearisation, state: SvenState, key: int) -> Step:
        """Take one step; ``key`` draws the parameters that move."""
        R, J = sven_rows(lin.r, lin.dense(), self.kappa, self.microbatch)
        chosen = self._chosen(lin.layout.size, key)
        if chosen is not None:
            J = np.ascontiguousarray(J[:, chosen])
        try:
            found = factor(J, R, how=_how(J.shape, float(state.cut) if self.safeguarded else self.rtol))
        except DataError:
            return standstill(lin, state, ("nonfinite", "the Jacobian has entries that are not finite"))
        if self.safeguarded:
            return self._guarded(lin, state, found, J, chosen)
        delta = self._direction(found, self.rtol, chosen, lin.layout.size) * (self.lr * float(state.length))
        moved, stayed = (state._replace(length=f(state.length)) for f in (recovered, shortened))
        return leap(lin, moved, stayed, delta, rank=float(self._kept(found, self.rtol)))

    def _chosen(self, P: int, key: int) -> Any:
        if self.param_fraction == 1.0:
            return None
        size = int(np.ceil(self.param_fraction * P))
        return np.sort(np.random.default_rng([key, 0x53]).choice(P, size, replace=False))

    def _filter(self, cut: float) -> Truncated:
        return Truncated(self.k, cut, 0.0 if self.safeguarded else GUARD)

    def _kept(self, found: Factor, cut: float) -> int:
        return int(np.count_nonzero(self._filter(cut)(found.spectrum)))

    def _promise(self, found: Factor, cut: float) -> float:
        """Squared residual in the directions that a cut keeps."""
        kept = self._filter(max(cut, found.rtol))(found.spectrum) > 0
        return float(np.sum(found.g[kept] ** 2))

    def _direction(self, found: Factor, cut: float, chosen: Any, P: int) -> Array:
        part = found.step(self._filter(cut))
        if chosen is None:
            return part
        delta = np.zeros(P)
        delta[chosen] = part
        return delta

    def _guarded(self, lin: Linearisation, state: SvenState, found: Factor, J: Array, chosen: Any) -> Step:
        g = lin.gradient()
        if not g.any():
            return standstill(lin, state, ("converged", "the gradient is zero"), g)
        cut, length, predicted = float(state.cut), float(state.length), 0.0
        full = lin.dense()
        everything = self._promise(found, 0.0)
        while cut > LEAST and self._promise(found, cut) < EXHAUSTED * everything:
            cut *= 0.1  # the directions above the cut are exhausted
        for _ in range(TRIES):
            if cut < found.rtol and found.how != "qr":
                found = factor(J, found.jacobian.r, how="qr")  # type: ignore[attr-defined]
            delta = self._direction(found, cut, chosen, lin.layout.size) * (self.lr * length)
            theta = project(lin, lin.theta + delta)
            delta = theta - lin.theta
            ahead = full @ delta
            predicted = -float(g @ delta) - 0.5 * float(ahead @ ahead)
            trial = lin.at(theta)
            reduction = lin.reduction(trial)
            ratio = ratio_of(reduction, predicted)
            numbers = {"rank": float(self._kept(found, cut)), "cut": cut, "ratio": ratio}
            floor = at_the_floor(lin, state, trial, g, predicted, reduction, **numbers) if chosen is None else None
            if floor is not None:
                if floor.verdict is None or cut <= LEAST:
                    return floor
                cut *= 0.1  # the cut, not the data, makes the decrease small
                continue
            new = float(spectral_cut(np, max(cut, LEAST), ratio))
            if ratio > 1e-3:
                cut = new if new >= cut or length >= 1.0 else cut
                length = recovered(length)
                return finish(lin, SvenState(cut, length), trial, g, predicted, reduction, **numbers)
            # Raising the cut is of no use if it leaves the directions that promise the decrease: then a shorter step.
            if cut < 0.99 and self._promise(found, new) >= SHARE * self._promise(found, cut):
                cut = new
            else:
                length = shortened(length)
        return standstill(lin, SvenState(cut, length), None, g, predicted, {"refresh": True}, cut=cut)


def _how(shape: tuple[int, ...], cut: float) -> Any:
    """Gram matrices resolve cuts down to 1e-6; the pivoted one is worth its overhead when it is large."""
    if cut < 1e-6:
        return "qr"
    return "pivoted_cholesky" if min(shape) > 256 else "gram"


def sven_rows(r: Array, J: Array, kappa: float = 1.0, microbatch: int | None = None) -> tuple[Array, Array]:
    r"""Return the rows R (m,) and their Jacobian (m, P) that a step of Sven solves.

    Parameters
    ----------
    r, J
        Residual (n,) and its Jacobian (n, P).
    kappa
        :math:`R = \mathrm{sign}(r)|r|^\kappa`, slope :math:`\kappa |r|^{\kappa-1}` (0 at r = 0 for kappa < 1).
    microbatch
        Rows averaged into one: :math:`R_g = (\mathrm{mean}\,r^2)^{\kappa/2}`.

    Examples
    --------
    >>> import numpy as np
    >>> sven_rows(np.array([-3.0, 4.0]), np.eye(2), kappa=2.0)[0].tolist()
    [-9.0, 16.0]
    """
    if microbatch is None or microbatch == 1:
        if kappa == 1.0:
            return r, J
        slope = kappa * np.power(np.abs(r), kappa - 1.0, out=np.zeros_like(r), where=r != 0.0)
        return np.sign(r) * np.abs(r) ** kappa, slope[:, None] * J
    starts = np.arange(0, len(r), microbatch)
    sizes = np.diff(np.append(starts, len(r)))
    loss = np.add.reduceat(r * r, starts) / sizes
    ascent = np.add.reduceat(2.0 * r[:, None] * J, starts, axis=0) / sizes[:, None]
    slope = 0.5 * kappa * np.power(loss, 0.5 * kappa - 1.0, out=np.zeros_like(loss), where=loss > 0.0)
    return loss ** (0.5 * kappa), slope[:, None] * ascent
