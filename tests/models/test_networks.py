"""Networks: shapes, float64 whatever JAX's setting, keys, scaling from the domain, exact periodicity and boundary values."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import sciopt.models as models
from sciopt._errors import OptionError

BUILDERS = {
    "mlp": lambda **k: models.mlp(2, width=6, **k),
    "fourier_features": lambda **k: models.fourier_features(2, features=3, width=6, **k),
    "siren": lambda **k: models.siren(2, width=6, **k),
    "separable": lambda **k: models.separable(2, rank=3, width=4, **k),
    "group_rational": lambda **k: models.group_rational(2, width=6, groups=3, **k),
}


def arrays(model):
    return [np.asarray(a) for a in jax.tree_util.tree_leaves(model)]


@pytest.mark.parametrize("name", BUILDERS)
def test_scalar_and_vector_outputs_in_float64_without_touching_jax(name):
    before = jax.config.read("jax_enable_x64")
    scalar, vector = BUILDERS[name](key=1), BUILDERS[name](key=1, outputs=3)
    assert scalar([0.1, -0.4]).shape == ()
    assert vector([0.1, -0.4]).shape == (3,)
    assert scalar([0.1, -0.4]).dtype == np.float64
    assert all(a.dtype == np.float64 for a in arrays(scalar))
    assert jax.config.read("jax_enable_x64") == before


@pytest.mark.parametrize("name", BUILDERS)
def test_keys_decide_the_start(name):
    build = BUILDERS[name]
    same = zip(arrays(build(key=4)), arrays(build(key=4)), strict=True)
    assert all(np.array_equal(a, b) for a, b in same)
    other = zip(arrays(build(key=4)), arrays(build(key=5)), strict=True)
    assert any(not np.array_equal(a, b) for a, b in other)


@pytest.mark.parametrize("name", BUILDERS)
def test_inputs_are_scaled_from_the_domain(name):
    """Millimetres and metres start from the same function."""
    metres = BUILDERS[name](key=2, domain=[(0.0, 1.0), (0.0, 2.0)])
    millimetres = BUILDERS[name](key=2, domain=[(0.0, 1000.0), (0.0, 2000.0)])
    x = np.array([0.3, 1.7])
    assert float(metres(x)) == pytest.approx(float(millimetres(1000 * x)), rel=1e-12)


@pytest.mark.parametrize("name", BUILDERS)
def test_second_derivatives_agree_with_differences(name):
    u, x, h = BUILDERS[name](key=3), np.array([0.2, -0.3]), 1e-4
    with jax.enable_x64(True):
        exact = np.asarray(jax.jit(jax.hessian(u))(jnp.asarray(x)))
    for i in range(2):
        e = h * np.eye(2)[i]
        difference = (float(u(x + e)) - 2 * float(u(x)) + float(u(x - e))) / h**2
        assert exact[i, i] == pytest.approx(difference, rel=1e-5, abs=1e-6)


def test_wide_start_puts_the_ridges_of_the_first_layer_inside_the_domain():
    u = models.mlp(2, width=400, start="wide", key=0)
    slopes, offsets = u.weights[0], u.offsets[0]
    nearest = np.abs(offsets) / np.abs(slopes).sum(axis=1)  # a ridge meets [-1, 1]^2 where this is below 1
    assert np.all(nearest <= 1.0)
    assert np.max(np.abs(slopes)) <= 1.5
    assert not np.any(models.mlp(4, width=10, key=0).offsets[0]), "beyond three dimensions offsets start at zero"


def test_periodic_functions_repeat_with_all_derivatives():
    u = models.periodic(lambda n: models.mlp(n, width=8, key=2), [(0, 1), (-2, 3)], {1: None}, harmonics=2)
    with jax.enable_x64(True):
        third = jax.jit(jax.jacfwd(jax.hessian(u)))
        left, right = (third(jnp.array([0.4, end])) for end in (-2.0, 3.0))
    assert np.allclose(left, right, rtol=0, atol=1e-12)
    assert abs(float(u([0.1, 0.0])) - float(u([0.9, 0.0]))) > 1e-6, "the other coordinate is not periodic"


def test_constrained_ansatz_keeps_its_values_on_the_chosen_faces():
    body = models.mlp(2, width=8, key=0)
    u = models.constrained(body, [(0, 2), (0, 1)], values=lambda x: x[0] ** 2, faces=[(0, "lower"), (1, "upper")])
    for point in ([0.0, 0.3], [1.2, 1.0]):
        assert float(u(point)) == pytest.approx(point[0] ** 2, abs=1e-15)
    free = abs(float(u([2.0, 0.5])) - 4.0)
    assert free > 1e-3, "the other faces are free"


def test_separable_model_is_a_sum_of_products():
    u = models.separable(2, rank=1, width=5, key=0)
    a, b = [float(u([x, 0.3])) for x in (0.1, -0.7)], [float(u([x, -0.8])) for x in (0.1, -0.7)]
    assert a[0] * b[1] == pytest.approx(a[1] * b[0], rel=1e-12)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: models.mlp(0), "inputs"),
        (lambda: models.mlp(2, width=2.5), "width"),
        (lambda: models.mlp(2, activation="relu6"), "relu6"),
        (lambda: models.mlp(2, start="huge"), "huge"),
        (lambda: models.mlp(2, key=None), "key"),
        (lambda: models.mlp(2, key=-1), "negative"),
        (lambda: models.mlp(2, domain=[(0, 1)]), "domain"),
        (lambda: models.mlp(1, domain=[(1, 1)]), "lower < upper"),
        (lambda: models.mlp(1, dtype=int), "dtype"),
        (lambda: models.siren(1, frequency=0.0), "frequency"),
        (lambda: models.fourier_features(1, bandwidth=-1.0), "bandwidth"),
        (lambda: models.periodic(lambda n: None, [(0, 1)]), "periodic"),
        (lambda: models.periodic(lambda n: None, [(0, 1)], {3: 1.0}), "coordinate 3"),
        (lambda: models.constrained(models.mlp(1), [(0, 1)], faces=[(1, "lower")]), "face"),
        (lambda: models.group_rational(1, width=5, groups=2), "groups"),
        (lambda: models.group_rational(1, start="relu"), "relu"),
    ],
)
def test_bad_options_are_named(call, said):
    with pytest.raises(OptionError, match=said):
        call()
