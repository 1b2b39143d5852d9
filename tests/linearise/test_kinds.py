"""All ways to differentiate one condition agree: forward, reverse, per sample, chunked, complex step, differences."""

from typing import Any

import numpy as np
import pytest

import sciopt as so
from sciopt._errors import ConditionError
from sciopt.linearise import Work, check_jacobian
from sciopt.parameters import Parameter

jax = pytest.importorskip("jax")
jnp = jax.numpy
X = np.linspace(-1.0, 1.0, 23)
KINDS = ["forward", "reverse", "per_sample", "complex", "difference"]


def unknown(rng):
    return {"W": rng.standard_normal(7), "b": rng.standard_normal(7), "v": rng.standard_normal(7)}


def network(W, b, v, x):
    xp = jnp if any(isinstance(p, jax.Array) for p in (W, x)) else np
    return xp.sin(W * x + b) @ v - x**2


def reference(tree):
    phase = np.outer(X, tree["W"]) + tree["b"]
    slope = np.cos(phase) * tree["v"]
    J = np.concatenate([slope * X[:, None], slope, np.sin(phase)], axis=1) / np.sqrt(len(X))
    return (np.sin(phase) @ tree["v"] - X**2) / np.sqrt(len(X)), J


def linearised(function: Any, tree: Any, points: Any = X, work: Any = None, **options: Any) -> Any:
    condition = so.Condition(function, points=points, weight=1.0, **options)
    return so.linearise(so.Problem(condition, tree), work=work)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("chunk", [None, 5])
def test_kinds_agree_with_the_derivative_by_hand(kind, chunk, rng):
    tree = unknown(rng)
    r, J = reference(tree)
    lin = linearised(network, tree, jacobian=kind, chunk=chunk)
    tolerance = 1e-10 if kind != "difference" else 1e-7
    np.testing.assert_allclose(lin.r, r, rtol=0, atol=1e-14)
    np.testing.assert_allclose(lin.dense(), J, rtol=0, atol=tolerance)


@pytest.mark.parametrize("kind", ["forward", "reverse", "per_sample", "complex"])
def test_products_and_second_derivatives_agree_with_J(kind, rng):
    tree = unknown(rng)
    _, J = reference(tree)
    V, w, v = rng.standard_normal((21, 3)), rng.standard_normal(23), rng.standard_normal(21)
    fresh = lambda: linearised(network, tree, jacobian=kind)  # noqa: E731 - products must not find J computed
    np.testing.assert_allclose(fresh().jvp(V), J @ V, atol=1e-12)
    np.testing.assert_allclose(fresh().jvp(v), J @ v, atol=1e-12)
    np.testing.assert_allclose(fresh().vjp(w), J.T @ w, atol=1e-12)
    np.testing.assert_allclose(fresh().gradient(), J.T @ fresh().r, atol=1e-12)
    phase = np.outer(X, tree["W"]) + tree["b"]
    along = np.outer(X, v[:7]) + v[7:14]
    exact = (-np.sin(phase) * along**2 * tree["v"] + 2 * np.cos(phase) * along * v[14:]).sum(1) / np.sqrt(len(X))
    # without JAX one more residual gives it, to first order in a tenth of v
    small = 1.0 if kind != "complex" else 1e-3
    np.testing.assert_allclose(fresh().second(small * v) / small**2, exact, atol=1e-10 if small == 1.0 else 0.01)


def test_at_many_equals_one_by_one(rng):
    lin = linearised(network, unknown(rng), jacobian="forward")
    thetas = lin.theta + 0.1 * rng.standard_normal((4, 21))
    for theta, other in zip(thetas, lin.at_many(thetas), strict=True):
        np.testing.assert_allclose(other.r, lin.at(theta).r, atol=1e-15)
        assert lin.reduction(other) == pytest.approx(lin.f - other.f, abs=1e-12)


@pytest.mark.parametrize("kind", ["forward", "reverse", "per_sample", "host"])
def test_complex_outputs_and_parameters_stack_real_then_imaginary(kind):
    def resonance(a, q, x):
        return a / (1.0 + 1j * q * x)

    tree = {"a": 1.5 - 0.5j, "q": 2.0}
    lin = linearised(resonance, tree, jacobian=kind)
    a, q, n = tree["a"], tree["q"], len(X)
    bare = 1.0 / (1.0 + 1j * q * X)
    columns = np.stack([bare, 1j * bare, -a * 1j * X * bare**2], axis=1)
    exact = np.concatenate([np.real(columns), np.imag(columns)]) / np.sqrt(2 * n)
    assert lin.layout.names == ("a.re", "a.im", "q")
    np.testing.assert_allclose(lin.dense(), exact, atol=1e-12 if kind != "host" else 1e-8)
    np.testing.assert_allclose(lin.r[:n], (a * bare).real / np.sqrt(2 * n), atol=1e-15)


@pytest.mark.parametrize("kind", ["forward", "reverse", "per_sample", "complex"])
def test_ties_and_fixed_leaves(kind):
    def line(a, b, c, x):
        return a * x + b * x**2 + c

    tree = {"a": Parameter(2.0), "b": Parameter(tied=lambda p: 3.0 * p.a**2), "c": Parameter(0.5, fixed=True)}
    lin = linearised(line, tree, jacobian=kind)
    scale = np.sqrt(len(X))
    np.testing.assert_allclose(lin.r, (2 * X + 12 * X**2 + 0.5) / scale, atol=1e-14)
    np.testing.assert_allclose(lin.dense()[:, 0], (X + 12 * X**2) / scale, atol=1e-12)


def test_module_as_unknown_keeps_its_functions_and_integers():
    eqx = pytest.importorskip("equinox")
    net = eqx.nn.MLP(1, 1, 4, 2, activation=jnp.tanh, key=jax.random.key(1))
    lin = linearised(lambda u, x: u(x)[0], net, points=X[:, None])
    assert lin.layout.size == 4 + 4 + 16 + 4 + 4 + 1
    assert lin.layout.names[0].startswith("layers[0].weight")
    outputs = np.asarray(jax.vmap(net)(jnp.asarray(X[:, None], jnp.float32)))[:, 0]
    np.testing.assert_allclose(lin.r * np.sqrt(len(X)), outputs, atol=1e-6)
    assert lin.dense().dtype == np.float64
    assert check_jacobian(lin) < 1e-6  # differences resolve that in double precision only


class Tables:
    """Something JAX knows nothing about."""

    def __init__(self):
        self.offset, self.label = 0.25, "calibration"


@pytest.mark.parametrize("kind", ["forward", "complex"])
def test_auxiliary_data_reach_the_residual_untouched(kind):
    tables, seen = Tables(), []

    def line(a, x, extra, names):
        seen.append((extra, names))
        return a * x - extra.offset

    lin = linearised(line, {"a": 2.0}, args=(tables, ["one", {"two": 2}]), jacobian=kind)
    np.testing.assert_allclose(lin.r, (2 * X - 0.25) / np.sqrt(len(X)), atol=1e-15)
    assert lin.dense().shape == (23, 1)
    assert all(extra is tables and names == ["one", {"two": 2}] for extra, names in seen)


def test_single_precision_is_promoted_and_said_once():
    work = Work()

    def line(u, x):
        return (u * x).astype(np.float32) if x.dtype == np.float32 else u * x

    lin = linearised(line, np.ones(1), points=X.astype(np.float32), work=work, batched=True, jacobian="difference")
    assert lin.r.dtype == np.float64
    assert lin.at(np.array([2.0])).r.dtype == np.float64
    assert len([n for n in work.notes if "float32" in n]) == 1
    start = {"W": np.ones(3, np.float32)}
    assert linearised(lambda W, x: W.sum() * x, start, jacobian="forward").dense().dtype == np.float64


def test_function_that_cannot_be_traced_falls_back_with_a_note():
    def branches(u, x):
        return u * x if float(np.max(u)) > 0 else -u * x

    work = Work()
    n = 60_000  # so large that JAX is tried
    lin = linearised(branches, np.array([1.0, 2.0]), np.ones((n, 2)), work=work, batched=True)
    assert lin.dense().shape == (2 * n, 2)
    assert any("cannot be traced by JAX" in note and "branches" in note for note in work.notes)


def test_module_that_cannot_be_traced_is_named():
    eqx = pytest.importorskip("equinox")
    net = eqx.nn.MLP(1, 1, 4, 1, key=jax.random.key(1))

    def branches(u, x):
        return u(x)[0] if float(x[0]) > 0 else 0.0

    with pytest.raises(ConditionError, match=r"'branches' failed under JAX tracing: ConcretizationTypeError"):
        linearised(branches, net, points=X[:, None])


def test_vector_valued_points_have_their_rows_together():
    def pair(a, b, x):
        return jnp.stack([a * x, b * x**2]) if isinstance(x, jax.Array) else np.array([a * x, b * x**2])

    expected = np.stack([2 * X, 3 * X**2], axis=1).ravel() / np.sqrt(2 * len(X))
    for kind in ("forward", "reverse", "per_sample", "complex"):
        lin = linearised(pair, {"a": 2.0, "b": 3.0}, jacobian=kind)
        np.testing.assert_allclose(lin.r, expected, atol=1e-15)
        np.testing.assert_allclose(lin.dense()[::2, 0], X / np.sqrt(2 * len(X)), atol=1e-14)
        assert not lin.dense()[1::2, 0].any()
