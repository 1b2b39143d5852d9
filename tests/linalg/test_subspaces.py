"""Sketch, Krylov and pivoted Cholesky: parts of the spectrum that serve the whole step."""

import numpy as np
import pytest
import scipy.sparse
from scipy.sparse.linalg import aslinearoperator

from sciopt._errors import OptionError
from sciopt.linalg import Tikhonov, Truncated, factor, krylov_factor, scaled_jacobian, sketch_factor
from sciopt.linalg.decompositions import pivoted_cholesky_factor
from tests.linalg.matrices import damped, relative, with_spectrum


@pytest.fixture(params=[(400, 300), (300, 400)])
def decaying(request):
    rng = np.random.default_rng(8)
    n, P = request.param
    return with_spectrum(rng, n, P, np.logspace(0, -15, 300)), rng.standard_normal(n)


def test_sketch_finds_the_leading_directions(decaying):
    J, r = decaying
    f = sketch_factor(scaled_jacobian(J, r), k=60, seed=3)
    np.testing.assert_allclose(f.spectrum[:40], np.logspace(0, -15, 300)[:40], rtol=1e-6)
    exact = factor(J, r, how="svd").step(Truncated(k=40, rtol=0.0))
    # The subspace is off by (S[70] / S[39])^(2 power + 1) = 2e-5 in its fortieth direction.
    assert relative(f.step(Truncated(k=40, rtol=0.0)), exact) < 1e-4
    again = sketch_factor(scaled_jacobian(J, r), k=60, seed=3)
    np.testing.assert_array_equal(again.step(Tikhonov(1e-4)), f.step(Tikhonov(1e-4)))
    other = sketch_factor(scaled_jacobian(J, r), k=60, seed=4)
    assert not np.array_equal(other.spectrum, f.spectrum)
    assert "seed 3" in f.flag


def test_sketched_steps_descend_and_predict_exactly(decaying):
    J, r = decaying
    f = sketch_factor(scaled_jacobian(J, r), k=5, oversampling=0, power=0)
    for damping in (1e-8, 1e-2, 10.0):
        step = f.step(Tikhonov(damping))
        assert step @ (J.T @ r) < 0.0
        assert f.predicted(step) == pytest.approx(f.predicted_many(damping)[0], rel=1e-10)


def test_one_krylov_space_serves_all_dampings(decaying):
    J, r = decaying
    f = krylov_factor(scaled_jacobian(J, r), k=120)
    for damping in (1e-4, 1e-2, 1.0):
        assert relative(f.step(Tikhonov(damping)), damped(J, r, damping)) < 1e-8
    ritz = f.spectrum
    np.testing.assert_allclose(ritz[:5], np.logspace(0, -15, 300)[:5], rtol=1e-8)


def test_krylov_takes_products_only(decaying):
    J, r = decaying
    expected = factor(J, r, how="krylov").step(Tikhonov(1e-2))
    for form in (aslinearoperator(J), scipy.sparse.csr_array(J), (lambda x: J @ x, lambda y: J.T @ y)):
        for how in ("auto", "krylov"):
            f = factor(form, r, how=how)
            assert f.how == "krylov"
            assert relative(f.step(Tikhonov(1e-2)), expected) < 1e-10
        assert relative(factor(form, r, how="sketch").step(Tikhonov(1e-2)), expected) < 1e-8
        with pytest.raises(OptionError, match="dense"):
            factor(form, r, how="svd")


def test_krylov_stops_at_an_invariant_subspace():
    rng = np.random.default_rng(1)
    J = with_spectrum(rng, 50, 40, np.array([3.0, 2.0, 1.0]))
    r = J @ rng.standard_normal(40)
    f = factor(J, r, how="krylov")
    assert "3 iterations; invariant subspace" in f.flag
    assert relative(f.steps(0.0)[0], -np.linalg.pinv(J, rcond=1e-10) @ r) < 1e-10


@pytest.mark.parametrize("how", ["sketch", "krylov"])
def test_a_subspace_does_not_pretend_to_know_the_null_space(decaying, how):
    J, r = decaying
    f = factor(J, r, how=how, memory=8 * 700 * 40)
    assert len(f.spectrum) < 60
    for ask in (f.null_basis, f.covariance, lambda: f.null_project(np.ones(J.shape[1]))):
        with pytest.raises(OptionError, match="subspace only"):
            ask()


def test_pivoted_cholesky_decomposes_the_numerical_rank_only(decaying):
    J, r = decaying
    f = factor(J, r, how="pivoted_cholesky")
    assert 100 < len(f.spectrum) < 200
    exact = factor(J, r, how="svd").step(Truncated(rtol=1e-3))
    # Squaring costs m eps / rtol^2.
    assert relative(f.step(Truncated(rtol=1e-3)), exact) < 300 * 2.2e-16 / 1e-6
    cheap = pivoted_cholesky_factor(scaled_jacobian(J, r), tolerance=1e-9)
    assert len(cheap.spectrum) < len(f.spectrum)
    assert relative(cheap.step(Truncated(rtol=1e-3)), exact) < 1e-2


def test_impossible_sizes_raise():
    jacobian = scaled_jacobian(np.ones((3, 2)), np.ones(3))
    with pytest.raises(OptionError, match="k=0"):
        sketch_factor(jacobian, k=0)
    with pytest.raises(OptionError, match="k=0"):
        krylov_factor(jacobian, k=0)
