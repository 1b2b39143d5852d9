"""Group-rational activations: starts, all derivative modes, poles that networks of tanh cannot hold."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import sciopt as so
from sciopt.models import group_rational
from sciopt.models.rational import STARTS, rational

FUNCTIONS = {"identity": lambda x: x, "swish": lambda x: x / (1 + np.exp(-x)), "tanh": np.tanh, "sin": np.sin}


@pytest.mark.parametrize(("start", "worst"), [("identity", 1e-15), ("swish", 2e-6), ("tanh", 4e-6), ("sin", 1.2e-5)])
def test_starts_equal_the_functions_they_name(start, worst):
    a, b = STARTS[start]
    x = np.linspace(-3, 3, 301)
    with jax.enable_x64(True):
        y = np.asarray(rational(jnp.asarray(x)[None], jnp.asarray(a), jnp.asarray([b])))[0]
    assert np.max(np.abs(y - FUNCTIONS[start](x))) < worst


def quotient(x, a, b):
    q = 1.0 + b[:, 0, None] ** 2 * x**2 + b[:, 1, None] ** 2 * x**4
    return sum(a[k] * x**k for k in range(6)) / q


def test_custom_rule_equals_automatic_derivatives_in_all_modes():
    rng = np.random.default_rng(0)
    with jax.enable_x64(True):
        x, a, b = (jnp.asarray(rng.standard_normal(s)) for s in ((3, 4), (6,), (3, 2)))
        for mode in (jax.jacfwd, jax.jacrev):
            for place in (0, 1, 2):
                mine, plain = jax.jit(lambda *v, m=mode, k=place: (m(rational, k)(*v), m(quotient, k)(*v)))(x, a, b)
                assert np.allclose(mine, plain, rtol=1e-12, atol=1e-13)
        twice = jax.jit(lambda *v: (jax.jacfwd(jax.jacrev(rational))(*v), jax.hessian(quotient)(*v)))(x, a, b)
        assert np.allclose(*twice, rtol=1e-11, atol=1e-12)


def test_all_derivatives_are_continuous_at_zero():
    _, b = STARTS["tanh"]
    with jax.enable_x64(True):
        third = jax.grad(
            jax.grad(jax.grad(lambda x: rational(x[None, None], jnp.arange(1.0, 7.0), jnp.array([b]))[0, 0]))
        )
        below, above = float(third(jnp.asarray(-1e-9))), float(third(jnp.asarray(1e-9)))
    assert below == pytest.approx(above, rel=1e-6)


def test_variance_is_kept_through_twenty_layers():
    u = group_rational(160, width=160, groups=4, depth=20, start="tanh", key=0)
    points = np.random.default_rng(0).standard_normal((200, 160))
    z, previous = points, np.nan
    with jax.enable_x64(True):
        for weight, a, b in zip(u.weights[1:-1], u.numerators, u.denominators, strict=False):
            z = np.asarray(jax.vmap(lambda v, a=a, b=b: rational(v.reshape(4, 40), a, b).reshape(-1))(jnp.asarray(z)))
            z = z @ weight.T
            previous = np.mean(z**2)
    assert 0.5 < previous < 2.0


def test_one_unit_holds_a_resonance_exactly():
    """A Breit-Wigner line with its dispersive partner is one rational function: the fit ends at rounding."""
    x = np.linspace(-3, 3, 80)
    y = 1 / (1 + (x / 0.8) ** 2) + 0.3 * x / (1 + (x / 0.8) ** 2)
    start = {"a": np.array([0.8, 0.2, 0.0, 0.0, 0.0, 0.0]), "b": np.array([[1.0, 0.1]])}

    @so.condition(points=x, target=y, sigma=1.0, batched=True, jacobian="forward")
    def line(unknown, x):
        return rational(x[None], unknown["a"], unknown["b"])[0]

    solution = so.solve(so.Problem([line], unknown=start), steps=200)
    assert np.sqrt(2 * solution.iterate.lin.f / len(x)) < 1e-12
