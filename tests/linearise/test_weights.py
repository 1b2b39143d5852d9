"""Weights, quadrature, priors; the check of a Jacobian; sparse patterns; zeroth order."""

import numpy as np
import pytest
from scipy import sparse

import sciopt as so
from sciopt._errors import ConditionError
from sciopt.linearise import check_jacobian
from sciopt.parameters import Parameter
from sciopt.points import fixed

X = np.linspace(0.0, 1.0, 11)


def test_equations_are_scaled_by_the_root_of_weight_over_rows():
    for n in (11, 101):
        x = np.linspace(0, 1, n)
        lin = so.linearise(so.Problem(so.Condition(lambda u, x: u * x, points=x, weight=4.0, batched=True), 3.0))
        np.testing.assert_allclose(lin.r, 3 * x * np.sqrt(4.0 / n), rtol=1e-14)
        np.testing.assert_allclose(lin.dense()[:, 0], x * np.sqrt(4.0 / n), rtol=1e-14)


def test_quadrature_weights_replace_the_mean():
    nodes, w = np.polynomial.legendre.leggauss(5)
    condition = so.Condition(lambda u, x: u * x**2, points=fixed(nodes, w), weight=2.0, batched=True)
    lin = so.linearise(so.Problem(condition, 3.0))
    assert 2 * lin.f == pytest.approx(2.0 * 9.0 * 2 / 5, rel=1e-13)  # 2 * integral of (3 x^2)^2 over (-1, 1)


def test_quadrature_weights_repeat_over_the_rows_of_a_point():
    nodes, w = np.polynomial.legendre.leggauss(4)
    both = so.Condition(
        lambda u, x: np.stack([u * x, u + 0 * x], axis=1), points=fixed(nodes, w), weight=1.0, batched=True
    )
    assert 2 * so.linearise(so.Problem(both, 3.0)).f == pytest.approx(9 * 2 / 3 + 9 * 2, rel=1e-13)


def test_stage_weight_multiplies_the_weight():
    condition = so.Condition(lambda u, x: u * x, "wall", points=X, weight=1.0, batched=True)
    plain = so.linearise(so.Problem(condition, 3.0))
    staged = so.linearise(so.Problem(condition, 3.0, stages=[so.Stage({"weight:wall": 9.0})]))
    assert staged.f == pytest.approx(9 * plain.f, rel=1e-14)


def test_priors_are_rows_of_their_own():
    prior = so.Normal(2.0, 0.5)
    tree = {"a": Parameter(1.0, prior=prior), "v": Parameter(np.zeros(2), prior=so.Normal(np.array([1.0, -1.0]), 2.0))}
    tree["d"] = Parameter(tied=lambda p: 2 * p.a, prior=so.Normal(0.0, 4.0))
    tree["f"] = Parameter(3.0, fixed=True, prior=prior)
    lin = so.linearise(so.Problem(so.Condition(lambda a, v, x: a * x + v[0], points=X, target=X, sigma=0.1), tree))
    assert list(lin.rows) == ["<lambda>" if "<lambda>" in lin.rows else "residual", "prior"]
    part = lin.rows["prior"]
    np.testing.assert_allclose(lin.r[part], [-2.0, -0.5, 0.5, 0.5], atol=1e-14)
    np.testing.assert_allclose(lin.dense()[part], [[2, 0, 0], [0, 0.5, 0], [0, 0, 0.5], [0.5, 0, 0]], atol=1e-14)


def test_check_names_condition_and_column():
    def wrong(A, tau, x):
        e = np.exp(-x / tau)
        return np.stack([e, A * x / tau**2 * e * 1.01], axis=1)

    def decay(A, tau, x):
        return A * np.exp(-x / tau)

    condition = so.Condition(decay, points=X, target=X, sigma=0.1, batched=True, jacobian=wrong)
    lin = so.linearise(so.Problem(condition, {"A": 2.0, "tau": 0.7}))
    with pytest.raises(
        ConditionError, match=r"'decay': the Jacobian's column for parameter 'tau' is wrong: at row \d+"
    ):
        check_jacobian(lin)
    right = so.Condition(decay, points=X, target=X, sigma=0.1, batched=True)
    assert check_jacobian(so.linearise(so.Problem(right, {"A": 2.0, "tau": 0.7}))) < 1e-8


def test_user_jacobian_of_another_shape_is_refused():
    condition = so.Condition(lambda a, b, x: a * x + b, points=X, batched=True, jacobian=lambda a, b, x: x)
    with pytest.raises(ConditionError, match=r"has shape \(11, 1\), expected \(11 rows, 2 free parameters: a, b\)"):
        so.linearise(so.Problem(condition, {"a": 1.0, "b": 1.0})).dense()


def tridiagonal(n, function):
    pattern = sparse.csr_matrix(np.eye(n) + np.eye(n, k=1) + np.eye(n, k=-1))
    return so.Problem(function, np.linspace(0.1, 1, n), pattern=pattern)


@pytest.mark.parametrize("step", ["complex", "difference"])
def test_coloured_differences_equal_the_dense_jacobian(step):
    n = 40
    absolute = np.abs if step == "difference" else (lambda x: x)  # |x| of a complex number loses its derivative

    def rows(u):
        return absolute(u) ** 3 - 2 * np.concatenate([[0 * u[0]], u[:-1]]) * u + np.concatenate([u[1:], [0 * u[0]]])

    problem = tridiagonal(n, rows)
    lin = so.linearise(problem)
    u = lin.theta
    exact = np.diag(3 * u**2 - 2 * np.concatenate([[0], u[:-1]])) + np.diag(np.ones(n - 1), 1) - np.diag(2 * u[1:], -1)
    J = lin.sparse()
    assert sparse.issparse(J)
    np.testing.assert_allclose(J.toarray(), exact, atol=1e-13 if step == "complex" else 1e-8)
    assert lin.work.columns <= 3 * (1 if step == "complex" else 2) + 3
    assert lin.jvp(u) == pytest.approx(exact @ u)


def test_pattern_of_another_shape_is_refused():
    problem = so.Problem(lambda u: u[:3], np.ones(4), pattern=np.eye(4))
    with pytest.raises(ConditionError, match=r"pattern has shape \(4, 4\), expected \(3, 4\)"):
        so.linearise(problem).sparse()


def test_sparse_user_jacobian_stays_sparse():
    n = 20
    scale = sparse.diags_array(np.arange(1.0, n + 1)).tocsr()
    problem = so.Problem(lambda u: scale @ u - 1.0, np.zeros(n), jacobian=lambda u: scale)
    J = so.linearise(problem).sparse()
    assert J.nnz == n
    np.testing.assert_allclose(J.toarray(), scale.toarray())


def test_zeroth_order_sees_J_along_its_directions_only():
    rng = np.random.default_rng(0)
    A = rng.standard_normal((9, 6))
    condition = so.Condition(lambda u: A @ u, jacobian="zeroth", directions=2)
    lin = so.linearise(so.Problem(condition, np.ones(6)))
    U = lin.pieces[0].directions(lin.frame)  # pyright: ignore[reportAttributeAccessIssue]
    np.testing.assert_allclose(lin.dense(), A @ U @ U.T, atol=1e-9)
    assert np.linalg.matrix_rank(lin.dense(), tol=1e-6) == 2
    assert lin.work.columns == 4
