import numpy as np
import pytest

from sciopt.linearise import linearise
from sciopt.methods.gauss_newton import GaussNewton
from sciopt.methods.half_inverse import HalfInverse
from sciopt.methods.sven import Sven, sven_rows
from sciopt.problem import Problem

T = np.linspace(0.0, 2.0, 25)


def curve(v):
    return v[0] * np.exp(-v[1] * T) + v[2] * T - np.cos(2 * T)


def at_start():
    return linearise(Problem(curve, unknown=np.array([1.1, 0.7, -0.3])))


def stepped(method, lin, key=0):
    return method.step(lin, method.init(lin), key).theta - lin.theta


def test_equals_gauss_newton_at_full_column_rank_without_truncation():
    lin = at_start()
    newton = -np.linalg.lstsq(lin.dense(), lin.r, rcond=None)[0]
    assert stepped(Sven(rtol=0.0, safeguarded=False), lin) == pytest.approx(newton, rel=1e-10)
    assert stepped(Sven(rtol=0.0, safeguarded=False), lin) == pytest.approx(stepped(GaussNewton(), lin), rel=1e-10)


@pytest.mark.parametrize("kappa", [0.7, 1.0, 1.5, 2.0])
def test_published_formula(kappa):
    """-lr V_k S_k^-1 U_k^T R with R = sign(r) |r|^kappa, written out with numpy's SVD."""
    lin = at_start()
    r, J = lin.r, lin.dense()
    R, JR = np.sign(r) * np.abs(r) ** kappa, kappa * np.abs(r)[:, None] ** (kappa - 1) * J
    U, S, Vt = np.linalg.svd(JR, full_matrices=False)
    keep = 2 if S[1] > 0.05 * S[0] else 1
    expected = -0.3 * Vt[:keep].T @ ((U.T @ R)[:keep] / S[:keep])
    got = stepped(Sven(k=2, rtol=0.05, lr=0.3, kappa=kappa, safeguarded=False), lin)
    assert got == pytest.approx(expected, rel=1e-7)


def test_powers_differ_by_a_factor_where_rows_are_independent(rng):
    """At full row rank the step of kappa is 2 / kappa times that of kappa = 2."""
    A = rng.standard_normal((6, 15))
    b = rng.standard_normal(6)
    lin = linearise(Problem(lambda v: A @ v - b, unknown=np.zeros(15)))
    double = stepped(Sven(rtol=0.0, kappa=2.0, safeguarded=False), lin)
    single = stepped(Sven(rtol=0.0, kappa=1.0, safeguarded=False), lin)
    assert single == pytest.approx(2.0 * double, rel=1e-7)
    assert A @ single == pytest.approx(b, abs=1e-9)


@pytest.mark.parametrize("kappa", [1.0, 2.0])
@pytest.mark.parametrize("size", [2, 4, 7])
def test_micro_batches_average_the_losses(kappa, size):
    lin = at_start()
    groups = [slice(i, min(i + size, 25)) for i in range(0, 25, size)]

    def rows(v):
        r = curve(v)
        return np.array([np.mean(r[g] ** 2) ** (kappa / 2) for g in groups])

    R, J = sven_rows(lin.r, lin.dense(), kappa, size)
    assert rows(lin.theta) == pytest.approx(R)
    h = 1e-6
    columns = [(rows(lin.theta + h * e) - rows(lin.theta - h * e)) / (2 * h) for e in np.eye(3)]
    assert pytest.approx(np.stack(columns, axis=1), rel=1e-6, abs=1e-8) == J


def test_rows_at_zero_residual_stay_finite():
    for kappa in (0.5, 1.0, 2.0):
        for size in (None, 2):
            R, J = sven_rows(np.array([0.0, 0.0, 2.0]), np.ones((3, 2)), kappa, size)
            assert np.isfinite(R).all()
            assert np.isfinite(J).all()


def test_parameter_fraction_moves_that_many_and_redraws(rng):
    A, b = rng.standard_normal((30, 20)), rng.standard_normal(30)
    lin = linearise(Problem(lambda v: A @ v - b, unknown=np.zeros(20)))
    method = Sven(rtol=0.0, param_fraction=0.31, safeguarded=False)
    first, second = stepped(method, lin, 1), stepped(method, lin, 2)
    assert np.count_nonzero(first) == np.count_nonzero(second) == 7
    assert set(np.flatnonzero(first)) != set(np.flatnonzero(second))
    moved = np.flatnonzero(first)
    assert first[moved] == pytest.approx(np.linalg.lstsq(A[:, moved], b, rcond=None)[0])


def test_safeguard_descends_where_the_published_step_diverges(drive):
    problem = Problem(lambda v: np.arctan(v), unknown=np.array([3.0]))
    free = drive(Sven(safeguarded=False), problem, 6)
    guarded = drive(Sven(), problem, 40)
    assert free.merits[3] > free.merits[0]
    assert np.all(np.diff(guarded.merits) <= 0)
    assert guarded.theta == pytest.approx([0.0], abs=1e-12)


def test_safeguarded_cut_is_lowered_where_the_model_holds(drive, rng):
    """Singular values over five decades: the first cut of 1e-1 would leave most of the residual."""
    U, _ = np.linalg.qr(rng.standard_normal((30, 6)))
    V, _ = np.linalg.qr(rng.standard_normal((6, 6)))
    A = U @ np.diag(10.0 ** -np.arange(6.0)) @ V.T
    problem = Problem(lambda v: A @ (v - 1.0), unknown=np.zeros(6))
    out = drive(Sven(rtol=0.1), problem, 40)
    assert out.theta == pytest.approx(np.ones(6), abs=1e-6)
    ranks = [s.info["rank"] for s in out.steps if s.accepted]
    assert ranks[0] < ranks[-1] == 6


def test_half_inverse_is_its_filter():
    lin = at_start()
    U, S, Vt = np.linalg.svd(lin.dense(), full_matrices=False)
    expected = -0.2 * Vt.T @ (S**-0.5 * (U.T @ lin.r))
    assert stepped(HalfInverse(lr=0.2), lin) == pytest.approx(expected, rel=1e-9)
    cut = -0.2 * Vt[:1].T @ (S[:1] ** -0.5 * (U.T @ lin.r)[:1])
    assert stepped(HalfInverse(rtol=0.9, lr=0.2), lin) == pytest.approx(cut, rel=1e-9)
