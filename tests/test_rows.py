"""Whitened rows of a fit: covariances, masks, complex data, labels, robust losses, against independent answers."""

import numpy as np
import pytest

import sciopt as so

RNG = np.random.default_rng(1)
X = np.linspace(0, 3, 20)
Y = 2 * np.exp(-X) + 0.1 * RNG.standard_normal(20)
C = 0.01 * np.eye(20) + 0.005 * np.ones((20, 20))


def decay(x, A=1.0, k=0.5):
    return A * np.exp(-k * x)


def test_covariance_equals_stat_and_systematics():
    full = so.fit(decay, X, Y, sigma=C)
    split = so.fit(decay, X, Y, sigma=(np.full(20, 0.1), np.full((20, 1), np.sqrt(0.005))))
    assert full.theta == pytest.approx(split.theta, rel=1e-12)
    assert full.covariance == pytest.approx(split.covariance, rel=1e-10)
    d = decay(X, *full.theta) - Y
    assert full.chi2 == pytest.approx(d @ np.linalg.solve(C, d), rel=1e-12)
    J = np.stack([np.exp(-full.theta[1] * X), -full.theta[0] * X * np.exp(-full.theta[1] * X)], axis=1)
    assert full.covariance == pytest.approx(np.linalg.inv(J.T @ np.linalg.solve(C, J)), rel=1e-10)


def test_omitted_data_leave_the_covariance_of_the_rest():
    y = Y.copy()
    y[3] = np.nan
    kept = np.delete(np.arange(20), 3)
    fit = so.fit(decay, X, y, sigma=C, nan="omit")
    rest = so.fit(decay, X[kept], Y[kept], sigma=C[np.ix_(kept, kept)])
    assert fit.theta == pytest.approx(rest.theta, rel=1e-12)
    assert fit.dof == rest.dof == 17


def test_complex_data_count_twice():
    w = np.linspace(1, 2, 50)
    z = 1 / (1 + 3j * (w - 1.5)) + 0.01 * (RNG.standard_normal(50) + 1j * RNG.standard_normal(50))
    fit = so.fit(lambda w, q=1.0, w0=1.4: 1 / (1 + 1j * q * (w - w0)), w, z, sigma=0.01)
    stacked = so.fit(
        lambda w, q=1.0, w0=1.4: np.concatenate(
            [1 / (1 + q**2 * (w - w0) ** 2), -q * (w - w0) / (1 + q**2 * (w - w0) ** 2)]
        ),
        w,
        np.concatenate([z.real, z.imag]),
        sigma=0.01,
    )
    assert fit.dof == 98
    assert fit.theta == pytest.approx(stacked.theta, rel=1e-8)
    assert fit.errors["q"] == pytest.approx(stacked.errors["q"], rel=1e-6)


def test_softmax_of_two_classes_is_logistic():
    x = RNG.standard_normal((200, 2))
    labels = (x @ [1.0, -1.0] + RNG.logistic(size=200) > 0).astype(int)
    soft = so.fit(
        lambda x, a=0.0, b=0.0: np.stack([0 * x[:, 0], a * x[:, 0] + b * x[:, 1]], 1), x, labels, loss="softmax"
    )
    logistic = so.fit(lambda x, a=0.0, b=0.0: a * x[:, 0] + b * x[:, 1], x, labels, loss="logistic")
    assert soft.theta == pytest.approx(logistic.theta, rel=1e-9)
    assert soft.covariance == pytest.approx(logistic.covariance, rel=1e-8)


def test_robust_loss_ignores_an_outlier():
    y = np.where(np.arange(20) == 5, 9.0, Y)
    fit = so.fit(decay, X, y, sigma=0.1, loss="cauchy")
    clean = so.fit(decay, X, Y, sigma=0.1)
    assert abs(fit.values["A"] - clean.values["A"]) < clean.errors["A"]


def test_poisson_heights_are_unbiased_means():
    counts = np.random.default_rng(0).poisson(3.0, 100)
    fit = so.fit(lambda x, mu=1.0: mu + 0 * x, np.arange(100.0), counts, loss="poisson")
    assert fit.values["mu"] == pytest.approx(counts.mean(), rel=1e-12)
    assert fit.errors["mu"] == pytest.approx(np.sqrt(counts.mean() / 100), rel=1e-9)


def test_wrong_shape_is_named():
    with pytest.raises(ValueError, match=r"returned shape \(19,\), the data have shape \(20,\)"):
        so.fit(lambda x, a=1.0: a * x[1:], X, Y)
