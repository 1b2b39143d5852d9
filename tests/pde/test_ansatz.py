"""The ansatz chosen from the conditions: which, how large, how good, and what it says when nothing fits."""

import jax.numpy as jnp
import numpy as np
import pytest

import sciopt as so
from problems.pde import CASES, relative_errors
from sciopt._errors import ParameterError
from sciopt.pde.ansatz import ansatz
from sciopt.pde.ansatz_mesh import graded, mesh_of, spacing_of
from sciopt.pde.ansatz_shape import shape_of


def solved(name):
    case = CASES[name]()
    solution = so.solve(so.Problem(list(case.conditions), unknown=case.unknown))
    function = solution.params["u"] if isinstance(solution.params, dict) else solution.params
    return solution, relative_errors(case, function, 500)


@pytest.mark.parametrize(
    ("name", "error"),
    [("poisson_2d", 1e-12), ("helmholtz", 1e-10), ("poisson_5d", 1e-10), ("heat", 1e-12), ("wave", 1e-9)],
)
def test_smooth_problems_on_boxes(name, error):
    solution, errors = solved(name)
    assert solution.success
    assert errors[0] < error
    assert any(note.startswith("ansatz: ") for note in solution.notes)


@pytest.mark.slow
def test_nonlinear_system():
    solution, errors = solved("kovasznay")
    assert solution.success
    assert max(errors) < 1e-9


def test_energy_as_unknown():
    solution, errors = solved("schroedinger")
    assert solution.success
    assert abs(solution.values["E"] - 0.5) < 1e-9
    assert errors[0] < 1e-8


def test_fronts_are_marched_and_the_change_is_told():
    solution, errors = solved("burgers_0.01")
    assert solution.success
    assert errors[0] < 1e-6
    assert any("ansatz changed from tensor basis to time slabs" in note for note in solution.notes)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "error"), [("burgers", 1e-6), ("allen_cahn", 1e-6), ("kdv", 1e-6)])
def test_sharp_fronts(name, error):
    solution, errors = solved(name)
    assert solution.success
    assert errors[0] < error


def test_other_domains_get_random_features():
    disk = so.pde.Disk((0.0, 0.0), 1.0)

    @so.condition(points=disk.interior(400))
    def laplace(u, x):
        return so.pde.laplacian(u)(x)

    edge = so.pde.dirichlet(disk.boundary(100), lambda x: jnp.exp(x[0]) * jnp.sin(x[1]))
    problem = so.Problem([laplace, edge])
    assert problem.plan.kinds[0].name == "random features"
    solution = so.solve(problem)
    assert solution.success
    x = np.array([0.3, -0.4])
    assert float(solution.params(x)) == pytest.approx(np.exp(0.3) * np.sin(-0.4), abs=1e-9)


def test_contradicting_conditions_are_not_called_converged():
    line = so.pde.Interval(0, 1)

    @so.condition(points=line.interior(50))
    def steep(u, x):
        return so.pde.laplacian(u)(x)

    @so.condition(points=line.interior(50))
    def flat(u, x):
        return u(x) - jnp.sin(9 * x[0])

    solution = so.solve(so.Problem([steep, flat]))
    assert solution.status.value == "stalled"
    assert "no ansatz tried meets the conditions" in solution.message


def test_units_change_nothing():
    """Metres and micrometres: the same sizes are tried and the same digits come out."""
    found = []
    for unit in (1.0, 1e-6):
        square = so.pde.Box((0, unit), (0, 2 * unit))

        @so.condition(points=square.interior(200))
        def poisson(u, x, unit=unit):
            return so.pde.laplacian(u)(x) + jnp.sin(np.pi * x[0] / unit) * jnp.sin(np.pi * x[1] / unit) / unit**2

        solution = so.solve(so.Problem([poisson, so.pde.dirichlet(square.boundary(80))]))
        assert solution.success
        found.append((float(solution.params(np.array([0.4, 0.7]) * unit)), len(solution.theta)))
    assert found[0][1] == found[1][1]
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-9)


def test_shape_of_the_unknown_is_read_from_the_conditions():
    box = so.pde.Box((0, 1), (0, 1))
    points = box.interior(10)

    def scalar(u, x):
        return so.pde.laplacian(u)(x)

    def pair(w, x):
        return w(x)[1]

    def triple(w, x):
        u, v, p = w(x)
        return u + v + p

    def several(u, v, x):
        return u(x) - v(x)

    def shape(f):
        found = shape_of([so.condition(f, points=points)])
        return found.names, found.outputs

    assert shape(scalar) == (("u",), (None,))
    assert shape(pair) == (("w",), (2,))
    assert shape(triple) == (("w",), (3,))
    assert shape(several) == (("u", "v"), (None, None))


def test_without_a_domain_an_unknown_must_be_given():
    with pytest.raises(ParameterError, match="unknown="):
        so.Problem([so.condition(lambda u, x: u(x), points=np.zeros((3, 1)))])
    with pytest.raises(ParameterError, match="domain"):
        ansatz([so.condition(lambda u, x: u(x), points=np.zeros((3, 1)))])


def test_mesh_follows_a_front_and_grades():
    axis = so.models.spline(np.linspace(-1, 1, 200), 8)
    nodes = axis.nodes(axis.size)
    c = np.linalg.solve(axis.matrix(nodes), np.tanh(nodes / 0.05))
    centres, spacing, excess = spacing_of(axis, c[None], 1e-6)
    breaks = mesh_of(axis, centres, spacing)
    assert excess < 1.0, "199 intervals are more than enough"
    assert len(breaks) < 150
    steps = np.diff(breaks)
    assert steps[np.argmin(np.abs(breaks[:-1]))] < 0.3 * steps.max()
    assert np.max(np.maximum(steps[1:] / steps[:-1], steps[:-1] / steps[1:])) < 1.5
    assert np.all(
        graded(centres, np.where(centres == centres[50], 1e-3, 1.0)) <= 1e-3 + 0.25 * np.abs(centres - centres[50])
    )


def test_a_smooth_start_is_interrupted_by_a_budget_and_says_so():
    case = CASES["helmholtz"]()
    solution = so.solve(so.Problem(list(case.conditions)), steps=1)
    assert solution.status.value == "budget"
