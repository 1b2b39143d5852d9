from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from sciopt._errors import DataError
from sciopt.linalg import Axis, interpolation, multigrid, solve_sparse


def line(n, kind, h):
    """Second difference with minus sign on n points, and the axis it lives on."""
    T = sp.diags_array([-np.ones(n - 1), 2 * np.ones(n), -np.ones(n - 1)], offsets=(-1, 0, 1)).tolil()  # pyright: ignore[reportArgumentType]
    if kind == "periodic":
        T[0, -1] = T[-1, 0] = -1.0
        return T.tocsr() / h**2, Axis(h * np.arange(n), period=n * h)
    if kind == "neumann":
        T[0, 0] = T[-1, -1] = 1.0
        return T.tocsr() / h**2, Axis(h * (np.arange(n) + 0.5))
    return T.tocsr() / h**2, Axis(h * np.arange(1, n + 1), 0.0, h * (n + 1))


def poisson(*lines) -> tuple[Any, Any]:
    """Sum over axes of the one-dimensional operators."""
    total: Any = None
    for k, (T, _) in enumerate(lines):
        part = T
        for j, (_, other) in enumerate(lines):
            one = sp.eye_array(other.size)
            part = sp.kron(one, part) if j < k else sp.kron(part, one) if j > k else part
        total = part if total is None else total + part
    return sp.csr_array(total), tuple(axis for _, axis in lines)


def iterations(A, axes, null=None, rtol=1e-10):
    b = np.random.default_rng(0).standard_normal(A.shape[0])
    _, flag = solve_sparse(
        A, b, structure="symmetric", how="cg", rtol=rtol, null=null, preconditioner=multigrid(A, axes)
    )
    assert flag.how == "cg"
    assert flag.converged
    return flag.iterations


@pytest.mark.parametrize("n", [63, 64, 255, 256])
def test_iterations_do_not_grow_with_the_grid(n):
    A, axes = poisson(line(n, "dirichlet", 1 / (n + 1)), line(n, "dirichlet", 1 / (n + 1)))
    assert iterations(A, axes) <= 10


@pytest.mark.parametrize("kinds", [("dirichlet", "periodic"), ("neumann", "dirichlet"), ("neumann", "periodic")])
def test_other_walls(kinds):
    A, axes = poisson(line(90, kinds[0], 1 / 90), line(70, kinds[1], 1 / 70))
    singular = "dirichlet" not in kinds
    assert iterations(A, axes, np.ones(A.shape[0]) if singular else None) <= 16


def test_strong_and_weak_axes_are_told_apart():
    A, axes = poisson(line(127, "dirichlet", 1 / 128), line(127, "dirichlet", 10 / 128))
    assert iterations(A, axes) <= 12


def test_three_dimensions():
    A, axes = poisson(*(line(n, "dirichlet", 1 / (n + 1)) for n in (23, 24, 31)))
    assert iterations(A, axes) <= 11


def test_cycle_is_symmetric_where_the_matrix_is():
    A, axes = poisson(line(40, "dirichlet", 1.0), line(33, "neumann", 1.0))
    cycle = multigrid(A, axes)
    a, b = np.random.default_rng(1).standard_normal((2, A.shape[0]))
    assert a @ cycle(b) == pytest.approx(b @ cycle(a), rel=1e-12)
    assert 1.0 < cycle.complexity < 2.5


def test_several_fields():
    A, axes = poisson(line(48, "dirichlet", 1 / 49), line(48, "dirichlet", 1 / 49))
    both: Any = sp.csr_array(sp.kron(np.array([[2.0, 0.5], [0.5, 1.0]]), A))
    b = np.random.default_rng(2).standard_normal(both.shape[0])
    _, flag = solve_sparse(both, b, structure="symmetric", how="cg", preconditioner=multigrid(both, axes, 2))
    assert flag.converged
    assert flag.iterations <= 25


def test_interpolation_is_exact_on_linear_functions_between_walls():
    axis = Axis(np.arange(1.0, 10.0), 0.0, 10.0)
    P = interpolation((axis,), (True,))
    assert P.shape == (9, 4)
    np.testing.assert_allclose((P @ axis.halved().positions)[:8], axis.positions[:8])  # the last goes to the wall at 0
    round_ = Axis(np.arange(6.0), period=6.0)
    np.testing.assert_allclose(interpolation((round_,), (True,)) @ np.ones(3), np.ones(6))


def test_wrong_size_is_refused():
    with pytest.raises(DataError, match="the grid has 1 x 9 unknowns"):
        multigrid(sp.eye_array(8), (Axis(np.arange(1.0, 10.0)),))
