"""Values against scipy.stats, domains and extremes, checks of the data, names."""

import subprocess
import sys
import time

import numpy as np
import pytest
from scipy import stats

from sciopt import losses
from sciopt._errors import DataError, OptionError

ALL = [
    losses.Gaussian(),
    losses.Poisson(),
    losses.Binomial(5),
    losses.Logistic(),
    losses.Softmax(),
    losses.Huber(),
    losses.SoftL1(),
    losses.Cauchy(),
    losses.StudentT(),
    losses.Likelihood(),
    losses.Likelihood(extended=True),
]


def test_poisson_is_the_likelihood_ratio_with_zero_counts(rng):
    mu = rng.uniform(0.1, 30, 200)
    k = rng.poisson(mu).astype(float)
    k[:20] = 0
    saturated = np.where(k > 0, stats.poisson.logpmf(k, np.maximum(k, 1e-9)), 0.0)
    expected = 2 * (saturated - stats.poisson.logpmf(k, mu))
    np.testing.assert_allclose(losses.Poisson().deviance(mu, k), expected, rtol=1e-9, atol=1e-9)
    assert losses.Poisson().value(mu, k) == pytest.approx(expected.sum() / 2, rel=1e-12)


def test_poisson_deviance_of_large_counts_keeps_its_digits():
    """Counts of 1e14 off by 3 sigma: the plain formula has no digit left."""
    k = 1e14
    mu = k + 3e7
    d = 3e-7
    series = k * (d**2 / 2 - d**3 / 3 + d**4 / 4)
    assert losses.Poisson().deviance([mu], [k])[0] == pytest.approx(2 * series, rel=1e-12)


def test_binomial_is_the_likelihood_ratio(rng):
    n = rng.integers(1, 40, 100)
    p = rng.uniform(0.02, 0.98, 100)
    k = rng.binomial(n, p)
    k[:10], k[10:20] = 0, n[10:20]
    expected = 2 * (stats.binom.logpmf(k, n, k / n) - stats.binom.logpmf(k, n, p))
    np.testing.assert_allclose(losses.Binomial(n).deviance(p, k), expected, rtol=1e-9, atol=1e-9)
    half = losses.Binomial(n).selected(np.arange(50))
    assert half.value(p[:50], k[:50]) == pytest.approx(expected[:50].sum() / 2, rel=1e-12)
    assert half == losses.Binomial(n[:50])
    assert half != losses.Binomial(n)


def test_logistic_is_bernoulli_and_softmax_of_two_classes(rng):
    z = 3 * rng.standard_normal(50)
    y = rng.integers(0, 2, 50)
    expected = -stats.bernoulli.logpmf(y, 1 / (1 + np.exp(-z)))
    assert losses.Logistic().value(z, y) == pytest.approx(expected.sum(), rel=1e-12)
    assert losses.Softmax().value(np.stack([0 * z, z], axis=1), y) == pytest.approx(expected.sum(), rel=1e-12)


def test_softmax_votes_are_multinomial(rng):
    z = rng.standard_normal((30, 3))
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    k = np.stack([rng.multinomial(8, row) for row in p])
    expected = [
        stats.multinomial.logpmf(a, 8, a / 8) - stats.multinomial.logpmf(a, 8, b) for a, b in zip(k, p, strict=True)
    ]
    np.testing.assert_allclose(losses.Softmax().deviance(z, k).sum(axis=1), 2 * np.array(expected), atol=1e-10)
    assert losses.Softmax().value(z.ravel(), k) == pytest.approx(float(np.sum(np.array(expected))), rel=1e-12)


def test_student_t_is_the_log_density(rng):
    r = 5 * rng.standard_normal(40)
    expected = stats.t.logpdf(0, 3.0) - stats.t.logpdf(r, 3.0)
    assert losses.StudentT(nu=3.0).value(r) == pytest.approx(expected.sum(), rel=1e-12)


@pytest.mark.parametrize(
    ("loss", "name", "scale"),
    [(losses.Huber(0.9), "huber", 0.9), (losses.SoftL1(1.7), "soft_l1", 1.7), (losses.Cauchy(2.0), "cauchy", 2.0)],
)
def test_robust_costs_are_those_of_scipy(loss, name, scale, rng):
    from scipy.optimize import least_squares

    r = 4 * rng.standard_normal(30)
    cost = least_squares(lambda u: r + 0 * u, [0.0], loss=name, f_scale=scale, max_nfev=1).cost
    assert loss.value(r) == pytest.approx(cost, rel=1e-12)


def test_extended_likelihood_is_that_of_a_poisson_process(rng):
    x = rng.exponential(2.0, 37)
    nu, log_p = 31.0, -x / 1.5 - np.log(1.5)
    loss = losses.Likelihood(extended=True)
    assert loss.value(np.append(log_p, nu)) == pytest.approx(nu - np.sum(np.log(nu) + log_p), rel=1e-13)
    r, scale = loss.whiten(np.append(log_p, nu))
    assert scale[-1] * r[-1] == pytest.approx(1 - 37 / nu, rel=1e-13)
    assert scale[-1] ** 2 == pytest.approx(1 / nu)


@pytest.mark.parametrize("classes", [2, 5])
def test_softmax_operator_factorises_the_curvature(classes, rng):
    z = 3 * rng.standard_normal((6, classes))
    y = rng.integers(0, classes, 6)
    r, B = losses.Softmax().whiten(z, y)
    assert isinstance(B, losses.SoftmaxRows)
    dense = B.rows(np.eye(z.size))
    np.testing.assert_allclose(B.rows_t(np.eye(z.size)), dense.T, atol=1e-15)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    expected = np.zeros((z.size, z.size))
    for i, row in enumerate(p):
        expected[i * classes : (i + 1) * classes, i * classes : (i + 1) * classes] = np.diag(row) - np.outer(row, row)
    np.testing.assert_allclose(dense.T @ dense, expected, atol=1e-14)
    np.testing.assert_allclose(B.rows_t(r), (p - np.eye(classes)[y]).ravel(), atol=1e-14)
    v = rng.standard_normal(z.size)
    np.testing.assert_allclose(B.rows(v), dense @ v, atol=1e-14)


@pytest.mark.parametrize(
    ("loss", "shape", "y", "message"),
    [
        (losses.Poisson(), (3,), [1, -2, 3], "-2 at index 1"),
        (losses.Poisson(), (2, 2), [[1, 2], [3, np.nan]], r"nan at index \(1, 1\)"),
        (losses.Poisson(), (3,), [1, 2], r"shape \(2,\)"),
        (losses.Gaussian(), (2,), [1.0, np.inf], "inf at index 1"),
        (losses.Gaussian(), (2,), [1.0, 1j], "dtype complex"),
        (losses.Gaussian(), (2,), ["a", "b"], "dtype"),
        (losses.Binomial(5), (2,), [2, 6], "6 of 5 trials at index 1"),
        (losses.Binomial([5, 5, 5]), (2,), [2, 3], r"trials has shape \(3,\)"),
        (losses.Logistic(), (2,), [0.0, 1.5], "1.5 at index 1"),
        (losses.Softmax(), (2, 3), [0, 3], "3 at index 1"),
        (losses.Softmax(), (2, 3), [[1, 0, 0], [0, -1, 2]], r"-1 at index \(1, 1\)"),
        (losses.Softmax(), (2, 3), [[1, 0, 0], [0, 0, 0]], "zero at index 1"),
        (losses.Softmax(), (2,), [0, 1], "logits"),
        (losses.Likelihood(), (2, 2), None, "log density"),
        (losses.Likelihood(extended=True), (1,), None, "expected number"),
    ],
)
def test_bad_data_are_named(loss, shape, y, message):
    with pytest.raises(DataError, match=message):
        loss.check(shape, y)


@pytest.mark.parametrize("loss", ALL, ids=repr)
def test_good_data_pass(loss):
    shape = (4, 3) if loss.name == "softmax" else (4,)
    assert loss.check(shape, None if loss.name == "likelihood" else [0, 1, 1, 0]) is None  # no error


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: losses.Huber(delta=0.0), "delta=0.0"),
        (lambda: losses.Cauchy(scale=-1.0), "scale=-1.0"),
        (lambda: losses.StudentT(nu=float("nan")), "positive"),
        (lambda: losses.SoftL1(scale="2"), "number"),  # pyright: ignore[reportArgumentType]
        (lambda: losses.Binomial([3, 0]), "0.0 at index 1"),
        (lambda: losses.resolve("gauss"), "gaussian, poisson, binomial"),
        (lambda: losses.resolve(losses.Huber), r"write Huber\(\)"),
        (lambda: losses.resolve(3.0), "lacks value, whiten, decrease"),
        (lambda: losses.resolve(None), "NoneType lacks value, whiten, decrease"),
    ],
)
def test_bad_options_are_named(make, message):
    with pytest.raises(OptionError, match=message):
        make()


def test_names_and_objects_resolve():
    for name in losses.NAMES:
        assert losses.resolve(name).name == name
    assert len(losses.NAMES) == 9
    huber = losses.Huber(2.0)
    assert losses.resolve(huber) is huber


class _Minimal:
    """A user's loss with no more than the three functions needed: sum of fourth powers over four."""

    def value(self, z, y):
        return np.sum((z - y) ** 4) / 4

    def whiten(self, z, y):
        scale = np.sqrt(3) * np.abs(z - y) + 1e-9
        return (z - y) ** 3 / scale, scale

    def decrease(self, z, z_new, y):
        return self.value(z, y) - self.value(z_new, y)


class _Derivatives:
    name = "quartic"

    def value(self, z, y):
        return (z - y) ** 4 / 4

    def derivative(self, z, y):
        return (z - y) ** 3

    def curvature(self, z, y):
        return 3 * (z - y) ** 2


@pytest.mark.parametrize("given", [_Minimal(), _Derivatives()])
def test_a_loss_of_the_user_is_completed(given, rng):
    loss = losses.resolve(given)
    z, y = rng.standard_normal(7), rng.standard_normal(7)
    loss.check((7,), y)
    assert not loss.statistical
    assert loss.value(z, y) == pytest.approx(np.sum((z - y) ** 4) / 4)
    r, scale = loss.whiten(z, y)
    assert isinstance(scale, np.ndarray)
    np.testing.assert_allclose(scale * r, (z - y) ** 3, rtol=1e-12)
    assert loss.decrease(z, y, y) == pytest.approx(loss.value(z, y))
    assert loss.decrease(z, np.full(7, np.nan), y) == -np.inf
    assert loss.deviance(z, y).shape == (7,)
    with pytest.raises(DataError, match="nan at index 0"):
        loss.check((2,), [np.nan, 1.0])


@pytest.mark.parametrize("loss", ALL, ids=repr)
def test_a_hundred_thousand_rows_are_quick(loss, rng):
    z = rng.uniform(0.1, 0.9, 100_000)
    y = rng.integers(0, 2, 100_000)
    if loss.name == "softmax":
        z, y = z.reshape(-1, 2), y[:50_000]
    start = time.process_time()
    for _ in range(3):
        loss.value(z, y)
        loss.whiten(z, y)
        loss.decrease(z, 0.99 * z, y)
        loss.deviance(z, y)
    assert time.process_time() - start < 3 * 0.5


def test_importing_losses_is_light():
    code = (
        "import sys, sciopt.losses, sciopt.priors, sciopt.uncertain, sciopt.lineshapes\n"
        "sys.exit(any(m in sys.modules for m in ('jax', 'scipy.optimize', 'scipy.linalg', 'numba', 'matplotlib')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
