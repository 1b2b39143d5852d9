import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import splu

from sciopt._errors import DataError, OptionError
from sciopt.linalg import solve_sparse
from sciopt.linalg.sparse_kernels import csr_matvec
from tests.linalg.matrices import relative


def laplacian(side, neumann=False):
    """Five-point Laplacian on a square of side x side points; Neumann has the constants as null space."""
    line = sp.diags_array([-np.ones(side - 1), 2 * np.ones(side), -np.ones(side - 1)], offsets=(-1, 0, 1)).tolil()  # pyright: ignore[reportArgumentType]
    if neumann:
        line[0, 0] = line[-1, -1] = 1.0
    one = sp.eye_array(side)
    return sp.csr_array(sp.kron(line, one) + sp.kron(one, line))


@pytest.fixture
def square():
    rng = np.random.default_rng(1)
    A = sp.random_array((80, 80), density=0.05, rng=rng) + 3.0 * sp.eye_array(80)
    return A.tocsr(), rng.standard_normal(80)


def test_csr_matvec_matches_dense(square):
    A, x = square
    np.testing.assert_allclose(csr_matvec(A.data, A.indices, A.indptr, x, np.empty(80)), A.toarray() @ x)


@pytest.mark.parametrize("how", ["auto", "direct", "gmres"])
def test_square_systems_match_dense(square, how):
    A, r = square
    delta, flag = solve_sparse(A, r, how=how)
    assert relative(delta, -np.linalg.solve(A.toarray(), r)) < 1e-10
    assert flag.how == ("direct" if how == "auto" else how)
    assert flag.converged
    assert flag.residual < 1e-11
    assert str(flag).startswith(f"{flag.how}: residual ")


@pytest.mark.parametrize("how", ["auto", "direct", "cg", "minres"])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_symmetric_definite_of_either_sign(how, sign):
    A = sign * laplacian(12)
    r = np.random.default_rng(2).standard_normal(144)
    delta, flag = solve_sparse(A, r, structure="symmetric", how=how)
    assert relative(delta, -np.linalg.solve(A.toarray(), r)) < 1e-9
    assert flag.converged


@pytest.mark.parametrize("how", ["auto", "direct", "cg", "minres", "gmres"])
@pytest.mark.parametrize("consistent", [True, False])
def test_null_vector_is_projected_out(how, consistent):
    A = laplacian(10, neumann=True)
    r = np.random.default_rng(3).standard_normal(100)
    r = r - r.mean() if consistent else r + 1.0
    delta, flag = solve_sparse(A, r, structure="symmetric", null=np.ones(100), how=how)
    assert relative(delta, -np.linalg.pinv(A.toarray(), rcond=1e-12) @ r) < 1e-8
    assert delta.sum() == pytest.approx(0.0, abs=1e-9)
    assert flag.converged


def test_two_null_vectors_of_two_separate_parts():
    part = laplacian(6, neumann=True)
    A = sp.block_diag([part, 3.0 * part], format="csr")
    null = np.kron(np.eye(2), np.ones((36, 1)))
    r = np.random.default_rng(5).standard_normal(72)
    for how in ("direct", "cg"):
        delta, _ = solve_sparse(A, r, structure="symmetric", null=null, how=how)
        assert relative(delta, -np.linalg.pinv(A.toarray(), rcond=1e-12) @ r) < 1e-9


def test_cg_on_the_laplacian_takes_about_as_many_iterations_as_theory_says():
    side = 40
    A, r = laplacian(side), np.random.default_rng(4).standard_normal(side**2)
    _, flag = solve_sparse(A, r, structure="symmetric", how="cg", rtol=1e-8)
    # sqrt(condition number) = cot(pi / (2 (side + 1))); error bound 2 exp(-2 k / sqrt(kappa)) in the energy norm.
    root = 1.0 / np.tan(np.pi / (2 * (side + 1)))
    bound = 0.5 * root * np.log(2.0 * root / 1e-8)
    assert side < flag.iterations < bound
    _, preconditioned = solve_sparse(
        A, r, structure="symmetric", how="cg", rtol=1e-8, preconditioner=splu(A.tocsc()).solve
    )
    assert preconditioned.iterations <= 2
    jacobi = A.diagonal()
    _, same = solve_sparse(A, r, structure="symmetric", how="cg", rtol=1e-8, preconditioner=lambda v: v / jacobi)
    assert same.iterations == flag.iterations


def test_indefinite_hands_over_to_minres():
    A = sp.csr_array(laplacian(8) - 1.3 * sp.eye_array(64))
    r = np.random.default_rng(6).standard_normal(64)
    expected = -np.linalg.solve(A.toarray(), r)
    delta, flag = solve_sparse(A, r, structure="symmetric", how="cg")
    assert flag.how == "minres"
    assert "negative curvature" in flag
    assert relative(delta, expected) < 1e-8
    assert relative(solve_sparse(A, r, structure="symmetric")[0], expected) < 1e-10


def test_badly_scaled_system_with_jacobi():
    scale = sp.diags_array(10.0 ** np.linspace(-4, 4, 144))
    A = sp.csr_array(scale @ laplacian(12) @ scale)
    # The answer is 1 in the scaled unknowns. The plain residual norm would stop before its small rows are solved.
    delta, flag = solve_sparse(A, scale @ laplacian(12) @ np.ones(144), structure="symmetric", how="cg")
    assert flag.iterations < 100
    np.testing.assert_allclose(scale @ delta, -1.0, rtol=1e-9)


def test_singular_without_null_vector_says_so_and_gives_what_it_can():
    A = laplacian(6, neumann=True)
    r = np.random.default_rng(7).standard_normal(36)
    r -= r.mean()
    delta, flag = solve_sparse(A, r, structure="symmetric")
    assert np.linalg.norm(A @ delta + r) < 1e-8 * np.linalg.norm(r)
    delta, flag = solve_sparse(sp.csr_array((3, 3)), np.ones(3), how="direct")
    assert not flag.converged
    assert "singular" in flag


def test_zero_right_hand_side(square):
    A, r = square
    symmetric = laplacian(5)
    for how in ("direct", "gmres"):
        np.testing.assert_array_equal(solve_sparse(A, 0.0 * r, how=how)[0], 0.0)
    for how in ("cg", "minres"):
        np.testing.assert_array_equal(solve_sparse(symmetric, np.zeros(25), structure="symmetric", how=how)[0], 0.0)


def test_bad_input_is_named(square):
    A, r = square
    with pytest.raises(DataError, match="square system"):
        solve_sparse(A[:, :50], r)
    with pytest.raises(DataError, match=r"r has shape \(3,\)"):
        solve_sparse(A, np.ones(3))
    with pytest.raises(DataError, match=r"row 1, column 1"):
        solve_sparse(np.array([[1.0, 0.0], [0.0, np.nan]]), np.ones(2))
    with pytest.raises(DataError, match="dependent"):
        solve_sparse(A, r, null=np.ones((80, 2)))
    with pytest.raises(DataError, match="null has shape"):
        solve_sparse(A, r, null=np.ones(3))
    with pytest.raises(OptionError, match="symmetric"):
        solve_sparse(A, r, how="cg")
    with pytest.raises(OptionError, match="unknown"):
        solve_sparse(A, r, how="qr")  # pyright: ignore[reportArgumentType]
    with pytest.raises(OptionError, match="unknown"):
        solve_sparse(A, r, structure="hermitian")  # pyright: ignore[reportArgumentType]
    with pytest.raises(DataError, match="preconditioner returned shape"):
        solve_sparse(A, r, how="gmres", preconditioner=lambda v: v[:2])
