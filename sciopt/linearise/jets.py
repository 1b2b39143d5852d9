"""Conditions on a linear ansatz: the basis enters through its derivatives at each point, on the host.

A condition sees its unknown function only through value and derivatives at the point where it is written. Those few
numbers (the jet) are all that JAX traces; the columns of J are then sums of basis derivatives, formed by BLAS. One
compiled function serves every basis of every size and any number of points.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sciopt._types import Array
from sciopt.condition import Binding, Condition, split
from sciopt.frames import Frame
from sciopt.layout import Layout
from sciopt.linearise.autodiff import double
from sciopt.linearise.jet_program import MARK, JetProgram, emptied, evaluate, indices_of, linear_models
from sciopt.linearise.program import Spec
from sciopt.linearise.work import Work

__all__ = ["JetBlock"]

CHUNK = 512  # points in one call: all sizes share one compiled function
ORDERS = (2, 3, 4, 6)  # of the jets tried until the condition does not look beyond
KEPT = 6_000_000  # entries of basis derivatives kept on a frame


class JetBlock:
    """Evaluates conditions on unknowns that contain linear ansaetze."""

    traced = False

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.models = linear_models(layout.unknown)
        self.leaves = [layout.leaves[i] for i, _ in self.models]
        self.small = Layout.of({"unknown": emptied(layout.unknown), "pad": 0.0})
        self.spec = Spec.of(self.small)
        marks = [str(leaf.tree_value).startswith(MARK) for leaf in self.small.leaves]
        self.places = tuple(int(i) for i in np.flatnonzero(marks))
        self.fixed = self.spec.fixed_values(self.small)
        taken = np.zeros(layout.size, bool)
        for leaf in self.leaves:
            taken[leaf.slice] = True
        self.rest = np.flatnonzero(~taken)  # places of the further unknowns in theta; the pad comes last in `small`
        self.indices: tuple[int, ...] = ()
        self.blind: tuple[int, ...] = ()  # conditions whose derivatives all vanish
        self.programs: tuple[JetProgram, ...] = ()
        self.names: list[str] = []
        self.linear = True
        self.sparse = any(getattr(m, "sparse", False) for _, m in self.models)

    @staticmethod
    def usable(layout: Layout) -> bool:
        """Whether an unknown contains a linear ansatz with real coefficients, all of them free."""
        found = linear_models(layout.unknown)
        return bool(found) and all(layout.leaves[i].start >= 0 and not layout.leaves[i].complex for i, _ in found)

    def accept(self, i: int, c: Condition, binding: Binding, frame: Frame) -> bool:
        """Take a condition if it looks at its unknown functions only at its points; remember whether it is linear."""
        coords = frame.batches[i].coords
        if c.batched or c.args or coords is None or c.jacobian not in ("auto", "per_sample"):
            return False
        columns = split(coords, c.columns)
        d = np.shape(columns[0])[1] if np.ndim(columns[0]) > 1 else 1
        rng = np.random.default_rng(0)
        n = min(len(columns[0]), 32)
        sample = tuple(np.asarray(column[:n]) for column in columns)
        small = np.append(self.layout.start[self.rest], 0.0)
        for order in ORDERS:
            program = JetProgram(c.function, binding, c.columns, self.spec, self.places, indices_of(d, order))
            jets = [rng.standard_normal((n, *_lead(m), len(program.table))) for _, m in self.models]
            z, (A, B) = self._call(program, jets, small, sample, frame)
            if not np.isfinite(z).all():
                return False
            if (self._call(program, jets, small, sample, frame, 1.0)[0] == z).all():
                break
        else:
            return False
        more = [jet + rng.standard_normal(jet.shape) for jet in jets]
        _, (A2, B2) = self._call(program, more, small + rng.standard_normal(small.shape), sample, frame)
        pairs = list(zip([*A, B], [*A2, B2], strict=True))
        self.linear &= all(
            np.max(np.abs(a - b), initial=0.0) <= 1e-9 * np.max(np.abs(a), initial=1e-300) for a, b in pairs
        )
        if not any(np.any(a) or np.any(b) for a, b in pairs):
            self.blind += (i,)
        self.indices += (i,)
        self.programs += (program,)
        self.names.append(c.name)
        return True

    # ---- the protocol of blocks -------------------------------------------------------------------------------------
    def outputs(self, theta: Array, frame: Frame, work: Work) -> list[Any]:
        """Return the outputs of the conditions."""
        return [self._at(k, theta, frame)[0] for k in range(len(self.indices))]

    def jacobians(self, theta: Array, frame: Frame, work: Work, z: list[Array]) -> list[Any]:
        """Return the Jacobians (n_i, P), dense, or sparse where the basis is local."""
        out = []
        for k, i in enumerate(self.indices):
            value, (A, B) = self._at(k, theta, frame)
            parts = np.iscomplexobj(value) + 1
            n, count = len(value), int(np.prod(value.shape[1:]))
            rows = [
                np.moveaxis(a.reshape(n, parts, count, *a.shape[a.ndim - _depth(m) :]), 1, 0)
                for a, (_, m) in zip(A, self.models, strict=True)
            ]
            rest = np.moveaxis(B.reshape(n, parts, count, -1), 1, 0)
            out.append(self._assembled(k, i, rows, rest, frame))
        return out

    # ---- parts --------------------------------------------------------------------------------------------------------
    def _assembled(self, k: int, i: int, rows: list[Array], rest: Array, frame: Frame) -> Any:
        from scipy import sparse

        parts, n, count = rest.shape[:3]
        total = parts * n * count
        blocks: list[tuple[int, Any]] = []
        for a, (_, model), leaf in zip(rows, self.models, self.leaves, strict=True):
            a = a if len(_lead(model)) else a[..., None, :]  # (parts, n, count, components, indices)
            for component in range(a.shape[3]):
                block: Any = None
                for q, index in enumerate(self.programs[k].table):
                    weights = a[:, :, :, component, q]
                    if not weights.any():
                        continue
                    basis = self._basis(i, model, index, frame)
                    if self.sparse:
                        picked = basis[np.tile(np.repeat(np.arange(n), count), parts)]
                        term = sparse.diags_array(weights.ravel()) @ picked
                    else:
                        term = (weights[..., None] * basis[None, :, None, :]).reshape(total, -1)
                    block = term if block is None else block + term
                if block is not None:
                    blocks.append((leaf.start + component * model.size, block))
        if not self.sparse:
            J = np.zeros((total, self.layout.size))
            for place, block in blocks:
                J[:, place : place + block.shape[1]] = block
            J[:, self.rest] = rest.reshape(total, -1)[:, :-1]
            return J
        columns, data = [], []
        for place, block in blocks:
            coo = sparse.coo_array(block)
            columns.append((coo.coords[0], coo.coords[1] + place))
            data.append(coo.data)
        for q, place in enumerate(self.rest):
            columns.append((np.arange(total), np.full(total, place)))
            data.append(rest.reshape(total, -1)[:, q])
        row = np.concatenate([c[0] for c in columns])
        column = np.concatenate([c[1] for c in columns])
        return sparse.csr_matrix((np.concatenate(data), (row, column)), shape=(total, self.layout.size))

    def _at(self, k: int, theta: Array, frame: Frame) -> tuple[Array, Any]:
        """Evaluate condition k at theta; the last evaluation on a frame is kept."""
        kept = frame.cache.get(("jets", k))
        if kept is not None and np.array_equal(kept[0], theta):
            return kept[1]
        i, program = self.indices[k], self.programs[k]
        columns = tuple(np.asarray(column) for column in split(frame.batches[i].coords, program.columns))
        jets = []
        for leaf, (_, model) in zip(self.leaves, self.models, strict=True):
            c = theta[leaf.slice].reshape(*_lead(model), model.size)
            jets.append(
                np.stack([(self._basis(i, model, a, frame) @ c.T).T for a in program.table], axis=-1)
                if c.any()
                else np.zeros((*_lead(model), len(columns[0]), len(program.table)))
            )
            if _lead(model):
                jets[-1] = np.moveaxis(jets[-1], 0, 1)
        result = self._call(program, jets, np.append(theta[self.rest], 0.0), columns, frame)
        frame.cache["jets", k] = (theta.copy(), result)
        return result

    def _basis(self, i: int, model: Any, index: tuple[int, ...], frame: Frame) -> Any:
        key = ("basis", i, id(model), index)
        found = frame.cache.get(key)
        if found is None:
            coords = frame.batches[i].coords
            points = (
                coords[0]
                if isinstance(coords, tuple)
                else next(iter(coords.values()))
                if isinstance(coords, dict)
                else coords
            )
            found = model.sparse_features(points, index) if self.sparse else model.features(points, index)
            if self.sparse or found.size <= KEPT:
                frame.cache[key] = found
        return found

    def _call(
        self,
        program: JetProgram,
        jets: list[Array],
        small: Array,
        columns: tuple[Array, ...],
        frame: Frame,
        alien: float = 0.0,
    ) -> tuple[Array, Any]:
        """Evaluate in chunks of one size, the last one filled up with its last point."""
        n = len(columns[0])
        settings = {key: float(v) for key, v in frame.settings.items() if not key.startswith("weight:")}
        found = []
        with double():
            for low in range(0, n, CHUNK):
                pick = np.minimum(np.arange(low, low + CHUNK), n - 1)
                z, (A, B) = evaluate(
                    program,
                    [jet[pick] for jet in jets],
                    small,
                    self.fixed,
                    settings,
                    alien,
                    tuple(_double(column[pick]) for column in columns),
                )
                count = min(CHUNK, n - low)
                found.append((np.asarray(z)[:count], [np.asarray(a)[:count] for a in A], np.asarray(B)[:count]))
        if len(found) == 1:
            z, A, B = found[0]
        else:
            z, B = np.concatenate([f[0] for f in found]), np.concatenate([f[2] for f in found])
            A = [np.concatenate([f[1][j] for f in found]) for j in range(len(jets))]
        return z, (A, B)


def _lead(model: Any) -> tuple[int, ...]:
    """Shape of the components: () for a scalar function, else (m,)."""
    return () if model.scalar else (np.shape(model.coefficients)[0],)


def _depth(model: Any) -> int:
    """Trailing axes of a derivative with respect to jets: components, if any, and indices."""
    return 1 + len(_lead(model))


def _double(x: Array) -> Array:
    return x.astype(np.float64) if x.dtype.kind == "f" and x.dtype != np.float64 else x
