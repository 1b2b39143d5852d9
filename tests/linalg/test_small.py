import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sciopt.linalg import Pinv, Tikhonov, factor
from sciopt.linalg.small import small_factor, trust_step
from tests.linalg.matrices import relative, with_spectrum


@pytest.mark.parametrize("shape", [(50, 4), (250, 9), (20, 20), (3, 5), (1, 1), (1, 3)])
@pytest.mark.parametrize("unit", [1.0, 1e-200, 1e200])
def test_singular_values_vectors_and_rotated_residual(shape, unit):
    rng = np.random.default_rng(3)
    n, P = shape
    J, r, D = rng.standard_normal(shape), rng.standard_normal(n), np.exp(rng.standard_normal(P))
    S, Vt, g = small_factor(J * unit, r, D)
    m = min(shape)
    np.testing.assert_allclose(S[:m] / unit, np.linalg.svd(J / D)[1], rtol=1e-12)
    np.testing.assert_allclose(S[m:] / unit, 0.0, atol=1e-13)
    np.testing.assert_allclose(Vt @ Vt.T, np.eye(P), atol=1e-13)
    np.testing.assert_array_equal(g[m:], 0.0)
    # S Vt and g hold J/D and r up to the rotation U: their Gram products must agree.
    A = J / D
    np.testing.assert_allclose((Vt.T * (S / unit) ** 2) @ Vt, A.T @ A, atol=1e-12 * n)
    np.testing.assert_allclose(Vt.T @ (S / unit * g), A.T @ r, atol=1e-12 * n)


def test_small_singular_values_keep_relative_accuracy():
    # A column scale is the easy way to a condition number of 1e30 with an answer known beforehand.
    J = np.random.default_rng(5).standard_normal((30, 3))
    Q, R = np.linalg.qr(J)
    S, _, _ = small_factor(Q * np.array([1e15, 1.0, 1e-15]), np.ones(30), np.ones(3))
    assert R.shape == (3, 3)
    np.testing.assert_allclose(S, [1e15, 1.0, 1e-15], rtol=1e-12)


@given(st.integers(1, 40), st.integers(1, 8), st.integers(0, 2**32 - 1), st.floats(-8, 2))
@settings(max_examples=20, deadline=None)
def test_the_step_is_the_damped_step_of_its_damping_and_meets_the_radius(n, P, seed, exponent):
    rng = np.random.default_rng(seed)
    J, r = rng.standard_normal((n, P)) * 10.0 ** rng.uniform(-3, 3, P), rng.standard_normal(n)
    D = np.linalg.norm(J, axis=0)
    f = factor(J, r, how="svd", scale=D)
    full = f.norms(0.0)[0]
    radius = full * 10.0**exponent
    S, Vt, g = small_factor(J, r, D)
    for guess in (0.0, 1e-3, f.damping_for(radius), 1e30):
        step, damping, predicted, norm = trust_step(S, Vt, g, D, radius, guess)
        assert norm <= 1.1 * radius * (1 + 1e-12)
        assert damping == 0.0 or norm >= 0.9 * radius * (1 - 1e-12)
        assert (damping == 0.0) == (full <= 1.1 * radius)
        np.testing.assert_allclose(np.linalg.norm(D * step), norm, rtol=1e-9)
        assert predicted == pytest.approx(f.predicted(step), rel=1e-7)
        assert relative(step, f.step(Tikhonov(damping))) < 1e-7


def test_a_good_guess_costs_no_iteration():
    rng = np.random.default_rng(9)
    J, r = rng.standard_normal((50, 4)), rng.standard_normal(50)
    S, Vt, g = small_factor(J, r, np.ones(4))
    radius = 0.1 * np.linalg.norm(np.linalg.pinv(J) @ r)
    damping = trust_step(S, Vt, g, np.ones(4), radius, 0.0)[1]
    assert trust_step(S, Vt, g, np.ones(4), radius, damping)[1] == damping


def test_rank_deficient_gives_the_step_of_least_norm():
    rng = np.random.default_rng(4)
    J, r = with_spectrum(rng, 60, 6, np.array([5.0, 1.0, 1e-3])), rng.standard_normal(60)
    S, Vt, g = small_factor(J, r, np.ones(6))
    step, damping, predicted, _ = trust_step(S, Vt, g, np.ones(6), 1e9, 0.0)
    assert damping == 0.0
    assert relative(step, -np.linalg.pinv(J, rcond=1e-10) @ r) < 1e-9
    f = factor(J, r)
    assert f.rank == 3
    assert predicted == pytest.approx(f.predicted(f.step(Pinv())))
    short, damping, _, _ = trust_step(S, Vt, g, np.ones(6), 1e-3, 0.0)
    assert relative(short, f.step(Tikhonov(damping))) < 1e-9


def test_zero_column_zero_scale_zero_residual_and_zero_matrix():
    rng = np.random.default_rng(2)
    J, r = rng.standard_normal((20, 3)), rng.standard_normal(20)
    J[:, 1] = 0.0
    D = np.linalg.norm(J, axis=0)
    step, _, _, _ = trust_step(*small_factor(J, r, D), D, 1e9, 0.0)
    assert step[1] == 0.0
    assert relative(step[[0, 2]], -np.linalg.lstsq(J[:, [0, 2]], r)[0]) < 1e-12
    for matrix, rows in ((J, 0.0 * r), (0.0 * J, r)):
        step, damping, predicted, norm = trust_step(*small_factor(matrix, rows, D), D, 1.0, 0.5)
        assert step.tolist() == [0.0, 0.0, 0.0]
        assert (damping, predicted, norm) == (0.0, 0.0, 0.0)


def test_non_finite_input_returns():
    J = np.ones((5, 2))
    J[2, 1] = np.nan
    S, Vt, g = small_factor(J, np.ones(5), np.ones(2))
    step, _, _, _ = trust_step(S, Vt, g, np.ones(2), 1.0, 0.0)
    assert step.shape == (2,)
    assert not np.isfinite(S).all()


def test_numba_is_loaded():
    assert "numba" in sys.modules
