"""Ready conditions: each against an exact solution that it determines; mistakes named."""

import jax.numpy as jnp
import numpy as np
import pytest

import sciopt as so
from sciopt._errors import ConditionError, DataError, OptionError

pde = so.pde
SQUARE = pde.Box((0, 1), (0, 1))
CYLINDER = pde.Time(0, 1) * pde.Interval(0, 1)


@so.condition(points=SQUARE.interior(60))
def laplace(u, x):
    return pde.laplacian(u)(x)


def saddle(x):
    return x[0] ** 2 - x[1] ** 2


def solved(conditions, unknown):
    solution = so.solve(so.Problem(conditions, unknown))
    assert solution.success, solution.message
    return solution


def test_dirichlet_neumann_and_robin_with_outward_normals():
    x = SQUARE.interior(50).coords
    exact = x[:, 0] ** 2 - x[:, 1] ** 2
    left = pde.dirichlet(SQUARE.boundary(30, ("x-", "y")), saddle)
    for right in (
        pde.neumann(SQUARE.boundary(20, "x+"), 2.0),  # du/dx = 2x = 2 outwards
        pde.neumann(SQUARE.boundary(20, "x+"), lambda p: 6.0 * p[0], coefficient=3.0),
        pde.robin(SQUARE.boundary(20, "x+"), 1.0, 2.0, lambda p: 5.0 - p[1] ** 2),
    ):
        solution = solved([laplace, left, right], so.models.tensor_basis(SQUARE, 4))
        assert np.abs(solution.u(x) - exact).max() < 1e-12
    inward = pde.neumann(SQUARE.boundary(20, "x-"), 0.0)
    lower = pde.dirichlet(SQUARE.boundary(40, ("x+", "y")), saddle)
    solution = solved([laplace, lower, inward], so.models.tensor_basis(SQUARE, 4))
    assert np.abs(solution.u(x) - exact).max() < 1e-12


def test_initial_value_and_velocity():
    @so.condition(points=CYLINDER.interior(60))
    def wave(u, x):
        return pde.dt(u, 2)(x) - pde.laplacian(u)(x)

    exact = [lambda x: x[:, 0] ** 2 + x[:, 1] ** 2 + x[:, 0] * x[:, 1]]
    conditions = [
        wave,
        pde.initial(CYLINDER.initial(10), lambda x: x[1] ** 2),
        pde.initial(CYLINDER.initial(10), lambda x: x[1], order=1),
        pde.dirichlet(CYLINDER.boundary(20), lambda x: x[0] ** 2 + x[1] ** 2 + x[0] * x[1]),
    ]
    solution = solved(conditions, so.models.tensor_basis(CYLINDER, 4))
    x = CYLINDER.interior(50).coords
    assert np.abs(solution.u(x) - exact[0](x)).max() < 1e-12


def test_periodic_matches_value_and_slope():
    line = pde.Interval(0, 1)

    @so.condition(points=line.interior(40))
    def helmholtz(u, x):
        return pde.laplacian(u)(x) + u(x) - (1 - 4 * jnp.pi**2) * jnp.sin(2 * jnp.pi * x[0] + 0.3)

    solution = solved([helmholtz, pde.periodic(line, "x", 1)], so.models.tensor_basis(line, 22))
    x = np.linspace(0, 1, 30)[:, None]
    assert np.abs(solution.u(x) - np.sin(2 * np.pi * x[:, 0] + 0.3)).max() < 1e-10


def test_bloch_phase_needs_a_complex_unknown():
    line = pde.Interval(0, 1)
    q = 0.7

    class Wave(so.models.Model):
        amplitude: np.ndarray

        def evaluate(self, x):
            return self.amplitude[0] * jnp.exp(1j * q * x[0]) + self.amplitude[1] * jnp.exp(-1j * q * x[0])

    bloch = pde.periodic(line, "x", 1, phase=q)
    one = pde.integral(line.interior(20, "gauss"), 1.0, quantity=lambda u: lambda x: jnp.abs(u(x)) ** 2)
    solution = so.solve(so.Problem([bloch, one], Wave(np.array([0.5, 0.4]))))
    assert abs(solution.params.amplitude[0]) == pytest.approx(1.0, rel=1e-8)
    assert abs(solution.params.amplitude[1]) < 1e-8
    with pytest.raises(ConditionError, match=r"condition 'periodic\(x\)'.*complex unknown, but u\(x\) is real"):
        so.linearise(so.Problem([bloch], so.models.mlp(1, width=3, key=0)))


def test_interface_keeps_the_flux_where_the_coefficient_jumps():
    left, right = pde.Interval(0, 0.5), pde.Interval(0.5, 1)

    @so.condition(points=left.interior(10))
    def inner(a, x):
        return pde.div(lambda p: 1.0 * pde.grad(a)(p))(x)

    @so.condition(points=right.interior(10))
    def outer(b, x):
        return pde.div(lambda p: 10.0 * pde.grad(b)(p))(x)

    conditions = [
        inner,
        outer,
        pde.interface(left.boundary(1, "x+"), ("a", "b"), (1.0, 10.0)),
        pde.dirichlet(left.boundary(1, "x-"), 0.0, unknown="a"),
        pde.dirichlet(right.boundary(1, "x+"), 1.0, unknown="b"),
    ]
    solution = solved(conditions, {"a": so.models.tensor_basis(left, 4), "b": so.models.tensor_basis(right, 4)})
    flux = 1.0 / (0.5 / 1.0 + 0.5 / 10.0)  # resistances in series
    assert solution.a([[0.5]]) == pytest.approx(flux * 0.5, rel=1e-10)
    assert solution.a.map(pde.grad)([[0.2]]) == pytest.approx(flux, rel=1e-10)
    assert solution.b.map(pde.grad)([[0.8]]) == pytest.approx(flux / 10, rel=1e-10)
    assert solution.b.domain is right


def test_hard_boundary_needs_no_condition():
    disk = pde.Disk((0.5, 0.0), 2.0)

    @so.condition(points=disk.interior(60))
    def source(u, x):
        return pde.laplacian(u)(x) + 4.0

    u = pde.hard(so.models.mlp(2, width=4, domain=disk, key=0), disk, 7.0)
    solution = so.solve(so.Problem([source], u), steps=60)
    wall = disk.boundary(20).coords
    assert np.abs(solution.u(wall) - 7.0).max() < 1e-12
    assert solution.u([0.5, 0.0]) == pytest.approx(11.0, rel=1e-3)
    box = pde.hard(lambda x: 1.0 + 0 * x[0], CYLINDER, 2.0, "x+", initial=True)
    assert box([0.0, 0.3]) == pytest.approx(2.0)
    assert box([0.5, 1.0]) == pytest.approx(2.0)
    assert box([0.5, 0.5]) == pytest.approx(2.25)
    with pytest.raises(OptionError, match=r"no smooth function is known.*edge0"):
        pde.hard(u, pde.Polygon([(0, 0), (1, 0), (0, 1)]))


@pytest.mark.parametrize(
    ("make", "error", "told"),
    [
        (lambda: pde.dirichlet(SQUARE.boundary(9), 1j), ConditionError, "value is complex, but the unknown is real"),
        (lambda: pde.dirichlet(SQUARE.boundary(9), [1.0, 2.0]), ConditionError, r"value has shape \(2,\)"),
        (lambda: pde.dirichlet(SQUARE.boundary(9), np.nan, name="wall"), DataError, "condition 'wall'.*not finite"),
        (lambda: pde.dirichlet(np.zeros((3, 2))), OptionError, "needs points of a domain"),
        (lambda: pde.dirichlet(SQUARE.boundary(9), component=1), ConditionError, r"component=1 needs a vector"),
        (lambda: pde.neumann(SQUARE.interior(9)), OptionError, "points of a boundary"),
        (lambda: pde.initial(SQUARE.boundary(9)), OptionError, "first instant"),
        (lambda: pde.periodic(pde.Disk(), "x"), OptionError, "could be joined"),
        (
            lambda: pde.observed(SQUARE, [[2.0, 0.0]], [1.0], 0.1, name="probe"),
            DataError,
            "condition 'probe': 1 of 1 points",
        ),
        (lambda: pde.observed(SQUARE, [[0.2, 0.0]], [np.inf], 0.1), DataError, "not finite"),
        (lambda: pde.observed(SQUARE, [[0.2, 0.0]], [1.0, 2.0], 0.1), DataError, "for 1 points"),
        (lambda: pde.interface(SQUARE.boundary(4, "x+"), ("u", "u")), OptionError, "two different unknowns"),
        (
            lambda: so.Condition(lambda u, x: x[0] - 1.0, "blind", SQUARE.interior(4), weight=1.0),
            ConditionError,
            "condition 'blind' does not use the unknown",
        ),
        (
            lambda: so.Condition(lambda u, x: u(x) - jnp.log(x[0] - 0.5), "source", SQUARE.interior(8), weight=1.0),
            ConditionError,
            "condition 'source': output nan",
        ),
    ],
)
@pytest.mark.parametrize("unknown", ["network", "basis"])
def test_mistakes_name_the_condition(make, error, told, unknown):
    u = so.models.mlp(2, width=3, key=0) if unknown == "network" else so.models.tensor_basis(SQUARE, 3)
    with pytest.raises(error, match=told):
        so.solve(so.Problem([make()], u), steps=2)


def test_an_unknown_of_another_name_is_asked_for():
    with pytest.raises(ConditionError, match="a dict of 'T'; name it by unknown="):
        so.linearise(so.Problem([pde.dirichlet(SQUARE.boundary(4))], {"T": so.models.mlp(2, width=3, key=0)}))
