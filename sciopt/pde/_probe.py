"""The conditions of a solution, linearised about it in a space of smooth functions that is not its own ansatz."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sciopt._errors import OptionError
from sciopt._types import Array
from sciopt.condition import Condition
from sciopt.linearise import linearise
from sciopt.linearise.autodiff import double
from sciopt.models import cross_basis, tensor_basis
from sciopt.parameters import Parameter
from sciopt.pde._read import domain_for, functions_of, given
from sciopt.pde.collocation import Collocation
from sciopt.problem import Problem

__all__ = ["Probe", "Space", "probed"]

LOW = 2  # total degree of the functions whose residuals set the size of a condition


class _Sum:
    """The function held plus a small change of it (its components; real, then imaginary parts)."""

    def __init__(self, held: Any, change: Any) -> None:
        self.held, self.change = held, change

    def __call__(self, x: Any) -> Any:
        """Return the sum at one point."""
        z, w = jnp.asarray(self.held(x)), jnp.atleast_1d(self.change(x))
        if jnp.iscomplexobj(z):
            half = w.shape[0] // 2
            w = w[:half] + 1j * w[half:]
        return z + w.reshape(z.shape)


class _About:
    """A condition's function, seen as a function of the change of the unknown."""

    def __init__(self, function: Any, held: dict[str, Any], single: bool) -> None:
        self.function, self.held, self.single = function, held, single
        self.__signature__ = inspect.signature(function)
        self.names = list(self.__signature__.parameters)

    def __call__(self, *args: Any) -> Any:
        """Call the function with held functions plus their changes."""
        if self.single:
            return self.function(_Sum(self.held["u"], args[0]), *args[1:])
        whole = [
            _Sum(self.held[n], a)
            if n in self.held
            else {k: _Sum(self.held[k], v) if k in self.held else v for k, v in a.items()}
            if isinstance(a, dict)
            else a
            for n, a in zip(self.names, args, strict=False)
        ]
        return self.function(*whole)


@dataclass(frozen=True, eq=False)
class Space:
    """Changes of one unknown function: a model, its columns, and what it is at points inside.

    Attributes
    ----------
    model, domain
        Linear ansatz with zero coefficients, and where it lives.
    columns
        Places of its coefficients.
    basis
        Basis functions at the points, shape (n, k); components share them.
    points, values
        Points inside (n, d), and the held function there (n, m), real and stacked.
    low
        Mask of the basis functions of low degree.
    """

    model: Any
    domain: Any
    columns: slice
    basis: Array
    points: Array
    values: Array
    low: Array


@dataclass(frozen=True, eq=False)
class Probe:
    """Conditions linearised in a space of smooth functions.

    Attributes
    ----------
    A, r
        Rows (n, K) and residual (n,), each condition divided by its size on functions of low degree, so that neither
        depends on units.
    spaces
        The `Space` of each unknown function.
    parameters
        Name -> columns of the parameters, in units of their values.
    rows
        Condition -> rows.
    sizes
        Condition -> what its rows were divided by: the largest root mean square over functions of low degree.
    """

    A: Array
    r: Array
    spaces: dict[str, Space]
    parameters: dict[str, slice]
    rows: dict[str, slice]
    sizes: dict[str, float]


def probed(solution: Any, sizes: dict[int, int], zero: bool = False) -> Probe:
    """Linearise the conditions about a solution, or about the zero function.

    Parameters
    ----------
    solution
        Solution of a problem on points of domains.
    sizes
        Basis functions along each coordinate, by the number of coordinates.
    zero
        Linearise about u = 0 instead.
    """
    problem, functions = solution.problem, functions_of(solution)
    if not functions:
        raise OptionError("this solution has no unknown function on a domain")
    single = not isinstance(solution.params, dict)
    unknown: dict[str, Any] = {}
    held: dict[str, Any] = {}
    made: dict[str, tuple[Any, ...]] = {}
    most = 0
    for name, f in functions.items():
        domain = domain_for(problem, name)
        if domain is None:
            raise OptionError(f"the unknown {name!r} has no condition on points of a domain")
        with double():
            z = jnp.asarray(f(jnp.asarray(domain.bounds.mean(axis=1))))
            held[name] = _constant(jnp.zeros_like(z)) if zero else f
        components = z.size * (2 if jnp.iscomplexobj(z) else 1)
        model, low = _model(domain, sizes, components)
        unknown[name] = model
        x = domain.interior(3 * model.size + 200, refine=0.0).coords
        with double():
            v: Any = np.asarray(jax.jit(jax.vmap(lambda p, g=f: jnp.ravel(jnp.asarray(g(p)))))(x))
        made[name] = (model, domain, x, np.concatenate([v.real, v.imag], axis=1) if v.dtype.kind == "c" else v, low)
        most = max(most, model.size * components)
    if not single:
        unknown = {
            k: unknown[k] if k in functions else _parameter(problem.unknown[k], v) for k, v in solution.params.items()
        }
    conditions = [_fresh(c, most, held, single) for c in given(problem)]
    lin = linearise(Problem(conditions, unknown["u"] if single else unknown))
    spaces, parameters = {}, {}
    for leaf in lin.layout.leaves:
        if not leaf.numeric or leaf.start < 0:
            continue
        root = "u" if single else leaf.path.split(".")[0].split("[")[0].strip("'")
        if root in made:
            model, domain, x, v, low = made[root]
            spaces[root] = Space(model, domain, leaf.slice, model.features(x), x, v, low)
        else:
            parameters[leaf.name] = leaf.slice
    return _scaled(lin, spaces, parameters, solution.values)


def _constant(z: Any) -> Any:
    return lambda x: z


def _model(domain: Any, sizes: dict[int, int], components: int) -> tuple[Any, Array]:
    """Return the basis on the bounding box and the mask of its functions of low degree."""
    d = domain.dim
    if d <= 3:
        model: Any = tensor_basis(domain, sizes[d], outputs=components)
        shape = np.shape(model.coefficients)[1:]
        degrees = [(k + 1) // 2 if p else k for k, p in zip(np.indices(shape), domain.periodic, strict=True)]
        return model, (np.sum(degrees, axis=0) <= LOW).ravel()
    model = cross_basis(domain.bounds, sizes.get(d, 3), outputs=components)
    return model, np.sum(model.degrees.value, axis=1) <= LOW


def _scaled(lin: Any, spaces: dict[str, Space], parameters: dict[str, slice], values: dict[str, Any]) -> Probe:
    """Divide each condition by its size on functions of low degree; parameters count in units of their value."""
    A, r = np.array(lin.dense()), np.array(lin.r)
    for name, span in parameters.items():
        A[:, span] *= float(np.max(np.abs(values.get(name, 1.0)))) or 1.0
    sizes = {}
    for condition, part in lin.rows.items():
        largest = 0.0
        for space in spaces.values():
            whole: Any = A[part, space.columns].reshape(part.stop - part.start, -1, len(space.low))
            block = whole[:, :, space.low]
            largest = max(largest, float(np.sqrt(np.max(np.sum(block**2, axis=0), initial=0.0))))
        sizes[condition] = largest
        if largest > 0:
            A[part] /= largest
            r[part] /= largest
    return Probe(A, r, spaces, parameters, lin.rows, sizes)


def _parameter(original: Any, value: Any) -> Any:
    fixed = isinstance(original, Parameter) and not original.free
    return Parameter(np.asarray(value) if np.ndim(value) else value, fixed=fixed)


def _fresh(c: Condition, columns: int, held: dict[str, Any], single: bool) -> Condition:
    """Return the condition on fresh points, more than there are columns, as an equation of weight 1."""
    points, function = c.points, c.function
    if isinstance(points, Collocation):
        points = replace(points, balanced=False)
        function = getattr(function, "function", function)  # bound anew with the changed function inside
        if points.rule != "fixed" and not points.with_weights:
            n = 3 * columns if points.face is None else int(6 * columns**0.75)
            points = replace(points, n=max(n, 60), rule="sobol", every=0, refine=0.0)
    about = _About(function, held, single)
    return replace(c, function=about, points=points, sigma=None, weight=1.0, loss="gaussian")
