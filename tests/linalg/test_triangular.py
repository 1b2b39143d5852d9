"""Least squares by scaled QR: plain, pivoted and damped paths, units, rank, accuracy without squaring."""

import numpy as np
import pytest

from sciopt._errors import DataError
from sciopt.linalg.triangular import PIVOTED, scaled_qr

RNG = np.random.default_rng(3)


@pytest.mark.parametrize("shape", [(30, 8), (500, 400)])
def test_full_rank_equals_lstsq_in_any_units(shape):
    J, y = RNG.standard_normal(shape), RNG.standard_normal(shape[0])
    units = 10.0 ** RNG.uniform(-9, 9, shape[1])
    found = scaled_qr(J * units)
    assert found.rank == shape[1]
    assert np.allclose(found.solve(y) * units, np.linalg.lstsq(J, y, rcond=None)[0], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("shape", [(40, 12), (8, 12)])
def test_rank_deficient_gives_the_shortest_solution_in_scaled_columns(shape):
    J = RNG.standard_normal((shape[0], 5)) @ RNG.standard_normal((5, shape[1]))
    J /= np.linalg.norm(J, axis=0)
    y = RNG.standard_normal(shape[0])
    found = scaled_qr(J, rtol=1e-12)
    assert found.rank == 5
    assert np.allclose(found.solve(y), np.linalg.pinv(J, rcond=1e-12) @ y, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("P", [60, PIVOTED + 60])
def test_condition_numbers_beyond_rounding_leave_residuals_at_rounding(P):
    """A Vandermonde matrix spans all orders of magnitude; its square would lose half of the digits."""
    x = np.linspace(-1, 1, 3 * P)
    J = x[:, None] ** np.arange(P)
    y = np.exp(x) * np.sin(5 * x)
    found = scaled_qr(J)
    assert found.rcond < 1e-13
    residual = np.linalg.norm(J @ found.solve(y) - y) / np.linalg.norm(y)
    assert residual < 1e-11
    normal = np.linalg.lstsq(J.T @ J, J.T @ y, rcond=None)[0]
    assert residual < 1e-2 * np.linalg.norm(J @ normal - y) / np.linalg.norm(y)


def test_zero_columns_and_matrices():
    J = np.zeros((4, 3))
    assert scaled_qr(J).rank == 0
    assert not scaled_qr(J).solve(np.ones(4)).any()
    J[:, 1] = 2.0
    assert np.allclose(scaled_qr(J).solve(np.ones(4)), [0.0, 0.5, 0.0])


def test_entries_that_are_not_finite_are_named():
    J = np.ones((4, 3))
    J[2, 1] = np.nan
    with pytest.raises(DataError, match="column 1"):
        scaled_qr(J)
