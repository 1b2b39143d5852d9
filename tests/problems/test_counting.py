"""Counting data: maximum-likelihood answers against iminuit, finite differences and closed forms."""

import numpy as np
import pytest

from problems.least_squares import counting
from problems.least_squares._solve import scoring

BUILT = {name: factory() for name, factory in counting.CASES.items()}


def test_flat_spectrum_answer_is_the_mean():
    case = BUILT["counting/flat_spectrum"]
    assert case.y is not None
    mean = float(np.mean(case.y))
    assert case.answers[0].parameters == pytest.approx((mean,), rel=1e-14)
    assert case.published["fisher_errors"] == pytest.approx((np.sqrt(mean / 100),), rel=1e-12)
    assert case.rss((-1.0,)) == float("inf")
    assert not np.array_equal(counting.draw_flat_spectrum(1), counting.draw_flat_spectrum(2))


@pytest.mark.parametrize("name", counting.CASES)
def test_counting_answer_is_a_minimum_of_the_deviance(name):
    case = BUILT[name]
    values, errors = np.array(case.answers[0].parameters), np.array(case.published["fisher_errors"])
    best = case.rss(values)
    for j in range(values.size):
        for sign in (-1, 1):
            moved = values.copy()
            moved[j] += sign * 0.1 * errors[j]
            assert case.rss(moved) > best
    assert np.all(np.abs(values - case.published["truth"]) < 4 * errors)
    assert case.y is not None
    assert name != "counting/exponential_decay" or np.sum(case.y == 0) > 20


@pytest.mark.parametrize("name", [name for name in counting.CASES if name != "counting/flat_spectrum"])
def test_counting_answers_agree_with_migrad(name):
    minuit = pytest.importorskip("iminuit").Minuit
    case = BUILT[name]
    values, errors = np.array(case.answers[0].parameters), np.array(case.published["fisher_errors"])
    m = minuit(case.rss, values + 0.3 * errors, name=case.parameters)
    m.errordef, m.strategy, m.tol = 1, 2, 1e-6
    m.migrad()
    assert m.valid
    assert np.max(np.abs(np.array(m.values) - values) / errors) < 1e-4


def test_log_linear_fisher_errors_are_the_inverse_hessian():
    case = BUILT["counting/log_linear_decay"]
    values = np.array(case.answers[0].parameters)
    hessian = np.zeros((2, 2))
    assert case.model is not None
    for j in range(2):
        step = np.zeros(2)
        step[j] = 1e-5

        def half_gradient(theta):
            mu = case.residual(theta) + case.y
            return case.jacobian(theta).T @ (1 - case.y / mu)

        hessian[:, j] = (half_gradient(values + step) - half_gradient(values - step)) / 2e-5
    np.testing.assert_allclose(np.sqrt(np.diag(np.linalg.inv(hessian))), case.published["fisher_errors"], rtol=1e-8)


def test_scoring_reports_a_start_from_which_it_cannot_converge():
    x = np.linspace(0.0, 1.0, 5)
    with np.errstate(all="ignore"), pytest.raises((ArithmeticError, np.linalg.LinAlgError)):
        scoring(lambda a, k: a * np.exp(-k * x), np.exp(-x), (1.0, -300.0))
