import numpy as np
import pytest

from sciopt.linearise import linearise
from sciopt.methods.levenberg_marquardt import LevenbergMarquardt
from sciopt.problem import Problem


def rosenbrock(v):
    return np.array([10.0 * (v[1] - v[0] ** 2), 1.0 - v[0]])


def geodesic_step(lin, damping):
    """First step of the iteration written out with dense algebra."""
    J, r = lin.dense(), lin.r
    A = J.T @ J + damping * np.eye(J.shape[1])
    v = -np.linalg.solve(A, J.T @ r)
    h = 1e-4
    bend = (lin.at(lin.theta + h * v).r - 2 * r + lin.at(lin.theta - h * v).r) / h**2
    a = -np.linalg.solve(A, J.T @ bend)
    predicted = 0.5 * float(v @ (damping * v - J.T @ r))
    return (v + 0.5 * a if 2 * np.linalg.norm(a) <= np.linalg.norm(v) else v), predicted


@pytest.mark.parametrize("start", [[-1.2, 1.0], [0.5, 0.3], [2.0, 3.9]])
def test_first_step_is_the_damped_step_with_acceleration(start):
    problem = Problem(rosenbrock, unknown=np.array(start))
    lin, method = linearise(problem), LevenbergMarquardt(start=5.0)
    step = method.step(lin, method.init(lin), 0)
    damping = 5.0
    while True:
        delta, predicted = geodesic_step(lin, damping)
        ratio = lin.reduction(lin.at(lin.theta + delta)) / predicted
        if ratio > 1e-3:
            break
        damping *= 6.0
        assert damping < 1e9
    assert step.theta - lin.theta == pytest.approx(delta, rel=1e-5)
    assert step.info["damping"] == pytest.approx(damping)
    assert step.info["ratio"] == pytest.approx(ratio, rel=1e-5)
    assert step.state.damping == pytest.approx(damping * np.clip(0.1 / ratio, 0.1, 4.0), rel=1e-5)


@pytest.mark.parametrize("damping", ["target", "nielsen"])
@pytest.mark.parametrize("geodesic", [True, False])
def test_rosenbrock_to_the_last_digit(drive, damping, geodesic):
    out = drive(
        LevenbergMarquardt(damping=damping, geodesic=geodesic), Problem(rosenbrock, unknown=np.array([-1.2, 1.0])), 200
    )
    assert out.theta == pytest.approx([1.0, 1.0], abs=1e-12)
    assert out.work.nfev < 150


def test_more_scaling_makes_the_path_free_of_units(drive):
    t = np.linspace(0, 4, 30)
    y = 3.0 * np.exp(-0.7 * t) + 0.05 * np.sin(9 * t)
    units = np.array([1e6, 1e-6])

    def fit(factors):
        problem = Problem(
            lambda v: v[0] / factors[0] * np.exp(-v[1] / factors[1] * t) - y, unknown=np.array([1.0, 2.0]) * factors
        )
        return drive(LevenbergMarquardt(scaling="more", geodesic=False), problem, 8)

    plain, other = fit(np.ones(2)), fit(units)
    for a, b in zip(plain.steps, other.steps, strict=True):
        assert b.theta / units == pytest.approx(a.theta, rel=1e-8)


def test_polishes_below_the_rounding_of_the_merit(drive):
    t = np.linspace(0, 4, 30)
    y = 3.0 * np.exp(-0.7 * t) + 0.3 * np.cos(5 * t)
    problem = Problem(lambda v: v[0] * np.exp(-v[1] * t) - y, unknown=np.array([1.0, 2.0]))
    out = drive(LevenbergMarquardt(scaling="more"), problem, 100)
    J = out.lin.dense()
    cosine = np.abs(J.T @ out.lin.r) / (np.linalg.norm(J, axis=0) * np.linalg.norm(out.lin.r))
    assert cosine.max() < 1e-10  # stopping at the rounding of f would leave about 1e-8
    assert out.verdict[0] in ("rounding_floor", "converged")


def test_wide_problems_use_the_dual_side_and_stay_near_the_start(drive, rng):
    A = rng.standard_normal((5, 60))
    x = rng.standard_normal(60)
    problem = Problem(lambda v: A @ v - A @ x, unknown=np.zeros(60))
    out = drive(LevenbergMarquardt(), problem, 50)
    assert out.theta == pytest.approx(np.linalg.pinv(A) @ (A @ x), abs=1e-9)


def test_rows_that_only_noise_separates_are_resolved_by_qr(drive):
    """A Gram matrix of this J has no digits left of the second direction (condition 1e10)."""
    A = np.array([[1.0, 1.0], [1.0, 1.0 + 1e-10], [1.0, 1.0]])
    problem = Problem(lambda v: A @ v - A @ np.array([1.0, 2.0]), unknown=np.zeros(2))
    out = drive(LevenbergMarquardt(), problem, 200)
    assert out.theta == pytest.approx([1.0, 2.0], abs=1e-3)
