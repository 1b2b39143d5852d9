import importlib

import numpy as np
import pytest
import scipy.sparse as sp

from sciopt._errors import DataError
from sciopt.linalg import sparse_lstsq
from tests.linalg.matrices import damped, relative


@pytest.fixture
def tall():
    rng = np.random.default_rng(1)
    A = sp.vstack([sp.eye_array(40), sp.random_array((160, 40), density=0.1, rng=rng)]).tocsr()
    return A, rng.standard_normal(200), np.exp(rng.standard_normal(40))


@pytest.mark.parametrize("damping", [0.0, 1e-6, 1.0])
@pytest.mark.parametrize("scaled", [False, True])
def test_matches_dense_least_squares(tall, damping, scaled):
    A, r, D = tall
    D = D if scaled else None
    delta, flag = sparse_lstsq(A, r, damping, D)
    assert relative(delta, damped(A.toarray(), r, damping, D)) < 1e-11
    assert flag.how == "normal equations"
    assert flag.residual < 1e-13


def test_refinement_repairs_the_squared_condition_number(tall):
    # Two nearly parallel columns, which no column scaling repairs: condition number 1e5, squared 1e10. With a perfect
    # fit the answer is known to 1e5 eps, while unrefined normal equations give 1e10 eps.
    A, _, _ = tall
    mix = sp.lil_array(sp.eye_array(40))
    mix[0, 1], mix[1, 1] = 1.0, 1e-5
    J = sp.csr_array(A @ mix.tocsr())
    exact = np.random.default_rng(8).standard_normal(40)
    delta, flag = sparse_lstsq(J, -(J @ exact))
    assert np.linalg.cond(J.toarray() / np.linalg.norm(J.toarray(), axis=0)) > 1e4
    assert relative(delta, exact) < 1e-10
    unrefined = np.linalg.solve((J.T @ J).toarray(), J.T @ (J @ exact))
    assert relative(unrefined, exact) > 1e-8
    assert flag.how == "normal equations"


def test_columns_of_very_different_units_do_not_matter(tall):
    A, r, _ = tall
    units = 10.0 ** np.linspace(-8, 8, 40)
    delta, flag = sparse_lstsq(A @ sp.diags_array(units), r)
    np.testing.assert_allclose(delta * units, sparse_lstsq(A, r)[0], rtol=1e-9)
    assert flag.how == "normal equations"


def test_singular_goes_to_lsmr_and_says_so(tall):
    A, r, _ = tall
    J = sp.hstack([A, A[:, [3]], sp.csr_array((200, 1))]).tocsr()
    delta, flag = sparse_lstsq(J, r)
    assert flag.how == "lsmr"
    assert "singular" in flag
    dense = J.toarray()
    best = np.linalg.norm(dense @ np.linalg.lstsq(dense, -r)[0] + r)
    assert np.linalg.norm(dense @ delta + r) == pytest.approx(best, rel=1e-12)
    assert delta[41] == 0.0


def test_wide_needs_damping_or_lsmr(tall):
    A, _, _ = tall
    J, r = sp.csr_array(A.T), np.random.default_rng(4).standard_normal(40)
    delta, flag = sparse_lstsq(J, r, 1e-2)
    assert flag.how == "normal equations"
    assert relative(delta, damped(J.toarray(), r, 1e-2)) < 1e-10
    delta, flag = sparse_lstsq(J, r)
    assert flag.how == "lsmr"
    np.testing.assert_allclose(J @ delta, -r, atol=1e-10)


def test_dense_row_goes_to_lsmr_rather_than_fill(monkeypatch, tall):
    A, r, _ = tall
    monkeypatch.setattr(importlib.import_module("sciopt.linalg.sparse_lstsq"), "NORMAL_ENTRIES", 100)
    delta, flag = sparse_lstsq(A, r, 0.5)
    assert flag.how == "lsmr"
    assert "entries" in flag
    assert relative(delta, damped(A.toarray(), r, 0.5)) < 1e-9


def test_bad_input_is_named(tall):
    A, r, D = tall
    with pytest.raises(DataError, match="damping"):
        sparse_lstsq(A, r, -1.0)
    with pytest.raises(DataError, match="D has shape"):
        sparse_lstsq(A, r, 1.0, D[:3])
    with pytest.raises(DataError, match=r"r\[0\] is nan"):
        sparse_lstsq(A, np.full(200, np.nan))
