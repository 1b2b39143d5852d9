import numpy as np
import pytest

from sciopt.linalg import Tikhonov
from sciopt.linearise import linearise
from sciopt.methods.dogleg import Dogleg
from sciopt.methods.gauss_newton import GaussNewton
from sciopt.methods.ssbroyden import SSBroyden, self_scaled_update
from sciopt.problem import Problem


def rosenbrock(v):
    return np.array([10.0 * (v[1] - v[0] ** 2), 1.0 - v[0]])


def box(v):
    t = 0.1 * np.arange(1, 11)
    return np.exp(-v[0] * t) - np.exp(-v[1] * t) - v[2] * (np.exp(-t) - np.exp(-10 * t))


@pytest.mark.parametrize("shape", [(20, 4), (4, 20), (20, 20)])
def test_linear_conditions_take_one_step_to_the_minimum_norm_answer(shape, rng):
    A = rng.standard_normal((shape[0], 3)) @ rng.standard_normal((3, shape[1]))
    b = rng.standard_normal(shape[0])
    lin = linearise(Problem(lambda v: A @ v - b, unknown=np.zeros(shape[1])))
    step = GaussNewton().step(lin, GaussNewton().init(lin), 0)
    assert step.theta == pytest.approx(np.linalg.pinv(A) @ b, abs=1e-10)
    assert step.info["rank"] == 3


def test_k_and_rtol_cut_the_spectrum(rng):
    U, _ = np.linalg.qr(rng.standard_normal((12, 4)))
    V, _ = np.linalg.qr(rng.standard_normal((4, 4)))
    S = np.array([1.0, 0.5, 1e-3, 1e-5])
    b = rng.standard_normal(12)
    lin = linearise(Problem(lambda v: U @ (S * (V.T @ v)) - b, unknown=np.zeros(4)))
    for method, kept in ((GaussNewton(k=1), 1), (GaussNewton(rtol=1e-2), 2), (GaussNewton(rtol=1e-4), 3)):
        step = method.step(lin, method.init(lin), 0)
        expected = V[:, :kept] @ ((U.T @ b)[:kept] / S[:kept])
        assert step.theta == pytest.approx(expected, rel=1e-9)
    ridge = GaussNewton(filter=Tikhonov(0.3))
    expected = V @ (S * (U.T @ b) / (S**2 + 0.3))
    assert ridge.step(lin, ridge.init(lin), 0).theta == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    "method", [GaussNewton(), Dogleg(), Dogleg(scaling="none"), SSBroyden(), SSBroyden("bfgs")], ids=repr
)
@pytest.mark.parametrize(
    ("residual", "start", "answer"),
    [(rosenbrock, [-1.2, 1.0], [1.0, 1.0]), (box, [0.0, 10.0, 20.0], [1.0, 10.0, 1.0])],
    ids=["rosenbrock", "box"],
)
def test_reaches_known_minima(drive, method, residual, start, answer):
    out = drive(method, Problem(residual, unknown=np.array(start)), 300)
    if residual is box:  # a line of solutions a = b, c = 0, and two isolated ones
        assert out.lin.f < 1e-20
    else:
        assert out.theta == pytest.approx(answer, abs=1e-7)


def test_line_search_halves_until_the_merit_falls(drive):
    out = drive(GaussNewton(), Problem(lambda v: np.arctan(v), unknown=np.array([3.0])), 60)
    assert out.steps[0].info["length"] < 1.0  # the full step doubles the distance
    assert out.theta == pytest.approx([0.0], abs=1e-12)
    assert np.all(np.diff(out.merits) <= 0)


def test_self_scaled_update_meets_the_secant_condition_and_stays_positive(rng):
    P = 6
    H = np.eye(P)
    B = rng.standard_normal((P, P))
    A = B @ B.T + 0.1 * np.eye(P)
    for update in ("broyden", "bfgs"):
        H, x = np.eye(P), rng.standard_normal(P)
        for k in range(25):
            g = A @ x
            p = -H @ g
            t = -(g @ p) / (p @ A @ p)
            s = t * p
            if np.linalg.norm(g) < 1e-9:
                break
            H = self_scaled_update(H, s, A @ s, g, t, update, first=k == 0)
            assert pytest.approx(s, rel=1e-6, abs=1e-12) == H @ (A @ s)
            assert np.linalg.eigvalsh(H).min() > 0
            x = x + s
        assert np.linalg.norm(A @ x) < 1e-6


def test_ssbroyden_minimises_a_loss_without_small_residuals(drive):
    """Beale's function plus a constant residual: Gauss-Newton information is useless at the size of the residual."""

    def residual(v):
        return np.array([1.5 - v[0] * (1 - v[1]), 2.25 - v[0] * (1 - v[1] ** 2), 2.625 - v[0] * (1 - v[1] ** 3), 1e3])

    out = drive(SSBroyden(), Problem(residual, unknown=np.ones(2)), 200)
    assert out.theta == pytest.approx([3.0, 0.5], abs=1e-3)
