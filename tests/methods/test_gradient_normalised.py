import numpy as np
import pytest

from problems.least_squares.smoothness_study import chebyshev_rosenbrock, logistic, soft_maximum
from sciopt.condition import Condition
from sciopt.linearise import linearise
from sciopt.losses.power_norm import PowerNorm
from sciopt.methods.gradient_normalised import GradientNormalised
from sciopt.methods.regularised_newton import RegularisedNewton
from sciopt.problem import Problem


def first(method, problem):
    lin = linearise(problem)
    return lin, method.step(lin, method.init(lin), 0)


@pytest.mark.parametrize("acceptance", ["practical", "literal"])
def test_step_and_radius_are_the_published_rule(acceptance):
    lin, step = first(GradientNormalised(acceptance, gamma=0.4), logistic())
    J, g = lin.dense(), lin.dense().T @ lin.r
    gamma = 0.4
    while True:
        lam = np.linalg.norm(g) / gamma
        delta = -np.linalg.solve(J.T @ J + lam * np.eye(len(g)), g)
        new = lin.at(lin.theta + delta)
        needed = np.sum(new.gradient() ** 2) / (8 * lam) if acceptance == "literal" else 0.0
        if lin.f - new.f >= needed:
            break
        gamma /= 2
    assert step.theta - lin.theta == pytest.approx(delta, rel=1e-8)
    assert np.linalg.norm(delta) <= gamma
    assert step.state.gamma == 2 * gamma


@pytest.mark.parametrize("acceptance", ["practical", "literal"])
@pytest.mark.parametrize(("make", "start"), [(logistic, 20.0), (soft_maximum, 2.0)])
def test_global_linear_rate_on_convex_objectives(drive, make, start, acceptance):
    """From far away the suboptimality falls by a factor every few steps until rounding, with no slow start."""
    problem = make(start=start)
    best = drive(GradientNormalised(), problem, 3000).lin.f
    gap = drive(GradientNormalised(acceptance), problem, 600).merits - best
    big = gap[gap > 1e-9 * gap[0]]
    assert len(big) < len(gap)
    span = 30
    factors = (big[span:] / big[:-span]) ** (1.0 / span)
    assert np.max(factors, initial=0.0) < 0.97


def test_cubic_step_solves_its_secular_equation():
    lin, step = first(RegularisedNewton("cubic", constant=3.0), logistic())
    M = 3.0
    while True:
        delta = step.theta - lin.theta
        if step.info["damping"] == pytest.approx(0.5 * M * np.linalg.norm(delta), rel=1e-6):
            break
        M *= 2.0
        assert M < 1e9
    g, J = lin.gradient(), lin.dense()
    assert J.T @ (J @ delta) + 0.5 * M * np.linalg.norm(delta) * delta == pytest.approx(-g, rel=1e-6)
    model = -g @ delta - 0.5 * np.sum((J @ delta) ** 2) - M / 6 * np.linalg.norm(delta) ** 3
    assert step.info["reduction"] >= model > 0


def test_super_universal_and_gradient_rules_accept_by_their_tests():
    lin, step = first(RegularisedNewton("super_universal"), logistic())
    assert step.lin is not None
    new, delta = step.lin.gradient(), step.theta - lin.theta
    assert -new @ delta >= new @ new / (4 * step.info["damping"])
    lin, step = first(RegularisedNewton("gradient"), logistic())
    L = step.info["damping"]
    assert step.theta - lin.theta == pytest.approx(-lin.gradient() / L)
    assert step.info["reduction"] >= 0.5 * np.sum(lin.gradient() ** 2) / L
    assert step.state.constant == L / 2


def test_converges_on_chebyshev_rosenbrock(drive):
    out = drive(GradientNormalised(), chebyshev_rosenbrock(4, seed=0), 3000)
    assert out.lin.f < 1e-18


def test_power_norm_has_a_global_linear_rate(drive, rng):
    """f = |A x - b|^4 / 4 with a consistent b: degenerate minimum, Newton contracts by 2/3 a step."""
    A = rng.standard_normal((30, 8))
    b = A @ np.ones(8)
    problem = Problem(Condition(lambda v: A @ v, "rows", target=b, loss=PowerNorm(4.0)), unknown=np.zeros(8))
    out = drive(GradientNormalised(), problem, 60)
    assert out.theta == pytest.approx(np.ones(8), abs=1e-4)
