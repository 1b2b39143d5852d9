from typing import Any

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import brentq

import sciopt as so
from sciopt._errors import ConditionError, OptionError
from sciopt.frames import Stage
from sciopt.linearise import linearise
from sciopt.pde import Grid, GridProblem


def bratu(u, grid, lam=1.0):
    return grid.laplacian(u) + lam * np.exp(u)


def bratu_line(x, lam):
    """Exact solution of u'' + lam exp(u) = 0, u(0) = u(1) = 0."""

    def g(t):
        return t - np.sqrt(2 * lam) * np.cosh(t / 4)

    t: Any = brentq(g, 0.0, 4.7)
    return -2 * np.log(np.cosh((x - 0.5) * t / 2) / np.cosh(t / 4))


def test_bratu_converges_to_the_exact_solution_with_second_order():
    errors = []
    for n in (50, 101):
        grid = Grid((0, 1), shape=n)
        solution = so.solve(GridProblem(bratu, grid, settings={"lam": 2.0}))
        assert solution.success
        errors.append(np.abs(solution.values["u"] - bratu_line(grid.axes[0], 2.0)).max())
    assert np.log2(errors[0] / errors[1]) == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize("shape", [(50, 41), (14, 15, 16)], ids=str)
def test_jacobian_equals_differences(shape):
    grid = Grid(*[(0.0, 1.0)] * len(shape), shape=shape, boundary=["periodic", *["dirichlet"] * (len(shape) - 1)])

    def stream(u, grid):
        return grid.diffusion(1 + u**2, u) - u * grid.d(u, 0) + np.sin(u)

    rng = np.random.default_rng(0)
    problem = GridProblem(stream, grid, start=rng.standard_normal(shape))
    lin = linearise(problem)
    J, v = lin.sparse(), rng.standard_normal(grid.size)
    h = 1e-6
    fd = (lin.at(lin.theta + h * v).r - lin.at(lin.theta - h * v).r) / (2 * h)
    np.testing.assert_allclose(J @ v, fd, atol=1e-6 * np.abs(fd).max())
    assert problem.plan.pattern.nnz == (1 + 2 * len(shape)) * grid.size - 2 * grid.size * sum(1 / n for n in shape[1:])
    assert lin.structure == "square"


def test_numpy_jax_and_differences_agree():
    import jax.numpy as jnp

    grid = Grid((0, 1), (0, 2), shape=(9, 11), boundary=["neumann", "dirichlet"])
    start = np.random.default_rng(1).standard_normal(grid.shape)

    def plain(u, grid, k):
        return grid.laplacian(u) - k * u**3

    def traced(u, grid, k):
        return grid.laplacian(jnp.asarray(u)) - k * jnp.asarray(u) ** 3

    def real_only(u, grid, k):
        return grid.laplacian(np.asarray(u, dtype=float)) - k * np.asarray(u, dtype=float) ** 3

    lins = [linearise(GridProblem(f, grid, start, settings={"k": 2.0})) for f in (plain, traced, real_only)]
    functions = [GridProblem(f, grid, start, settings={"k": 2.0}).function for f in (plain, traced, real_only)]
    assert [f.traced for f in functions] == [False, True, False]
    for lin in lins[1:]:
        np.testing.assert_allclose(lin.r, lins[0].r, rtol=1e-12, atol=1e-10)
    np.testing.assert_allclose(lins[1].dense(), lins[0].dense(), rtol=1e-12, atol=1e-10)
    np.testing.assert_allclose(lins[2].dense(), lins[0].dense(), atol=1e-5)
    by = [f.slope(start.ravel(), {"k": 2.0}, "k") for f in functions]
    np.testing.assert_allclose(by[0], -(start.ravel() ** 3), rtol=1e-12)
    np.testing.assert_allclose(by[1], by[0], rtol=1e-12)
    np.testing.assert_allclose(by[2], by[0], rtol=1e-6, atol=1e-9)


def test_multigrid_and_direct_solves_agree():
    grid = Grid((0, 1), (0, 1), shape=(70, 80))
    large = so.solve(GridProblem(bratu, grid, settings={"lam": 6.0}))
    direct = so.solve(GridProblem(bratu, grid, settings={"lam": 6.0}), so.methods.Newton(how="direct"))
    assert large.success
    assert direct.success
    assert large.iterate.lin.preconditioner() is not None
    np.testing.assert_allclose(large.theta, direct.theta, atol=1e-11)
    assert large.nit <= direct.nit + 1
    assert large.columns <= 9 * large.njev + 9


def test_structure_is_found_where_it_holds():
    grid = Grid((0, 1), (0, 1), shape=12)

    def burgers(u, grid):
        return grid.laplacian(u) - 5 * u * grid.d(u, 0) + 1.0

    start = linearise(GridProblem(burgers, grid))
    assert start.structure == "symmetric"  # u = 0
    assert start.at(start.theta + 1.0).structure == "square"
    solution = so.solve(GridProblem(burgers, grid))
    assert solution.success
    assert np.abs(burgers(solution.values["u"], grid)).max() < 1e-10


def test_two_fields():
    grid = Grid((0, 1), (0, 1), shape=(15, 17))

    def pair(a, b, grid):
        return grid.laplacian(a) - a * b + 1.0, grid.laplacian(b) + a - b**3

    problem = GridProblem(pair, grid, start={"a": 0.0, "b": grid.zeros()})
    solution = so.solve(problem)
    assert solution.success
    assert set(solution.values) == {"a", "b"}
    rows = pair(solution.values["a"], solution.values["b"], grid)
    assert max(np.abs(r).max() for r in rows) < 1e-9
    assert set(solution.iterate.lin.rows) == {"pair[a]", "pair[b]"}
    assert solution.values["a"] == pytest.approx(solution.values["a"][::-1, ::-1])


@pytest.mark.parametrize("boundary", ["neumann", "periodic"])
def test_constants_that_no_wall_holds_are_kept_out(boundary):
    grid = Grid((0, 1), (0, 1), shape=(70, 72), boundary=boundary)
    source = grid.sample(lambda x, y: np.cos(2 * np.pi * x) * np.cos(2 * np.pi * y))
    solution = so.solve(GridProblem(lambda u, grid: grid.laplacian(u) - source, grid, start=3.0 + grid.zeros()))
    assert solution.success
    assert any("constants" in note for note in solution.notes)
    u = solution.values["u"]
    assert u.mean() == pytest.approx(3.0)
    np.testing.assert_allclose(u - 3.0, -source / (8 * np.pi**2), atol=2e-5)


def test_a_source_without_an_answer_is_no_success():
    grid = Grid((0, 1), shape=40, boundary="neumann")
    solution = so.solve(GridProblem(lambda u, grid: grid.laplacian(u) - 1.0, grid))
    assert not solution.success


def test_poisson_boltzmann_next_to_a_charged_wall():
    """Gouy and Chapman: phi'' = sinh phi, phi(0) = phi_0, phi -> 0; tanh(phi/4) = tanh(phi_0/4) exp(-x)."""
    phi_0, errors = 6.0, []
    far = 4 * np.arctanh(np.tanh(phi_0 / 4) * np.exp(-8.0))
    for n in (200, 401):
        grid = Grid((0, 8), shape=n, boundary=[(("dirichlet", phi_0), ("dirichlet", far))])
        solution = so.solve(GridProblem(lambda u, grid: grid.laplacian(u) - np.sinh(u), grid))
        assert solution.success
        exact = 4 * np.arctanh(np.tanh(phi_0 / 4) * np.exp(-grid.axes[0]))
        errors.append(np.abs(solution.values["u"] - exact).max())
    assert errors[1] < 3e-3
    assert np.log2(errors[0] / errors[1]) == pytest.approx(2.0, abs=0.2)


def test_stages_are_passed_through():
    grid = Grid((0, 1), (0, 1), shape=20)
    stages = [Stage({"lam": lam}) for lam in (1.0, 4.0, 6.5)]
    solution = so.solve(GridProblem(bratu, grid, stages=stages))
    assert solution.success
    assert solution.history["stage"][-1] == 2
    assert np.abs(bratu(solution.values["u"], grid, 6.5)).max() < 1e-9


def test_a_start_that_overflows_is_told():
    grid = Grid((0, 1), shape=20)
    with pytest.raises(ConditionError, match="bratu"):
        so.solve(GridProblem(bratu, grid, start=1e4 + grid.zeros()))


def test_stencil_that_changes_near_walls_is_found():
    grid = Grid((0, 1), shape=40)

    def one_sided(u, grid):
        rows = grid.dd(u)
        rows[0] = 2 * u[0] - 5 * u[1] + 4 * u[2] - u[3]
        return rows - 1.0 + u**2

    lin = linearise(GridProblem(one_sided, grid, np.linspace(0, 1, 40)))
    assert lin.sparse()[0].toarray().ravel()[:5] == pytest.approx([2, -5 + 0, 4, -1, 0], abs=1e-12)
    assert lin.sparse()[5].nnz == 3


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda g: GridProblem(lambda u, grid: u.mean() + u, g), "no stencil of differences"),
        (lambda g: GridProblem(lambda u, grid: grid.laplacian(u)[1:], g), "the grid has shape"),
        (lambda g: GridProblem(lambda u, grid, kappa: kappa * u, g), "nothing to fill its argument 'kappa'"),
        (lambda g: GridProblem(lambda grid: grid.zeros(), g), "does not use the unknown 'u'"),
        (lambda g: GridProblem(lambda u, grid: u + 1j, g), "complex"),
        (lambda g: GridProblem(lambda a, b, grid: a + b, g, {"a": 0.0, "b": 0.0}), "returned 1 arrays"),
        (lambda g: GridProblem(bratu, g, start=np.zeros(3)), "start of 'u' has shape"),
        (lambda g: GridProblem(bratu, g, start=np.zeros(30) + 1j), "real numbers are needed"),
        (lambda g: GridProblem(bratu, g, structure="triangular"), "unknown structure"),
        (
            lambda g: GridProblem(bratu, (30,)),  # pyright: ignore[reportArgumentType]
            "give a so.pde.Grid",
        ),
        (
            lambda g: GridProblem(3.0, g),  # pyright: ignore[reportArgumentType]
            "needs a residual function",
        ),
        (lambda g: GridProblem(bratu, g, pattern=sparse.eye_array(30)), "does not hold"),
    ],
    ids=[f"case{i}" for i in range(12)],
)
def test_bad_input_is_named(call, told):
    grid = Grid((0, 1), shape=30)
    with pytest.raises((ConditionError, OptionError), match=told):
        linearise(call(grid))
