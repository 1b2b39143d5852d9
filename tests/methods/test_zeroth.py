import numpy as np
import pytest

from sciopt._errors import DataError, OptionError
from sciopt.condition import Condition
from sciopt.linearise import linearise
from sciopt.methods.zeroth import SketchedGaussNewton, Spsa
from sciopt.methods.zeroth_estimators import KINDS, gradient_estimate, layer_gradient_estimate
from sciopt.problem import Problem

D = 50
rng0 = np.random.default_rng(3)
CURVATURE, OFFSET = rng0.uniform(0.5, 2.0, D), rng0.standard_normal(D)
X = rng0.standard_normal(D)
GRADIENT = CURVATURE * X + OFFSET


def quadratic(x):
    return 0.5 * x @ (CURVATURE * x) + OFFSET @ x


def moments(draws, g):
    """Mean and its error, and E|estimate|^2 / |g|^2 with its error."""
    squares = np.sum(draws**2, axis=1) / np.sum(g**2)
    n = len(draws)
    return draws.mean(axis=0), draws.std(axis=0) / np.sqrt(n), squares.mean(), squares.std() / np.sqrt(n)


@pytest.mark.parametrize(
    ("kind", "expected"), [("spsa", D), ("gaussian", D + 2), ("sphere", D), ("one_sided", D + 2), ("forward", D + 2)]
)
def test_second_moments_and_bias(kind, expected):
    rng = np.random.default_rng(11)
    # A quadratic has no third derivative: central differences are exact, one-sided ones are biased by O(step).
    step = 1e-5 if kind == "one_sided" else 1e-2
    jvp = (lambda x, u: float(GRADIENT @ u)) if kind == "forward" else None
    draws = np.array([gradient_estimate(quadratic, X, kind, step=step, rng=rng, jvp=jvp) for _ in range(10_000)])
    mean, error, second, second_error = moments(draws, GRADIENT)
    assert abs(second - expected) < 3 * second_error
    assert 3 * second_error < 0.05 * expected  # narrow enough to tell d from d + 2
    along = (mean - GRADIENT) / error
    assert np.sum(along**2) / D == pytest.approx(1.0, abs=3 * np.sqrt(2 / D))


def test_one_point_second_moment():
    """E = (f^2 (d) + ...) / c^2 |g|^2: about d f^2 / (c^2 |g|^2) for small steps."""
    rng = np.random.default_rng(12)
    step = 0.01
    draws = np.array([gradient_estimate(quadratic, X, "one_point", step=step, rng=rng) for _ in range(20_000)])
    _, _, second, error = moments(draws, GRADIENT)
    assert second == pytest.approx(D * quadratic(X) ** 2 / (step**2 * GRADIENT @ GRADIENT), rel=0.02)
    assert 3 * error < 0.02 * second


@pytest.mark.parametrize(("m", "cosine"), [(25, 0.574), (200, 0.893)])
def test_averages_turn_towards_the_gradient(m, cosine):
    rng = np.random.default_rng(13)
    estimates = [gradient_estimate(quadratic, X, "gaussian", directions=m, rng=rng) for _ in range(60)]
    found = [e @ GRADIENT / np.linalg.norm(e) / np.linalg.norm(GRADIENT) for e in estimates]
    assert np.mean(found) == pytest.approx(cosine, abs=3 * np.std(found) / np.sqrt(60) + 0.005)


@pytest.mark.parametrize(("kind", "expected"), [("node", 12), ("weight", 402)])
def test_layer_estimates(kind, expected):
    p, q = 10, 40
    rng = np.random.default_rng(14)
    W, x, g = rng.standard_normal((p, q)), rng.standard_normal(q), rng.standard_normal(p)
    exact = np.outer(g, x)
    draws = np.array(
        [layer_gradient_estimate(lambda z: float(g @ z), W, x, kind, step=1e-3, rng=rng).ravel() for _ in range(10_000)]
    )
    mean, error, second, second_error = moments(draws, exact.ravel())
    assert abs(second - expected) < 3 * second_error
    assert np.mean(((mean - exact.ravel()) / error) ** 2) == pytest.approx(1.0, abs=0.3 if kind == "weight" else 1.0)


def test_directions_keep_the_shape_and_generators_repeat():
    x = np.ones((2, 3))
    for kind in KINDS:
        jvp = (lambda x, u: float(np.sum(u))) if kind == "forward" else None
        a, b = (
            gradient_estimate(lambda v: float(np.sum(v)), x, kind, rng=np.random.default_rng(5), jvp=jvp) for _ in "ab"
        )
        assert a.shape == (2, 3)
        assert a.tobytes() == b.tobytes()


def test_wrong_arguments_are_named(rng):
    with pytest.raises(OptionError, match="kind"):
        gradient_estimate(np.sum, np.ones(2), "spsb", rng=rng)
    with pytest.raises(OptionError, match="jvp"):
        gradient_estimate(np.sum, np.ones(2), "forward", rng=rng)
    with pytest.raises(OptionError, match="step"):
        gradient_estimate(np.sum, np.ones(2), step=0.0, rng=rng)
    with pytest.raises(OptionError, match="directions"):
        layer_gradient_estimate(np.sum, np.ones((1, 2)), np.ones(2), directions=0, rng=rng)
    with pytest.raises(OptionError, match="kind"):
        layer_gradient_estimate(np.sum, np.ones((1, 2)), np.ones(2), "layer", rng=rng)
    with pytest.raises(DataError, match="shape"):
        layer_gradient_estimate(np.sum, np.ones((1, 2)), np.ones(3), rng=rng)


def oscillator(noise=0.0):
    """Damped oscillation A exp(-gamma t) cos(omega t), A = 1, gamma = 0.15, omega = 2, seen as a black box."""
    t = np.linspace(0.0, 10.0, 60)
    rng = np.random.default_rng(7)

    def black_box(v):
        z = v[0] * np.exp(-v[1] * t) * np.cos(v[2] * t) - np.exp(-0.15 * t) * np.cos(2.0 * t)
        return z + noise * rng.standard_normal(60)

    return Problem(black_box, unknown=np.array([0.7, 0.25, 1.9]), jacobian=_forbidden)


def _forbidden(v):
    raise AssertionError("a zeroth-order method asked for the Jacobian")


TRUTH = np.array([1.0, 0.15, 2.0])


def test_sketched_gauss_newton_beats_spsa_on_a_damped_oscillation(drive):
    budget = 3000
    spsa = drive(Spsa(a=0.02, c=0.02, A=100), oscillator(), budget // 3)
    sketched = drive(SketchedGaussNewton(), oscillator(), 40)
    assert sketched.work.nfev < spsa.work.nfev <= budget + 1
    assert np.abs(sketched.theta - TRUTH).max() < 1e-8
    assert np.abs(spsa.theta - TRUTH).max() < 0.1  # it does descend
    assert np.abs(sketched.theta - TRUTH).max() < 1e-4 * np.abs(spsa.theta - TRUTH).max()


def test_sketched_gauss_newton_on_a_noisy_black_box(drive):
    out = drive(SketchedGaussNewton(probe=0.05), oscillator(noise=1e-3), 30)
    assert np.abs(out.theta - TRUTH).max() < 5e-3


def test_one_direction_gives_one_exact_column():
    A = np.random.default_rng(1).standard_normal((9, 4))
    lin = linearise(Problem(lambda v: A @ v - 1.0, unknown=np.ones(4), jacobian=_forbidden))
    method = SketchedGaussNewton(directions=1, damping=0.0)
    step = method.step(lin, method.init(lin), 5)
    u = (step.theta - lin.theta) / np.linalg.norm(step.theta - lin.theta)
    along = A @ u
    best = -float(along @ lin.r) / float(along @ along)
    assert step.theta - lin.theta == pytest.approx(best * u, rel=1e-6)
    assert lin.work.nfev == 1 + 2 + 1


def test_sketched_gauss_newton_minimises_counts(drive):
    rng = np.random.default_rng(2)
    t = np.linspace(0, 3, 60)
    y = rng.poisson(30 * np.exp(-t) + 2).astype(float)
    condition = Condition(lambda v: v[0] * np.exp(-v[1] * t) + v[2], "counts", target=y, loss="poisson")
    problem = Problem(condition, unknown=np.array([20.0, 0.7, 4.0]))
    out = drive(SketchedGaussNewton(), problem, 60)
    mu = out.theta[0] * np.exp(-out.theta[1] * t) + out.theta[2]
    slope = np.stack([np.exp(-out.theta[1] * t), -out.theta[0] * t * np.exp(-out.theta[1] * t), np.ones(60)])
    fisher = np.sqrt(np.sum(slope**2 / mu, axis=1))
    assert np.abs(slope @ (1 - y / mu)) / fisher == pytest.approx(0.0, abs=1e-4)  # score in standard deviations
