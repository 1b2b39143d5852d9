"""Trajectories as a problem: predictions minus data on a frozen step grid."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sciopt._errors import OptionError
from sciopt._types import Array
from sciopt.condition import Condition
from sciopt.dynamics.block import TrajectoryBlock, TrajectoryLinearisation
from sciopt.dynamics.grids import GridState, follow
from sciopt.dynamics.reading import setting_of
from sciopt.dynamics.setting import Setting
from sciopt.frames import Frame, Stage
from sciopt.layout import Layout
from sciopt.linearise.autodiff import double
from sciopt.linearise.prior import PriorBlock, has_prior
from sciopt.linearise.work import Work
from sciopt.points import Batch

__all__ = ["TrajectoryProblem", "trajectories"]


class TrajectoryProblem:
    """Residuals of trajectories, ready for `sciopt.solve`; made by `trajectories`.

    Attributes
    ----------
    setting
        Everything read from the user, independent of how it is shot.
    layout, stages, conditions
        As of any problem: one condition for each measured quantity, then ``continuity`` with multiple shooting.
    solver
        Name of the Runge-Kutta pair, and ``reason``, why it was chosen.
    """

    structure, null, linear = "rectangular", None, ()

    def __init__(self, setting: Setting, cuts: list[Array] | None = None, nodes: Array | None = None) -> None:
        self.setting, self.cuts = setting, cuts
        with double():
            self.unknown, self.program, self.arrays, self.table = setting.laid_out(cuts, nodes)
        self.layout: Layout = self.program.flow.spec.layout
        self.conditions = setting.conditions()
        self.stages: tuple[Stage, ...] = (Stage(),)
        if self.program.nodes:
            self.conditions = (*self.conditions, Condition(_gap, "continuity", weight=1.0, batched=True))
            self.stages = setting.continuity_stages(len(self.table.nodes))
        self.regularise = setting.regularise
        self.extras = tuple(self.regularise.blocks(self)) if hasattr(self.regularise, "blocks") else ()
        for block in self.extras:
            self.conditions = (*self.conditions, *block.conditions)
        self.bindings = (None,) * len(self.conditions)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the conditions."""
        return tuple(c.name for c in self.conditions)

    @property
    def solver(self) -> str:
        """Name of the pair."""
        return self.program.flow.tableau.name

    @property
    def reason(self) -> str:
        """Why this solver."""
        return self.setting.reason

    def frame(
        self,
        theta: Array,
        previous: Frame | None = None,
        request: Mapping[str, Any] | None = None,
        key: int = 0,
        step: int = 0,
    ) -> Frame:
        """Return the frame for the next step: the old one while its grid resolves the trajectories at theta."""
        request = request or {}
        if previous is None:
            return self._framed(self.grid(theta), 0, step)
        limit = self.stages[previous.stage].steps
        due = request.get("stage") or (limit is not None and step - previous.settings["begun"] >= limit)
        stage = min(previous.stage + 1, len(self.stages) - 1) if due else previous.stage
        grid = follow(self, theta, previous)
        if grid is previous.extra and stage == previous.stage:
            return previous
        return self._framed(grid, stage, step, step if stage != previous.stage else previous.settings["begun"])

    def _framed(self, grid: GridState, stage: int, step: int, begun: float = 0) -> Frame:
        batches = tuple(Batch(self.setting.data.time) for _ in self.conditions)
        return Frame(batches, stage, step, {**self.stages[stage].settings, "begun": float(begun)}, grid)

    def grid(self, theta: Array, least: int = 0) -> GridState:
        """Return the step grid of an adaptive solve at theta."""
        from sciopt.dynamics.grids import adaptive

        return adaptive(self, theta, least)

    def linearise(self, theta: Array, frame: Frame, work: Work) -> TrajectoryLinearisation:
        """Return the linearisation at theta."""
        blocks: Any = work.modes.get("blocks")
        if blocks is None:
            count = len(self.setting.data.names) + bool(self.program.nodes)
            made: list[Any] = [TrajectoryBlock(self, tuple(range(count))), *self.extras]
            if any(has_prior(leaf) for leaf in self.layout.leaves):
                made.append(PriorBlock(len(self.conditions), self.layout))
            blocks = work.modes["blocks"] = tuple(made)
            work.note(self.reason)
        problem: Any = self
        return TrajectoryLinearisation(problem, blocks, theta, frame, work)

    def shot(self, cuts: list[Array], nodes: Array) -> TrajectoryProblem:
        """Return the problem cut into segments at given times, with the states there as further unknowns."""
        return TrajectoryProblem(self.setting, cuts, nodes)

    def elsewhere(self, times: Array, run: int, observed: bool) -> tuple[TrajectoryProblem, Array]:
        """Return the problem of the same unknown with one trajectory at other times, and the rows of these times.

        Parameters
        ----------
        times
            Ascending times.
        run
            Which trajectory.
        observed
            Predict what was measured; else the state.
        """
        setting, rows = self.setting.elsewhere(times, run, observed)
        nodes = self.layout.tree(self.layout.start)["nodes"] if self.program.nodes else None
        return TrajectoryProblem(setting, self.cuts, nodes), rows

    def started(self, **values: Any) -> TrajectoryProblem:
        """Return a copy with other start values, by name."""
        from dataclasses import replace

        return TrajectoryProblem(replace(self.setting, started={**self.setting.started, **values}))

    def __repr__(self) -> str:
        """Summarise."""
        data = self.setting.data
        return (
            f"TrajectoryProblem({data.runs} trajectories, {len(data.time)} times, {self.program.nodes} nodes; "
            f"solver {self.solver}; unknown: {', '.join(self.layout.names[:6])}{', ...' * (self.layout.size > 6)})"
        )


def _gap(*parts: Any) -> Any:
    return parts


def trajectories(
    field: Callable[..., Any],
    t: Any,
    y: Any,
    *,
    unknown: Any,
    initial: Any = "data",
    sigma: Any = None,
    start: Any = None,
    observe: Callable[..., Any] | None = None,
    controls: Any = None,
    jumps: Any = (),
    doses: Any = (),
    solver: Any = "auto",
    rtol: float | None = None,
    atol: Any = None,
    grid: str = "each",
    max_steps: int = 100_000,
    loss: Any = "gaussian",
    nan: str = "raise",
    mask: Any = None,
    errors: str | None = None,
    jacobian: str = "auto",
    regularise: Any = None,
) -> TrajectoryProblem:
    r"""Return the problem of fitting :math:`\dot y = f(t, y, p)` to trajectories.

    Parameters
    ----------
    field
        ``field(t, y, p)`` -> dy/dt in the form of y; with ``controls`` also ``field(t, y, p, c)``. Written with
        ``jax.numpy``. Dicts among y and p can be read by attribute: ``p.alpha``.
    t
        Times (n,), ascending, equal ones allowed; or a list of such rows, one a trajectory. Any unit: absolute times
        (Julian dates) and tiny ones (attoseconds) lose nothing, since each trajectory is solved in the time since its
        first datum.
    y
        Data: an array (n, ...) or a tree of arrays; a list of them for several trajectories.
    unknown
        Start values of the parameters p: any pytree of numbers, arrays and `Parameter`, or an equinox module.
    initial
        State at the start: numbers are known, `Parameter` entries are fitted (named ``initial.x``); a function
        ``initial(p)``; a list of either, one a trajectory; ``"data"`` fits it from the first row, if all is observed.
    sigma
        Standard deviations: a number, or a tree like ``y``; None = estimated from the residuals.
    start
        Time at which ``initial`` holds: a number, a `Parameter` (fitted), or a list, one a trajectory; by default the
        first time.
    observe
        ``observe(t, y, p)`` or ``observe(y)`` -> what is measured, in the form of a row of ``y``; by default the state, or
        its entries that ``y`` names.
    controls
        One tree (or function of time) a trajectory, passed to the field as fourth argument.
    jumps
        Times at which the field is discontinuous: a step ends there, and each side sees its own limit.
    doses
        ``[(time, amount), ...]`` with the amount a state: added at that instant. Data at the instant are those before it.
    solver
        ``"auto"`` (by stiffness, see ``reason``), a name such as ``"Tsit5"`` or ``"Kvaerno5"``, or a diffrax solver.
    rtol, atol
        Tolerances of a step's error. By default rtol is a thousandth of the smallest relative sigma, between 1e-11 and
        1e-7, and atol a thousandth of rtol times the largest value of each entry along the way: free of units.
    grid
        ``"each"`` trajectory has its own steps, or one ``"shared"`` grid (their times must agree).
    max_steps
        A trajectory that needs more is a failed evaluation (a rejected step).
    loss
        As in `sciopt.Condition`.
    nan, mask
        ``nan="omit"``: NaN means missing. ``mask``: True where a datum counts.
    errors
        ``"absolute"`` or ``"scaled"``; by default absolute if sigma is given.
    jacobian
        ``"auto"``: stage tangents, ``"forward"`` or ``"reverse"``.
    regularise
        A regulariser of the solver's heuristics; see `sciopt.dynamics.fit_ode`.

    Returns
    -------
    TrajectoryProblem

    Raises
    ------
    DataError, ParameterError, OptionError, ConditionError
        Naming the trajectory, entry or option at fault.

    Examples
    --------
    >>> import numpy as np
    >>> t = np.linspace(0.0, 2.0, 9)
    >>> p = trajectories(lambda t, y, p: -p.k * y, t, np.exp(-1.5 * t), unknown={"k": 1.0}, initial=1.0)
    >>> p.layout.names
    ('k',)
    """
    if grid not in ("each", "shared"):
        raise OptionError(f"grid must be 'each' or 'shared', got {grid!r}")
    if jacobian not in ("auto", "forward", "reverse"):
        raise OptionError(f"jacobian must be 'auto', 'forward' or 'reverse', got {jacobian!r}")
    with double():
        setting = setting_of(
            field, t, y, unknown, initial, sigma, start, observe, controls, jumps, doses, nan, mask
        ).with_options(
            solver=solver,
            rtol=rtol,
            atol=atol,
            shared=grid == "shared",
            max_steps=max_steps,
            loss=loss,
            errors=errors,
            jacobian=jacobian,
            regularise=regularise,
        )
        return TrajectoryProblem(setting)
