"""Problems whose conditions do not determine the answer are reported as such; errors are estimated on fresh points."""

import jax.numpy as jnp
import numpy as np
import pytest

import sciopt as so

pde = so.pde
SQUARE = pde.Box((0, 1), (0, 1))
TUBE = pde.Time(0, 1) * pde.Interval(0, 1)
LINE = pde.Interval(0, 1)


def poisson(u, x):
    return pde.laplacian(u)(x) + 2 * jnp.pi**2 * jnp.sin(jnp.pi * x[0]) * jnp.sin(jnp.pi * x[1])


def balanced_source(u, x):
    return pde.laplacian(u)(x) + jnp.cos(jnp.pi * x[0])


def heat(u, x):
    return pde.dt(u)(x) - 0.1 * pde.laplacian(u)(x)


def wave(u, x):
    return pde.dt(u, 2)(x) - pde.laplacian(u)(x)


def schroedinger(u, E, x):
    return -pde.laplacian(u)(x) - E * u(x)


def heat_of(u, D, x):
    return pde.dt(u)(x) - D * pde.laplacian(u)(x)


START = pde.initial(TUBE.initial(30), lambda x: jnp.sin(jnp.pi * x[1]))
TUBE_WALLS = pde.dirichlet(TUBE.boundary(40))


def solved(equation, domain, others, unknown=None, size=8):
    unknown = so.models.tensor_basis(domain, size) if unknown is None else unknown
    c = so.Condition(equation, equation.__name__, domain.interior(160), weight=1.0)
    return so.solve(so.Problem([c, *others], unknown), steps=30)


OPEN = {
    "slopes only": (
        lambda: solved(balanced_source, SQUARE, [pde.neumann(SQUARE.boundary(40))]),
        1,
        "any constant can be added to u",
    ),
    "a wall without condition": (
        lambda: solved(poisson, SQUARE, [pde.dirichlet(SQUARE.boundary(40, ("x", "y-")))]),
        None,
        "no condition on y+",
    ),
    "no initial value": (lambda: solved(heat, TUBE, [TUBE_WALLS]), None, "no condition on t-"),
    "no initial velocity": (lambda: solved(wave, TUBE, [TUBE_WALLS, START]), None, "a condition is missing"),
    "trivial eigenfunction": (
        lambda: solved(
            schroedinger,
            LINE,
            [pde.dirichlet(LINE.boundary(2))],
            {"u": so.models.tensor_basis(LINE, 12), "E": so.Parameter(9.0)},
        ),
        1,
        "they do not depend on E. u = 0 meets every condition, and that is what was found",
    ),
    "a coefficient without data": (
        lambda: solved(
            heat_of, TUBE, [TUBE_WALLS, START], {"u": so.models.tensor_basis(TUBE, 8), "D": so.Parameter(0.2)}
        ),
        1,
        "D and u can change together",
    ),
}


FAST = ("slopes only", "trivial eigenfunction")


@pytest.mark.parametrize("name", [n if n in FAST else pytest.param(n, marks=pytest.mark.slow) for n in OPEN])
def test_open_problems_are_seen_although_the_residual_vanishes(name):
    make, null, told = OPEN[name]
    verdict = pde.determination(make())
    assert not verdict.determined
    assert verdict.null >= 1
    assert null is None or verdict.null == null
    assert told in str(verdict)
    assert verdict.weakest < 1e-5
    assert set(verdict.directions[0]) >= {"u"}


WELL_POSED = {
    "poisson": lambda: solved(poisson, SQUARE, [pde.dirichlet(SQUARE.boundary(40))]),
    "heat": lambda: solved(heat, TUBE, [TUBE_WALLS, START]),
    "network": lambda: solved(
        poisson, SQUARE, [pde.dirichlet(SQUARE.boundary(40))], so.models.mlp(2, width=6, domain=SQUARE, key=0)
    ),
}


@pytest.mark.parametrize("name", ["poisson", *(pytest.param(n, marks=pytest.mark.slow) for n in ("heat", "network"))])
def test_well_posed_problems_are_determined(name):
    verdict = pde.determination(WELL_POSED[name]())
    assert verdict.determined, str(verdict)
    assert verdict.weakest > 0.05
    assert str(verdict) == "The conditions determine the unknown."


@pytest.mark.slow
def test_answer_and_verdict_know_no_units():
    """Heat conduction in raw SI, and in units of length and time of the rod: the same digits and the same verdict."""
    z = np.random.default_rng(0).uniform(size=(20, 2))
    found = []
    for length, time in ((1e-3, 1e-2), (1.0, 1.0)):
        domain = pde.Time(0, time) * pde.Interval(0, length)
        D = 0.1 * length**2 / time

        def conduction(u, x, D=D):
            return pde.dt(u)(x) - D * pde.laplacian(u)(x)

        conditions = [
            so.Condition(conduction, "conduction", domain.interior(400, "grid"), weight=1.0),
            pde.dirichlet(domain.boundary(40, rule="grid"), 300.0),
            pde.initial(domain.initial(30, "grid"), lambda x, L=length: 300 + 20 * jnp.sin(jnp.pi * x[1] / L)),
        ]
        solution = so.solve(pde.balanced(so.Problem(conditions, so.models.tensor_basis(domain, 12))))
        verdict = pde.determination(solution)
        assert verdict.determined
        found.append((solution.u(z * [time, length]), verdict.weakest))
    assert np.allclose(found[0][0], found[1][0], rtol=1e-10)
    assert found[0][1] == pytest.approx(found[1][1], rel=1e-6)
    exact = 300 + 20 * np.exp(-0.1 * np.pi**2 * z[:, 0]) * np.sin(np.pi * z[:, 1])
    assert np.allclose(found[0][0], exact, atol=1e-6)


@pytest.mark.parametrize("size", [6, pytest.param(10, marks=pytest.mark.slow)])
def test_error_estimate_is_the_error(size):
    solution = solved(poisson, SQUARE, [pde.dirichlet(SQUARE.boundary(60), weight=100.0)], size=size)
    x = SQUARE.interior(2000, "uniform").coords
    exact = np.sin(np.pi * x[:, 0]) * np.sin(np.pi * x[:, 1])
    true = np.linalg.norm(solution.u(x) - exact) / np.linalg.norm(exact)
    estimate = pde.error_estimate(solution)
    assert estimate.relative["u"] == pytest.approx(true, rel=0.15)
    assert estimate.explained > 0.99
    assert "defect correction" in str(estimate)


def test_an_unresolved_error_is_called_a_lower_bound():
    def bump(u, x):
        return pde.grad(u)(x)[0] - 25.0 / jnp.cosh(25.0 * (x[0] - 0.37)) ** 2

    c = so.Condition(bump, "bump", LINE.interior(60, "grid"), weight=1.0)
    solution = so.solve(so.Problem([c, pde.dirichlet(LINE.boundary(1, "x-"))], so.models.tensor_basis(LINE, 4)))
    crude, fine = pde.error_estimate(solution, functions=6), pde.error_estimate(solution)
    assert crude.explained < 0.9
    assert "at least" in str(crude)
    assert fine.explained > crude.explained
