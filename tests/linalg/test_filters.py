import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sciopt._errors import OptionError
from sciopt.linalg import Filter, HalfInverse, Pinv, SmoothPinv, Tikhonov, Truncated

S = np.array([4.0, 1.0, 1e-2, 1e-5, 0.0])


def test_pinv_inverts_above_its_cut_only():
    np.testing.assert_allclose(Pinv(rtol=1e-4)(S), [0.25, 1.0, 100.0, 0.0, 0.0])
    np.testing.assert_allclose(Pinv()(S), [0.25, 1.0, 100.0, 1e5, 0.0])


def test_truncated_keeps_the_first_k_above_rtol_and_above_the_guard():
    np.testing.assert_allclose(Truncated(k=2)(S), [0.25, 1.0, 0.0, 0.0, 0.0])
    np.testing.assert_allclose(Truncated()(S), [0.25, 1.0, 100.0, 0.0, 0.0])
    np.testing.assert_allclose(Truncated(k=3, rtol=0.1)(S), [0.25, 1.0, 0.0, 0.0, 0.0])
    np.testing.assert_allclose(Truncated(rtol=0.0, absolute=0.5)(S), [0.25, 1.0, 0.0, 0.0, 0.0])


def test_tikhonov_is_s_over_s_squared_plus_damping():
    np.testing.assert_allclose(Tikhonov(0.5)(S), S / (S**2 + 0.5))
    np.testing.assert_allclose(Tikhonov(0.0)(S), [0.25, 1.0, 100.0, 1e5, 0.0])


def test_smooth_pinv_halves_where_the_eigenvalue_ratio_is_rtol():
    s = np.array([1.0, 1e-3, 1e-6])
    phi = SmoothPinv(rtol=1e-6)(s)
    np.testing.assert_allclose(phi[:2], [1.0, 500.0])
    assert phi[2] == pytest.approx(1e6 / (1.0 + 1e36))


def test_half_inverse_is_a_root():
    np.testing.assert_allclose(HalfInverse(rtol=1e-3)(S), [0.5, 1.0, 10.0, 0.0, 0.0])


@pytest.mark.parametrize(
    "phi", [Pinv(), Truncated(), Tikhonov(0.0), Tikhonov(2.0), SmoothPinv(), HalfInverse()], ids=repr
)
def test_a_zero_spectrum_gives_zero_without_warnings(phi):
    assert isinstance(phi, Filter)
    np.testing.assert_array_equal(phi(np.zeros(3)), np.zeros(3))
    assert phi(np.zeros(0)).shape == (0,)


@pytest.mark.parametrize("phi", [Pinv(), Truncated(), Tikhonov(0.0), SmoothPinv(), HalfInverse()], ids=repr)
@given(exponents=st.lists(st.floats(-140, 140), min_size=1, max_size=6))
@settings(max_examples=20, deadline=None)
def test_filters_stay_finite_over_all_scales(phi, exponents):
    values = phi(np.sort(10.0 ** np.array(exponents))[::-1].copy())
    assert np.isfinite(values).all()
    assert (values >= 0.0).all()


@pytest.mark.parametrize(
    ("filter_type", "option", "value"),
    [
        (Pinv, "rtol", 1.5),
        (Pinv, "rtol", float("nan")),
        (Truncated, "k", 0),
        (Truncated, "absolute", -1.0),
        (Tikhonov, "damping", -1.0),
        (Tikhonov, "damping", float("inf")),
        (SmoothPinv, "rtol", -1e-3),
        (HalfInverse, "rtol", 1.0),
    ],
)
def test_impossible_options_raise(filter_type, option, value):
    with pytest.raises(OptionError, match=f"{filter_type.__name__}.{option}="):
        filter_type(**{option: value})
