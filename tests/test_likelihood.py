"""Unbinned likelihoods against closed forms and iminuit."""

import numpy as np
import pytest

import sciopt as so
from sciopt._errors import ConditionError, DataError, ParameterError

iminuit = pytest.importorskip("iminuit")
cost = pytest.importorskip("iminuit.cost")

RNG = np.random.default_rng(12)
TIMES = RNG.exponential(2.0, 500)
PEAK = np.concatenate([RNG.normal(5.0, 0.5, 300), RNG.exponential(4.0, 900)])
PEAK = PEAK[(PEAK > 0) & (PEAK < 10)]


def exponential(t, tau=1.0):
    return np.exp(-t / tau) / tau


def normal(x, mu, width):
    return np.exp(-0.5 * ((x - mu) / width) ** 2) / (np.sqrt(2 * np.pi) * width)


def mixture(x, z=0.4, mu=4.7, width=0.7, slope=3.0):
    background = np.exp(-x / slope) / (slope * (1 - np.exp(-10.0 / slope)))
    return z * normal(x, mu, width) + (1 - z) * background


def scaled(x, s=200.0, b=900.0, mu=4.7, width=0.7, slope=3.0):
    background = np.exp(-x / slope) / (slope * (1 - np.exp(-10.0 / slope)))
    return s + b, s * normal(x, mu, width) + b * background


def hessian(pdf, fit):
    """Second derivatives of -log L: complex steps within fourth-order differences."""

    def gradient(theta):
        moved = [theta + 1e-30j * e for e in np.eye(len(theta))]
        return np.array([-np.sum(np.log(pdf(PEAK, *t))).imag / 1e-30 for t in moved])

    rows = []
    for e, name in zip(np.eye(len(fit.theta)), fit.names, strict=True):
        h = 1e-3 * fit.errors[name]
        near = gradient(fit.theta + h * e) - gradient(fit.theta - h * e)
        far = gradient(fit.theta + 2 * h * e) - gradient(fit.theta - 2 * h * e)
        rows.append((8 * near - far) / (12 * h))
    return np.array(rows)


def migrad(function, **start):
    m = iminuit.Minuit(function, **start)
    m.strategy, m.tol = 2, 1e-8
    m.migrad()
    m.hesse()
    assert m.valid
    return m


def test_lifetime_is_the_mean_with_its_known_error():
    fit = so.solve(so.likelihood(exponential, TIMES))
    assert fit.success
    assert fit.values["tau"] == pytest.approx(TIMES.mean(), rel=1e-10)
    assert fit.errors["tau"] == pytest.approx(TIMES.mean() / np.sqrt(500), rel=1e-6)
    assert (fit.information, fit.errors_kind) == ("observed", "absolute")
    assert (fit.chi2, fit.dof, fit.chi2_by_condition) == (0.0, 0, {})
    assert "chi2" not in repr(fit)


def test_score_errors_differ_from_observed_information_by_a_known_factor():
    """For the exponential the sum of squared scores is n var(t)/tau^4, the second derivative n/tau^2."""
    fit = so.solve(so.likelihood(exponential, TIMES))
    scores = fit._lin.dense()
    assert 1 / np.sqrt(scores.T @ scores).item() == pytest.approx(
        fit.errors["tau"] * TIMES.mean() / TIMES.std(), rel=1e-6
    )


def test_mixture_agrees_with_unbinned_nll():
    fit = so.solve(so.likelihood(mixture, PEAK))
    m = migrad(cost.UnbinnedNLL(PEAK, mixture), z=0.3, mu=5, width=0.5, slope=4)
    assert fit.success
    for name in fit.names:
        assert fit.values[name] == pytest.approx(m.values[name], abs=1e-5 * m.errors[name])
        assert fit.errors[name] == pytest.approx(m.errors[name], rel=2e-3)  # HESSE's own differences
    np.testing.assert_allclose(fit.covariance, np.linalg.inv(hessian(mixture, fit)), rtol=1e-5)


def test_extended_agrees_with_extended_nll():
    fit = so.solve(so.likelihood(scaled, PEAK, extended=True))
    m = migrad(cost.ExtendedUnbinnedNLL(PEAK, scaled), s=300, b=900, mu=5, width=0.5, slope=4)
    assert fit.success
    assert fit.values["s"] + fit.values["b"] == pytest.approx(len(PEAK), rel=1e-8)
    for name in fit.names:
        assert fit.values[name] == pytest.approx(m.values[name], abs=1e-5 * m.errors[name])
        assert fit.errors[name] == pytest.approx(m.errors[name], rel=2e-3)  # HESSE's own differences


def test_ends_of_the_profile_lie_at_its_level():
    fit = so.solve(so.likelihood(mixture, PEAK))
    m = migrad(cost.UnbinnedNLL(PEAK, mixture), z=0.3, mu=5, width=0.5, slope=4)
    best = m.fval
    m.fixed["width"] = True
    for end in fit.profile("width"):
        m.values["width"] = end
        m.migrad()
        assert m.fval - best == pytest.approx(0.98894648, rel=1e-5)  # chi2 quantile of 68 %


def test_poor_start_with_densities_above_one():
    """The merit is negative at the answer and falls by much more than one an event."""
    narrow = 5.0 + 1e-3 * RNG.standard_normal(200)
    fit = so.solve(so.likelihood(normal, narrow, start={"mu": 4.9, "width": so.Parameter(0.1, bounds=(0, None))}))
    assert fit.success
    assert fit.history["f"][-1] < 0
    assert fit.values["mu"] == pytest.approx(narrow.mean(), rel=1e-10)
    assert fit.values["width"] == pytest.approx(narrow.std(), rel=1e-8)


def test_logarithms_columns_priors_and_sums():
    x, y = RNG.normal(1.0, 1.0, (2, 300))
    fit = so.solve(
        so.likelihood(
            lambda x, y, mu=so.Parameter(0.0, prior=so.Normal(0.0, 0.1)): -0.5 * (x - mu) ** 2 - 0.5 * (y - mu) ** 2,
            {"x": x, "y": y},
            log=True,
        )
    )
    assert fit.values["mu"] == pytest.approx((x.sum() + y.sum()) / (600 + 100), rel=1e-9)
    assert fit.errors["mu"] == pytest.approx(1 / np.sqrt(700), rel=1e-6)
    one, two = TIMES[:200], TIMES[200:]
    both = so.solve(so.likelihood(exponential, one) + so.likelihood(exponential, two))
    assert both.values["tau"] == pytest.approx(TIMES.mean(), rel=1e-9)
    binned = so.curve(lambda t, tau=1.0: tau + 0 * t, np.arange(3.0), np.full(3, 2.0), sigma=0.1)
    joint = so.solve(so.likelihood(exponential, TIMES) + binned)
    assert joint.chi2_by_condition.keys() == {"model"}
    assert joint.dof == 2
    assert joint.errors["tau"] < 0.1 / np.sqrt(3)


def test_masked_and_missing_events_are_left_out():
    times = np.append(TIMES, np.nan)
    with pytest.raises(DataError, match=r"index \(500,\)"):
        so.likelihood(exponential, times)
    fit = so.solve(so.likelihood(exponential, times, nan="omit"))
    assert fit.values["tau"] == pytest.approx(TIMES.mean(), rel=1e-9)


@pytest.mark.parametrize(
    ("build", "error", "said"),
    [
        (lambda: so.likelihood(exponential, []), DataError, "no events"),
        (lambda: so.likelihood(exponential, ["a"]), DataError, "dtype"),
        (lambda: so.likelihood(lambda x, y, a=1.0: a, (TIMES, TIMES[:3])), DataError, "different shapes"),
        (lambda: so.likelihood(lambda x, mu: x, TIMES), ParameterError, "'mu'"),
        (lambda: so.solve(so.likelihood(exponential, TIMES, extended=True)), ConditionError, "expected number"),
        (lambda: so.solve(so.likelihood(exponential, -TIMES, start={"tau": -1.0})), ConditionError, "at the start"),
    ],
)
def test_faults_are_named(build, error, said):
    with pytest.raises(error, match=said):
        build()


def test_density_in_jax():
    jnp = pytest.importorskip("jax.numpy")
    fit = so.solve(so.likelihood(lambda t, tau=1.0: jnp.exp(-t / tau) / tau, TIMES))
    assert fit.values["tau"] == pytest.approx(TIMES.mean(), rel=1e-9)
