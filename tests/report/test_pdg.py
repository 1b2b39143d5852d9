import math
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sciopt.report import plus_minus, rounded, value_with_error

ERRORS = st.floats(1e-300, 1e300)
QUICK = settings(max_examples=20, deadline=None)


@pytest.mark.parametrize(
    ("value", "error", "texts"),
    [
        (0.827, 0.119, ("0.83", "0.12")),  # the three examples of the review itself
        (0.827, 0.367, ("0.8", "0.4")),
        (0.827, 0.950, ("0.8", "1.0")),
        (2.50291, 0.00812, ("2.503", "0.008")),
        (2.50291, 0.0354, ("2.503", "0.035")),
        (2.50291, 0.0355, ("2.50", "0.04")),
        (2.50291, 0.0949, ("2.50", "0.09")),
        (2.50291, 0.0950, ("2.50", "0.10")),
        (12345.0, 1234.0, ("1.23e+04", "0.12e+04")),
        (1.234e-7, 5.1e-10, ("1.234e-07", "0.005e-07")),
        (-0.004, 0.12, ("0.00", "0.12")),
        (1.0, None, ("1", "")),
        (1.0 / 3.0, 0.0, ("0.333333", "0")),
        (1.0 / 3.0, math.nan, ("0.333333", "nan")),
        (1.0 / 3.0, math.inf, ("0.333333", "inf")),
        (math.nan, 0.119, ("nan", "1.2e-01")),
        (1.0 / 3.0, 1e-20, ("0.333333333333333", "1.0e-20")),
        (5e-324, 5e-324, ("5e-324", "5e-324")),
    ],
)
def test_known_roundings(value, error, texts):
    assert rounded(value, error) == texts


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (2.50291, 0.0812, "2.50(8)"),
        (1.234e-7, 5.1e-10, "1.234(5)e-07"),
        (1.23, 1.5, "1.2(1.5)"),
        (123.0, 15.0, "123(15)"),
        (1.5 - 0.25j, 0.03 + 0.011j, "1.500(30)-0.250(11)j"),
        (1.5 + 0.25j, 0.02, "1.500(20)+0.250(20)j"),
        (1.5 + 0.25j, None, "1.5+0.25j"),
        (1.5, 0.0, "1.5 ± 0"),
        (1.5, None, "1.5"),
    ],
)
def test_compact_form(value, error, text):
    assert value_with_error(value, error) == text


def test_common_power_of_ten_stands_outside():
    assert plus_minus(1.234e-7, 5.1e-10) == "(1.234 ± 0.005)e-07"
    assert plus_minus(2.5, 0.0812) == "2.50 ± 0.08"
    assert plus_minus(2.5, None) == "2.5"


def last_place(text: str) -> int:
    return int(Decimal(text).as_tuple().exponent)


@QUICK
@given(value=st.floats(-1e6, 1e6), error=ERRORS)
@example(value=0.0, error=0.0355)
def test_both_end_at_the_same_place_and_nothing_is_lost(value, error):
    short_value, short_error = rounded(value, error)
    assert abs(Decimal(short_error) / Decimal(error) - 1) <= Decimal("0.15")
    if abs(value) < 1e14 * error:
        assert last_place(short_value) == last_place(short_error)
        half = Decimal(5).scaleb(last_place(short_value) - 1)
        assert abs(Decimal(short_value) - Decimal(value)) <= half
    else:
        assert float(short_value) == pytest.approx(value, rel=1e-13)


@QUICK
@given(error=ERRORS)
def test_error_keeps_two_digits_up_to_354_and_one_above(error):
    digits = Decimal(rounded(0.0, error)[1])
    kept = int(digits.scaleb(-last_place(rounded(0.0, error)[1])))
    assert kept in {*range(10, 36), *range(4, 10)}
    lead = int(f"{error:.2e}".split("e")[0].replace(".", ""))
    assert (kept >= 10) == (lead <= 354 or lead >= 950)


@QUICK
@given(value=st.floats(-1e6, 1e6), error=st.floats(1e-6, 1e6))
def test_rounding_twice_changes_nothing(value, error):
    once = rounded(value, error)
    assert rounded(float(once[0]), float(once[1])) == once


@QUICK
@given(value=st.floats(1e-3, 1e6), error=st.floats(1e-6, 1e6))
def test_sign_is_only_a_sign(value, error):
    plus, minus = rounded(value, error), rounded(-value, error)
    assert minus[1] == plus[1]
    assert minus[0].lstrip("-") == plus[0]


@QUICK
@given(value=st.floats(), error=st.floats())
def test_never_raises_and_can_be_read_back(value, error):
    for text in rounded(value, error):
        float(text)
    assert value_with_error(value, error)
    assert plus_minus(value, error)
