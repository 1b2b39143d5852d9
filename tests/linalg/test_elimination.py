import numpy as np
import pytest

from sciopt._errors import DataError
from sciopt.linalg import eliminate, golub_pereyra_jacobian, kaufman_jacobian
from tests.linalg.matrices import relative

X = np.linspace(0.0, 3.0, 40)


def basis(theta):
    """Two exponentials and a constant; column j depends on theta[j]."""
    return np.stack([np.exp(-theta[0] * X), np.exp(-theta[1] * X), np.ones_like(X)], axis=1)


def derivative(theta):
    """dPhi / dtheta (n, m, q)."""
    out = np.zeros((len(X), 3, 2))
    for j in range(2):
        out[:, j, j] = -X * np.exp(-theta[j] * X)
    return out


def products(theta, y):
    c, residual, projector = eliminate(basis(theta), y)
    d = derivative(theta)
    return np.einsum("nmq,m->nq", d, c), np.einsum("nmq,n->mq", d, residual), residual, projector


def reduced(theta, y):
    return eliminate(basis(theta), y)[1]


def difference(theta, y, h=1e-5):
    columns = [(reduced(theta + h * e, y) - reduced(theta - h * e, y)) / (2 * h) for e in np.eye(2)]
    return np.stack(columns, axis=1)


@pytest.fixture
def noisy():
    rng = np.random.default_rng(1)
    theta = np.array([0.7, 2.5])
    return theta, basis(theta) @ [2.0, -1.0, 0.3] + 0.2 * rng.standard_normal(len(X))


def test_coefficients_and_residual_are_those_of_least_squares(noisy):
    theta, y = noisy
    c, residual, projector = eliminate(basis(theta), y)
    np.testing.assert_allclose(c, np.linalg.lstsq(basis(theta), y)[0], rtol=1e-10)
    np.testing.assert_allclose(residual, basis(theta) @ c - y, atol=1e-13)
    np.testing.assert_allclose(basis(theta).T @ residual, 0.0, atol=1e-13)
    assert projector.rank == 3
    many, residuals, _ = eliminate(basis(theta), np.stack([y, 2 * y], axis=1))
    np.testing.assert_allclose(many, np.stack([c, 2 * c], axis=1))
    np.testing.assert_allclose(residuals[:, 1], 2 * residual, atol=1e-13)


def test_golub_pereyra_is_the_derivative_of_the_reduced_residual(noisy):
    theta, y = noisy
    theta = theta * 1.3
    dPhi_c, dPhi_r, _, projector = products(theta, y)
    J = golub_pereyra_jacobian(dPhi_c, dPhi_r, projector)
    assert relative(J, difference(theta, y)) < 1e-8


def test_kaufman_drops_the_second_term_but_keeps_the_gradient(noisy):
    theta, y = noisy
    theta = theta * 1.3
    dPhi_c, dPhi_r, residual, projector = products(theta, y)
    full, short = golub_pereyra_jacobian(dPhi_c, dPhi_r, projector), kaufman_jacobian(dPhi_c, projector)
    assert relative(short, full) > 1e-4
    np.testing.assert_allclose(short.T @ residual, full.T @ residual, rtol=1e-10)
    h = 1e-5
    gradient = [
        (np.sum(reduced(theta + h * e, y) ** 2) - np.sum(reduced(theta - h * e, y) ** 2)) / (4 * h) for e in np.eye(2)
    ]
    np.testing.assert_allclose(short.T @ residual, gradient, rtol=1e-6)


def test_the_two_agree_at_a_perfect_fit(noisy):
    theta, _ = noisy
    y = basis(theta) @ [2.0, -1.0, 0.3]
    dPhi_c, dPhi_r, _, projector = products(theta, y)
    short = kaufman_jacobian(dPhi_c, projector)
    assert relative(short, golub_pereyra_jacobian(dPhi_c, dPhi_r, projector)) < 1e-12
    assert relative(short, difference(theta, y)) < 1e-7


def test_kaufman_is_the_reduced_block_of_the_joint_jacobian(noisy):
    # Schur complement: eliminating the linear columns of the joint Jacobian leaves Kaufman's.
    theta, y = noisy
    dPhi_c, _, _, projector = products(theta, y)
    joint = np.hstack([basis(theta), dPhi_c])
    C = np.linalg.inv(joint.T @ joint)[3:, 3:]
    short = kaufman_jacobian(dPhi_c, projector)
    np.testing.assert_allclose(np.linalg.inv(short.T @ short), C, rtol=1e-6)


def test_rank_deficient_basis_gives_least_norm_and_a_true_projector():
    rng = np.random.default_rng(3)
    Phi = rng.standard_normal((30, 4)) @ rng.standard_normal((4, 7))
    Phi /= np.linalg.norm(Phi, axis=0)
    y = rng.standard_normal(30)
    c, residual, projector = eliminate(Phi, y)
    assert projector.rank == 4
    np.testing.assert_allclose(c, np.linalg.pinv(Phi, rcond=1e-10) @ y, atol=1e-10)
    np.testing.assert_allclose(residual, Phi @ c - y, atol=1e-12)
    w = rng.standard_normal(7)
    np.testing.assert_allclose(projector.inverse_transposed(w), np.linalg.pinv(Phi, rcond=1e-10).T @ w, atol=1e-10)
    zero, left, empty = eliminate(np.zeros((5, 2)), np.ones(5))
    assert empty.rank == 0
    assert zero.tolist() == [0.0, 0.0]
    np.testing.assert_array_equal(left, -np.ones(5))


def test_units_of_the_columns_do_not_decide_the_rank():
    rng = np.random.default_rng(5)
    Phi, y = rng.standard_normal((30, 5)), rng.standard_normal(30)
    units = 10.0 ** np.array([-30.0, -3.0, 0.0, 5.0, 30.0])
    c, _, projector = eliminate(Phi * units, y)
    assert projector.rank == 5
    np.testing.assert_allclose(c * units, np.linalg.lstsq(Phi, y)[0], rtol=1e-10)


def test_more_unknowns_than_data():
    rng = np.random.default_rng(6)
    Phi, y = rng.standard_normal((3, 6)), rng.standard_normal(3)
    c, residual, projector = eliminate(Phi, y)
    assert projector.rank == 3
    np.testing.assert_allclose(Phi @ c, y, atol=1e-12)
    np.testing.assert_allclose(residual, 0.0, atol=1e-13)


def test_bad_input_is_named():
    with pytest.raises(DataError, match="Phi has shape"):
        eliminate(np.ones(3), np.ones(3))
    with pytest.raises(DataError, match=r"target\[1\] is nan"):
        eliminate(np.ones((2, 1)), [1.0, np.nan])
    projector = eliminate(np.ones((3, 1)), np.ones(3))[2]
    with pytest.raises(DataError, match="dPhi_c has shape"):
        kaufman_jacobian(np.ones((2, 1)), projector)
    with pytest.raises(DataError, match="dPhi_r has shape"):
        golub_pereyra_jacobian(np.ones((3, 1)), np.ones((3, 1)), projector)
