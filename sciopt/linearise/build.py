"""Choose the kind of linearisation of each condition and build it."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import numpy as np

from sciopt._errors import ConditionError
from sciopt._tree import flatten
from sciopt._types import Array
from sciopt.condition import Condition
from sciopt.frames import Frame
from sciopt.linearise.base import Linearisation
from sciopt.linearise.host import HostBlock
from sciopt.linearise.prior import PriorBlock, has_prior
from sciopt.linearise.stacked import Stacked
from sciopt.linearise.work import Work
from sciopt.linearise.zeroth import ZerothBlock

__all__ = ["blocks_of", "linearise"]

BLIND = "does not use the unknown: its output is the same whatever u is; does the function take and call u?"
LARGE = 100_000  # entries of J above which a numpy-style function is worth a try with JAX


def linearise(
    problem: Any, theta: Array | None = None, frame: Frame | None = None, work: Work | None = None
) -> Linearisation:
    """Return the linearisation of a problem at theta on a frame.

    Parameters
    ----------
    problem
        A `Problem`, or any object with ``layout``, ``frame`` and its own ``linearise(theta, frame, work)``.
    theta
        Point of shape (P,); the start by default.
    frame
        A frame of the problem; its first one by default.
    work
        Counters to use; new ones by default.

    Examples
    --------
    >>> import numpy as np
    >>> from sciopt.problem import Problem
    >>> lin = linearise(Problem(lambda v: v - 3.0, unknown=np.zeros(2)))
    >>> lin.f, lin.dense().tolist()
    (9.0, [[1.0, 0.0], [0.0, 1.0]])
    """
    work = work if work is not None else Work()
    theta = np.array(problem.layout.start if theta is None else theta, dtype=np.float64)
    if theta.shape != (problem.layout.size,):
        raise ConditionError(f"theta has shape {theta.shape}, the problem has {problem.layout.size} free parameters")
    frame = problem.frame(theta) if frame is None else frame
    assert frame is not None
    if hasattr(problem, "linearise"):
        return problem.linearise(theta, frame, work)
    blocks = work.modes.get("blocks")
    if blocks is None:
        blocks = work.modes["blocks"] = blocks_of(problem, theta, frame, work)
    if work.mesh is not None:
        return _spread(problem, blocks, theta, frame, work)
    return _kind(problem, blocks, theta, frame, work)(problem, blocks, theta, frame, work)


def _spread(problem: Any, blocks: tuple[Any, ...], theta: Array, frame: Frame, work: Work) -> Linearisation:
    """Return the linearisation with rows spread over the devices of a mesh."""
    from sciopt.linearise.sharded import Sharded, ShardedBlock

    if not isinstance(blocks[0], ShardedBlock):
        if not Sharded.fits(blocks, problem.layout) or problem.structure != "rectangular":
            names = ", ".join(problem.names)
            raise ConditionError(
                f"mesh= spreads conditions of a point in JAX; conditions {names} are not all of this kind"
            )
        blocks = work.modes["blocks"] = (ShardedBlock(blocks[0], work.mesh),)
    return Sharded(problem, blocks, theta, frame, work)


def _kind(problem: Any, blocks: tuple[Any, ...], theta: Array, frame: Frame, work: Work) -> type[Stacked]:
    """Return the streamed kind where J would take more than the memory budget and can be streamed."""
    rows = sum(b.n or 0 for b in frame.batches)
    if 8.0 * rows * theta.size <= work.memory or problem.structure != "rectangular":
        return Stacked
    from sciopt.linearise.streamed import Streamed

    return Streamed if Streamed.fits(blocks, problem.layout) else Stacked


def blocks_of(problem: Any, theta: Array, frame: Frame, work: Work) -> tuple[Any, ...]:
    """Return the blocks of a problem: host conditions, all JAX conditions together, priors."""
    layout, blocks, traced = problem.layout, [], []
    foreign = _uses_jax(problem)
    for i, (c, b) in enumerate(zip(problem.conditions, problem.bindings, strict=True)):
        if c.jacobian == "zeroth":
            blocks.append(ZerothBlock(i, c, b, layout))
        elif _wants_jax(c, foreign, layout.size, frame.batches[i].n) or _returns_jax(
            c, HostBlock(i, c, b, layout), theta, frame
        ):
            traced.append(i)
        else:
            blocks.append(HostBlock(i, c, b, layout))
    if traced:
        blocks = [*_traced(problem, traced, theta, frame, work), *blocks]
    if any(has_prior(leaf) for leaf in layout.leaves):
        blocks.append(PriorBlock(len(problem.conditions), layout))
    return tuple(blocks)


def _traced(problem: Any, indices: list[int], theta: Array, frame: Frame, work: Work) -> list[Any]:
    from sciopt.linearise.autodiff import JaxBlock

    good, host = [], []
    jets = _jets(problem.layout)
    for i in indices:
        c, b = problem.conditions[i], problem.bindings[i]
        if jets is not None and _accepted(jets, i, c, b, frame):
            if i in jets.blind and hasattr(c.points, "domain"):
                raise ConditionError(f"condition {c.name!r} {BLIND}")
            continue
        if c.jacobian in ("forward", "reverse", "per_sample"):
            good.append(i)
            continue
        try:  # traced alone first, so that one function that JAX cannot trace does not spoil the others
            block = JaxBlock((i,), [c], [b], problem.layout)
            alone = Frame(frame.batches, frame.stage, frame.step, frame.settings)
            block.check(theta, alone)
            if hasattr(c.points, "domain") and not block.uses(theta, alone):
                raise ConditionError(f"condition {c.name!r} {BLIND}")
            good.append(i)
        except ConditionError:
            raise
        except Exception as error:  # the user's function may fail in any way under tracing
            if _needs_jax(problem):
                raise ConditionError(
                    f"condition {c.name!r} failed under JAX tracing: {type(error).__name__}: {error}"
                ) from error
            work.note(f"condition {c.name!r} cannot be traced by JAX ({type(error).__name__}); differentiated in numpy")
            host.append(HostBlock(i, c, b, problem.layout))
    blocks: list[Any] = host if jets is None or not jets.indices else [jets, *host]
    if good:
        conditions = [problem.conditions[i] for i in good]
        bindings = [problem.bindings[i] for i in good]
        blocks = [JaxBlock(tuple(good), conditions, bindings, problem.layout), *blocks]
    return blocks


def _jets(layout: Any) -> Any:
    """Return the block for conditions on a linear ansatz, or None if the unknown contains none."""
    if not _foreign(layout.unknown):
        return None
    from sciopt.linearise.jets import JetBlock

    return JetBlock(layout) if JetBlock.usable(layout) else None


def _accepted(jets: Any, i: int, c: Condition, b: Any, frame: Frame) -> bool:
    """Whether the block takes a condition; one that fails is told of by the block that takes it instead."""
    try:
        return jets.accept(i, c, b, frame)
    except Exception:  # the user's function may fail in any way
        return False


def _uses_jax(problem: Any) -> bool:
    """Whether the unknown holds JAX arrays or modules, or the points ask for it."""
    return "jax" in sys.modules and (_needs_jax(problem) or any(_is_jax(c.points) for c in problem.conditions))


def _needs_jax(problem: Any) -> bool:
    return any(
        _is_jax(leaf) or (not isinstance(leaf, (str, bytes)) and callable(leaf))
        for _, leaf in flatten(problem.unknown)
        if leaf is not None
    ) or _foreign(problem.unknown)


def _is_jax(x: Any) -> bool:
    kind = type(getattr(x, "value", x)).__module__
    return kind.startswith(("jax", "jaxlib")) or bool(getattr(x, "traced", False))


def _foreign(tree: Any) -> bool:
    if isinstance(tree, dict):
        return any(map(_foreign, tree.values()))
    if isinstance(tree, (list, tuple)):
        return any(map(_foreign, tree))
    return any(kind.__module__.split(".")[0] == "equinox" for kind in type(tree).__mro__)


def _returns_jax(c: Condition, block: HostBlock, theta: Array, frame: Frame) -> bool:
    """Whether a plain-looking model computes in JAX: on the host it would run in single precision."""
    if "jax" not in sys.modules or c.jacobian != "auto" or c.pattern is not None:
        return False
    if _mentions_jax(c.function):
        return True
    try:
        return type(block.raw(theta, frame)).__module__.startswith("jax")
    except Exception:  # whatever the model raises is reported when it is evaluated in earnest
        return False


def _mentions_jax(function: Any) -> bool:
    """Whether a function's own code names something of JAX: then it need not be run, operation by operation, to see."""
    code = getattr(function, "__code__", None)
    if code is None:
        return False
    try:
        named = [c.cell_contents for c in function.__closure__ or ()]
    except ValueError:  # a cell that is not filled yet
        named = []
    named += [function.__globals__[n] for n in code.co_names if n in function.__globals__]
    return any((getattr(x, "__name__", None) or "").split(".")[0] == "jax" for x in named if type(x) is ModuleType)


def _wants_jax(c: Condition, foreign: bool, P: int, n: int | None) -> bool:
    if c.jacobian in ("forward", "reverse", "per_sample"):
        return True
    if callable(c.jacobian) or c.jacobian in ("host", "complex", "difference") or c.pattern is not None:
        return False
    return foreign or (n or 1) * P > LARGE
