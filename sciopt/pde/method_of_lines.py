"""The method of lines from conditions, nodes and their number chosen until the answer stops to change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sciopt._errors import ConditionError, OptionError
from sciopt._types import Array
from sciopt.condition import Condition
from sciopt.pde._domain import Domain
from sciopt.pde._rows import Row, Value
from sciopt.pde.collocation import Collocation
from sciopt.pde.lines import Lines
from sciopt.pde.lines_solution import LinesSolution
from sciopt.pde.lines_solve import solve_lines

__all__ = ["method_of_lines"]

RUNGS = {
    "fourier": (128, 512, 2048, 4096),
    "chebyshev": (17, 25, 33, 49),
    "differences": (151, 251, 251, 401, 701, 1001),
}
INSTANTS = 41


def method_of_lines(
    conditions: Sequence[Condition],
    p: Mapping[str, Any] | None = None,
    *,
    tol: float = 1e-6,
    rtol: float = 1e-10,
    components: int = 0,
) -> LinesSolution:
    """Solve conditions in time and space by the method of lines.

    Periodic axes take Fourier nodes; an interval takes differences of order 8 on nodes that gather where the answer is
    steep at any instant; boxes take Chebyshev nodes. The number of nodes grows
    until two answers differ by less than ``tol`` (relative L2 over time and space).

    Parameters
    ----------
    conditions
        One equation inside ``Time * Interval`` (or box), `initial` values, and at most one of `dirichlet`, `neumann`,
        `robin` or `periodic` for each face. They are held exactly; weights play no part.
    p
        Parameters of the equation by name.
    tol, rtol
        Tolerance of the answer, and of a step in time.
    components
        Components of a vector unknown; 0 = scalar.

    Returns
    -------
    LinesSolution
        ``error`` is the last difference between two answers; ``success`` tells whether it met the tolerance.

    Raises
    ------
    ConditionError
        The conditions are not of this kind; the message names the one at fault.

    Examples
    --------
    >>> import sciopt as so
    >>> from sciopt.pde import dirichlet, dt, initial, interior, laplacian
    >>> domain = so.pde.Time(0, 0.1) * so.pde.Interval(0, 1)
    >>> @interior(domain)
    ... def heat(u, x):
    ...     return dt(u)(x) - laplacian(u)(x)
    >>> start = initial(domain.initial(10), lambda x: np.sin(np.pi * x[1]))
    >>> u = method_of_lines([heat, start, dirichlet(domain.boundary(10), 0.0)])
    >>> bool(abs(u([[0.1, 0.5]])[0] - np.exp(-0.1 * np.pi**2)) < 1e-8)
    True
    """
    equation, domain, walls, starts = _read(conditions)

    def solved(n: int, basis: str | tuple[str, ...], nodes: Mapping[str, Array] | None = None) -> LinesSolution:
        lines = Lines(equation, domain, n, basis=basis, walls=walls, p=p, components=components, nodes=nodes)
        if len(starts) != lines.order:
            raise ConditionError(
                f"condition {lines.name!r} is of order {lines.order} in time, but {len(starts)} initial value(s) are given"
            )
        return solve_lines(lines, lines.state(*(starts[k] for k in range(lines.order))), p, rtol=rtol)

    return _climbed(solved, domain, walls, tol)


def _climbed(solved: Any, domain: Domain, walls: Mapping[str, Any], tol: float) -> LinesSolution:
    """Return the first answer that no longer changes, or the last one marked as no success."""
    names = domain.names[1:]
    periodic = [
        bool(own) or walls.get(name) == "periodic" for name, own in zip(names, domain.periodic[1:], strict=True)
    ]
    line = len(names) == 1
    kind = "chebyshev" if not line else "fourier" if all(periodic) else "differences"
    bases = tuple("fourier" if per else "chebyshev" for per in periodic) if not line else kind
    probe = _probe(domain)
    best: LinesSolution | None = None
    before, nodes = None, None
    for n in RUNGS[kind]:
        found = solved(n, bases, None if nodes is None else {names[0]: nodes(n)})
        if not found.success:
            continue
        values = found(probe)
        if before is not None:
            found.error = float(np.linalg.norm(values - before) / (np.linalg.norm(values) or 1.0))
            if found.error <= tol:
                return found
        best, before = found, values
        if kind == "differences":
            nodes = _gathered(found)
    if best is None:
        raise ConditionError(
            "method of lines: the integration in time failed on every set of nodes; is the problem well posed?"
        )
    best.success = False
    return best


def _probe(domain: Domain) -> Array:
    """Return points (m, 1 + d) that time and space are compared on."""
    low, high = domain.bounds.T
    per_axis = [np.linspace(low[0], high[0], INSTANTS)[1:]]
    for a, b in zip(low[1:], high[1:], strict=True):
        m = 401 if len(low) == 2 else 33
        per_axis.append(a + (b - a) * (np.arange(m) + 0.5) / m)
    return np.stack([x.ravel() for x in np.meshgrid(*per_axis, indexing="ij")], axis=-1)


def _gathered(found: LinesSolution) -> Any:
    """Return n -> nodes that are dense where the answer is steep or bent at any instant."""
    axis = found.lines.axes[0]
    t0, t1 = found.lines.domain.bounds[0]
    times = np.linspace(t0, t1, 2 * INSTANTS)
    values = found.on_nodes(times).reshape(-1, axis.n)
    size = float(np.ptp(values)) or 1.0
    length = axis.high - axis.low
    slope = np.abs(values @ axis.matrix(1).T).max(axis=0) * length / size
    bend = np.sqrt(np.abs(values @ axis.matrix(2).T).max(axis=0) / size) * length
    x = np.linspace(axis.low, axis.high, 4001)
    density = 1.0 + np.interp(x, axis.nodes, np.maximum(slope, bend))
    density = density + 0.3 * float(density.mean())

    def nodes(n: int) -> Array:
        grown = density
        for _ in range(3):  # spacings change slowly: the density is smoothed over many spacings, where they are
            total = np.concatenate([[0.0], np.cumsum(0.5 * (grown[1:] + grown[:-1]))])
            s = np.linspace(0.0, 1.0, 2001)
            place = np.interp(s, total / total[-1], x)
            spacing = np.diff(place)
            kernel = np.hanning(241)
            smooth = np.convolve(np.pad(np.log(spacing), 120, mode="reflect"), kernel / kernel.sum(), mode="valid")
            place = np.concatenate([[0.0], np.cumsum(np.exp(smooth))])
            place = axis.low + length * place / place[-1]
            grown = np.interp(x, 0.5 * (place[1:] + place[:-1]), 1.0 / np.diff(place))
        total = np.concatenate([[0.0], np.cumsum(0.5 * (grown[1:] + grown[:-1]))])
        out = np.interp(np.linspace(0.0, 1.0, n), total / total[-1], x)
        out[0], out[-1] = axis.low, axis.high
        return out

    return nodes


def _read(conditions: Sequence[Condition]) -> tuple[Any, Domain, dict[str, Any], dict[int, Any]]:
    """Return equation, domain, walls and initial values by order, read off the conditions."""
    equation, walls, starts = None, {}, {}
    for c in conditions:
        points = c.points
        if not isinstance(points, Collocation):
            raise ConditionError(f"condition {c.name!r}: the method of lines needs points of a domain")
        row = getattr(c.function, "function", c.function)
        if not isinstance(row, Row):
            if points.face is not None or equation is not None:
                what = (
                    "is a second equation" if points.face is None else "holds on a face and is none of the ready ones"
                )
                raise ConditionError(f"condition {c.name!r} {what}, which the method of lines cannot use")
            equation = c
            continue
        if row.component is not None:
            raise ConditionError(f"condition {c.name!r}: component= is not read by the method of lines")
        if row.owner == "initial":
            starts[row.options["order"]] = _function(row.options["value"])
        elif row.owner == "dirichlet":
            walls.update(dict.fromkeys(points.face or (), _plain(row.options["value"])))
        elif row.owner == "neumann" and not callable(k := _plain(row.options["coefficient"])):
            walls.update(dict.fromkeys(points.face or (), ("robin", 0.0, k, _plain(row.options["value"]))))
        elif row.owner == "periodic" and not row.options["phase"]:
            walls[points.domain.names[row.options["axis"]]] = "periodic"
        else:
            raise ConditionError(f"condition {c.name!r} ({row.owner}) is not read by the method of lines")
    if equation is None:
        raise ConditionError("method of lines: no equation inside a domain among the conditions")
    domain = equation.points.domain
    if not starts:
        raise ConditionError("method of lines: no initial values among the conditions; add so.pde.initial(...)")
    if sorted(starts) != list(range(len(starts))):
        raise ConditionError("method of lines: initial values of order 0, 1, ... are needed without gaps")
    return equation.function, domain, walls, starts


def _plain(value: Value) -> Any:
    if value.function is not None:
        return value.function
    if np.ndim(value.number) and np.asarray(value.number).dtype.kind == "c":
        raise OptionError("method of lines: complex values are written as two components")
    return float(value.number) if np.ndim(value.number) == 0 else value.number


def _function(value: Value) -> Any:
    return value.function if value.function is not None else (lambda x: 0.0 * x[0] + value.number)
