"""Compiled functions take data, points, weights, sigma and start as arguments: no trace after the first."""

import numpy as np
import pytest

import sciopt as so
from sciopt.methods import LevenbergMarquardt
from sciopt.points import Resampled

jax = pytest.importorskip("jax")
jnp = jax.numpy
T = np.linspace(0.0, 4.0, 60)


class Counter:
    """A model that counts the calls in which JAX traces it."""

    def __init__(self):
        self.traced = 0

    def see(self, *values):
        self.traced += any(isinstance(v, jax.core.Tracer) for v in values)


def decay_data(rng):
    return rng.uniform(2, 3) * np.exp(-T / rng.uniform(1, 2)) + 0.4 + 0.01 * rng.standard_normal(T.size)


def test_fifty_fits_of_one_model_add_no_trace_after_the_first():
    counter, rng = Counter(), np.random.default_rng(0)

    def model(t, A=1.0, tau=1.0, c=0.0):
        counter.see(t, A, tau, c)
        return A * jnp.exp(-t / tau) + c

    after_first = 0
    for i in range(50):
        start = {"A": 1.0 + 0.02 * i, "tau": 1.0, "c": 0.1}
        s = so.fit(model, T + 0.001 * i, decay_data(rng), sigma=0.01 * (1 + i), start=start, jacobian="forward")
        assert s.success
        if i == 0:
            after_first = counter.traced
    assert after_first >= 2  # outputs and Jacobian: the counter counts
    assert counter.traced == after_first


def test_weights_targets_fixed_values_and_stages_are_arguments():
    counter, rng = Counter(), np.random.default_rng(1)

    def misfit(u, t, epsilon):
        counter.see(u["A"], t)
        return u["A"] * jnp.exp(-u["k"] * t) + u["c"] + 0.0 * epsilon

    seen = []
    for i in range(6):
        condition = so.Condition(misfit, points=T, target=decay_data(rng), weight=1.0 + i, jacobian="forward")
        unknown = {"A": 1.0, "k": 0.5 + 0.1 * i, "c": so.Parameter(0.1 * i, fixed=True)}
        stages = [so.Stage({"epsilon": 1.0 / (1 + i), "weight:misfit": 2.0}), so.Stage({"epsilon": 0.0})]
        s = so.solve(so.Problem(condition, unknown, stages=stages))
        assert s.values["c"] == 0.1 * i
        seen.append(counter.traced)
    assert seen[0] > 0
    assert seen[-1] == seen[0]


def test_traces_do_not_grow_with_steps_nor_with_redrawn_points():
    counter = Counter()

    def follows(u, x):
        counter.see(x)
        return jnp.tanh(u["W"] * x + u["b"]) @ u["v"] - jnp.sin(3 * x)

    rng = np.random.default_rng(2)
    unknown = {name: jnp.asarray(rng.standard_normal(6)) for name in ("W", "b", "v")}
    points = Resampled(lambda rng, n: rng.uniform(-1, 1, n), 40, every=1)
    traces = []
    for it in so.iterate(so.Problem(so.Condition(follows, points=points, weight=1.0), unknown), LevenbergMarquardt()):
        traces.append(counter.traced)
        if it.number == 15:
            break
    assert traces[2] > 0
    assert traces[-1] == traces[2]


def test_modules_of_one_structure_share_their_traces():
    eqx = pytest.importorskip("equinox")
    counter, rng = Counter(), np.random.default_rng(3)

    def follows(u, x):
        counter.see(x)
        return u(x)[0] - jnp.sin(x[0])

    seen = []
    for i in range(3):
        net = eqx.nn.MLP(1, 1, 5, 1, activation=jnp.tanh, key=jax.random.key(i))
        condition = so.Condition(follows, points=rng.uniform(-1, 1, (30, 1)), weight=1.0)
        so.solve(so.Problem(condition, net), LevenbergMarquardt(), steps=4)
        seen.append(counter.traced)
    assert seen[0] > 0
    assert seen == [seen[0]] * 3


def test_another_number_of_rows_is_another_trace():
    counter, rng = Counter(), np.random.default_rng(4)

    def model(t, A=1.0, tau=1.0):
        counter.see(t, A)
        return A * jnp.exp(-t / tau)

    so.fit(model, T, decay_data(rng), jacobian="forward")
    first = counter.traced
    so.fit(model, T[:-1], decay_data(rng)[:-1], jacobian="forward")
    assert counter.traced == 2 * first
