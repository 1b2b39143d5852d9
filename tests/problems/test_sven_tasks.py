"""Regression tasks: sizes, standardisation, and the span of the random polynomials."""

import numpy as np
import pytest

from problems import TASKS
from problems.least_squares.sven_tasks import monomial_exponents


@pytest.mark.parametrize(("name", "parameters"), [("toy_1d", 593), ("dense_quartic", 673), ("additive_cubic", 673)])
def test_regression_tasks(name, parameters):
    task, again = TASKS[f"sven/{name}"](), TASKS[f"sven/{name}"]()
    assert task.parameter_count == parameters
    assert len(task.x) == len(task.y) == len(task.x_validation) == len(task.y_validation) == 10_000
    assert np.mean(task.y) == pytest.approx(0, abs=1e-12)
    assert np.std(task.y) == pytest.approx(1, rel=1e-12)
    assert 0.8 < np.std(task.y_validation) < 1.2
    np.testing.assert_array_equal(task.y_validation, again.y_validation)


def test_dense_quartic_is_spanned_by_its_210_monomials_and_no_fewer():
    task = TASKS["sven/dense_quartic"]()
    exponents = monomial_exponents(6, 4)
    assert len(exponents) == 210

    def misfit(chosen):
        features = np.stack([np.prod(task.x**p, axis=1) for p in chosen], axis=1)
        found = np.linalg.lstsq(features, task.y, rcond=None)[0]
        return np.sqrt(np.mean((features @ found - task.y) ** 2))

    assert misfit(exponents) < 1e-11
    assert misfit(exponents[exponents.sum(axis=1) < 4]) > 0.1


def test_additive_cubic_is_spanned_by_nineteen_features():
    task = TASKS["sven/additive_cubic"]()
    features = np.hstack([np.ones((10_000, 1)), task.x, task.x**2, task.x**3])
    assert features.shape[1] == 19
    found = np.linalg.lstsq(features, task.y, rcond=None)[0]
    assert np.max(np.abs(features @ found - task.y)) < 1e-11
