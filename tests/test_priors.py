import numpy as np
import pytest

from sciopt._errors import ParameterError
from sciopt.priors import Normal, Uniform


def test_normal_rows_are_pulls():
    np.testing.assert_array_equal(Normal(2.0, 0.5).rows(3.0), [2.0])
    np.testing.assert_array_equal(Normal(2.0, 0.5).rows([[3.0, 2.0]]), [2.0, 0.0])
    np.testing.assert_array_equal(Normal([1.0, 2.0], [0.5, 1.0]).rows([2.0, 2.0]), [2.0, 0.0])
    assert Normal(2.0, 0.5).rows(2.0 + 1e-30j)[0].imag == pytest.approx(2e-30)


def test_uniform_gives_bounds_and_no_rows():
    assert Uniform(0.0, 2.0).bounds == (0.0, 2.0)
    assert Uniform(lower=0.0).bounds == (0.0, np.inf)
    assert not hasattr(Uniform(0.0, 1.0), "rows")


def test_equality_is_by_value_and_arrays_are_frozen():
    assert Normal(1, 2) == Normal(1.0, 2.0)
    assert Normal(1, 2) != Normal(1, 3)
    assert Normal([1.0, 2.0], 1.0) == Normal(np.array([1.0, 2.0]), 1.0)
    assert hash(Normal([1.0, 2.0], 1.0)) == hash(Normal([1.0, 2.0], 1.0))
    assert Uniform(0, 1) == Uniform(0.0, 1.0)
    assert Uniform(0, 1) != Uniform(0, 2)
    assert Uniform(0, 1) != Normal(0, 1)
    mean = np.array([1.0, 2.0])
    prior = Normal(mean, 1.0)
    mean[0] = 7.0
    assert prior.rows([1.0, 2.0])[0] == 0.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Normal(0.0, 0.0), "sigma=0.0"),
        (lambda: Normal(0.0, -1.0), "positive"),
        (lambda: Normal(np.nan, 1.0), "not finite"),
        (lambda: Normal(0.0, np.inf), "positive and finite"),
        (lambda: Normal([0.0, 1.0], [1.0, -1.0]), r"index \(1,\)"),
        (lambda: Normal([0.0, 1.0], [1.0, 1.0, 1.0]), "shapes"),
        (lambda: Normal("a", 1.0), "real number"),  # pyright: ignore[reportArgumentType]
        (lambda: Normal([0.0, 1.0], 1.0).rows([1.0, 2.0, 3.0]), r"shape \(3,\)"),
        (lambda: Uniform(1.0, 1.0), "lower < upper"),
        (lambda: Uniform(np.nan, 1.0), "lower=nan"),
        (lambda: Uniform([0.0, 3.0], 2.0), r"fails at index \(1,\)"),
    ],
)
def test_contradictions_are_named(make, message):
    with pytest.raises(ParameterError, match=message):
        make()
