"""Moments, their covariances, and what is refused as data."""

import numpy as np
import pytest

from sciopt._errors import DataError, OptionError
from sciopt.dynamics import Moments, Paths
from sciopt.dynamics.sde_moments import KINDS, check_kinds, contributions, covariance_of_moments, moment_names, moments

ALL = ("mean", "covariance", "lagged", "third", "fourth")


def test_moments_agree_with_numpy(rng):
    y = rng.standard_normal((50, 4, 2)) @ [[1.0, 0.3], [0.0, 2.0]]
    got = moments(np, y, ALL)
    c = y - y.mean(0)
    covariances = np.array([np.cov(y[:, k].T)[np.tril_indices(2)] for k in range(4)])
    lagged = (c[:, 1:] * c[:, :-1]).sum(0) / 49
    expected = [y.mean(0), covariances, lagged, (c**3).mean(0), (c**4).mean(0)]
    np.testing.assert_allclose(got, np.concatenate([np.ravel(e) for e in expected]), atol=1e-13)
    np.testing.assert_allclose(moments(np, y, ("variance",)), y.var(0, ddof=1).ravel(), atol=1e-13)
    assert len(moment_names(ALL, np.arange(4.0), 2)) == len(got)


def test_jax_and_numpy_agree(rng):
    jnp = pytest.importorskip("jax.numpy")
    from sciopt.linearise.autodiff import double

    y = rng.standard_normal((20, 3, 2))
    with double():
        np.testing.assert_allclose(np.asarray(moments(jnp, jnp.asarray(y), ALL)), moments(np, y, ALL), atol=1e-13)


def test_missing_values_leave_their_moments_to_the_other_paths(rng):
    y = rng.standard_normal((40, 3, 2))
    holes = y.copy()
    holes[:7, 1, 0] = np.nan
    values, covariance = Paths(np.arange(3.0), holes, nan="omit").moments(ALL, np.arange(3))
    names = moment_names(ALL, np.arange(3.0), 2)
    full = dict(zip(names, moments(np, y, ALL), strict=True))
    part = dict(zip(names, moments(np, y[7:], ALL), strict=True))
    got = dict(zip(names, values, strict=True))
    assert got["mean[0] at t=1"] == pytest.approx(part["mean[0] at t=1"], abs=1e-13)
    assert got["third[0] at t=1"] == pytest.approx(part["third[0] at t=1"], abs=1e-13)
    assert got["covariance[1,1] at t=1"] == pytest.approx(full["covariance[1,1] at t=1"], abs=1e-13)
    assert np.linalg.eigvalsh(covariance).min() > -1e-12


def test_covariance_of_moments_predicts_their_scatter(rng):
    """Over 4,000 ensembles of 60 paths each: variances within 12 %, correlation of mean and variance as predicted."""
    draws = rng.gamma(2.0, size=(4000, 60, 2, 1))  # skewed, so that mean and variance are correlated
    kinds = ("mean", "variance", "third", "fourth")
    seen = np.array([moments(np, y, kinds) for y in draws])
    told = np.mean([covariance_of_moments(contributions(y, kinds)) for y in draws[:1500]], axis=0)
    actual = np.cov(seen.T)
    np.testing.assert_allclose(np.diag(told)[:4], np.diag(actual)[:4], rtol=0.12)
    assert told[0, 2] / np.sqrt(told[0, 0] * told[2, 2]) == pytest.approx(
        actual[0, 2] / np.sqrt(actual[0, 0] * actual[2, 2]), abs=0.05
    )


def test_moments_given_directly_have_the_order_of_the_simulated_ones(rng):
    y = rng.standard_normal((30, 3, 2))
    values = {
        "mean": y.mean(0),
        "covariance": np.array([np.cov(y[:, k].T) for k in range(3)]),
    }
    data = Moments(np.arange(3.0), values, n=30)
    np.testing.assert_allclose(data.vector(("mean", "covariance")), moments(np, y, ("mean", "covariance")), atol=1e-13)
    with pytest.raises(DataError, match="lack 'third'"):
        data.vector(("third",))


@pytest.mark.parametrize(
    ("make", "error", "told"),
    [
        (lambda: Paths([0, 1, 1], np.zeros((3, 3))), DataError, r"t\[2\] = 1 follows 1"),
        (lambda: Paths([0, np.nan], np.zeros((3, 2))), DataError, r"t\[1\] is not finite"),
        (lambda: Paths([0, 1], np.zeros((3, 3))), DataError, r"shape \(3, 3\)"),
        (lambda: Paths([0, 1], np.zeros((1, 2))), DataError, "at least two"),
        (lambda: Paths([0, 1], np.full((3, 2), np.nan)), DataError, "path 0, time 0, component 0"),
        (lambda: Paths([0, 1], np.full((3, 2), np.inf), nan="omit"), DataError, "inf is not finite"),
        (lambda: Paths([0, 1], np.zeros((3, 2)), nan="drop"), OptionError, "'drop'"),
        (lambda: Moments([0, 1], {"mean": np.zeros(3)}, 10), DataError, "moment 'mean' has shape"),
        (lambda: Moments([0, 1], {"mode": np.zeros(2)}, 10), OptionError, "unknown moment 'mode'"),
        (lambda: Moments([0, 1], {"mean": np.zeros(2)}, 1), DataError, "at least 2"),
        (lambda: Moments([0, 1], {"mean": [0, np.inf]}, 9), DataError, "not finite at index"),
        (lambda: check_kinds(("variance", "covariance")), OptionError, "contains 'variance'"),
        (lambda: check_kinds(()), OptionError, "at least one"),
    ],
)
def test_bad_data_are_named(make, error, told):
    with pytest.raises(error, match=told):
        make()


def test_every_kind_is_known():
    assert set(ALL) | {"variance"} == set(KINDS)
