"""Fits of stochastic equations by moments: recovery, errors with all their noise, frames, refusals."""

import numpy as np
import pytest

import sciopt as so
from problems.dynamics.stochastic import SDE_CASES
from sciopt import dynamics, methods
from sciopt._errors import ConditionError, DataError, OptionError
from sciopt.linearise import Work, linearise

OU = SDE_CASES["ornstein_uhlenbeck"]


@pytest.fixture(scope="module")
def measured():
    return OU.sample(0)


@pytest.fixture(scope="module")
def fit(measured):
    return OU.fit(measured)


@pytest.mark.parametrize("name", sorted(SDE_CASES))
def test_parameters_within_four_errors(name):
    case = SDE_CASES[name]
    fit = case.fit(case.sample(5))
    assert fit.success
    for parameter, true in case.truth.items():
        assert abs(fit.values[parameter] - true) < 4 * fit.errors[parameter] < 0.8


def test_error_bars_are_as_wide_as_the_scatter_over_data_and_noise():
    """25 draws: the rms of (estimate - truth) / error is 1 within 3 of its own errors, mean within 3."""
    pulls = []
    for key in range(25):
        fit = OU.fit(OU.sample(key, 200), key=key, paths=200)
        pulls.append([(fit.values[n] - v) / fit.errors[n] for n, v in OU.truth.items()])
    rms = np.sqrt(np.mean(np.square(pulls), axis=0))
    assert (np.abs(rms - 1) < 3 / np.sqrt(50)).all(), rms
    assert (np.abs(np.mean(pulls, axis=0)) < 3 / np.sqrt(25)).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(SDE_CASES))
def test_coverage_of_one_sigma(name):
    from problems.dynamics.sde_study import coverage

    for parameter, pulls in coverage(SDE_CASES[name], 200).items():
        assert 0.60 <= np.mean(np.abs(pulls) < 1) <= 0.76, parameter


def test_naive_errors_would_be_too_small(fit):
    """Moments at different times are correlated; J^T J alone does not know."""
    naive = np.sqrt(np.diag(np.linalg.inv(fit._lin.dense().T @ fit._lin.dense())))
    assert (np.sqrt(np.diag(fit.covariance)) > 1.3 * naive).all()


@pytest.mark.slow
def test_sampling_noise_of_the_simulation_is_part_of_the_error(measured):
    few, many = OU.fit(measured, paths=200), OU.fit(measured, paths=2000)
    for name in OU.truth:
        assert few.errors[name] / many.errors[name] == pytest.approx(np.sqrt((1 + 5) / (1 + 0.5)), rel=0.25)


def test_noise_is_common_until_it_is_due(measured):
    problem = dynamics.sde(OU.drift, OU.diffusion, (OU.t, measured), unknown=dict(OU.start), paths=50, resample=3)
    theta, first = problem.layout.start, problem.frame(problem.layout.start)
    assert problem.frame(theta, first, {}, 0, 1) is first
    third = problem.frame(theta, first, {}, 0, 3)
    assert third is not first
    assert not np.array_equal(third.batches[0].coords["dW"], first.batches[0].coords["dW"])
    again = problem.frame(theta, first, {}, 0, 3)
    np.testing.assert_array_equal(third.batches[0].coords["dW"], again.batches[0].coords["dW"])
    assert problem.frame(theta, first, {"rows": 80}, 0, 1).batches[0].n == 80


def test_jacobian_against_differences(measured):
    problem = dynamics.sde(OU.drift, OU.diffusion, (OU.t, measured), unknown=dict(OU.start), paths=40)
    lin = linearise(problem, work=Work())
    J = lin.dense()
    for j in range(3):
        h = 1e-6 * np.eye(3)[j]
        central = (lin.at(lin.theta + h).r - lin.at(lin.theta - h).r) / 2e-6
        np.testing.assert_allclose(J[:, j], central, rtol=1e-6, atol=1e-6 * np.abs(J).max())


def test_moments_without_the_paths(measured, fit):
    values = {"mean": measured.mean(0), "covariance": measured.var(0, ddof=1)[:, :, None]}
    data = dynamics.Moments(OU.t[1:], {k: v[1:] for k, v in values.items()}, n=1000)
    other = dynamics.fit_sde(
        OU.drift, OU.diffusion, data, unknown=dict(OU.start), initial=OU.initial, t0=0.0, dt=OU.dt, paths=1000
    )
    for name, true in OU.truth.items():
        assert abs(other.values[name] - true) < 4 * other.errors[name]
        assert other.errors[name] == pytest.approx(fit.errors[name], rel=0.25)


def test_whitened_weights(measured, fit):
    other = OU.fit(measured, weights=0.2)
    assert other.iterate.lin.n < fit.iterate.lin.n
    for name, true in OU.truth.items():
        assert abs(other.values[name] - true) < 4 * other.errors[name]


def test_unknown_start_and_an_observed_function(measured):
    """The state at the begin is fitted, and only twice the state plus one is measured."""
    fit = dynamics.fit_sde(
        OU.drift,
        OU.diffusion,
        (OU.t[1:], 2 * measured[:, 1:] + 1),
        unknown={**OU.start, "y0": 1.0},
        initial=lambda p: p.y0,
        observe=lambda t, y, p: 2 * y + 1,
        t0=0.0,
        dt=0.05,
    )
    for name, true in {**OU.truth, "y0": 2.0}.items():
        assert abs(fit.values[name] - true) < 4 * fit.errors[name]


@pytest.mark.slow
def test_scattered_starts_are_drawn():
    def exact(n, rng):
        y = [1 + 0.5 * rng.standard_normal(n)]
        for _ in range(6):
            y.append(y[-1] * np.exp(-0.3) + np.sqrt((1 - np.exp(-0.6)) / 2) * rng.standard_normal(n))
        return np.array(y).T

    y = exact(1000, np.random.default_rng(4))
    t = 0.3 * np.arange(7)
    for options in ({}, {"initial": lambda p, z: 1 + 0.5 * z}):
        fit = dynamics.fit_sde(OU.drift, OU.diffusion, (t, y), unknown=dict(OU.start), dt=0.1, **options)
        for name, true in {"k": 1.0, "m": 0.0, "s": 1.0}.items():
            assert abs(fit.values[name] - true) < 4 * fit.errors[name]


def test_judgement_on_fresh_noise(fit):
    fresh = fit.fresh(paths=4000)
    assert 0.3 < fresh["rms"] < 2.5
    assert fresh["mean"] < 2e-3
    assert fit.step_error() < 0.2
    y = fit.simulate([0.5, 1.0], paths=500, key=3)
    assert y.shape == (500, 2, 1)
    assert fit.predict_moments(kinds=("mean",))["mean"].shape == (10, 1)


def test_same_key_same_bits(measured, fit):
    assert np.array_equal(OU.fit(measured).theta, fit.theta)
    assert not np.array_equal(OU.fit(measured, key=1).theta, fit.theta)


def test_network_steps_on_fresh_noise_and_reports_an_average(measured):
    net = so.models.mlp(1, width=4, depth=1, key=0)
    fit = dynamics.fit_sde(
        lambda t, y, p: p["net"](y).reshape(1),
        lambda t, y, p: p["s"] + 0 * y,
        (OU.t, measured),
        unknown={"net": net, "s": 0.5},
        paths=60,
        dt=0.2,
        resample=1,
        steps=30,
    )
    assert fit.status is so.Status.budget  # noise that changes each step never converges
    assert isinstance(fit.method, methods.Averaged)
    assert not np.array_equal(fit.theta, fit.iterate.theta)
    assert fit.fresh(paths=500)["mean"] < 3.0


def test_blow_up_is_a_rejected_step(measured):
    problem = dynamics.sde(
        lambda t, y, p: p.k * y**3, OU.diffusion, (OU.t, measured), unknown={"k": 0.0, "s": 0.5}, paths=30
    )
    lin = linearise(problem, work=Work())
    wild = lin.at(np.array([50.0, 0.5]))
    assert "not finite" in str(wild.failed)
    assert lin.reduction(wild) == -np.inf


@pytest.mark.parametrize(
    ("change", "error", "told"),
    [
        ({"drift": lambda t, y, p: y[0]}, ConditionError, r"drift returns shape \(\)"),
        ({"diffusion": lambda t, y, p: np.ones((1, 2))}, ConditionError, "noise='general' takes a matrix"),
        ({"diffusion": lambda t, y, p: y, "noise": "general"}, ConditionError, "noise='general' wants"),
        ({"data": np.zeros(3)}, OptionError, "data must be Paths"),
        ({"dt": -1.0}, OptionError, "dt must be"),
        ({"paths": 1}, OptionError, "paths must be"),
        ({"weights": "optimal"}, OptionError, "weights must be"),
        ({"initial": [np.nan]}, DataError, "initial must be finite"),
        ({"t0": 9.0, "initial": [1.0]}, DataError, "no time lies after"),
        ({"observe": lambda t, y, p: y}, OptionError, "initial= is needed"),
        (
            {"observe": lambda t, y, p: [1.0, 2.0], "initial": [2.0]},
            ConditionError,
            "as many components as are measured",
        ),
    ],
)
def test_bad_calls_are_named(measured, change, error, told):
    chosen = {"drift": OU.drift, "diffusion": OU.diffusion, "data": (OU.t, measured), **change}
    with pytest.raises(error, match=told):
        dynamics.sde(chosen.pop("drift"), chosen.pop("diffusion"), chosen.pop("data"), unknown=dict(OU.start), **chosen)


def test_a_component_that_does_not_vary_is_named(measured):
    still = np.concatenate([measured, np.ones_like(measured)], axis=2)
    with pytest.raises(DataError, match=r"mean\[1\] at t=0.2"):
        dynamics.sde(lambda t, y, p: -p.k * y, lambda t, y, p: p.s * y, (OU.t, still), unknown={"k": 1.0, "s": 1.0})
