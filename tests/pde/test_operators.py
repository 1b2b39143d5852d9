"""Operators against closed forms; routes against each other; what is refused."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import sciopt as so
from sciopt._errors import ConditionError, OptionError
from sciopt.pde._context import within
from sciopt.pde._forward import forward_sum

pde = so.pde
X = np.array([0.3, 0.7, -0.4])


@pytest.fixture(autouse=True)
def _double():
    with jax.enable_x64(True):
        yield


def wave(x):
    return jnp.sin(2 * x[0]) * jnp.exp(x[1]) * x[2] ** 3


def curlable(x):
    return jnp.stack([x[1] * x[2], -x[0] * x[2] ** 2, x[0] * x[1] ** 3])


def test_first_derivatives():
    s, c, e, z = np.sin(0.6), np.cos(0.6), np.exp(0.7), -0.4
    assert np.allclose(pde.grad(wave)(X), [2 * c * e * z**3, s * e * z**3, 3 * s * e * z**2], rtol=1e-14)
    assert np.allclose(pde.directional(wave, [1.0, 2.0, 0.0])(X), 2 * c * e * z**3 + 2 * s * e * z**3, rtol=1e-14)
    x, y, z = X
    assert np.allclose(pde.curl(curlable)(X), [3 * x * y**2 + 2 * x * z, y - y**3, -(z**2) - z], rtol=1e-14)
    assert float(pde.div(lambda p: p**3)(X)) == pytest.approx(3 * np.sum(X**2), rel=1e-14)
    assert np.allclose(pde.div(lambda p: jnp.outer(jnp.array([1.0, 2.0]), p**2))(X), [2 * X.sum(), 4 * X.sum()])


@pytest.mark.parametrize("route", ["auto", "forward", "nested"])
def test_laplacian(route):
    s, e, z = np.sin(0.6), np.exp(0.7), -0.4
    exact = -3 * s * e * z**3 + 6 * s * e * z
    assert float(pde.laplacian(wave, route=route)(X)) == pytest.approx(exact, rel=1e-13)
    plane = pde.laplacian(lambda x: jnp.exp(1j * (x[0] + 2 * x[1])) * jnp.ones(2), route=route)(X)
    assert np.allclose(plane, -5 * np.exp(1j * (0.3 + 1.4)) * np.ones(2), rtol=1e-13)


@pytest.mark.parametrize("route", ["auto", "nested", "taylor"])
@pytest.mark.parametrize("order", [1, 2, 3, 5, 6])
def test_high_orders(route, order):
    found = pde.partial(lambda x: jnp.sin(2 * x[0]) * jnp.tanh(0.3 + x[1]), 0, order, route=route)(X)
    exact = 2**order * np.sin(0.6 + order * np.pi / 2) * np.tanh(1.0)
    assert float(found) == pytest.approx(exact, rel=1e-12)


def test_mixed_derivative_and_hessian():
    found = pde.derivative(wave, (2, 1, 2))(X)
    assert float(found) == pytest.approx(-4 * np.sin(0.6) * np.exp(0.7) * 6 * -0.4, rel=1e-13)
    H = np.asarray(pde.hessian(wave)(X))
    assert np.allclose(H, H.T)
    assert np.trace(H) == pytest.approx(float(pde.laplacian(wave)(X)), rel=1e-13)
    assert H[0, 2] == pytest.approx(2 * np.cos(0.6) * np.exp(0.7) * 3 * 0.16, rel=1e-13)


A = np.random.default_rng(1).normal(size=(3, 3))
NET = eqx.nn.MLP(3, "scalar", 6, 2, jnp.tanh, key=jax.random.key(0))
FUNCTIONS = {
    "elementwise and bilinear": lambda x: jnp.stack(
        [
            jnp.sin(x[0]) / (1 + x[1] ** 2 + x[2] ** 2),
            jnp.linalg.norm(x) * jnp.arctan2(x[0], x[1]),
            (1 + x[0] ** 2) ** x[1],
            (x @ A @ x) ** 2 + jnp.prod(x**2),
            jax.nn.gelu(x[0] * x[2]) + jax.nn.logsumexp(A @ x),
        ]
    ),
    "calls and control": lambda x: jnp.concatenate(
        [
            jax.lax.scan(lambda c, _: (jnp.sin(c) * x, None), x, None, length=3)[0],
            jnp.where(x[0] > 0, jnp.sin(x[0] * x[1]), x[2] ** 3)[None],
            x[jnp.array([0, 2])] ** 2 * x[1],
            jax.nn.relu(A @ x) ** 3 + jnp.max(x) ** 2,
            jnp.cumsum(x**2) * jnp.sort(x),
            jnp.ones(2),
        ]
    ),
    "network": lambda x: _network(x),
}


def _network(x):
    for layer in NET.layers[:-1]:
        bias: Any = layer.bias
        x = jnp.tanh(layer.weight.astype(float) @ x + bias)
    return NET.layers[-1].weight.astype(float) @ x


@pytest.mark.parametrize("name", FUNCTIONS)
def test_forward_sum_equals_nested_derivatives(name):
    f, V = FUNCTIONS[name], jnp.eye(3)[1:]

    def nested(x):
        return sum(jax.jvp(lambda y, v=v: jax.jvp(f, (y,), (v,))[1], (x,), (v,))[1] for v in V)

    @jax.jit
    def both(x):
        values = forward_sum(f, x, V), nested(x)
        slopes = [jax.grad(lambda y, g=g: jnp.sum(g(y) ** 2))(x) for g in (lambda y: forward_sum(f, y, V), nested)]
        return values, slopes

    values, slopes = both(jnp.asarray(X))
    assert np.allclose(*values, rtol=1e-12, atol=1e-13)
    assert np.allclose(*slopes, rtol=1e-11, atol=1e-11)
    assert np.any(np.asarray(values[0]) != 0)


def test_time_is_no_coordinate_of_space():
    domain = pde.Time(0, 1) * pde.Box((0, 1), (0, 1))
    with within(domain):
        assert float(pde.laplacian(lambda x: x[0] ** 2 + x[1] ** 2)([0.1, 0.2, 0.3])) == 2.0
        assert pde.grad(lambda x: x[0] * x[1])([2.0, 0.2, 0.3]).tolist() == [2.0, 0.0]
        assert float(pde.dt(lambda x: x[0] ** 3, 2)([2.0, 0.2, 0.3])) == 12.0
        assert float(pde.partial(lambda x: x[0] * x[2], "y")([2.0, 0.2, 0.3])) == 2.0
        assert float(pde.div(lambda x: x[1:] ** 2)([2.0, 0.5, 0.5])) == 2.0


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (lambda u, x: pde.curl(u)(x), "curl needs a field of 2 components, but u"),
        (lambda u, x: pde.div(u)(x), "div needs a field of 2 components"),
        (lambda u, x: pde.dt(u)(x), "has no time"),
        (lambda u, x: pde.partial(u, "t")(x), "no coordinate 't'; its coordinates: x, y"),
        (lambda u, x: pde.derivative(u, (1,))(x), "for 1 coordinates, x has 2"),
        (lambda u, x: pde.laplacian(u(x))(x), "needs a function of a point"),
        (lambda u, x: pde.grad(lambda p: jnp.outer(p, p))(x)[0, 0, 0] * u(x), "a scalar or a vector"),
        (lambda u, x: pde.directional(u, jnp.ones(3))(x), "the vector has shape"),
    ],
)
def test_wrong_dimensions_name_the_condition(function, told):
    square = pde.Box((0, 1), (0, 1))
    c = so.Condition(function, "equation", square.interior(5), weight=1.0)
    with pytest.raises(ConditionError, match=f"condition 'equation': .*{told}"):
        so.linearise(so.Problem([c], so.models.mlp(2, width=3, key=0)))


def test_unknown_routes_and_orders():
    with pytest.raises(OptionError, match="route='fast'"):
        pde.laplacian(wave, route="fast")(X)
    with pytest.raises(OptionError, match="order must be"):
        pde.partial(wave, 0, 0)


JUMPS = {
    "where": lambda u, x: pde.div(lambda p: jnp.where(p[0] < 0.5, 1.0, 10.0) * pde.grad(u)(p))(x),
    "cases of u": lambda u, x: pde.div(lambda p: jnp.where(p[0] < 0.5, pde.grad(u)(p), 10 * pde.grad(u)(p)))(x),
    "sign": lambda u, x: pde.laplacian(lambda p: (2 + jnp.sign(p[0] - 0.3)) * u(p))(x),
    "comparison": lambda u, x: pde.div(lambda p: (1 + (p[0] > 0.3)) * pde.grad(u)(p))(x),
    "table": lambda u, x: pde.grad(lambda p: jnp.array([1.0, 2.0, 3.0])[(3 * p[0]).astype(int)] * u(p))(x)[0],
}
SMOOTH = {
    "layer": lambda u, x: pde.div(lambda p: (1 + jnp.tanh((p[0] - 0.5) / 1e-3)) * pde.grad(u)(p))(x),
    "kink": lambda u, x: pde.div(lambda p: jnp.abs(p[0] - 0.5) * pde.grad(u)(p))(x),
    "interpolated": lambda u, x: pde.grad(
        lambda p: jnp.interp(p[0], jnp.linspace(0, 1, 5), jnp.array([0.0, 1, 2, 1, 0])) * u(p)
    )(x)[0],
    "guarded": lambda u, x: pde.div(lambda p: jnp.sinc(p[0] - 0.5) * pde.grad(u)(p))(x),
    "jump in the source": lambda u, x: pde.laplacian(u)(x) - jnp.where(x[0] < 0.5, 1.0, 10.0),
}


@pytest.mark.parametrize("name", [*JUMPS, *SMOOTH])
def test_coefficients_that_jump_under_a_derivative_are_refused(name):
    c = so.Condition({**JUMPS, **SMOOTH}[name], "flux", pde.Interval(0, 1).interior(5), weight=1.0)
    problem = so.Problem([c], so.models.mlp(1, width=3, key=0))
    if name in JUMPS:
        with pytest.raises(ConditionError, match=r"condition 'flux': a coefficient .* jumps .*so\.pde\.interface"):
            so.linearise(problem)
    else:
        assert np.isfinite(so.linearise(problem).f)
