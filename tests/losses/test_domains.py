"""Losses outside their domain and at its edges."""

import numpy as np
import pytest

from sciopt import losses


def test_expectations_far_below_the_counts_keep_their_digits():
    """Relative to k, mu - k is -1 up to rounding: its logarithm must come from the quotient."""
    mu, k = np.array([1e-12, 3e-9, 1e-200]), np.array([5.0, 7.0, 2.0])
    expected = mu - k + k * (np.log(k) - np.log(mu))
    np.testing.assert_allclose(losses.Poisson().deviance(mu, k), 2 * expected, rtol=1e-13)
    drop = losses.Poisson().decrease(np.ones(3), mu, k)
    assert drop == pytest.approx(np.sum(1 - mu + k * np.log(mu)), rel=1e-13)
    p, k = np.array([1e-12, 1 - 2.0**-40]), np.array([2.0, 1.0])

    def minus_log(p):
        return -(k * np.log(p) + (3 - k) * np.log1p(-p))

    saturated = 2 * np.log(2 / 3) + np.log(1 / 3)
    np.testing.assert_allclose(losses.Binomial(3).deviance(p, k), 2 * (minus_log(p) + saturated), rtol=1e-12)
    truth = np.sum(minus_log(p) - minus_log(p[::-1]))
    assert losses.Binomial(3).decrease(p, p[::-1], k) == pytest.approx(truth, rel=1e-12)


@pytest.mark.parametrize(
    ("loss", "bad", "y"),
    [
        (losses.Poisson(), [1.0, -1e-9], [3, 0]),
        (losses.Poisson(), [1.0, 0.0], [3, 2]),
        (losses.Poisson(), [1.0, np.nan], [3, 0]),
        (losses.Binomial(4), [0.5, 1.0], [1, 3]),
        (losses.Binomial(4), [0.5, 0.0], [1, 3]),
        (losses.Binomial(4), [0.5, 1.2], [1, 4]),
        (losses.Binomial(4), [0.5, np.nan], [1, 4]),
        (losses.Gaussian(), [0.5, np.nan], [1.0, 4.0]),
        (losses.Gaussian(), [0.5, 1e200], [1.0, 4.0]),
        (losses.Huber(), [0.5, np.nan], [1.0, 4.0]),
        (losses.Cauchy(), [0.5, np.inf], [1.0, 4.0]),
        (losses.Logistic(), [0.5, np.inf], [1.0, 0.0]),
        (losses.Softmax(), [[0.5, np.nan], [1.0, 1.0]], [1, 0]),
        (losses.Likelihood(), [0.5, -np.inf], None),
        (losses.Likelihood(extended=True), [0.5, 0.0], None),
    ],
)
def test_outside_the_domain_is_an_infinite_value_and_a_rejected_step(loss, bad, y):
    good = [[0.1, 0.2], [0.3, 0.4]] if loss.name == "softmax" else [0.5, 0.5]
    assert loss.value(bad, y) == np.inf
    assert loss.decrease(good, bad, y) == -np.inf
    assert loss.decrease(bad, good, y) == np.inf
    if not np.isfinite(bad).all():
        assert loss.decrease(bad, bad, y) == -np.inf
    loss.whiten(bad, y)
    loss.deviance(bad, y)


def test_empty_bins_are_usable_at_zero_expectation():
    loss = losses.Poisson()
    assert loss.value([0.0, 2.0], [0, 2]) == 0.0
    r, scale = loss.whiten([0.0, 1e-30, 1e-8, 2.0], [0, 0, 0, 0])
    np.testing.assert_allclose(r * scale, 1.0, rtol=1e-14)
    assert np.all(scale <= 1e6 * (1 + 1e-12))
    assert loss.decrease([0.0, 2.0], [0.5, 2.0], [0, 2]) == -0.5
    assert loss.decrease([0.5, 2.0], [0.0, 2.0], [0, 2]) == 0.5
    r, scale = losses.Binomial(3).whiten([0.0, 1.0], [0, 3])
    np.testing.assert_allclose(r * scale, [3.0, -3.0], rtol=1e-14)


def test_saturated_logits_stay_finite_and_exact():
    z = np.array([-800.0, -40.0, 40.0, 800.0])
    for y in (np.zeros(4), np.ones(4)):
        r, scale = losses.Logistic().whiten(z, y)
        assert np.all(np.abs(r) <= 1e6 * (1 + 1e-12))
        slope = np.array([0.0, np.exp(-40.0), 1.0, 1.0]) if y[0] == 0 else -np.array([1.0, 1.0, np.exp(-40.0), 0.0])
        np.testing.assert_allclose(r * scale, slope, rtol=1e-12, atol=1e-300)
    assert losses.Logistic().value(z, [0, 0, 1, 1]) == pytest.approx(2 * np.exp(-40.0), rel=1e-12)
    logits = np.array([[0.0, 800.0], [0.0, 40.0]])
    r, B = losses.Softmax().whiten(logits, [0, 0])
    assert isinstance(B, losses.SoftmaxRows)
    assert np.all(np.abs(r) <= 1e6 * (1 + 1e-12))
    np.testing.assert_allclose(B.rows_t(r), [-1, 1, -1, 1], rtol=1e-9)
    assert losses.Softmax().value(logits, [1, 1]) == pytest.approx(np.exp(-40.0), rel=1e-12)


@pytest.mark.parametrize("loss", [losses.Huber(), losses.SoftL1(), losses.Cauchy(), losses.StudentT()], ids=repr)
def test_robust_losses_survive_any_finite_residual(loss):
    r = np.array([1e-200, 1e-8, 1.0, 1e8, 1e150, 1e300])
    assert np.isfinite(loss.value(r))
    whitened, scale = loss.whiten(r)
    assert np.all(np.isfinite(whitened))
    assert np.all(scale > 0)
    assert loss.decrease(r, 0.5 * r) > 0
