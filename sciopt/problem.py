"""Problem: named conditions on one unknown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sciopt._errors import ConditionError, OptionError, ParameterError
from sciopt._merge import merged, renamed_unknown
from sciopt._placed import asked, balanced, planned, read
from sciopt._types import Array, Tree
from sciopt.condition import Condition, bind
from sciopt.frames import BALANCE, Frame, Stage
from sciopt.layout import Layout
from sciopt.parameters import Parameter
from sciopt.points import Batch, Fixed

__all__ = ["Problem"]

STRUCTURES = ("rectangular", "square", "symmetric")
ELIMINATIONS = ("kaufman", "full")


class Problem:
    """Residual conditions on an unknown, ready to be solved.

    Parameters
    ----------
    conditions
        A `Condition`, a list of them, or a bare residual function ``residual(unknown) -> array``.
    unknown
        Any pytree of start values: numbers, arrays, dicts of `Parameter`, an equinox module. On points of a domain it
        may be left out: an ansatz is then chosen from the conditions, and ``plan`` says which.
    args
        Further objects passed untouched to a bare residual function.
    jacobian, pattern, sigma, weight
        For a bare residual function: as in `Condition`.
    structure
        ``"rectangular"`` (least squares), ``"square"`` or ``"symmetric"``: J delta = -r is solved as it stands.
    null
        Known null vector(s) of a symmetric J, shape (P,) or (P, k).
    stages
        Settings that the solve passes through; see `Stage`.
    linear
        Names of unknowns that enter linearly; methods move the others alone, these are solved for at every point.
    elimination
        Jacobian of the reduced problem: ``"kaufman"`` (cheaper, exact gradient) or ``"full"`` (Golub and Pereyra).

    Raises
    ------
    ConditionError, ParameterError, OptionError
        Naming the condition or parameter at fault.

    Examples
    --------
    >>> import numpy as np
    >>> p = Problem(lambda v: np.array([v[0] - 1, 10 * (v[1] - v[0] ** 2)]), unknown=np.zeros(2))
    >>> p.layout.size
    2
    """

    def __init__(
        self,
        conditions: Condition | Callable[..., Any] | Sequence[Condition],
        unknown: Tree = None,
        *,
        args: tuple[Any, ...] = (),
        jacobian: Any = None,
        pattern: Any = None,
        sigma: Any = None,
        weight: float | None = None,
        structure: str = "rectangular",
        null: Any = None,
        stages: Sequence[Stage] = (),
        linear: Sequence[str] = (),
        elimination: str = "kaufman",
    ) -> None:
        if isinstance(conditions, Condition):
            listed = [conditions]
        elif callable(conditions):
            listed = [
                Condition(
                    conditions,
                    "residual",
                    jacobian=jacobian or "auto",
                    pattern=pattern,
                    args=tuple(args),
                    sigma=sigma,
                    weight=weight,
                )
            ]
        else:
            listed = list(conditions)
        if not listed:
            raise ConditionError("Problem has no conditions")
        given = {"args": args or None, "jacobian": jacobian, "pattern": pattern, "sigma": sigma, "weight": weight}
        if not callable(conditions) and any(v is not None for v in given.values()):
            name = next(k for k, v in given.items() if v is not None)
            raise OptionError(f"{name}= belongs to a bare residual function; give it to the Condition instead")
        for c in listed:
            if not isinstance(c, Condition):
                raise ConditionError(f"conditions must be Condition objects (use @condition), got {type(c).__name__}")
        self.plan: Any = None
        if unknown is None:
            self.plan = planned(_distinct(listed))
            listed, unknown = self.plan.first()
        self.conditions = tuple(_distinct(listed))
        if structure not in STRUCTURES:
            raise OptionError(f"unknown structure={structure!r}; choose one of {STRUCTURES}")
        self.structure = structure
        self.null = None if null is None else np.asarray(null, float)
        self.stages = tuple(stages) or (Stage(),)
        self.unknown = unknown
        self.layout = Layout.of(unknown)
        if elimination not in ELIMINATIONS:
            raise OptionError(f"unknown elimination={elimination!r}; choose one of {ELIMINATIONS}")
        self.linear, self.elimination = (linear,) if isinstance(linear, str) else tuple(linear), elimination
        if self.linear:
            _check_linear(self.linear, self.layout, structure)
        self._moving = not all(isinstance(c.points, Fixed) for c in self.conditions)
        self.adaptive = any(getattr(c.points, "adaptive", False) for c in self.conditions)  # points follow residuals
        sample = [c.points.first(_rng(c, 0, 0, 0)).coords for c in self.conditions]
        self.bindings = tuple(
            bind(c, unknown, self.stages[0].settings, s, self.layout.simple)
            for c, s in zip(self.conditions, sample, strict=True)
        )

    def frame(
        self,
        theta: Array,
        previous: Frame | None = None,
        request: Mapping[str, Any] | None = None,
        key: int = 0,
        step: int = 0,
    ) -> Frame:
        """Return the frame for the next step; ``previous`` itself means that nothing changed.

        Parameters
        ----------
        theta
            Current point, shape (P,); problem kinds choose their step grids and lists from it.
        previous
            Frame of the last step, or None at the start.
        request
            What is asked of the frame: ``rows``, ``refresh``, ``stage``; ``plateau`` when a verdict is due; ``residuals``,
            a function (place of a condition, coordinates) for points that follow the residual.
        key, step
            Integer key of the solve and number of the step; together they determine all random choices.
        """
        if previous is not None and not request and not self._moving:
            return previous
        request = request or {}
        if previous is None:
            batches = tuple(c.points.first(_rng(c, key, step, i)) for i, c in enumerate(self.conditions))
            return Frame(batches, 0, step, {**self.stages[0].settings, **balanced(self, theta)})
        stage = min(previous.stage + 1, len(self.stages) - 1) if request.get("stage") else previous.stage
        batches = previous.batches
        if self._moving:
            batches = tuple(
                c.points.following(b, asked(request, i), step, _rng(c, key, step, i))
                for i, (c, b) in enumerate(zip(self.conditions, batches, strict=True))
            )
        if stage == previous.stage and all(a is b for a, b in zip(batches, previous.batches, strict=True)):
            return previous
        kept = {k: v for k, v in previous.settings.items() if k.startswith(BALANCE)}
        return Frame(batches, stage, step, {**self.stages[stage].settings, **kept}, previous.extra)

    def coords(self, frame: Frame, i: int) -> Batch:
        """Return the batch of condition i."""
        return frame.batches[i]

    def field(self, solution: Any, name: str) -> Any:
        """Return an unknown function of a solution as the points of the conditions make it, or None."""
        return read(self.conditions, solution, name)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the conditions."""
        return tuple(c.name for c in self.conditions)

    def renamed(self, **names: str) -> Problem:
        """Return a copy whose parameters have other names: ``p.renamed(A="A1")`` keeps A apart in a sum."""
        if not isinstance(self.unknown, dict):
            raise ParameterError("renamed needs an unknown that is a dict of named parameters")
        unknown = renamed_unknown(self.unknown, names)
        return self._copy(
            [c.renamed(names) for c in self.conditions], unknown, tuple(names.get(n, n) for n in self.linear)
        )

    def started(self, **values: Any) -> Problem:
        """Return a copy with other start values."""
        if not isinstance(self.unknown, dict):
            raise ParameterError("started needs an unknown that is a dict of named parameters; give solve(start=...)")
        unknown = dict(self.unknown)
        for name, value in values.items():
            if name not in unknown:
                raise ParameterError(f"no parameter named {name!r}; parameters: {', '.join(map(str, unknown))}")
            old = unknown[name]
            if not isinstance(value, Parameter) and np.asarray(value).dtype.kind not in "iufc":
                raise ParameterError(f"parameter {name!r}: start must be a number or an array, got {value!r}")
            if isinstance(old, Parameter) and not isinstance(value, Parameter):
                value = replace(old, value=value, name=old.name or name)
            unknown[name] = value
        return self._copy(list(self.conditions), unknown, self.linear)

    def _copy(self, conditions: list[Condition], unknown: Tree, linear: tuple[str, ...]) -> Problem:
        return Problem(
            conditions,
            unknown,
            structure=self.structure,
            null=self.null,
            stages=self.stages,
            linear=linear,
            elimination=self.elimination,
        )

    def __add__(self, other: Problem) -> Problem:
        """Return the problem with the conditions of both; parameters of the same name are shared."""
        if not isinstance(other, Problem):
            return NotImplemented
        if not (isinstance(self.unknown, dict) and isinstance(other.unknown, dict)):
            raise ParameterError("problems can be added if both unknowns are dicts of named parameters")
        if self.structure != other.structure:
            raise OptionError(f"cannot add a {self.structure} and a {other.structure} problem")
        if self.null is not None or other.null is not None:
            raise OptionError(
                "the null vectors of a sum of problems are not known; build it with Problem(..., null=...)"
            )
        if self.linear and other.linear and self.elimination != other.elimination:
            raise OptionError(f"cannot add elimination={self.elimination!r} and {other.elimination!r}")
        unknown = dict(self.unknown)
        for key, value in other.unknown.items():
            unknown[key] = merged(key, unknown[key], value) if key in unknown else value
        mine = [c.within(self.unknown) for c in self.conditions]
        theirs = [c.within(other.unknown) for c in other.conditions]
        return Problem(
            [*mine, *theirs],
            unknown,
            structure=self.structure,
            stages=_stages_of(self.stages, other.stages),
            linear=tuple(dict.fromkeys(self.linear + other.linear)),
            elimination=self.elimination if self.linear else other.elimination,
        )

    def __radd__(self, other: Any) -> Problem:
        """Let ``sum(problems)`` work."""
        return self if other == 0 else NotImplemented

    def __repr__(self) -> str:
        """Summarise conditions and unknown."""
        free = self.layout.names
        shown = ", ".join(free[:6]) + (f", ... ({len(free)})" if len(free) > 6 else "")
        return f"Problem(conditions: {', '.join(self.names)}; unknown: {shown})"


def _stages_of(a: tuple[Stage, ...], b: tuple[Stage, ...]) -> tuple[Stage, ...]:
    alone = (Stage(),)
    if a != b and alone not in (a, b):
        raise OptionError("cannot add problems with different stages; build the sum with Problem(..., stages=...)")
    return b if a == alone else a


def _check_linear(linear: tuple[str, ...], layout: Layout, structure: str) -> None:
    if structure != "rectangular":
        raise OptionError(f"linear= eliminates unknowns from a least-squares problem; structure={structure!r} is none")
    free = {leaf.name: leaf for leaf in layout.leaves if leaf.start >= 0}
    for name in linear:
        if name not in free:
            raise ParameterError(
                f"linear={name!r} is not a free parameter of this problem; free parameters: {', '.join(list(free)[:20])}"
            )
        if np.isfinite(free[name].parameter.limits).any():
            raise ParameterError(
                f"parameter {name!r} is declared linear but has bounds, which its closed form cannot keep; drop one"
            )


def _rng(c: Condition, key: int, step: int, i: int) -> np.random.Generator:
    """Return the generator of a condition at a step; fixed points draw nothing, so they share one."""
    return _NO_DRAWS if isinstance(c.points, Fixed) else np.random.default_rng([key, step, i])


_NO_DRAWS = np.random.default_rng(0)


def _distinct(conditions: list[Condition]) -> list[Condition]:
    seen: dict[str, int] = {}
    out = []
    for c in conditions:
        seen[c.name] = seen.get(c.name, 0) + 1
        out.append(c if seen[c.name] == 1 else replace(c, name=f"{c.name}#{seen[c.name]}"))
    return out
