"""Digits, the criterion for Lanczos1, and cases that contradict themselves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from problems import CASES
from problems._case import Answer, Case

BUILT = {"nist/Lanczos1": CASES["nist/Lanczos1"]()}


def test_lanczos1_is_judged_by_its_parameters():
    case = BUILT["nist/Lanczos1"]
    values = np.array(case.published["ext_values"])
    assert case.check(values * (1 + 1e-7))[0]
    assert not case.check(values * (1 + 1e-5))[0]
    assert not case.check(values[[2, 3, 0, 1, 4, 5]], rss=1e-25)[0]


@settings(max_examples=20, deadline=None)
@given(st.floats(1e-13, 1e-1), st.integers(0, 2))
def test_digits_is_minus_log10_of_the_worst_relative_error(error, which):
    answer = Answer(0.0, (2.0, -3e5, 7e-9))
    theta = np.array(answer.parameters)
    theta[which] *= 1 + error
    assert answer.digits(theta) == pytest.approx(-np.log10(error), abs=2e-3)


def test_digits_at_the_edges():
    answer = Answer(0.0, (1.0, 0.0))
    assert answer.digits((1.0, 0.0)) == 16.0
    assert answer.digits((1.0, 1e-5)) == pytest.approx(5.0)
    assert answer.digits((5.0, 0.0)) == 0.0
    assert answer.digits((float("nan"), 0.0)) == 0.0
    assert np.isnan(Answer(1.0).digits((1.0,)))


def test_a_case_refuses_to_contradict_itself():
    with pytest.raises(ValueError, match="exactly one"):
        Case("t", "residual", ("a",), ((1.0,),), ())
    with pytest.raises(ValueError, match="needs x and y"):
        Case("t", "curve", ("a",), ((1.0,),), (), model=lambda x, a: a)
    with pytest.raises(ValueError, match="start 0 has 2 values for 1"):
        Case("t", "residual", ("a",), ((1.0, 2.0),), (), function=lambda t: t)
    with pytest.raises(ValueError, match="an answer has 2"):
        Case("t", "residual", ("a",), ((1.0,),), (Answer(0.0, (1.0, 2.0)),), function=lambda t: t)
