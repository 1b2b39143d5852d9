"""The average of the iterates: what it is, and what it is good for."""

import numpy as np
import pytest

import sciopt as so
from sciopt import methods
from sciopt._errors import OptionError
from sciopt.points import Resampled


def noisy():
    @so.condition(points=Resampled(lambda rng, n: rng.standard_normal(n), 8, every=1), batched=True)
    def row(a, x):
        return a - 2.0 - x

    return so.Problem([row], {"a": 0.0})


def test_average_is_nearer_than_the_last_point():
    last, mean = [], []
    for key in range(8):
        s = so.solve(noisy(), methods.Averaged(methods.FirstOrder("sgd", lr=0.3), None, begin=50), steps=400, key=key)
        last.append(s.iterate.theta[0] - 2.0)
        mean.append(s.theta[0] - 2.0)
    assert np.std(mean) < 0.25 * np.std(last)


@pytest.mark.parametrize("decay", [0.9, None])
def test_average_by_hand(decay):
    points = []
    method = methods.Averaged(methods.FirstOrder("sgd", lr=0.1), decay)
    s = so.solve(noisy(), method, steps=7, callback=lambda it: points.append(it.theta[0]))
    # the callback sees the start too, and not the point at which the budget ends
    seen = np.array([*points[1:7], s.iterate.theta[0]])[-7:]
    weights = np.ones(len(seen)) if decay is None else 0.9 ** np.arange(len(seen))[::-1]
    assert s.theta[0] == pytest.approx(np.average(seen, weights=weights), rel=1e-12)


def test_nothing_is_averaged_before_begin():
    s = so.solve(noisy(), methods.Averaged(methods.FirstOrder("sgd", lr=0.1), begin=100), steps=5)
    assert s.theta[0] == s.iterate.theta[0]


def test_resume_continues_the_average():
    method = methods.Averaged(methods.FirstOrder("adam", lr=0.1), 0.9)
    whole = so.solve(noisy(), method, steps=20)
    half = so.solve(noisy(), method, steps=10)
    assert np.array_equal(so.solve(noisy(), start=half, steps=10).theta, whole.theta)


@pytest.mark.parametrize(
    "options", [{"method": methods.FirstOrder}, {"method": "adam"}, {"decay": 1.0}, {"decay": -0.1}, {"begin": -1}]
)
def test_bad_options(options):
    with pytest.raises(OptionError, match="Averaged"):
        methods.Averaged(**{"method": methods.FirstOrder(), **options})
