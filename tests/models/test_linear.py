"""Ansaetze linear in their coefficients: host derivatives against JAX, exactness, nesting, slabs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sciopt.models as models
from sciopt._errors import OptionError

RNG = np.random.default_rng(7)
AXES = {
    "chebyshev": models.chebyshev(-1.0, 2.0, 9),
    "one": models.chebyshev(-1.0, 2.0, 1),
    "fourier": models.fourier(-1.0, 2.0, 9),
    "spline": models.spline(np.linspace(-1.0, 2.0, 7), 5),
    "graded": models.spline(-1.0 + 3.0 * np.linspace(0, 1, 9) ** 3, 8),
    "periodic": models.spline(np.sort(np.r_[-1.0, 2.0, RNG.uniform(-1, 2, 9)]), 5, periodic=True),
}


@pytest.mark.parametrize("name", AXES)
@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_host_derivatives_equal_those_of_jax(name, order):
    axis, x = AXES[name], RNG.uniform(-1, 2, 12)
    c = RNG.standard_normal(axis.size)

    def f(y):
        return axis.contract(y, jnp.asarray(c))

    with jax.enable_x64(True):
        for _ in range(order):
            f = jax.jacfwd(f)
        exact = np.asarray(jax.jit(jax.vmap(f))(jnp.asarray(x)))
    assert np.allclose(axis.matrix(x, order) @ c, exact, rtol=1e-10, atol=1e-11 * max(np.abs(exact).max(), 1.0))
    assert np.allclose(axis.sparse(x, order).toarray(), axis.matrix(x, order), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["fourier", "periodic"])
def test_periodic_bases_repeat(name):
    axis = AXES[name]
    for order in range(4):
        ends = axis.matrix(np.array([axis.low, axis.high]), order)
        assert np.allclose(ends[0], ends[1], rtol=0, atol=1e-9 * max(1.0, np.abs(ends).max()))


@given(st.lists(st.floats(-1, 1), min_size=6, max_size=6), st.floats(0, 1))
@settings(max_examples=25, deadline=None)
def test_bases_hold_polynomials_exactly(coefficients, place):
    """Degree 5: by 6 Chebyshev polynomials and by quintic splines alike."""
    polynomial = np.polynomial.Polynomial(coefficients)
    x = -1.0 + 3.0 * place
    for axis in (models.chebyshev(-1, 2, 6), AXES["spline"]):
        nodes = axis.nodes(axis.size)
        c = np.linalg.solve(axis.matrix(nodes), polynomial(nodes))
        for order in (0, 1, 2):
            value = float((axis.matrix(np.array([x]), order) @ c)[0])
            assert value == pytest.approx(polynomial.deriv(order)(x) if order else polynomial(x), abs=1e-8)


def along(f, direction):
    return lambda p: jax.jvp(f, (p,), (direction,))[1]


@pytest.mark.parametrize("outputs", [None, 2])
def test_tensor_basis_derivatives(outputs):
    basis = models.tensor_basis([(0, 1), (-1, 2)], (4, 5), outputs=outputs, periodic=(False, True))
    c = RNG.standard_normal(basis.coefficients.shape)
    u = type(basis)(c, basis.axes, basis.scalar)
    x = np.array([[0.3, 0.4], [0.9, 1.9]])
    flat = c.reshape(-1, basis.size)
    for orders in ((0, 0), (2, 0), (1, 3)):
        f = u
        with jax.enable_x64(True):
            for i, n in enumerate(orders):
                for _ in range(n):
                    f = along(f, jnp.eye(2)[i])
            exact = np.asarray(jax.jit(jax.vmap(f))(jnp.asarray(x))).reshape(2, -1)
        assert np.allclose(basis.features(x, orders) @ flat.T, exact, rtol=1e-9, atol=1e-9)


def test_sparse_features_equal_dense_ones():
    axes = (models.chebyshev(0, 1, 3), models.spline(np.linspace(0, 1, 9), 4))
    basis = models.tensor_basis(None, axes=axes)
    x = RNG.uniform(0, 1, (20, 2))
    assert np.allclose(basis.sparse_features(x, (1, 2)).toarray(), basis.features(x, (1, 2)), rtol=0, atol=1e-9)


def test_random_features_nest_and_scale():
    small, large = (models.random_features([(0, 2), (0, 1)], n, key=3) for n in (20, 40))
    x = RNG.uniform(0, 1, (5, 2))
    assert np.array_equal(small.features(x), large.features(x)[:, :20])
    shifted = models.random_features([(0, 2000), (0, 1000)], 20, key=3)
    assert np.allclose(small.features(x), shifted.features(1000 * x))
    assert np.allclose(small.features(x, (2, 0)), 1e6 * shifted.features(1000 * x, (2, 0)))


def test_random_feature_derivatives():
    basis = models.random_features([(0, 2), (0, 1)], 12, slope=3.0, outputs=2, key=1)
    c = RNG.standard_normal((2, 12))
    u = type(basis)(c, basis.slopes, basis.offsets, basis.bounds, basis.scalar)
    x = np.array([0.7, 0.2])
    with jax.enable_x64(True):
        exact = np.asarray(jax.jit(jax.hessian(u))(jnp.asarray(x)))
    for i in range(2):
        for j in range(2):
            orders = np.eye(2, dtype=int)[i] + np.eye(2, dtype=int)[j]
            assert np.allclose(basis.features(x, tuple(orders)) @ c.T, exact[:, i, j], rtol=1e-10)


def test_slabs_join_to_one_function():
    """Different meshes on each slab; values and derivatives are those of the slab a point lies in."""
    slabs = []
    for k, n in enumerate((4, 7)):
        axes = (models.chebyshev(k, k + 1, 3), models.spline(np.linspace(-1, 1, n), 4))
        basis = models.tensor_basis(None, axes=axes)
        slabs.append(type(basis)(RNG.standard_normal(basis.coefficients.shape), basis.axes, True))
    u = models.Piecewise.of(slabs)
    slope = jax.jit(jax.grad(u))
    for x in ([0.2, -0.9], [0.99, 0.5], [1.5, 0.3], [2.0, 1.0]):
        part = slabs[int(min(x[0], 1.999))]
        assert float(u(x)) == pytest.approx(float(part(x)), rel=1e-12)
        with jax.enable_x64(True):
            assert np.allclose(slope(jnp.array(x)), jax.jit(jax.grad(part))(jnp.array(x)), rtol=1e-11)
    with pytest.raises(OptionError, match="ends at"):
        models.Piecewise.of([slabs[1], slabs[0]])


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: models.chebyshev(1, 0, 3), "low < high"),
        (lambda: models.fourier(0, 1, 4), "odd"),
        (lambda: models.spline([0, 0, 1]), "increasing"),
        (lambda: models.spline([0, 0.5, 1], 5, periodic=True), "periodic"),
        (lambda: models.tensor_basis([(0, 1)], (3, 3)), "2 sizes for 1"),
        (lambda: models.tensor_basis(None, axes=[3]), "axes"),
        (lambda: models.random_features([(0, 1)], 1), "size"),
        (lambda: models.random_features([(0, 1)], 10, slope=0), "slope"),
        (lambda: models.Piecewise.of([]), "slab"),
    ],
)
def test_bad_options_are_named(call, said):
    with pytest.raises(OptionError, match=said):
        call()
