"""Adaptive steps of stochastic equations: control, replay, gradients of the sums, and the row that makes them few."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from problems.dynamics.stochastic import SDE_CASES
from sciopt import dynamics
from sciopt._errors import OptionError
from sciopt.dynamics.sde_adaptive import adaptive_steps, cost, replayed
from sciopt.dynamics.sde_ensemble import Ensemble
from sciopt.linearise import Work, linearise
from sciopt.linearise.autodiff import double

OU = SDE_CASES["ornstein_uhlenbeck"]


def drift(t, y, p):
    return -p["k"] * y**3


def diffusion(t, y, p):
    return p["s"] * jnp.sqrt(1.0 + y**2)


ENSEMBLE = Ensemble(drift, diffusion)
P = {"k": 2.0, "s": 0.4}
START = np.linspace(-1.0, 1.5, 6)[:, None]


@pytest.fixture(scope="module")
def brownian():
    dW = np.random.default_rng(2).standard_normal((256, 6, 1)) / 16.0
    return np.concatenate([np.zeros((1, 6, 1)), np.cumsum(dW, axis=0)])


@pytest.fixture(scope="module")
def steps(brownian):
    return adaptive_steps(ENSEMBLE, P, START, 0.0, 1 / 256, brownian, 3e-2, 3e-2)


def test_steps_cover_the_span_and_use_the_whole_path(steps, brownian):
    assert steps.failed is None
    assert steps.h.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(steps.t, np.cumsum(steps.h) - steps.h, atol=1e-14)
    np.testing.assert_allclose(steps.dW.sum(0), brownian[-1], atol=1e-12)


def test_errors_are_below_the_tolerance(steps):
    with double():
        _, E = replayed(ENSEMBLE, P, jnp.asarray(START), steps.t, steps.h, steps.dW, 3e-2, 3e-2)
    E = np.asarray(E)
    assert (E[steps.h > 1.5 / 256] <= 1.0).all()
    assert E.max() > 0.3


def test_tighter_tolerances_take_more_steps_and_come_nearer(brownian, steps):
    def end(found):
        with double():
            y, _ = replayed(ENSEMBLE, P, jnp.asarray(START), found.t, found.h, found.dW, 1.0, 1.0)
        return np.asarray(y)[-1]

    tight = adaptive_steps(ENSEMBLE, P, START, 0.0, 1 / 256, brownian, 3e-3, 3e-3)
    every = adaptive_steps(ENSEMBLE, P, START, 0.0, 1 / 256, brownian, 1e-12, 1e-12)
    assert len(steps.h) < len(tight.h) < len(every.h) == 256
    assert np.abs(end(tight) - end(every)).max() < np.abs(end(steps) - end(every)).max()


@pytest.mark.parametrize("kind", ["steps", "error", "error2"])
def test_gradients_against_central_differences_on_the_recorded_steps(steps, kind):
    def total(v):
        p = {"k": v[0], "s": v[1]}
        E = replayed(ENSEMBLE, p, jnp.asarray(START), steps.t, steps.h, steps.dW, 3e-2, 3e-2)[1]
        return cost(kind, E, steps.h)

    with double():
        at = jnp.array([2.0, 0.4])
        reverse, forward = (np.asarray(d(total)(at)) for d in (jax.grad, jax.jacfwd))
        central = [(total(at + e) - total(at - e)) / 2e-5 for e in 1e-5 * np.eye(2)]
    np.testing.assert_allclose(reverse, forward, rtol=1e-10)
    np.testing.assert_allclose(reverse, np.asarray(central, float), rtol=1e-5)


def test_padding_adds_nothing(steps):
    def padded(a):
        return np.concatenate([a, np.zeros((7, *a.shape[1:]))])

    def total(p, t, h, dW):
        return cost("steps", replayed(ENSEMBLE, p, jnp.asarray(START), t, h, dW, 3e-2, 3e-2)[1], h)

    with double():
        short, long = (
            jax.value_and_grad(total)(P, *(f(a) for a in (steps.t, steps.h, steps.dW))) for f in (np.asarray, padded)
        )
    assert float(short[0]) == pytest.approx(float(long[0]), rel=1e-14)
    assert float(short[1]["k"]) == pytest.approx(float(long[1]["k"]), rel=1e-12)


def test_paths_that_blow_up_are_told(brownian):
    wild = Ensemble(lambda t, y, p: 1e6 * y**5, diffusion)
    found = adaptive_steps(wild, P, START, 0.0, 1 / 256, brownian, 1e-2, 1e-2)
    assert found.failed is not None
    assert "not finite" in found.failed


def test_cost_row_and_its_frame():
    y = OU.sample(0, 200)
    problem = dynamics.sde(
        OU.drift, OU.diffusion, (OU.t, y), unknown=dict(OU.start), paths=100, regularise="steps", weight=0.1, resample=2
    )
    assert problem.names == ("moments", "solver_cost")
    theta = problem.layout.start
    frame = problem.frame(theta)
    lin = linearise(problem, theta, frame, Work())
    row = lin.rows["solver_cost"]
    assert float(lin.r[row][0]) > 0
    for j in range(3):
        e = 1e-5 * np.eye(3)[j]
        central = float((lin.at(theta + e).r[row] - lin.at(theta - e).r[row])[0]) / 2e-5
        assert float(lin.dense()[row, j][0]) == pytest.approx(central, rel=1e-5, abs=1e-7)
    assert problem.frame(theta + 0.1, frame, {}, 0, 1) is frame
    later = problem.frame(theta + 0.1, frame, {}, 0, 2)
    assert not np.array_equal(later.batches[1].coords["h"], frame.batches[1].coords["h"])


def test_bad_options_are_named(brownian):
    with pytest.raises(OptionError, match="rtol and atol"):
        adaptive_steps(ENSEMBLE, P, START, 0.0, 1 / 256, brownian, 0.0, 1e-2)
    y = OU.sample(0, 50)
    for options, told in (
        ({"regularise": "stiffness"}, "'stiffness'"),
        ({"regularise": "steps", "weight": 0.0}, "weight"),
    ):
        with pytest.raises(OptionError, match=told):
            dynamics.sde(OU.drift, OU.diffusion, (OU.t, y), unknown=dict(OU.start), **options)
