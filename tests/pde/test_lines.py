import jax
import jax.numpy as jnp
import numpy as np
import pytest

import sciopt as so
from sciopt._errors import ConditionError, DataError, OptionError
from sciopt.linearise.autodiff import double
from sciopt.pde import Box, Interval, Time, dirichlet, dt, initial, interior, laplacian, neumann, partial, periodic
from sciopt.pde.lines import Lines
from sciopt.pde.lines_axis import LineAxis, difference_weights
from sciopt.pde.lines_solution import Path
from sciopt.pde.method_of_lines import method_of_lines

LINE = Time(0, 0.2) * Interval(0, 1)


def heat(u, x):
    return dt(u)(x) - laplacian(u)(x)


@pytest.mark.parametrize(("basis", "n"), [("fourier", 33), ("fourier", 34), ("chebyshev", 30), ("differences", 60)])
def test_derivatives_and_interpolation_on_nodes(basis, n):
    axis = LineAxis(-1.0, 1.5, n, basis)
    k = 2 * np.pi / 2.5
    f = lambda x, m=0: k**m * np.sin(k * x + m * np.pi / 2)  # noqa: E731
    for order, tolerance in ((1, 1e-7), (2, 1e-6), (3, 1e-4)):
        np.testing.assert_allclose(
            axis.matrix(order) @ f(axis.nodes), f(axis.nodes, order), atol=tolerance * k**order * 10
        )
    x = np.linspace(-1.0, 1.5, 71)
    np.testing.assert_allclose(axis.interpolation(x) @ f(x=axis.nodes), f(x), atol=1e-8)
    assert axis.unresolved(f(axis.nodes)) < 1e-6
    assert axis.unresolved(np.sign(axis.nodes - 0.2)) > 1e-3


def test_difference_weights_are_exact_on_polynomials():
    x = np.array([0.0, 0.3, 0.7, 1.2, 1.4])
    w = difference_weights(x, 0.5, 3)
    for k, exact in enumerate([0.5**4, 4 * 0.5**3, 12 * 0.5**2, 24 * 0.5]):
        assert w[k] @ x**4 == pytest.approx(exact, rel=1e-10)


def test_polynomials_of_degree_seven_are_reproduced_between_instants():
    c = np.random.default_rng(0).standard_normal(8)
    t = np.linspace(-1, 1, 6)
    path = Path(t, np.polyval(c, t)[:, None], np.polyval(np.polyder(c), t)[:, None])
    s = np.linspace(-1, 1, 57)
    np.testing.assert_allclose(path(s)[:, 0], np.polyval(c, s), atol=1e-11)


def test_field_is_the_equation_solved_for_its_time_derivative():
    def flow(u, k, x):
        return 2.0 * dt(u)(x) + u(x) * partial(u, 1)(x) - k * laplacian(u)(x) - jnp.sin(x[0]) * x[1]

    lines = Lines(flow, Time(0, 1) * Interval(0, 2), 26, p={"k": 1.0})
    assert lines.order == 1
    assert lines.indices == ((0,), (1,), (2,))
    x = lines.axes[0].nodes
    y = lines.state(lambda p: jnp.sin(jnp.pi * p[1]))
    with double():
        field = jax.jit(lambda k: lines.field(jnp.asarray(0.3), jnp.asarray(y), {"k": k}))
        rate, slope = (np.asarray(a) for a in jax.jvp(field, (jnp.asarray(0.7),), (jnp.ones(()),)))
    u, ux, uxx = np.sin(np.pi * x), np.pi * np.cos(np.pi * x), -(np.pi**2) * np.sin(np.pi * x)
    exact = 0.5 * (-u * ux + 0.7 * uxx + np.sin(0.3) * x)
    np.testing.assert_allclose(rate, exact[1:-1], atol=1e-8)
    np.testing.assert_allclose(slope, 0.5 * uxx[1:-1], atol=1e-7)


def test_walls_follow_from_the_inner_nodes():
    walls = {"x-": ("neumann", lambda x: 3.0 * x[0]), "x+": ("robin", 1.0, 2.0, 5.0)}
    lines = Lines(heat, LINE, 20, walls=walls)
    axis = lines.axes[0]
    with double():
        (u,) = (np.asarray(v) for v in lines.unpacked(0.1, jnp.asarray(np.random.default_rng(1).standard_normal(18))))
    slope = axis.matrix(1) @ u
    assert -slope[0] == pytest.approx(0.3)
    assert u[-1] + 2.0 * slope[-1] == pytest.approx(5.0)


def test_heat_between_a_held_and_an_insulated_end():
    equation = interior(LINE)(heat)
    start = initial(LINE.initial(5), lambda x: jnp.sin(0.5 * jnp.pi * x[1]))
    u = method_of_lines([equation, start, dirichlet(LINE.boundary(1, "x-"), 0.0), neumann(LINE.boundary(1, "x+"), 0.0)])
    assert u.success
    assert u.error < 1e-6
    points = np.random.default_rng(2).uniform([0, 0], [0.2, 1], (50, 2))
    exact = np.sin(0.5 * np.pi * points[:, 1]) * np.exp(-0.25 * np.pi**2 * points[:, 0])
    np.testing.assert_allclose(u(points), exact, atol=1e-8)
    with pytest.raises(DataError, match="lies outside"):
        u([[0.3, 0.5]])
    with pytest.raises(DataError, match="time, then space"):
        u([[0.1, 0.5, 0.5]])


def test_waves_are_of_second_order_in_time():
    domain = Time(0, 0.7) * Interval(-1, 1)

    @interior(domain)
    def wave(u, x):
        return dt(u, 2)(x) - 4.0 * laplacian(u)(x)

    f = lambda s: jnp.exp(jnp.sin(jnp.pi * s))  # noqa: E731
    pulse = [
        initial(domain.initial(5), lambda x: f(x[1])),
        initial(domain.initial(5), lambda x: -2.0 * jnp.pi * jnp.cos(jnp.pi * x[1]) * f(x[1]), order=1),
    ]
    u = method_of_lines([wave, *pulse, periodic(domain, "x")])
    assert u.lines.order == 2
    points = np.random.default_rng(3).uniform([0, -1], [0.7, 1], (40, 2))
    np.testing.assert_allclose(u(points), np.exp(np.sin(np.pi * (points[:, 1] - 2 * points[:, 0]))), atol=1e-7)


@pytest.mark.slow
def test_two_dimensions_and_two_components():
    domain = Time(0, 0.05) * Box((0, 1), (0, 1))

    @interior(domain)
    def pair(u, x):
        return dt(u)(x) - jnp.array([1.0, 2.0]) * laplacian(u)(x) - jnp.array([0.0, 1.0]) * u(x)[0]

    shape = lambda x: jnp.sin(jnp.pi * x[1]) * jnp.sin(jnp.pi * x[2])  # noqa: E731
    start = initial(domain.initial(5), lambda x: jnp.array([1.0, 0.0]) * shape(x))
    u = method_of_lines([pair, start, dirichlet(domain.boundary(5), 0.0)], components=2)
    t, a = 0.05, 2 * np.pi**2
    first = np.exp(-a * t)
    second = (np.exp(-a * t) - np.exp(-2 * a * t)) / a  # b' = -2 a b + exp(-a t)
    np.testing.assert_allclose(u([[t, 0.5, 0.5]])[0], [first, second], atol=1e-7)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: Lines(heat, Interval(0, 1), 20), "product of time"),
        (lambda: Lines(lambda u, x: laplacian(u)(x), LINE, 20), "no derivative in time"),
        (lambda: Lines(lambda u, x: dt(u)(x) - partial(dt(u), 1)(x), LINE, 20), "mixes derivatives"),
        (lambda: Lines(heat, LINE, 20, walls={"y-": 0.0}), "no face 'y-'"),
        (lambda: Lines(heat, LINE, 20, walls={"x-": "insulated"}), "wall 'insulated' at 'x-'"),
        (lambda: Lines(heat, LINE, 20, basis="fourier"), "goes with periodic walls"),
        (lambda: Lines(heat, LINE, 2), "at least 4 nodes"),
        (lambda: Lines(heat, LINE, 20, basis="wavelets"), "unknown basis"),
        (lambda: Lines(lambda u, k, x: k * dt(u)(x), LINE, 20), "others by name"),
        (lambda: Lines(heat, LINE, 20).state(jnp.sin, jnp.sin), "give 1 initial"),
        (lambda: method_of_lines([interior(LINE)(heat)]), "no initial values"),
        (lambda: method_of_lines([initial(LINE.initial(5), 0.0)]), "no equation inside"),
        (lambda: method_of_lines([so.Condition(lambda u: u, "free")]), "'free': the method of lines needs points"),
    ],
    ids=[f"case{i}" for i in range(13)],
)
def test_bad_input_is_named(call, told):
    with pytest.raises((ConditionError, OptionError), match=told):
        call()
