"""Factorisations for Jacobians known through products: Nystrom-preconditioned CG and sketches of both sides."""

import numpy as np
import pytest

from sciopt._errors import OptionError
from sciopt.linalg import Pinv, Product, factor
from sciopt.linalg.core import core_factor
from sciopt.linalg.nystrom import nystrom_factor
from sciopt.linalg.operators import scaled_jacobian


def decaying(n, P, decades=8.0):
    rng = np.random.default_rng(0)
    m = min(n, P)
    U = np.linalg.qr(rng.standard_normal((n, m)))[0]
    V = np.linalg.qr(rng.standard_normal((P, m)))[0]
    return (U * 10.0 ** -np.linspace(0, decades, m)) @ V.T, rng.standard_normal(n)


@pytest.mark.parametrize("shape", [(120, 300), (300, 120)])
@pytest.mark.parametrize("scaled", [False, True])
def test_nystrom_steps_equal_those_of_the_svd(shape, scaled):
    J, r = decaying(*shape)
    D = np.random.default_rng(1).uniform(0.5, 2.0, shape[1]) if scaled else None
    exact, near = factor(J, r, how="svd", scale=D), factor(J, r, how="nystrom", scale=D)
    for damping in (1e-2, 1e-5, 1e-8):
        a, b = near.steps(damping)[0], exact.steps(damping)[0]
        assert np.linalg.norm(a - b) <= 1e-5 * np.linalg.norm(b)
        assert near.predicted_many(damping) == pytest.approx(exact.predicted_many(damping), rel=1e-6)
        assert near.norms(damping) == pytest.approx(exact.norms(damping), rel=1e-5)
    rhs = np.random.default_rng(2).standard_normal(shape[0])
    np.testing.assert_allclose(near.solve(rhs, 1e-3), exact.solve(rhs, 1e-3), rtol=1e-4, atol=1e-5)
    radius = float(exact.norms(1e-4)[0])
    assert exact.norms(near.damping_for(radius))[0] == pytest.approx(radius, rel=0.02)
    np.testing.assert_allclose(near.spectrum[:20], exact.spectrum[:20], rtol=1e-6)


def test_iterations_depend_on_rank_and_not_on_damping():
    J, r = decaying(200, 400)
    jacobian = scaled_jacobian(J, r)
    rich, poor = nystrom_factor(jacobian), nystrom_factor(jacobian, rank=8)
    counts = []
    for f in (rich, poor):
        f.steps(1e-8)
        counts.append(int(f.flag.split("; ")[1].split()[0]))
    assert counts[0] <= 8
    assert counts[1] > 4 * counts[0]
    assert f"rank {8}" in poor.flag


def test_products_with_a_gram_matrix_are_factored_by_it():
    J, r = decaying(60, 200, 4.0)
    asked = []

    def gram(side):
        asked.append(side)
        return J @ J.T

    f = factor(Product(J.shape, lambda x: J @ x, lambda y: J.T @ y, gram), r)
    assert f.how == "cholesky"
    assert asked == ["dual"]
    np.testing.assert_allclose(f.steps(1e-4)[0], factor(J, r, how="qr").steps(1e-4)[0], rtol=1e-6, atol=1e-8)
    assert f.rank == 60
    assert factor(Product(J.shape, lambda x: J @ x, lambda y: J.T @ y), r).how == "krylov"


def test_core_is_exact_in_its_subspace_and_descends():
    J, r = decaying(500, 90, 3.0)
    whole = core_factor(scaled_jacobian(J, r), columns=90, rows=500)
    np.testing.assert_allclose(whole.steps(1e-3)[0], factor(J, r, how="svd").steps(1e-3)[0], rtol=1e-8, atol=1e-10)
    half = core_factor(scaled_jacobian(J, r), columns=45, seed=3)
    step = half.steps(1e-2)[0]
    assert np.linalg.norm(r + J @ step) < np.linalg.norm(r)
    again = core_factor(scaled_jacobian(J, r), columns=45, seed=3)
    assert np.array_equal(step, again.steps(1e-2)[0])
    D = np.linspace(0.5, 2.0, 90)
    scaled = core_factor(scaled_jacobian(J, r, D), columns=90, rows=500).steps(1e-3)[0]
    np.testing.assert_allclose(scaled, factor(J, r, how="svd", scale=D).steps(1e-3)[0], rtol=1e-8, atol=1e-10)


def test_what_is_not_resolved_is_refused():
    J, r = decaying(30, 50)
    f = factor(J, r, how="nystrom")
    for call in (lambda: f.step(Pinv()), f.null_basis, f.covariance, lambda: f.null_project(np.ones(50))):
        with pytest.raises(OptionError, match="nystrom"):
            call()
    with pytest.raises(OptionError, match="at least 1"):
        nystrom_factor(scaled_jacobian(J, r), rank=0)
    with pytest.raises(OptionError, match="core"):
        core_factor(scaled_jacobian(J, r), columns=0)
