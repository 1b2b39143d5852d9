"""Method of lines: an equation in time and space becomes a system of ordinary differential equations on nodes."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from functools import cached_property
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sciopt._errors import ConditionError, OptionError
from sciopt._types import Array
from sciopt.linearise.autodiff import double
from sciopt.pde._context import Bound
from sciopt.pde._domain import Domain
from sciopt.pde.lines_axis import LineAxis
from sciopt.pde.lines_walls import LineWalls

__all__ = ["Lines"]

HIGHEST = 4  # derivatives in space of higher order are not looked for


class Lines:
    r"""A field ``field(t, y, p)`` from an equation of a point, with space on nodes.

    The equation is written as for any condition, ``equation(u, x)`` with x = (t, space) and the operators of this room.
    At every node u is handed to it as its own Taylor polynomial, whose coefficients are derivatives of the values on
    all nodes (Fourier, Chebyshev or differences); the equation, which must be linear in its highest derivative in time,
    is then solved for that derivative. Walls are eliminated: values on them follow from the others.

    Parameters
    ----------
    equation
        ``equation(u, x)``, or with parameters by name, ``equation(u, D, x)``; scalar or (m,) values.
    domain
        ``so.pde.Time(0, 1) * so.pde.Interval(-1, 1)``, or a product of time with a box.
    n
        Nodes along each axis of space.
    basis
        ``"fourier"``, ``"chebyshev"`` or ``"differences"`` for each axis; by default Fourier where the axis is periodic.
    walls
        For each face, such as ``"x-"``: a value or a function of the point (Dirichlet), ``("neumann", g)`` with the outward
        derivative g, or ``("robin", a, b, g)``; ``"periodic"`` for an axis, such as ``{"x": "periodic"}``. Faces that are
        not named are held at zero.
    p
        Parameters of the equation at which its order is found, by name.
    components
        Number of components of a vector unknown; 0 = scalar.
    nodes
        Nodes by axis for ``basis="differences"``.

    Raises
    ------
    ConditionError
        The equation has no derivative in time, is not linear in it, or mixes derivatives in time and space.
    OptionError
        An unknown face, basis or domain.

    Examples
    --------
    >>> import sciopt as so
    >>> domain = so.pde.Time(0, 1) * so.pde.Interval(0, 1)
    >>> def heat(u, x):
    ...     return so.pde.dt(u)(x) - so.pde.laplacian(u)(x)
    >>> lines = Lines(heat, domain, 24)
    >>> y = lines.state(lambda x: np.sin(np.pi * x[1]))
    >>> rate = lines.field(0.0, y, {})
    >>> bool(np.allclose(rate, -np.pi**2 * y, atol=1e-6))
    True
    """

    def __init__(
        self,
        equation: Callable[..., Any],
        domain: Domain,
        n: int | tuple[int, ...],
        *,
        basis: str | tuple[str, ...] | None = None,
        walls: Mapping[str, Any] | None = None,
        p: Mapping[str, Any] | None = None,
        components: int = 0,
        nodes: Mapping[str, Array] | None = None,
    ) -> None:
        if not isinstance(domain, Domain) or not domain.has_time or domain.dim < 2:
            raise OptionError(
                "Lines needs a product of time with an interval or box: so.pde.Time(0, 1) * so.pde.Interval(0, 1)"
            )
        self.domain = domain
        self.equation = Bound.of(
            equation, domain, getattr(equation, "name", "") or getattr(equation, "__name__", "equation")
        )
        self.name = self.equation.name
        self.walls = LineWalls(domain, walls or {}, self.name)
        names = domain.names[1:]
        counts = (n,) * len(names) if isinstance(n, (int, np.integer)) else tuple(n)
        bases = (basis,) * len(names) if basis is None or isinstance(basis, str) else tuple(basis)
        if len(counts) != len(names) or len(bases) != len(names):
            raise OptionError(f"Lines: n and basis need one entry for each of the axes {', '.join(names)}")
        given = nodes or {}
        self.axes = tuple(
            LineAxis(low, high, count, kind or ("fourier" if per else "chebyshev"), given.get(name))
            for name, (low, high), count, kind, per in zip(
                names, domain.bounds[1:], counts, bases, self.walls.periodic, strict=True
            )
        )
        for axis, name, per in zip(self.axes, names, self.walls.periodic, strict=True):
            if axis.periodic != per:
                raise OptionError(f"Lines: axis {name!r}: basis='fourier' goes with periodic walls, and only with them")
        self.walls.attach(self.axes)
        self.components = components
        self.shape = tuple(axis.n for axis in self.axes)
        self._arguments = _arguments(equation, p or {})
        self._examine(dict(p or {}))

    def _identity(self) -> tuple[Any, ...]:
        kinds = tuple((axis.n, axis.basis, axis.low, axis.high) for axis in self.axes)
        return (self.equation, self.domain, kinds, self.walls.key, self.components, self._arguments, self.indices)

    def __eq__(self, other: object) -> bool:
        """Whether the same compiled code serves both: all is equal but for the places of the nodes."""
        return isinstance(other, Lines) and self._identity() == other._identity()

    def __hash__(self) -> int:
        """Hash of what compiled code depends on."""
        return hash(self._identity())

    # ---- the equation -------------------------------------------------------------------------------------------------
    def _examine(self, p: dict[str, Any]) -> None:
        """Find which derivatives in space and which order in time the equation reads."""
        d = len(self.axes)
        self.indices = tuple(k for k in product(range(HIGHEST + 1), repeat=d) if sum(k) <= HIGHEST)
        shape = (self.components,) if self.components else ()
        rng = np.random.default_rng(0)
        with double():
            x = jnp.asarray(self.domain.bounds.mean(axis=1) + 0.01 * self.domain.sizes * rng.uniform(size=d + 1))
            c = jnp.asarray(rng.uniform(0.5, 1.0, (3, len(self.indices), *shape)))
            row = jax.jit(lambda c, p: self._row(c, x, p))
            r = row(c, p)
            if r.shape != shape:
                raise ConditionError(
                    f"condition {self.name!r} returned shape {r.shape} at a point; expected {shape or 'a scalar'}"
                )
            J = np.asarray(jax.jacfwd(row)(c, p)).reshape(-1, *c.shape)
        reads = np.abs(J).reshape(*J.shape[:3], -1).max(axis=(0, 3)) > 0
        flat = self.indices.index((0,) * d)
        mixed = reads[1:].copy()
        mixed[:, flat] = False
        if mixed.any():
            raise ConditionError(
                f"condition {self.name!r} mixes derivatives in time and space, which lines cannot resolve"
            )
        if not reads[1:, flat].any():
            raise ConditionError(f"condition {self.name!r} has no derivative in time: lines need one to follow")
        self.order = 2 if reads[2, flat] else 1
        keep = [i for i, k in enumerate(self.indices) if reads[0, i] or i == flat]
        self.indices = tuple(self.indices[i] for i in keep)
        self._flat = self.indices.index((0,) * d)

    def _row(self, c: Any, x: Any, p: Any) -> Any:
        """Return the equation's value at a node for Taylor coefficients c (3, indices, ...) around it."""
        t0, x0 = x[0], x[1:]

        def u(point: Any) -> Any:
            away, later = point[1:] - x0, point[0] - t0
            total = 0.0
            for i, k in enumerate(self.indices):
                weight = 1.0 / math.prod(math.factorial(m) for m in k)
                for axis, m in enumerate(k):
                    for _ in range(m):
                        weight = weight * away[axis]
                total = total + (c[0, i] + later * (c[1, i] + 0.5 * later * c[2, i])) * weight
            return total

        fill = {"u": u, "x": x}
        return jnp.asarray(self.equation(*(fill[kind] if kind in fill else p[kind[1:]] for kind in self._arguments)))

    @cached_property
    def arrays(self) -> dict[str, Any]:
        """Nodes and derivative matrices, an argument of compiled functions."""
        used = [sorted({k[axis] for k in self.indices} - {0}) for axis in range(len(self.axes))]
        matrices = [
            {} if axis.by_fft else {order: axis.matrix(order) for order in orders}
            for axis, orders in zip(self.axes, used, strict=True)
        ]
        return {"mesh": self._mesh, "matrices": matrices, "walls": self.walls.arrays}

    def field(self, t: Any, y: Any, p: Any) -> Any:
        """Return dy/dt for the state y (size,); traced by JAX."""
        return self.rate(self.arrays, t, y, p)

    def rate(self, arrays: Any, t: Any, y: Any, p: Any) -> Any:
        """Return dy/dt with the arrays of a `Lines` equal to this one."""
        values = self.unpacked(t, y, arrays)
        U, W = values[0], values[1] if self.order == 2 else None
        shape = (self.components,) if self.components else ()
        rows = [self._derivative(arrays, U, k) for k in self.indices]
        C = jnp.stack(rows)  # (indices, *shape, *grid)
        flat = C.reshape(len(self.indices), *shape, -1)
        points = jnp.concatenate([jnp.full((1, flat.shape[-1]), t), jnp.asarray(arrays["mesh"])])
        zeros = jnp.zeros_like(flat)
        first = zeros if W is None else zeros.at[self._flat].set(W.reshape(*shape, -1))
        parameters = dict(p) if isinstance(p, Mapping) else p

        def at_node(c: Any, w: Any, x: Any) -> Any:
            def row(highest: Any) -> Any:
                lower = jnp.stack([c, w, jnp.zeros_like(c)])
                return self._row(lower.at[self.order, self._flat].set(highest), x, parameters)

            zero = jnp.zeros(shape)
            r = row(zero)
            M = jax.jacfwd(row)(zero)
            return -r / M if not shape else -jnp.linalg.solve(M, r)

        rate = jax.vmap(at_node, in_axes=-1, out_axes=-1)(flat, first, points).reshape(*shape, *self.shape)
        free = self.walls.free(rate)
        if W is None:
            return free.ravel()
        return jnp.concatenate([self.walls.free(W).ravel(), free.ravel()])

    def _derivative(self, arrays: Any, U: Any, k: tuple[int, ...]) -> Any:
        for axis, order in enumerate(k):
            if not order:
                continue
            place = U.ndim - len(self.axes) + axis
            line = self.axes[axis]
            if line.by_fft:
                shape = [1] * U.ndim
                shape[place] = line.n
                factor = jnp.asarray(line.multiplier(order)).reshape(shape)
                U = jnp.real(jnp.fft.ifft(factor * jnp.fft.fft(U, axis=place), axis=place))
            else:
                U = jnp.moveaxis(
                    jnp.tensordot(jnp.asarray(arrays["matrices"][axis][order]), U, axes=(1, place)), 0, place
                )
        return U

    # ---- states ---------------------------------------------------------------------------------------------------------
    @property
    def _mesh(self) -> Array:
        mesh = np.meshgrid(*(axis.nodes for axis in self.axes), indexing="ij")
        return np.stack([m.ravel() for m in mesh])

    def state(self, *initial: Callable[[Any], Any]) -> Array:
        """Return the state of given initial values: one function of a point x = (t, space) for each order in time."""
        if len(initial) != self.order:
            raise OptionError(
                f"condition {self.name!r} is of order {self.order} in time: give {self.order} initial function(s), not {len(initial)}"
            )
        t0 = float(self.domain.bounds[0, 0])
        points = np.concatenate([np.full((1, self._mesh.shape[1]), t0), self._mesh]).T
        parts = []
        with double():
            for function in initial:
                values = _sampled(function, points)
                if not np.isfinite(values).all():
                    raise ConditionError(f"condition {self.name!r}: initial values are not finite")
                values = np.moveaxis(values, 0, -1).reshape(*values.shape[1:], *self.shape)
                parts.append(np.asarray(self.walls.free(values)).ravel())
        return np.concatenate(parts)

    def unpacked(self, t: Any, y: Any, arrays: Any = None) -> list[Any]:
        """Return the values on all nodes, walls included, for each order in time below the highest."""
        walls = (self.arrays if arrays is None else arrays)["walls"]
        shape = (self.components,) if self.components else ()
        out = []
        for k, part in enumerate(jnp.split(y, self.order)):
            inner = part.reshape(*shape, *self.walls.inner)
            out.append(self.walls.closed(walls, inner, t, k))
        return out


def _sampled(function: Callable[[Any], Any], points: Array) -> Array:
    """Return function(x) at all points (m, d): vmapped, or one by one for a function in numpy."""
    try:
        return np.asarray(jax.vmap(lambda x: jnp.asarray(function(x), dtype=float))(jnp.asarray(points)))
    except (jax.errors.TracerArrayConversionError, jax.errors.ConcretizationTypeError, TypeError):
        return np.array([np.asarray(function(x), dtype=float) for x in points])


def _arguments(equation: Any, p: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what fills each argument: "u", "x", or ":name"."""
    function = getattr(equation, "function", equation)
    names = [q.name for q in inspect.signature(function).parameters.values() if q.default is q.empty]
    rest = [n for n in names if n not in p]
    if len(rest) != 2:
        raise ConditionError(
            f"Lines: the equation has arguments {', '.join(names)}; it needs the unknown and the point, and the others by "
            f"name in p= (given: {', '.join(p) or 'none'})"
        )
    kinds = dict(zip(rest, ("u", "x"), strict=True))
    return tuple(kinds.get(n, f":{n}") for n in names)
