"""Sinkhorn's algorithm as a method: fused, over-relaxed, in logarithms where the kernel would underflow."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from sciopt._errors import OptionError
from sciopt._types import Array
from sciopt.methods._contract import Step
from sciopt.transport.semi_dual import SemiDualPoint

__all__ = ["Sinkhorn"]

PROBE = 12  # plain iterations before the rate is known
CHUNK = 52  # iterations of one step, unless it ends before
LARGEST = 1.9
ABSORB = 20.0  # largest |log scaling| of a kernel whose entries end at e^-80: what is missing stays below e^-40
SLOW = 20  # iterations still needed from which over-relaxation pays
ANNEALING = 40  # iterations of a stage that is not the last


class SinkhornState(NamedTuple):
    """Log scalings of the rows on the stored kernel, relaxation, errors so far, and the stage they belong to."""

    log_u: Array
    omega: float
    errors: Array
    stage: int


@dataclass(frozen=True)
class Sinkhorn:
    r"""Alternate scaling of rows and columns, with over-relaxation.

    One iteration reads the stored kernel once (rows and columns fused). After 12 plain iterations the linear rate
    :math:`\rho` is known, and the relaxation becomes :math:`\omega = 2/(1+\sqrt{1-\rho})`, at most 1.9, corrected as
    the rate shows. Kernels that do not fit into memory are evaluated in logarithms at each iteration.

    Parameters
    ----------
    relax
        ``"auto"``, or a fixed relaxation, 1 <= relax < 2; 1 is Sinkhorn's plain algorithm.
    limit
        Iterations after which the method asks for another way (stages that can give one); None = never.

    References
    ----------
    Sinkhorn (1967); Cuturi (2013), NeurIPS; Thibault, Chizat, Dossal, Papadakis (2021), Algorithms 14, 143
    (over-relaxation); Lehmann, von Renesse, Sambale, Uschmajew (2022), Optim. Lett. 16, 2209 (choice of omega).
    """

    relax: float | Literal["auto"] = "auto"
    limit: int | None = None

    def __post_init__(self) -> None:
        if self.relax != "auto" and not (isinstance(self.relax, int | float) and 1.0 <= self.relax < 2.0):
            raise OptionError(f"Sinkhorn(relax={self.relax!r}): give 'auto' or a number in [1, 2)")
        if self.limit is not None and not self.limit >= 1:
            raise OptionError(f"Sinkhorn(limit={self.limit!r}): give a number of iterations or None")

    def init(self, lin: Any) -> SinkhornState:
        """Return the state at the start; refuses problems that are not entropic transport."""
        if not isinstance(lin, SemiDualPoint):
            raise OptionError("Sinkhorn solves entropic transport only; make the problem with sciopt.transport.problem")
        return self._fresh(lin)

    def _fresh(self, lin: SemiDualPoint) -> SinkhornState:
        omega = 1.0 if self.relax == "auto" else float(self.relax)
        return SinkhornState(np.zeros(len(lin.problem.a)), omega, np.zeros(0), lin.frame.stage)

    def step(self, lin: SemiDualPoint, state: SinkhornState, key: int) -> Step:
        """Take a few iterations."""
        work = lin.problem.work
        if state.stage != lin.frame.stage:
            state = self._fresh(lin)
        if not work.dense_fits:
            return self._in_logarithms(lin, state)
        return self._fused(lin, state)

    # ---- on the stored kernel -------------------------------------------------------------------------------------
    def _fused(self, lin: SemiDualPoint, state: SinkhornState) -> Step:
        from sciopt.transport.scaling_kernels import scale_columns

        problem, work, eps = lin.problem, lin.problem.work, lin.epsilon
        now = lin.frame.extra
        beta = lin.theta / eps
        log_u, errors, omega = state.log_u.copy(), state.errors.tolist(), state.omega
        if work.kernel_at is None or work.kernel_at[0] != eps or np.abs(beta - work.kernel_at[1]).max() > ABSORB:
            work.form_kernel(beta, eps)
            log_u[:] = 0.0
        assert work.kernel_at is not None
        _, origin, alpha = work.kernel_at
        log_v = beta - origin
        v = np.exp(log_v)
        column = lin.column / v
        if not errors:  # at the point itself the rows are exact; the columns follow
            scale_columns(column, problem.b, 1.0, log_v, v)
        request: dict = {}
        healthy = True
        for _ in range(CHUNK):
            lin.work.spend()
            rows, column = work.scale(v, omega, log_u)
            healthy = float(column.min()) > 0.0
            if not healthy:
                break
            columns, largest = scale_columns(column, problem.b, omega, log_v, v)
            errors.append(rows + columns)
            healthy = math.isfinite(errors[-1])
            if not healthy or largest > ABSORB or errors[-1] <= now.tolerance:
                break
            if len(errors) >= PROBE and (len(errors) - PROBE) % 10 == 0:
                omega, request = self._adapted(errors, omega, bool(lin.frame.final), now)
                if request:
                    break
        theta = eps * (origin + log_v)
        if not (healthy and np.isfinite(theta).all()):
            return Step(lin.theta, self._fresh(lin), False, {"omega": omega}, {"give_up": True}, lin=lin)
        if float(np.abs(log_v).max()) > ABSORB:
            new = lin.at(theta)
            if len(state.errors) and lin.frame.final and self.limit is not None:
                request = {"give_up": True}  # the potentials are far away: another way is cheaper
            info = {"iterations": float(len(errors)), "omega": omega, "step": 1.0}
            return Step(
                theta, SinkhornState(log_u * 0.0, omega, np.array(errors), state.stage), True, info, request, lin=new
            )
        exact = log_u.copy()  # rows exact again, so that the potentials of the columns are all that a point needs
        _, column = work.scale(v, 1.0, exact)
        new = lin.filled(theta, alpha + exact, column * v)
        info = {"iterations": float(len(errors)), "omega": omega, "step": 1.0}
        return Step(theta, SinkhornState(log_u, omega, np.array(errors), state.stage), True, info, request, lin=new)

    def _adapted(self, errors: list[float], omega: float, final: bool, now: Any) -> tuple[float, dict]:
        """Return the relaxation by the rate seen, and whether to ask for another way."""
        if len(errors) < 6:
            return omega, {}
        rate = (errors[-1] / max(errors[-6], 1e-300)) ** 0.2
        digits = math.log(max(errors[-1] / now.tolerance, 1.0))
        slow = not rate < 0.99999
        needed = math.inf if slow else digits / -math.log(rate)
        settled = len(errors) >= PROBE + 20
        if self.relax != "auto":
            pass
        elif omega == 1.0:
            settled = True
            if needed > SLOW and not slow:
                omega = min(LARGEST, 2.0 / (1.0 + math.sqrt(max(1.0 - rate, 1e-5))))
                needed = digits / -math.log(omega - 1.0 + 0.02)
        elif rate >= 1.0:
            omega = 1.0 + 0.7 * (omega - 1.0)
        elif rate > omega - 1.0 + 0.03:  # slower than a good omega would be: Young's relation gives the plain rate
            plain = min((rate + omega - 1.0) ** 2 / (rate * omega**2), 1.0 - 1e-5)
            omega = min(LARGEST, 2.0 / (1.0 + math.sqrt(1.0 - plain)))
        if not final:
            return omega, {"give_up": True} if len(errors) >= ANNEALING else {}
        hopeless = self.limit is not None and settled and len(errors) + needed > self.limit
        return omega, {"give_up": True} if hopeless else {}

    # ---- in logarithms --------------------------------------------------------------------------------------------
    def _in_logarithms(self, lin: SemiDualPoint, state: SinkhornState) -> Step:
        """Take one iteration with momentum: rows are exact at each point, so that relaxing both sides is not possible.

        With the spectrum of the plain iteration in [0, rho], Polyak's momentum (omega - 1)^2 and step omega^2 have the
        rate omega - 1 of over-relaxation.
        """
        errors = [*state.errors, float(np.abs(lin.r).sum())]
        omega = state.omega
        velocity = state.log_u if len(state.log_u) == len(lin.theta) and len(state.errors) else np.zeros(len(lin.theta))
        step = omega**2 * lin.epsilon * lin.ratio + (omega - 1.0) ** 2 * velocity
        new = lin.at(lin.theta + step)
        if omega > 1.0 and (new.failed or float(np.abs(new.r).sum()) > 2.0 * errors[-1]):
            omega = 1.0 + 0.5 * (omega - 1.0)
            step = lin.epsilon * lin.ratio
            new = lin.at(lin.theta + step)
        request: dict = {}
        if len(errors) >= PROBE and (len(errors) - PROBE) % 10 == 0:
            omega, request = self._adapted(errors, omega, bool(lin.frame.final), lin.frame.extra)
        info = {"iterations": float(len(errors)), "omega": omega, "step": 1.0}
        kept = SinkhornState(step, omega, np.array(errors), state.stage)
        return Step(new.theta, kept, True, info, request, lin=new)
