"""First-order baselines: any optax optimiser on the gradient of the merit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from sciopt._errors import OptionError
from sciopt._types import Array
from sciopt.linearise.base import Linearisation
from sciopt.methods._contract import Step, relative_step
from sciopt.methods._leap import leap, recovered, shortened
from sciopt.methods._line_search import wolfe
from sciopt.methods._options import positive
from sciopt.methods._second_order import standstill

__all__ = ["NAMES", "FirstOrder", "FirstOrderState"]

NAMES = ("adam", "sgd", "momentum", "rmsprop", "lbfgs")


class FirstOrderState(NamedTuple):
    """Leaves of the optimiser's state as arrays, step length relative to the nominal one, and failed searches."""

    leaves: tuple[Array, ...]
    length: float
    failures: int


@dataclass(frozen=True)
class FirstOrder:
    """Steps of an optax optimiser, in float64, on the gradient J^T r of the merit.

    ``"lbfgs"`` takes its direction from optax and its length from the strong Wolfe search of this package; the others
    step as they come.

    Parameters
    ----------
    optimiser
        ``"adam"``, ``"sgd"``, ``"momentum"`` (0.9), ``"rmsprop"``, ``"lbfgs"``, or an optax gradient transformation.
    lr
        Learning rate of a named optimiser; first length tried by ``"lbfgs"``. An optax object has its own.
    memory
        Pairs kept by ``"lbfgs"``.

    Examples
    --------
    >>> FirstOrder("adam", lr=1e-2).optimiser
    'adam'
    """

    optimiser: Any = "adam"
    lr: float = 1e-3
    memory: int = 10

    def __post_init__(self) -> None:
        named = isinstance(self.optimiser, str)
        if named and self.optimiser not in NAMES:
            raise OptionError(
                f"FirstOrder(optimiser={self.optimiser!r}): choose from {', '.join(NAMES)} or give an optax object"
            )
        if not named and not (
            callable(getattr(self.optimiser, "init", None)) and callable(getattr(self.optimiser, "update", None))
        ):
            raise OptionError(
                "FirstOrder(optimiser=...): give a name or an optax gradient transformation (init and update)"
            )
        positive(self, "lr")

    def init(self, lin: Linearisation) -> FirstOrderState:
        """Return the state at the start."""
        from sciopt.methods import _optax

        return FirstOrderState(_optax.start(self._rule, lin.theta), 1.0, 0)

    @property
    def _rule(self) -> Any:
        from sciopt.methods import _optax

        return _optax.named(self.optimiser, self.lr, self.memory) if isinstance(self.optimiser, str) else self.optimiser

    def step(self, lin: Linearisation, state: FirstOrderState, key: int) -> Step:
        """Take one step."""
        from sciopt.methods import _optax

        g = lin.gradient()
        length = float(np.linalg.norm(g))
        if length == 0.0:
            return standstill(lin, state, ("converged", "the gradient is zero"))
        if not np.isfinite(length):
            return standstill(lin, state, ("nonfinite", "the gradient is not finite"))
        delta, leaves = _optax.advance(self._rule, g, state.leaves, lin.theta)
        if self.optimiser == "lbfgs":
            return self._searched(lin, state, delta, leaves, g)
        moved = FirstOrderState(leaves, recovered(state.length), 0)
        stayed = state._replace(length=shortened(state.length))
        return leap(lin, moved, stayed, delta * float(state.length), slope=length)

    def _searched(self, lin: Linearisation, state: FirstOrderState, delta: Array, leaves: Any, g: Array) -> Step:
        found = wolfe(lin, delta, g, first=self.lr)
        if found is None:  # forget the pairs; without any, the direction is the steepest descent
            fresh = self.init(lin)._replace(failures=int(state.failures) + 1)
            verdict = ("stalled", "no decrease along the steepest descent") if state.failures else None
            return standstill(lin, fresh, verdict)
        told = {
            "reduction": found.reduction,
            "predicted": -0.5 * found.length * float(g @ delta),
            "step": relative_step(found.lin.theta - lin.theta, found.lin.theta, lin.layout.scale),
            "slope": float(np.linalg.norm(g)),
            "length": found.length,
        }
        return Step(found.lin.theta, FirstOrderState(leaves, 1.0, 0), True, told, lin=found.lin)
