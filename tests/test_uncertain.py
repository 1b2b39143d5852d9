"""Whitening by error bars, covariances and systematics."""

import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sciopt._errors import DataError
from sciopt.uncertain import whitener


def _covariance(rng, n):
    A = rng.standard_normal((n, n + 2)) * 10.0 ** rng.uniform(-3, 3, (n, 1))
    return A @ A.T


def _chi2(C, z):
    return float(z @ np.linalg.solve(C, z))


def test_number_array_and_broadcast(rng):
    z = rng.standard_normal((3, 4))
    np.testing.assert_allclose(whitener(0.5, (3, 4)).apply(z), z.ravel() * 2)
    row = rng.uniform(1, 2, 4)
    w = whitener(row, (3, 4))
    np.testing.assert_allclose(w.apply(z), (z / row).ravel())
    assert w.diagonal is not None
    np.testing.assert_allclose(w.diagonal, np.tile(1 / row, 3))
    np.testing.assert_allclose(whitener(None, (3, 4)).apply(z), z.ravel())
    image = rng.uniform(1, 2, (4, 4))  # as many entries as a covariance of four data, but it has the data's shape
    assert whitener(image, (4, 4)).diagonal is not None


@pytest.mark.parametrize("n", [1, 2, 7, 40])
def test_covariance_against_dense_algebra(n, rng):
    C = _covariance(rng, n)
    w = whitener(C, (n,))
    z, J = rng.standard_normal(n), rng.standard_normal((n, 3))
    L = np.linalg.cholesky(C)
    np.testing.assert_allclose(w.apply(z), np.linalg.solve(L, z), rtol=1e-8, atol=1e-10 * np.abs(z).max() / L[0, 0])
    assert float(w.apply(z) @ w.apply(z)) == pytest.approx(_chi2(C, z), rel=1e-8)
    np.testing.assert_allclose(w.rows(J).T @ w.apply(z), J.T @ np.linalg.solve(C, z), rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(w.rows(J)[:, 1], w.apply(J[:, 1]), rtol=1e-12)
    assert w.diagonal is None
    np.testing.assert_allclose(w.sigma, np.sqrt(np.diag(C)))


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 12), st.integers(0, 5), st.floats(-6, 6), st.integers(0, 2**31))
def test_systematics_equal_their_dense_covariance(n, k, size, seed):
    rng = np.random.default_rng(seed)
    stat, S = rng.uniform(0.5, 2, n), 10.0**size * rng.standard_normal((n, k))
    w = whitener((stat, S), (n,))
    W = w.rows(np.eye(n))
    C = np.diag(stat**2) + S @ S.T
    # W C W^T = I, to the rounding that the ratio of systematic to statistical error allows
    np.testing.assert_allclose(W @ C @ W.T, np.eye(n), atol=1e-13 * n * (1 + 10.0 ** (2 * size)))
    np.testing.assert_allclose(w.sigma, np.sqrt(np.diag(C)))


def test_systematics_of_a_large_data_set_need_no_square_array(rng):
    n, k = 200_000, 3
    stat, S = rng.uniform(0.5, 2, n), rng.standard_normal((n, k))
    tracemalloc.start()
    start = time.process_time()
    w = whitener((stat, S), (n,))
    z = rng.standard_normal(n)
    r = w.apply(z)
    seconds = time.process_time() - start
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seconds < 3
    assert peak < 40 * 8 * n
    # chi2 by the small k x k system of Woodbury's formula
    U, v = S / stat[:, None], z / stat
    expected = v @ v - (U.T @ v) @ np.linalg.solve(np.eye(k) + U.T @ U, U.T @ v)
    assert float(r @ r) == pytest.approx(float(expected), rel=1e-10)


def test_a_common_scale_error_much_larger_than_statistics():
    """A systematic 1e8 times the statistical error removes one direction and leaves the others alone."""
    w = whitener((1.0, 1e8 * np.ones(4)), (4,))
    np.testing.assert_allclose(w.apply([1.0, -1.0, 0.0, 0.0]), [1.0, -1.0, 0.0, 0.0], atol=1e-8)
    assert np.linalg.norm(w.apply(np.ones(4))) == pytest.approx(1e-8, rel=1e-4)


def test_forms_of_systematics_agree(rng):
    S = rng.standard_normal((2, 3, 4))
    z = rng.standard_normal((2, 3))
    a, b = whitener((0.7, S), (2, 3)), whitener((np.full((2, 3), 0.7), S.reshape(6, 4)), (2, 3))
    np.testing.assert_allclose(a.apply(z), b.apply(z))
    one, same = whitener((0.7, S[..., 0]), (2, 3)), whitener((0.7, S[..., :1]), (2, 3))
    np.testing.assert_allclose(one.apply(z), same.apply(z))


@pytest.mark.parametrize("kind", ["diagonal", "covariance", "systematics"])
def test_complex_and_stacked_rows_share_sigma(kind, rng):
    forms = {"diagonal": rng.uniform(1, 2, 5), "covariance": _covariance(rng, 5), "systematics": (1.0, np.ones((5, 1)))}
    w = whitener(forms[kind], (5,))
    z = rng.standard_normal(5) + 1j * rng.standard_normal(5)
    white = w.apply(z)
    np.testing.assert_allclose(white.real, w.apply(z.real), rtol=1e-12)
    np.testing.assert_allclose(white.imag, w.apply(z.imag), rtol=1e-12)
    np.testing.assert_allclose(w.apply(np.concatenate([z.real, z.imag])), np.concatenate([white.real, white.imag]))


@pytest.mark.parametrize("kind", ["diagonal", "covariance", "systematics"])
def test_masked_rows_are_left_out(kind, rng):
    keep = np.array([True, False, True, True, False])
    sigma, C, S = rng.uniform(1, 2, 5), _covariance(rng, 5), rng.standard_normal((5, 2))
    sub = np.ix_(keep, keep)
    forms = {
        "diagonal": (sigma, sigma[keep]),
        "covariance": (C, C[sub]),
        "systematics": ((sigma, S), (sigma[keep], S[keep])),
    }
    full, part = forms[kind]
    z = rng.standard_normal(3)
    np.testing.assert_allclose(whitener(full, (5,), keep=keep).apply(z), whitener(part, (3,)).apply(z))
    with_hole = np.where(keep, sigma, np.nan)
    assert whitener(with_hole, (5,), keep=keep).size == 3


def test_sparse_rows_are_accepted(rng):
    from scipy.sparse import csr_array

    J = rng.standard_normal((5, 2))
    w = whitener(_covariance(rng, 5), (5,))
    np.testing.assert_allclose(w.rows(csr_array(J)), w.rows(J))


def _broken(i, j, value, n=3):
    C = np.eye(n)
    C[i, j] = value
    return C


@pytest.mark.parametrize(
    ("sigma", "message"),
    [
        (0.0, "sigma of counts is 0;"),
        (-1.0, "positive"),
        (np.nan, "nan"),
        ([1.0, 0.0, 1.0], "0 at index 1"),
        ([1.0, 2.0, np.inf], "inf at index 2"),
        ([1.0, 2.0], r"shape \(2,\)"),
        (np.ones((2, 2)), r"covariance \(3, 3\)"),
        ("a", "dtype"),
        (1j, "dtype"),
        (_broken(0, 1, 0.5), r"not symmetric: 0.5 at \(0, 1\)"),
        (_broken(1, 1, 0.0), "variance 0 at index 1"),
        (_broken(2, 1, np.nan), r"nan at index \(2, 1\)"),
        (np.ones((3, 3)), "not positive definite"),
        (np.array([[1, 2, 0], [2, 1, 0], [0, 0, 1.0]]), "smallest eigenvalue of its correlation matrix -1"),
        ((1.0,), "stat, systematics"),
        (([1.0, -1.0, 1.0], np.ones((3, 2))), "stat part of sigma of counts is -1 at index 1"),
        ((1.0, np.ones((4, 2))), "systematics of counts have shape"),
        ((1.0, [[1.0, 0.0], [0.0, np.nan], [0, 0]]), "nan at index 1, effect 1"),
    ],
)
def test_bad_uncertainties_are_named(sigma, message):
    with pytest.raises(DataError, match=message):
        whitener(sigma, (3,), name="counts")


def test_wrong_number_of_rows_is_named():
    with pytest.raises(DataError, match="describes 3 data but 4 rows"):
        whitener(1.0, (3,)).apply(np.ones(4))
    with pytest.raises(DataError, match=r"index \(1, 2\)"):
        whitener(np.where(np.arange(6).reshape(2, 3) == 5, 0.0, 1.0), (2, 3))
