"""Host conditions: plain numpy functions, differentiated by complex step or by differences."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from sciopt._errors import ConditionError
from sciopt._types import Array
from sciopt.condition import Binding, Condition, split
from sciopt.frames import Frame
from sciopt.layout import Layout
from sciopt.linearise.rows import real_rows
from sciopt.linearise.work import Work

__all__ = ["HostBlock"]

TINY = 1e-30  # complex step: exact to rounding however small
TROUBLE = (ArithmeticError, np.linalg.LinAlgError)


class HostBlock:
    """Evaluates one condition in numpy.

    The Jacobian is the user's, else by complex step where the function accepts complex input (checked once a solve
    against a central difference along a random direction), else by central differences.
    """

    def __init__(self, index: int, condition: Condition, binding: Binding, layout: Layout) -> None:
        self.indices = (index,)
        self.index, self.condition, self.binding, self.layout = index, condition, binding, layout
        self.pointwise = not condition.batched and condition.points is not None
        self.sparse = condition.pattern is not None
        self._direct = binding.direct and condition.batched and not condition.args
        self.lean = self._direct and condition.pattern is None and not callable(condition.jacobian)

    # ---- outputs --------------------------------------------------------------------------------------------------
    def raw(self, theta: Any, frame: Frame) -> Any:
        """Return the function's output at theta (may be complex-step)."""
        coords = frame.batches[self.index].coords
        c = self.condition
        if self._direct:
            return c.function(*split(coords, c.columns), *theta)
        tree = self.layout.tree(theta)
        columns = split(coords, c.columns)
        if c.batched or coords is None or c.columns == ("*",):
            return c.function(*self.binding.arguments(tree, columns, frame.settings, c.args))
        points = zip(*columns, strict=True)
        parts = [c.function(*self.binding.arguments(tree, p, frame.settings, c.args)) for p in points]
        return np.array(parts)

    def outputs(self, theta: Array, frame: Frame, work: Work) -> list[Any]:
        """Return the raw output of the condition, one entry."""
        try:
            return [self.raw(theta, frame)]
        except TROUBLE as error:
            work.note(f"condition {self.condition.name!r} raised {type(error).__name__} at a trial point: {error}")
            return [None]

    # ---- Jacobian -------------------------------------------------------------------------------------------------
    def jacobians(self, theta: Array, frame: Frame, work: Work, z: list[Array]) -> list[Any]:
        """Return d z / d theta, shape (n_z, P), for the flat real outputs z."""
        with np.errstate(all="ignore"):
            return [self._jacobian(theta, frame, work, z[0])]

    def _jacobian(self, theta: Array, frame: Frame, work: Work, z: Array) -> Any:
        c = self.condition
        if callable(c.jacobian):
            return self._user(theta, frame, z)
        if self.condition.pattern is not None:
            from sciopt.linearise.sparse import coloured_differences

            return coloured_differences(self, theta, frame, work, z)
        if self.mode(theta, frame, work) == "complex":
            J = self._complex_step(theta, frame, len(z), work)
            if J is not None:
                return J
            work.modes[self.index] = "difference"
        return self._differences(theta, frame, work, z)

    def mode(self, theta: Array, frame: Frame, work: Work) -> str:
        """Return how to differentiate, ``"complex"`` or ``"difference"``; chosen once a solve."""
        mode = work.modes.get(self.index)
        if mode is None:
            mode = work.modes[self.index] = self._choose(theta, frame, work)
        return mode

    def _user(self, theta: Array, frame: Frame, z: Array) -> Any:
        c = self.condition
        columns = split(frame.batches[self.index].coords, c.columns)
        arguments = self.binding.arguments(self.layout.tree(theta), columns, frame.settings, c.args)
        J = c.jacobian(*arguments)
        if hasattr(J, "tocsr"):
            J = J.tocsr()
        else:
            if isinstance(J, (tuple, list)):  # one array for each parameter
                J = np.stack([np.broadcast_to(np.asarray(col, float), z.shape) for col in J], axis=-1)
            J = np.asarray(J)
            if J.dtype.kind == "c":
                J = np.concatenate([np.real(J), np.imag(J)])
            J = np.asarray(J, float)
            J = J.reshape(-1, J.shape[-1]) if J.ndim > 1 else J[:, None]
        if J.shape != (len(z), self.layout.size):
            raise ConditionError(
                f"condition {c.name!r}: the user's Jacobian has shape {J.shape}, expected ({len(z)} rows, "
                f"{self.layout.size} free parameters: {', '.join(self.layout.names[:8])})"
            )
        return J

    def _choose(self, theta: Array, frame: Frame, work: Work) -> str:
        c = self.condition
        if c.jacobian in ("complex", "difference"):
            return c.jacobian
        if self.layout.has_complex or (c.target is not None and np.asarray(c.target).dtype.kind == "c"):
            return "difference"
        return "complex" if self._complex_is_right(theta, frame, work) else "difference"

    def _complex_is_right(self, theta: Array, frame: Frame, work: Work) -> bool:
        """Compare the complex-step derivative with a central difference along one direction."""
        spread = 0.5 + 0.5 * np.modf(0.618033988749895 * np.arange(1, theta.size + 1))[0]
        v = spread * self._sizes(theta)
        h = 1e-5
        try:
            with warnings.catch_warnings():  # a function that drops imaginary parts: numpy only warns of that
                warnings.simplefilter("error", np.exceptions.ComplexWarning)
                z: Any = np.asarray(self.raw(theta + 1j * TINY * v, frame))
            if z.dtype.kind != "c":
                return False
            plus, minus = real_rows(self.raw(theta + h * v, frame)), real_rows(self.raw(theta - h * v, frame))
        except (TypeError, ValueError, np.exceptions.ComplexWarning, *TROUBLE):
            return False
        work.columns += 3
        approx = (plus - minus) / (2 * h)
        exact = z.imag.ravel() / TINY
        if exact.shape != approx.shape or not np.isfinite(np.add.reduce(exact)):
            return False
        good = np.isfinite(approx)
        if not good.all():
            exact, approx, plus = exact[good], approx[good], plus[good]
        if not approx.size:
            return True
        size = np.abs(approx)
        noise = 1e-10 * float(np.maximum.reduce(np.abs(plus))) / h  # rounding of the difference
        allowed = 1e-3 * (size + float(np.maximum.reduce(size))) + noise
        if not (np.abs(exact - approx) <= allowed).all():
            return False
        work.modes["direction", self.index] = (theta, v, np.imag(z) / TINY)  # by which `Lean` checks its columns
        return True

    def _sizes(self, theta: Array) -> Array:
        """Typical size of each parameter: its value, or Parameter.scale at zero."""
        size = np.abs(theta)
        return np.where(size > 0, size, np.maximum(np.abs(self.layout.start), 1e-3 * self.layout.scale))

    def _complex_step(self, theta: Array, frame: Frame, n: int, work: Work) -> Array | None:
        P = theta.size
        out = np.empty((P, n))
        moved = theta.astype(complex)
        raw = self.raw
        for j in range(P):
            h = TINY * (abs(theta[j]) or 1.0)
            moved[j] = complex(theta[j], h)
            z = np.asarray(raw(moved, frame))
            if z.dtype.kind != "c":  # the output does not depend on theta_j
                out[j] = 0.0
            else:
                out[j] = np.imag(z).ravel()
                out[j] /= h
            moved[j] = theta[j]
        work.columns += P
        return out.T if np.isfinite(out).all() else None

    def _differences(self, theta: Array, frame: Frame, work: Work, z: Array) -> Any:
        P = theta.size
        out = np.empty((P, len(z)))
        steps = np.cbrt(np.finfo(float).eps) * self._sizes(theta)
        for j in range(P):
            out[j] = self.difference(lambda t: real_rows(self.raw(t, frame)), theta, j, steps[j], z, work)
        return out.T

    def difference(self, call: Callable[[Array], Array], theta: Array, j: int, h: float, z: Array, work: Work) -> Array:
        """Return the derivative along theta_j by a second-order difference, one-sided where a bound is in the way."""
        lower, upper = self.layout.lower[j], self.layout.upper[j]
        moved = theta.copy()
        work.columns += 2

        def value(k: float) -> Array:
            moved[j] = theta[j] + k * h
            return call(moved)

        if theta[j] + h <= upper and theta[j] - h >= lower:
            plus, minus = value(1.0), value(-1.0)
            span = (theta[j] + h) - (theta[j] - h)
            d = (plus - minus) / span
            if np.isfinite(d).all():
                return d
        sign = 1.0 if theta[j] + 2 * h <= upper else -1.0
        one, two = value(sign), value(2 * sign)
        return sign * (4 * one - 3 * z - two) / (2 * h)
