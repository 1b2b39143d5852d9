import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sciopt._errors import DataError, OptionError
from sciopt.pde import Grid


def f(x, y):
    return np.sin(2 * x + 0.3) * np.exp(0.5 * y)


def orders(apply, exact, boundary, spans):
    errors = []
    for n in (20, 41):
        grid = Grid(*spans, shape=n, boundary=boundary)
        errors.append((max(grid.spacing), np.abs(apply(grid, grid.sample(f)) - grid.sample(exact)).max()))
    (h1, e1), (h2, e2) = errors
    return np.log(e1 / e2) / np.log(h1 / h2)


@pytest.mark.parametrize(
    ("apply", "exact"),
    [
        (lambda g, u: g.laplacian(u), lambda x, y: (-4 + 0.25) * f(x, y)),
        (lambda g, u: g.d(u, 0), lambda x, y: 2 * np.cos(2 * x + 0.3) * np.exp(0.5 * y)),
        (lambda g, u: g.d(u, 1), lambda x, y: 0.5 * f(x, y)),
        (lambda g, u: g.dd(u, 0), lambda x, y: -4 * f(x, y)),
    ],
    ids=["laplacian", "d0", "d1", "dd0"],
)
def test_differences_are_of_second_order(apply, exact):
    spans = ((0.0, 1.3), (-1.0, 0.5))
    assert orders(apply, exact, [("dirichlet", f), ("dirichlet", f)], spans) > 1.9
    assert orders(apply, exact, ["periodic", ("dirichlet", f)], ((0.0, np.pi), (-1.0, 0.5))) > 1.9


def test_conservative_diffusion_is_of_second_order_inside_and_equals_the_laplacian_for_one():
    grid = Grid((0, 1), (0, 2), shape=(12, 9), boundary=["neumann", "periodic"])
    u = np.random.default_rng(0).standard_normal((12, 9))
    np.testing.assert_allclose(grid.diffusion(1.0, u), grid.laplacian(u), atol=1e-9)
    errors = []
    for n in (40, 81):
        g = Grid((0, 1), shape=n, boundary=("dirichlet", lambda x: np.sin(x)))
        k = g.sample(lambda x: 1 + x)
        exact = g.sample(lambda x: np.cos(x) - (1 + x) * np.sin(x))
        errors.append(np.abs(g.diffusion(k, g.sample(np.sin)) - exact)[2:-2].max())
    assert errors[0] / errors[1] > 3.7


def test_flux_is_continuous_where_the_coefficient_jumps():
    grid = Grid((0, 1), shape=200, boundary=[(("dirichlet", 0.0), ("neumann", 1.0))])
    (x,) = grid.axes
    middle = 0.5 * (x[99] + x[100])  # the jump lies on a face
    k = np.where(x < middle, 1.0, 10.0)
    u = np.where(x < middle, 10.0 * x, 10.0 * middle + (x - middle))  # k u' = 10
    grid = Grid((0, 1), shape=200, boundary=[(("dirichlet", 0.0), ("neumann", 1.0))])
    assert np.abs(grid.diffusion(k, u)).max() < 1e-8


@pytest.mark.parametrize("boundary", ["dirichlet", "neumann", "periodic", ("robin", 1.0, 2.0, 0.0)])
@pytest.mark.parametrize("shape", [(7,), (5, 6), (3, 4, 5)])
def test_laplacian_is_symmetric_with_any_walls(boundary, shape):
    grid = Grid(*[(0.0, 1.0 + k) for k in range(len(shape))], shape=shape, boundary=boundary)
    unit = np.eye(grid.size).reshape(-1, *shape)
    A = grid.laplacian(unit).reshape(grid.size, grid.size)
    np.testing.assert_allclose(A, A.T, atol=1e-12)
    closed = boundary in ("neumann", "periodic")
    assert (np.abs(A.sum(axis=1)).max() < 1e-12) == closed
    assert np.linalg.eigvalsh(A).max() < 1e-10


def test_walls_where_they_should_be():
    grid = Grid((0, 1), (0, 1), shape=(9, 10), boundary=["dirichlet", "neumann"])
    assert grid.spacing == pytest.approx((0.1, 0.1))
    assert grid.axes[0][[0, -1]] == pytest.approx([0.1, 0.9])
    assert grid.axes[1][[0, -1]] == pytest.approx([0.05, 0.95])
    mixed = Grid((0, 1.05), shape=10, boundary=[("dirichlet", "neumann")])
    assert mixed.axes[0] == pytest.approx(np.arange(0.1, 1.05, 0.1))
    assert Grid((0, 1), shape=10, boundary="periodic").axes[0][-1] == pytest.approx(0.9)


def test_ghosts_of_each_wall():
    h = 0.1
    u = np.array([1.0, 2.0, 4.0])
    grid = Grid((0, 0.35), shape=3, boundary=[(("dirichlet", 5.0), ("neumann", 3.0))])
    np.testing.assert_allclose(grid.shifted(u, 0, -1), [5.0, 1.0, 2.0])
    np.testing.assert_allclose(grid.shifted(u, 0, 1), [2.0, 4.0, 4.0 + 3.0 * h])
    robin = Grid((0, 0.3), shape=3, boundary=("robin", 2.0, 0.5, 1.0))
    ghost = robin.shifted(u, 0, 1)[-1]
    assert 2.0 * (ghost + 4.0) / 2 + 0.5 * (ghost - 4.0) / h == pytest.approx(1.0)


def test_upwind_takes_the_side_the_stream_comes_from():
    grid = Grid((0, 1), shape=9)
    u = grid.sample(lambda x: x**2)
    h = grid.spacing[0]
    inner = slice(1, -1)
    x = grid.axes[0]
    np.testing.assert_allclose(grid.upwind(2.0, u)[inner], (2.0 * (2 * x - h))[inner], atol=1e-12)
    np.testing.assert_allclose(grid.upwind(-2.0, u)[inner], (-2.0 * (2 * x + h))[inner], atol=1e-12)


@settings(max_examples=25, deadline=None)
@given(st.integers(3, 12), st.floats(0.1, 10), st.sampled_from(["neumann", "periodic"]))
def test_divergence_theorem(n, length, wall):
    grid = Grid((0.0, length), (0.0, 1.0), shape=(n, 5), boundary=wall)
    u = np.random.default_rng(n).standard_normal((n, 5))
    k = np.random.default_rng(n + 1).uniform(0.5, 2.0, (n, 5))
    assert abs(grid.integral(grid.diffusion(k, u))) < 1e-9 * np.abs(grid.diffusion(k, u)).max()


def test_interpolation_reaches_the_walls():
    grid = Grid((0, 1), (0, 1), shape=(30, 31), boundary=[("dirichlet", lambda x, y: 1 + x + y), ("neumann", 1.0)])
    u = grid.sample(lambda x, y: 1 + x + y)
    points = np.array([[0.0, 0.4], [1.0, 0.5], [0.31, 0.77], [0.5, 1.0]])
    np.testing.assert_allclose(grid.interpolate(u, points), 1 + points.sum(axis=1), atol=1e-9)
    ring = Grid((0, 1), shape=50, boundary="periodic")
    v = ring.sample(lambda x: np.cos(2 * np.pi * x))
    assert ring.interpolate(v, [0.0, 1.0, 0.995]) == pytest.approx([1, 1, 0.998], abs=2e-3)
    with pytest.raises(DataError, match="lies outside the grid"):
        grid.interpolate(u, [[0.5, 1.2]])


def test_arrays_of_jax_and_leading_axes():
    import jax.numpy as jnp

    from sciopt.linearise.autodiff import double

    grid = Grid((0, 1), (0, 1), shape=(6, 7), boundary=["periodic", ("neumann", 0.5)])
    u = np.random.default_rng(3).standard_normal((2, 6, 7))
    with double():
        np.testing.assert_allclose(np.asarray(grid.laplacian(jnp.asarray(u))), grid.laplacian(u))
    np.testing.assert_allclose(grid.laplacian(u)[1], grid.laplacian(u[1]))


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: Grid(shape=5), "0 spans"),
        (lambda: Grid((1, 0), shape=5), "span of axis 0"),
        (lambda: Grid((0, 1), (0, np.nan), shape=5), "span of axis 1"),
        (lambda: Grid((0, 1), shape=2), "shape=2"),
        (lambda: Grid((0, 1), shape=(5, 5)), "for each of the 1 axes"),
        (lambda: Grid((0, 1), shape=5, boundary="open"), "unknown boundary 'open'"),
        (lambda: Grid((0, 1), shape=5, boundary=[("periodic", "dirichlet")]), "periodic at one end only"),
        (lambda: Grid((0, 1), (0, 1), shape=5, boundary=["neumann"]), "1 entries for 2 axes"),
        (lambda: Grid((0, 1), shape=5, boundary=("robin", 1.0, 2.0)), "write .'robin', a, b, g"),
        (lambda: Grid((0, 1), (0, 1), shape=5, boundary=("dirichlet", np.ones(4))), "the face has shape"),
        (lambda: Grid((0, 1), shape=5, boundary=("dirichlet", np.inf)), "not finite"),
        (lambda: Grid((0, 1), shape=5, boundary=("dirichlet", 1j)), "real numbers are needed"),
        (lambda: Grid((0, 1), shape=5).d(np.zeros(5), 1), "has axes 0 to 0"),
        (lambda: Grid((0, 1), shape=5).laplacian(np.zeros(6)), "is not on this grid"),
    ],
    ids=lambda v: v.replace(" ", "_") if isinstance(v, str) else "",
)
def test_bad_input_is_named(call, told):
    with pytest.raises((OptionError, DataError), match=told):
        call()
