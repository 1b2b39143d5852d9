"""Flow maps: identities of an exact map, what the ansatz builds in, fits to known fields and to samples."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import sciopt as so
from problems.dynamics.pendulum import energy, pendulum_flow
from problems.dynamics.two_peaks import exact_map, peaks, velocity
from sciopt import dynamics
from sciopt._errors import ConditionError, DataError, OptionError
from sciopt.dynamics.flow_map_identities import eulerian, lagrangian, progressive
from sciopt.linearise import linearise
from sciopt.linearise.autodiff import double

S, U, T = 0.2, 0.35, 0.9  # the middle time is not the midpoint, which would hide wrong weights
X = jnp.linspace(-2.0, 2.0, 9)


def field(t, y):
    return jnp.stack([y[1], -jnp.sin(y[0])])


BOX = [(-1.8, 1.8), (-1.6, 1.6)]


def mean_velocity(s, t, x):
    return jnp.where(t > s, (exact_map(s, t, x) - x) / jnp.where(t > s, t - s, 1.0), velocity(s, x))


@pytest.mark.parametrize(
    "identity",
    [
        lambda x: lagrangian(exact_map, velocity, S, T, x),
        lambda x: eulerian(exact_map, velocity, S, T, x),
        lambda x: progressive(mean_velocity, S, U, T, x),
    ],
    ids=["lagrangian", "eulerian", "progressive"],
)
def test_identities_of_the_exact_map(identity):
    with double():
        residual = jax.vmap(lambda x: identity(x[None]))(jnp.asarray(np.asarray(X), dtype=float))
    assert np.abs(np.asarray(residual)).max() < 1e-8


def test_wrong_identities_fail():
    with double():
        x = jnp.asarray(np.asarray(X), dtype=float)

        def halves(x):  # weights of the midpoint at another middle time
            first = mean_velocity(S, U, x)
            return mean_velocity(S, T, x) - 0.5 * first - 0.5 * mean_velocity(U, T, x + (U - S) * first)

        def sign(x):
            return jax.jvp(lambda s, y: exact_map(s, T, y), (S, x), (1.0, -velocity(S, x)))[1]

        for wrong in (halves, sign):
            assert np.abs(np.asarray(jax.vmap(lambda v, f=wrong: f(v[None]))(x))).max() > 0.1


@pytest.mark.parametrize("autonomous", [True, False])
def test_ansatz_starts_at_the_identity_with_its_own_velocity(autonomous, rng):
    model = dynamics.flow_map(2, region=BOX, autonomous=autonomous, width=8, key=3)
    x = rng.standard_normal((5, 2))
    np.testing.assert_array_equal(model(x, 0.4, 0.4), x)
    h = 1e-6
    with double():
        v = np.asarray(jax.vmap(lambda y: model.v(0.4, 0.4, y))(jnp.asarray(x)))
    np.testing.assert_allclose((model(x, 0.4, 0.4 + h) - x) / h, v, atol=1e-5)


def test_composition_is_the_repeated_map(rng):
    model = dynamics.flow_map(2, region=BOX, autonomous=False, width=8, key=3)
    x, y = rng.standard_normal((4, 2)), []
    for k in range(3):
        y.append(x if not y else model(y[-1], 0.1 + 0.2 * (k - 1), 0.1 + 0.2 * k))
    np.testing.assert_allclose(model.compose(x, 0.2, 2, s=0.1), y, atol=1e-13)


@pytest.fixture(scope="module")
def rotation():
    """Harmonic oscillator: the exact map is a rotation."""
    model = dynamics.flow_map(2, region=[(-1, 1)] * 2, width=16, key=0)
    return dynamics.fit_flow_map(
        model, lambda t, y: jnp.stack([y[1], -y[0]]), region=[(-1, 1)] * 2, points=400, steps=80
    )


def test_known_field_by_the_engine(rotation, rng):
    x = rng.uniform(-0.8, 0.8, (50, 2))
    c, s = np.cos(0.7), np.sin(0.7)
    np.testing.assert_allclose(rotation.step(x, 0.0, 0.7), x @ np.array([[c, -s], [s, c]]), atol=2e-4)
    report = rotation.semigroup_error()
    assert 0 < report["rms"] < 1e-3
    assert report["rms"] <= report["max"]
    drift = rotation.energy_drift(lambda y: 0.5 * (y**2).sum(-1), x[:5], 0.5, 40)
    assert drift["history"].shape == (41, 5)
    assert drift["max"] < 0.02
    untrained = dynamics.flow_map(2, region=[(-1, 1)] * 2, width=16, key=0)
    assert np.abs(untrained(x, 0.0, 0.7) - rotation.step(x, 0.0, 0.7)).max() > 0.1


@pytest.mark.parametrize("loss", ["eulerian", pytest.param("progressive", marks=pytest.mark.slow)])
def test_other_identities_find_the_same_map(loss, rng):
    model = dynamics.flow_map(2, region=[(-1, 1)] * 2, width=16, key=0)
    fit = dynamics.fit_flow_map(
        model, lambda t, y: jnp.stack([y[1], -y[0]]), region=[(-1, 1)] * 2, points=300, loss=loss, steps=60
    )
    x = rng.uniform(-0.6, 0.6, (20, 2))
    c, s = np.cos(0.5), np.sin(0.5)
    np.testing.assert_allclose(fit.step(x, 0.0, 0.5), x @ np.array([[c, -s], [s, c]]), atol=3e-3)


@pytest.mark.slow
def test_pendulum_keeps_its_energy_over_a_thousand_steps(rng):
    """Steps of 0.5, five times what leapfrog takes for that accuracy: drift below 1 %."""
    from problems.dynamics.flow_study import pendulum_propagator

    fit = pendulum_propagator()
    x = rng.uniform(-1, 1, (200, 2)) * [1.5, 1.2]
    x = x[(energy(x) < 1.0) & (energy(x) > 0.1)][:20]
    assert np.abs(fit.step(x, 0.0, 0.5) - pendulum_flow(x, 0.5)).max() < 2e-5
    assert fit.energy_drift(energy, x, 0.5, 1000)["max"] < 0.01


def distillation(loss="lagrangian"):
    from sciopt.condition import Condition
    from sciopt.dynamics.flow_map_fit import _Drawn, _Pairs
    from sciopt.dynamics.flow_map_rows import Distillation, DistillationProblem

    model = dynamics.flow_map(1, region=[(-3, 3)], autonomous=False, width=6, depth=1, key=0)
    points = _Drawn(_Pairs(None, peaks(500), False), 32, 1)
    rows = Condition(Distillation(loss), loss, points, weight=1.0, batched=True, columns=("*",), jacobian="reverse")
    return DistillationProblem([rows], model)


@pytest.mark.parametrize("loss", ["lagrangian", "eulerian", "progressive"])
def test_targets_are_frozen(loss):
    """On one frame the target is that of the frame's theta: the Jacobian is the student's alone, and rows compare."""
    problem = distillation(loss)
    theta = problem.layout.start
    frame = problem.frame(theta)
    np.testing.assert_array_equal(frame.batches[0].coords["teacher"], theta)
    lin = linearise(problem, theta, frame)
    J = lin.dense()
    for j in (0, 5, len(theta) - 1):
        h = 1e-6 * np.eye(len(theta))[j]
        central = (lin.at(theta + h).r - lin.at(theta - h).r) / 2e-6
        np.testing.assert_allclose(J[:, j], central, atol=1e-7)
    moved = problem.frame(theta + 0.1, frame, {}, 0, 1)
    np.testing.assert_array_equal(moved.batches[0].coords["teacher"], theta + 0.1)
    assert not np.allclose(linearise(problem, theta, moved).r, lin.r)


def test_samples_by_self_distillation():
    model = dynamics.flow_map(1, region=[(-3, 3)], autonomous=False, width=16, depth=2, activation="gelu", key=1)
    fit = dynamics.fit_flow_samples(model, peaks(2000), batch=128, steps=250)
    assert fit.status is so.Status.budget
    g = np.random.default_rng(0).standard_normal((400, 1))
    y = fit.step(fit.step(g, 0.0, 0.5), 0.5, 1.0)
    assert np.isfinite(y).all()
    assert y.std() > 1.2 * g.std()  # it spreads towards the peaks at -2 and 2


@pytest.mark.slow
def test_lagrangian_is_better_than_progressive_in_one_step():
    """One step against the exact map, medians of three seeds: error at most 0.7 times that of the progressive loss."""
    from problems.dynamics.flow_study import one_step_error

    ours, other = (
        np.median([one_step_error(loss, seed) for seed in range(3)]) for loss in ("lagrangian", "progressive")
    )
    assert ours <= 0.7 * other


@pytest.mark.parametrize(
    ("call", "error", "told"),
    [
        (lambda m: dynamics.fit_flow_map(np.sin, field, region=BOX), OptionError, "must be a flow map"),
        (lambda m: dynamics.fit_flow_map(m, field, region=BOX, loss="mean"), OptionError, "loss='mean'"),
        (lambda m: dynamics.fit_flow_map(m, field, region=[(0, 1)]), DataError, "2 finite pairs"),
        (lambda m: dynamics.fit_flow_map(m, lambda t, y: y[0], region=BOX), ConditionError, r"returns shape \(\)"),
        (lambda m: dynamics.fit_flow_samples(m, peaks(5)), OptionError, "autonomous=False"),
        (lambda m: m(np.ones(3), 0.0, 1.0), DataError, r"shape \(3,\)"),
        (lambda m: m.compose(np.ones(2), 0.1, 0), OptionError, "count"),
        (lambda m: dynamics.flow_map(2, region=BOX, times=(1.0, 1.0)), OptionError, "first < last"),
        (lambda m: dynamics.flow_map(2, region=[(0, 1)]), OptionError, "2 pairs"),
    ],
)
def test_bad_calls_are_named(call, error, told):
    model = dynamics.flow_map(2, region=BOX, width=4)
    with pytest.raises(error, match=told):
        call(model)
