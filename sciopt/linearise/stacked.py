"""The linearisation of a `Problem`: its conditions' rows, stacked."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sciopt._errors import ConditionError
from sciopt._types import Array
from sciopt.frames import BALANCE, Frame
from sciopt.linearise.base import Linearisation
from sciopt.linearise.lean import Lean
from sciopt.linearise.rows import Rows, real_rows, why
from sciopt.linearise.work import Work
from sciopt.problem import Problem

__all__ = ["Stacked"]


class Stacked(Linearisation):
    """Rows of all conditions and priors of a problem at theta.

    Outputs come from blocks (one a host condition, one for all JAX conditions together); whitening, weights and losses
    are applied here, once, whatever the kind of block.
    """

    _A: Array | None = None
    _tried: bool = False

    def __init__(self, problem: Problem, blocks: tuple[Any, ...], theta: Array, frame: Frame, work: Work) -> None:
        self.theta, self.frame, self.layout, self.work = theta, frame, problem.layout, work
        self.problem, self.pieces = problem, blocks
        self.structure, self.null = problem.structure, problem.null
        self._z: list[Array] = []
        self._parts: list[tuple[Array, Any]] = []

    def __getstate__(self) -> dict[str, Any]:
        """Keep the point, not what was computed at it: that is computed again."""
        kept = ("theta", "frame", "layout", "work", "problem", "pieces", "structure", "null")
        return {k: self.__dict__[k] for k in kept} | {"_z": [], "_parts": []}

    def at(self, theta: Array) -> Stacked:
        """Return the linearisation at another point of the same frame."""
        return Stacked(self.problem, self.pieces, theta, self.frame, self.work)

    @property
    def offers(self) -> frozenset[str]:
        """Products computed directly by the blocks."""
        if all(getattr(b, "sparse", False) for b in self.pieces):
            return frozenset({"sparse"})
        if all(getattr(b, "traced", False) for b in self.pieces):
            return frozenset({"dense", "jvp", "vjp", "second"})
        return frozenset({"dense"})

    @property
    def linear(self) -> bool:
        """Whether all outputs are known to be affine in theta."""
        return all(getattr(b, "linear", False) for b in self.pieces) and all(s.gaussian for s in self.specs)

    @property
    def collocated(self) -> bool:
        """Whether all rows are conditions on an ansatz that is linear in its coefficients."""
        return all(hasattr(b, "programs") and hasattr(b, "models") for b in self.pieces)

    @property
    def specs(self) -> list[Rows]:
        """The `Rows` of each condition on this frame, in order of the blocks."""
        self._ensure()
        return [self.frame.cache["rows", i] for block in self.pieces for i in block.indices]

    @property
    def rows(self) -> dict[str, slice]:
        """Condition name -> slice of r."""
        self._ensure()
        out, place = {}, 0
        for spec, (r, _) in zip(self.specs, self._parts, strict=True):
            out[spec.name] = slice(place, place + len(r))
            place += len(r)
        return out

    def _evaluate(self) -> tuple[float, Array]:
        self.work.spend()
        theta, frame = self.theta, self.frame
        lean = frame.cache.get("lean")
        found = None if lean is None else lean.evaluate(theta)
        if lean is not None and found is not None:
            f, r, z = found
            self._z, self._parts = [z], [(r, None)]
            if not math.isfinite(f):
                self._failed = why(lean.name, z, r)
            return f, r
        outputs = [
            pair for b in self.pieces for pair in zip(b.indices, b.outputs(theta, frame, self.work), strict=True)
        ]
        return self._from_outputs(outputs, frame.cache)

    def _from_outputs(self, outputs: list[tuple[int, Any]], cache: dict[Any, Any]) -> tuple[float, Array]:
        f, parts, zs = 0.0, [], []
        for i, raw in outputs:
            spec = cache.get(("rows", i))
            if raw is None:
                self._failed = f"condition {self.problem.conditions[i].name!r} could not be evaluated"
                return np.inf, np.full(1, np.nan)
            if spec is None:
                spec = cache["rows", i] = self._spec(i, raw)
            z = real_rows(raw)
            if spec.keep is not None:
                z = z[spec.keep]
            if len(z) != spec.size:
                if spec.complex and 2 * len(z) == spec.size:
                    z = np.concatenate([z, np.zeros_like(z)])
                else:
                    raise ConditionError(f"condition {spec.name!r} returned {len(z)} rows, {spec.size} at the start")
            value, r, c = spec.evaluate(z)
            if not np.isfinite(value) and self._failed is None:
                self._failed = why(spec.name, z, r)
            f += value
            parts.append((r, c))
            zs.append(z)
        self._z, self._parts = zs, parts
        if "lean" not in cache:
            cache["lean"] = Lean.of(self.pieces, [cache["rows", i] for i, _ in outputs], self.frame)
        return f, parts[0][0] if len(parts) == 1 else np.concatenate([p[0] for p in parts])

    def _spec(self, i: int, raw: Any) -> Rows:
        c = self.problem.conditions[i] if i < len(self.problem.conditions) else self.pieces[-1].condition
        kind = np.asarray(raw).dtype
        if kind in (np.float32, np.float16):
            self.work.note(f"condition {c.name!r} returned {kind}; promoted to float64")
        batch = self.frame.batches[i] if i < len(self.frame.batches) else self.pieces[-1].batch
        settings = self.frame.settings
        factor = float(settings.get(f"weight:{c.name}", 1.0)) * float(settings.get(f"{BALANCE}{c.name}", 1.0))
        return Rows(c, batch, raw, factor)

    def raw_jacobians(self) -> list[Any]:
        """Return the Jacobian of each condition's kept outputs, before whitening."""
        self._ensure()
        out, place = [], 0
        for b in self.pieces:
            k = len(b.indices)
            specs = self.specs[place : place + k]
            full = []
            for spec, z in zip(specs, self._z[place : place + k], strict=True):
                if spec.keep is None:
                    full.append(z)
                else:
                    whole = np.zeros(int(np.prod(spec.shape)) * (2 if spec.complex else 1))
                    whole[spec.keep] = z
                    full.append(whole)
            Js = b.jacobians(self.theta, self.frame, self.work, full)
            out += [J if s.keep is None else J[s.keep] for J, s in zip(Js, specs, strict=True)]
            place += k
        return out

    def _jacobians(self) -> list[Any]:
        self.work.njev += 1
        raw = self.raw_jacobians()
        return [s.scaled(J, c) for s, J, (_, c) in zip(self.specs, raw, self._parts, strict=True)]

    def augmented(self) -> Array:
        """Return J with r as a further column, (n, P + 1)."""
        A = self._short()
        return super().augmented() if A is None else A

    def _dense(self) -> Array:
        A = self._short()
        if A is not None:
            return A[:, :-1]
        parts = [J if isinstance(J, np.ndarray) else J.toarray() for J in self._jacobians()]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _short(self) -> Array | None:
        """Return (J, r) by the short way, None where it does not apply."""
        if self._A is None and not self._tried:
            self._tried = True
            r, lean, modes = self.r, self.frame.cache.get("lean"), self.work.modes
            if lean is None:
                return None
            if lean.index not in modes:
                with np.errstate(all="ignore"):
                    self.pieces[0].mode(self.theta, self.frame, self.work)
            if modes[lean.index] == "complex":
                self._A = lean.augmented(self.theta, r, self.work)
                self.work.njev += self._A is not None
        return self._A

    def _sparse(self) -> Any:
        from scipy import sparse

        if "sparse" not in self.offers:
            return sparse.csr_matrix(self.dense())
        parts = self._jacobians()
        return parts[0].tocsr() if len(parts) == 1 else sparse.vstack(parts).tocsr()

    def _products(self, name: str, V: Array) -> list[Any]:
        return [x for b in self.pieces for x in getattr(b, name)(self.theta, self.frame, self.work, V)]

    def jvp(self, V: Array) -> Array:
        """Return J V for V of shape (P,) or (P, k), without J where the blocks can."""
        if self._J is not None or "jvp" not in self.offers:
            return super().jvp(V)
        return np.concatenate(
            [
                s.scaled(d if s.keep is None else d[s.keep], c)
                for s, d, (_, c) in zip(self.specs, self._products("jvp", V), self._parts, strict=True)
            ]
        )

    def vjp(self, W: Array) -> Array:
        """Return J^T W for W of shape (n,) or (n, k), without J where the blocks can."""
        if self._J is not None or "vjp" not in self.offers or W.ndim > 1 or not all(self._diagonal):
            return super().vjp(W)
        cotangents, place = [], 0
        for s, (r, c) in zip(self.specs, self._parts, strict=True):
            w = np.asarray(s.scaled(W[place : place + len(r)], c))
            place += len(r)
            if s.keep is not None:
                whole = np.zeros(int(np.prod(s.shape)) * (2 if s.complex else 1))
                whole[s.keep] = w
                w = whole
            cotangents.append(w)
        total, place = np.zeros(self.layout.size), 0
        for b in self.pieces:
            total += b.vjp(self.theta, self.frame, self.work, cotangents[place : place + len(b.indices)])
            place += len(b.indices)
        return total

    @property
    def _diagonal(self) -> list[bool]:
        return [
            s.whitener is None and not hasattr(c, "rows") for s, (_, c) in zip(self.specs, self._parts, strict=True)
        ]

    def second(self, v: Array) -> Array:
        """Return the second derivative of r along v (scaled outputs; the row scale is held)."""
        if "second" not in self.offers:
            return super().second(v)
        self.work.columns += 2
        return np.concatenate(
            [
                s.scaled(d if s.keep is None else d[s.keep], c)
                for s, d, (_, c) in zip(self.specs, self._products("second", v), self._parts, strict=True)
            ]
        )

    def at_many(self, thetas: Any) -> list[Linearisation]:
        """Return linearisations at several points; JAX blocks evaluate them in one call."""
        thetas = [np.asarray(t, float) for t in thetas]
        if len(self.pieces) != 1 or not getattr(self.pieces[0], "traced", False) or len(thetas) < 2:
            return [self.at(t) for t in thetas]
        block, out = self.pieces[0], []
        for theta, raw in zip(thetas, block.outputs_many(np.stack(thetas), self.frame, self.work), strict=True):
            self.work.spend()
            new = self.at(theta)
            f, r = new._from_outputs(list(zip(block.indices, raw, strict=True)), self.frame.cache)
            new._f, new._r = (f if new._failed is None else np.inf), r
            out.append(new)
        return out

    def _reduction(self, other: Stacked) -> float:
        if self.frame.cache.get("lean") is not None or (len(self._parts) == 1 and self.specs[0].gaussian):
            d = self._r - other._r  # type: ignore[operator]
            return 0.5 * float(d @ (self._r + other._r))  # type: ignore[operator]
        return sum(
            s.decrease(z, z2, r, r2)
            for s, z, z2, (r, _), (r2, _) in zip(self.specs, self._z, other._z, self._parts, other._parts, strict=True)
        )
