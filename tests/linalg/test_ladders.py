"""Fallbacks when LAPACK does not converge, and what the flag says about them."""

import numpy as np
import pytest
import scipy.linalg

from sciopt.linalg import Pinv, Tikhonov, factor
from sciopt.linalg import cholesky as cholesky_module
from tests.linalg.matrices import damped, relative, with_spectrum


def fail(*_, **__):
    raise np.linalg.LinAlgError("did not converge")


@pytest.fixture(params=[(40, 10), (10, 40)])
def system(request):
    rng = np.random.default_rng(2)
    n, P = request.param
    return with_spectrum(rng, n, P, np.logspace(0, -3, 10)), rng.standard_normal(n)


@pytest.mark.parametrize("how", ["svd", "qr"])
def test_svd_falls_back_to_gesvd_then_to_the_gram_matrix(system, how, monkeypatch):
    J, r = system
    expected = factor(J, r, how=how).step(Tikhonov(1e-3))
    monkeypatch.setattr(np.linalg, "svd", fail)
    second = factor(J, r, how=how)
    assert "gesvd used" in second.flag
    assert relative(second.step(Tikhonov(1e-3)), expected) < 1e-12
    monkeypatch.setattr(scipy.linalg, "svd", fail)
    third = factor(J, r, how=how)
    assert "eigh of the Gram matrix used" in third.flag
    assert relative(third.step(Tikhonov(1e-3)), expected) < 1e-9
    assert third.rtol > 1e-8 > second.rtol


def test_gram_falls_back_to_the_svd_of_j(system, monkeypatch):
    J, r = system
    monkeypatch.setattr(np.linalg, "eigh", fail)
    f = factor(J, r, how="gram")
    assert "eigh failed, SVD of J used" in f.flag
    assert relative(f.step(Tikhonov(1e-8)), damped(J, r, 1e-8)) < 1e-10


def test_failed_cholesky_raises_the_damping_and_says_so():
    rng = np.random.default_rng(4)
    J, r = with_spectrum(rng, 200, 80, np.logspace(0, -20, 80)), rng.standard_normal(200)
    f = factor(J, r, how="cholesky")
    step = f.step(Tikhonov(1e-30))
    assert "damping raised 1e-30 -> " in f.flag
    assert np.isfinite(step).all()
    assert f.predicted(step) > 0.0
    raised = float(f.flag.split("-> ")[1].split(";")[0])
    assert 1e-17 < raised < 1e-12
    assert relative(f.step(Tikhonov(raised)), step) < 0.2


def test_cholesky_that_never_works_becomes_eigenvalues(system, monkeypatch):
    J, r = system

    class Broken:
        dpotrf = staticmethod(lambda a, **_: (a, 1))

    monkeypatch.setattr(cholesky_module, "lapack", Broken)
    f = factor(J, r, how="cholesky")
    assert relative(f.step(Tikhonov(1e-3)), damped(J, r, 1e-3)) < 1e-9
    assert "cholesky failed, gram/" in f.flag
    assert relative(f.solve(2.0 * r, 1e-3), damped(J, 2.0 * r, 1e-3)) < 1e-9
    radius = float(np.linalg.norm(damped(J, r, 1e-3)))
    assert f.norms(f.damping_for(radius))[0] == pytest.approx(radius, rel=2e-3)


def test_cholesky_takes_other_filters_from_an_accurate_factor():
    rng = np.random.default_rng(6)
    J, r = with_spectrum(rng, 100, 70, np.logspace(0, -9, 70)), rng.standard_normal(100)
    f = factor(J, r, how="cholesky")
    assert f.flag == "cholesky/primal"
    assert relative(f.step(Pinv()), -np.linalg.pinv(J) @ r) < 1e-4
    assert f.flag == "cholesky/primal; spectrum by qr/primal"
    assert relative(f.steps(0.0)[0], f.step(Pinv())) < 1e-12
