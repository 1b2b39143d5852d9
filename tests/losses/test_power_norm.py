"""Objectives of the whole residual: powers of its length, soft maximum."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sciopt._errors import DataError, OptionError
from sciopt.condition import Condition
from sciopt.linearise import linearise
from sciopt.losses import resolve
from sciopt.losses.log_sum_exp import LogSumExp
from sciopt.losses.power_norm import PowerNorm
from sciopt.problem import Problem

LOSSES = [PowerNorm(1.5), PowerNorm(2.0), PowerNorm(3.0), PowerNorm(4.0), LogSumExp(1.0), LogSumExp(0.1)]


def scaled(scale, J):
    return scale.rows(J) if hasattr(scale, "rows") else scale[:, None] * J


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_whitening_reproduces_gradient_and_hessian(loss, rng):
    A, y = rng.standard_normal((7, 3)), rng.standard_normal(7)
    x = rng.standard_normal(3)
    z = A @ x
    r, scale = loss.whiten(z, y)
    J = scaled(scale, A)

    def f(x):
        return loss.value(A @ x, y)

    h = 1e-5
    gradient = np.array([(f(x + h * e) - f(x - h * e)) / (2 * h) for e in np.eye(3)])
    assert J.T @ r == pytest.approx(gradient, rel=1e-6, abs=1e-8)
    u = z - y
    if isinstance(loss, PowerNorm):
        length, p, g = np.linalg.norm(u), loss.p, A.T @ u
        H = length ** (p - 2) * A.T @ A + (p - 2) * length ** (p - 4) * np.outer(g, g)
    else:
        weight = np.exp(u / loss.mu - np.max(u / loss.mu))
        H = A.T @ (weight[:, None] / weight.sum() * A) / loss.mu
    assert pytest.approx(H, rel=1e-9, abs=1e-12) == J.T @ J


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_row_operator_acts_on_vectors_and_its_transpose_is_adjoint(loss, rng):
    z = rng.standard_normal(5)
    _, scale = loss.whiten(z, np.zeros(5))
    if not hasattr(scale, "rows"):
        return
    v, w = rng.standard_normal(5), rng.standard_normal(5)
    assert scale.rows(v) == pytest.approx(scale.rows(v[:, None])[:, 0])
    assert scale.rows(v) @ w == pytest.approx(v @ scale.rows_t(w))


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
@given(seed=st.integers(0, 10_000), size=st.floats(-14, 1))
@settings(max_examples=20, deadline=None)
def test_decrease_is_exact_for_small_steps(loss, seed, size):
    """Against the second-order expansion, which is exact to 1e-8 relative where the difference of values has no digits."""
    rng = np.random.default_rng(seed)
    z, y = rng.standard_normal(6) + 3.0, np.zeros(6)
    d = 10.0**size * rng.standard_normal(6)
    new = z + d
    d = new - z
    got = loss.decrease(z, new, y)
    if size > -3:
        assert got == pytest.approx(loss.value(z, y) - loss.value(new, y), rel=1e-6, abs=1e-12 * abs(loss.value(z, y)))
        return
    middle = z + 0.5 * d
    r, scale = loss.whiten(middle, y)
    slope = scaled(scale, np.eye(6)).T @ r
    assert got == pytest.approx(-float(slope @ d), rel=1e-4, abs=1e-6 * float(np.abs(slope) @ np.abs(d)))


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_outside_the_domain_is_infinite_without_a_warning(loss):
    bad = np.array([1.0, np.nan])
    assert loss.value(bad, np.zeros(2)) == np.inf
    assert loss.decrease(np.ones(2), bad, np.zeros(2)) == -np.inf
    assert loss.value(np.array([1e308, 1e308]), np.zeros(2)) > 0


def test_soft_maximum_bounds_the_maximum(rng):
    z = rng.standard_normal(50) * 100
    for mu in (0.01, 1.0, 10.0):
        excess = LogSumExp(mu).value(z, 0.0) - z.max()
        assert 0 <= excess <= mu * np.log(50)


def test_power_two_is_least_squares(rng):
    z, y = rng.standard_normal(9), rng.standard_normal(9)
    r, scale = PowerNorm(2.0).whiten(z, y)
    assert r == pytest.approx(z - y)
    assert scale.rows(np.eye(9)) == pytest.approx(np.eye(9))
    assert PowerNorm(2.0).deviance(z, y) == pytest.approx((z - y) ** 2)


def test_zero_residual_is_a_stationary_point():
    r, scale = PowerNorm(4.0).whiten(np.ones(3), np.ones(3))
    assert np.all(r == 0)
    assert np.all(scale.rows(np.eye(3)) == 0)
    assert PowerNorm(4.0).decrease(np.ones(3), np.zeros(3), np.ones(3)) == pytest.approx(-2.25)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_enters_a_condition(loss, rng):
    A, b = rng.standard_normal((6, 2)), rng.standard_normal(6)
    assert resolve(loss) is loss
    lin = linearise(Problem(Condition(lambda v: A @ v, "rows", target=b, loss=loss), unknown=np.ones(2)))
    assert lin.f == pytest.approx(loss.value(A @ np.ones(2), b))
    near = lin.at(np.array([1.0, 1.0 + 1e-9]))
    assert lin.reduction(near) == pytest.approx(-1e-9 * lin.gradient()[1], rel=1e-5)


def test_wrong_options_and_data_are_named():
    for make in (lambda: PowerNorm(1.0), lambda: PowerNorm(-2.0)):
        with pytest.raises(OptionError, match="p"):
            make()
    with pytest.raises(OptionError, match="mu"):
        LogSumExp(0.0)
    with pytest.raises(DataError, match="index 1"):
        PowerNorm().check((2,), np.array([0.0, np.nan]))
