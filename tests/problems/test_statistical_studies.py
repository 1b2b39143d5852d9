"""Bias of counts and coverage of error bars, over many draws."""

import numpy as np
import pytest

from problems.least_squares import counting_study, coverage_study


def check(study):
    poisson, neyman = study["poisson"], study["neyman"]
    assert poisson.failed == neyman.failed == 0
    assert abs(poisson.bias) < 0.1 + 3 * poisson.error
    assert neyman.bias < -0.5
    assert study["pearson"].bias > 0.5


def test_counts_of_a_flat_spectrum_are_unbiased_in_the_likelihood_only():
    check(counting_study.run(40))


@pytest.mark.slow
def test_counts_over_a_thousand_data_sets():
    study = counting_study.run(1000)
    check(study)
    assert abs(study["poisson"].bias) < 0.1
    assert study["poisson"].error < 0.04


@pytest.mark.parametrize("name", coverage_study.PROBLEMS)
def test_error_bars_cover_in_a_few_draws(name):
    found = coverage_study.run(name, draws=60)
    assert found.failed == 0
    assert all(abs(c - 0.6827) < 4 * np.sqrt(0.6827 * 0.3173 / 60) for c in found.coverage.values())


@pytest.mark.slow
@pytest.mark.parametrize("name", coverage_study.PROBLEMS)
def test_error_bars_cover_in_ten_thousand_draws(name):
    found = coverage_study.run(name, draws=10_000)
    assert found.failed == 0
    assert all(0.66 <= c <= 0.71 for c in found.coverage.values()), found
