"""The contract of all methods: init, step, and what a step says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np

from sciopt._types import Array
from sciopt.linearise.base import Linearisation

__all__ = ["Method", "Step"]


@dataclass(slots=True, eq=False)
class Step:
    """What a method returns from one step.

    Attributes
    ----------
    theta
        New point, shape (P,); the old one if the step was rejected.
    state
        State after the step: a tuple, dict or dataclass of arrays only, so that it can be saved and compiled.
    accepted
        Whether theta moved.
    info
        Numbers for the history. Understood by the stop rules: ``reduction`` (actual decrease of the merit),
        ``predicted``, ``step`` (largest change relative to the parameter's size), ``gradient`` (largest cosine between
        r and a column of J). Customary: ``damping``, ``radius``, ``ratio``, ``rank``.
    request
        What the method asks of the next frame: ``rows`` (number), ``refresh``, ``stage``.
    estimate
        What to report instead of theta (averages); None = theta.
    lin
        The linearisation at the new theta on the same frame, if the method evaluated it.
    verdict
        ``(status name, sentence)`` when the method itself knows that it is finished, else None.
    """

    theta: Array
    state: Any
    accepted: bool
    info: dict[str, float] = field(default_factory=dict)
    request: Mapping[str, Any] = field(default_factory=dict)
    estimate: Array | None = None
    lin: Linearisation | None = None
    verdict: tuple[str, str] | None = None


@runtime_checkable
class Method(Protocol):
    """Turns linearisations into steps.

    A method is a frozen dataclass of options; all that changes lives in the state it returns.
    """

    def init(self, lin: Linearisation) -> Any:
        """Return the state at the start (arrays only)."""
        ...

    def step(self, lin: Linearisation, state: Any, key: int) -> Step:
        """Take one step from ``lin``; ``key`` is an integer that differs from step to step."""
        ...


def gradient_cosine(J: Array, r: Array, g: Array | None = None) -> float:
    """Return the largest cosine between r and a column of J: zero at a stationary point, free of units."""
    g = J.T @ r if g is None else g
    norms = np.sqrt(np.einsum("ij,ij->j", J, J)) * np.sqrt(r @ r)
    good = norms > 0
    return float(np.max(np.abs(g[good]) / norms[good], initial=0.0))


def relative_step(delta: Array, theta: Array, scale: Array) -> float:
    """Return the largest |delta_i| / max(|theta_i|, tiny scale_i)."""
    return float(np.max(np.abs(delta) / np.maximum(np.abs(theta), 1e-12 * scale), initial=0.0))
