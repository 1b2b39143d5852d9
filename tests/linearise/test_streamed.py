import functools
from typing import Any

import numpy as np
import pytest

import sciopt as so
from sciopt._errors import OptionError
from sciopt.linalg import factor
from sciopt.linearise import Work, linearise
from sciopt.methods import LevenbergMarquardt
from sciopt.methods._rounding import noise
from sciopt.methods._second_order import column_norms, cosine


@functools.cache  # the same functions: compiled once
def network(n=40, width=12, m=9, sigma=None):
    """Fit of a network with two conditions, one of them with two rows a point."""
    jnp = pytest.importorskip("jax.numpy")
    rng = np.random.default_rng(0)
    start = {
        "W": rng.standard_normal((width, 2)),
        "b": rng.standard_normal(width),
        "V": rng.standard_normal((width, width)) / np.sqrt(width),
        "v": rng.standard_normal(width) / width,
    }

    def net(W, b, V, v, x):
        return v @ jnp.tanh(V @ jnp.tanh(W @ x + b))

    x = rng.uniform(-1, 1, (n, 2))

    def pair(W, b, V, v, x):
        u = net(W, b, V, v, x)
        return jnp.stack([u - x[0], u * u - x[1]])

    conditions = [so.Condition(net, "wave", points=x, target=np.sin(3 * x[:, 0]), sigma=sigma or 0.1)]
    if m:
        conditions.append(so.Condition(pair, "pair", points=rng.uniform(-1, 1, (m, 2)), weight=2.0))
    return so.Problem(conditions, unknown=start)


@pytest.mark.parametrize(("n", "width", "memory"), [(40, 12, 1.0), (40, 12, 6e4), (150, 5, 2e4)])
def test_equals_the_stored_jacobian(n, width, memory):
    """Dual (fewer rows than parameters) and primal, in the smallest blocks and in larger ones."""
    problem = network(n, width)
    stored = linearise(problem, work=Work())
    streamed: Any = linearise(problem, work=Work(memory=memory))
    assert "gram" in streamed.offers
    assert "gram" not in stored.offers
    J = stored.dense()
    side = "dual" if J.shape[0] < J.shape[1] else "primal"
    K = J @ J.T if side == "dual" else J.T @ J
    np.testing.assert_allclose(streamed.gram(side), K, rtol=1e-10, atol=1e-12 * np.abs(K).max())
    rng = np.random.default_rng(1)
    v, w = rng.standard_normal(J.shape[1]), rng.standard_normal(J.shape[0])
    np.testing.assert_allclose(streamed.jvp(v), J @ v, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(streamed.vjp(w), J.T @ w, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(streamed.vjp(np.stack([w, 2 * w], axis=1))[:, 1], 2 * (J.T @ w), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(streamed.terms(), np.abs(J) @ np.abs(stored.theta), rtol=1e-10)
    np.testing.assert_allclose(column_norms(streamed.operator()), np.linalg.norm(J, axis=0), rtol=1e-9, atol=1e-12)
    assert noise(streamed) == pytest.approx(noise(stored), rel=1e-9)
    g = stored.gradient()
    assert cosine(streamed, streamed.gradient()) == pytest.approx(cosine(stored, g), rel=1e-9)
    assert streamed._J is None  # never stored


@pytest.mark.parametrize(("n", "width"), [(40, 12), (150, 5)])
def test_steps_equal_those_of_the_stored_jacobian(n, width):
    problem = network(n, width)
    stored = linearise(problem)
    streamed: Any = linearise(problem, work=Work(memory=1e4))
    J = stored.dense()
    near = factor(streamed.operator(), streamed.r)
    assert near.how == "cholesky"
    exact = factor(J, stored.r, how="qr")
    size = float(np.linalg.norm(J, 2)) ** 2
    for relative in (1e-2, 1e-6, 1e-8):
        a, b = near.steps(relative * size)[0], exact.steps(relative * size)[0]
        assert np.linalg.norm(a - b) <= 1e-6 * np.linalg.norm(b)
        assert near.predicted_many(relative * size)[0] == pytest.approx(
            exact.predicted_many(relative * size)[0], rel=1e-6
        )


def test_a_solve_takes_the_same_path():
    problem = network()
    whole = so.solve(problem, LevenbergMarquardt(), steps=12)
    small = so.solve(problem, LevenbergMarquardt(), steps=12, memory=2e4)
    np.testing.assert_allclose(small.history["f"], whole.history["f"], rtol=1e-4)
    assert small.iterate.lin.f < 0.2 * whole.history["f"][0]


def test_rows_left_out_are_left_out():
    problem = network(m=0)
    c = problem.conditions[0]
    keep = np.arange(40) % 3 > 0
    held = so.Problem(
        [so.Condition(c.function, "wave", points=c.points, target=c.target, sigma=0.1, keep=keep)], problem.unknown
    )
    stored, streamed = linearise(held), linearise(held, work=Work(memory=1e3))
    J = stored.dense()
    np.testing.assert_allclose(streamed.gram("dual"), J @ J.T, rtol=1e-9, atol=1e-9)


def test_column_scales_of_a_streamed_dual_are_refused():
    lin: Any = linearise(network(), work=Work(memory=1e4))
    with pytest.raises(OptionError, match="scaling='none'"):
        factor(lin.operator(), lin.r, scale=np.ones(lin.theta.size)).steps(1.0)


def test_memory_must_be_positive():
    with pytest.raises(OptionError, match="memory must be positive"):
        so.solve(network(), memory=0.0)
