"""Regularisers of the solver's heuristics: exact gradients on the recorded grid, both ways in, no silent zeros."""

import numpy as np
import pytest

import sciopt as so
from problems.dynamics.flow_regression import fit_twist, network, rmse, twist_field
from sciopt import dynamics, methods
from sciopt._errors import OptionError
from sciopt.dynamics.heuristics import KINDS, contribution, local_value_and_gradient, value, value_and_gradient
from sciopt.linearise import Work, linearise

jnp = pytest.importorskip("jax.numpy")


def van_der_pol(t, y, p):
    return jnp.stack([y[1], p.mu * (1 - y[0] ** 2) * y[1] - p.w * y[0]])


def problem_of(solver, regularise=None, rtol=1e-6):
    t = np.linspace(0.0, 3.0, 7)
    data = np.stack([np.cos(t), -np.sin(t)], axis=1)
    return dynamics.trajectories(
        van_der_pol,
        t,
        data,
        unknown={"mu": 1.5, "w": 1.2},
        initial=[1.0, 0.3],
        sigma=0.1,
        solver=solver,
        rtol=rtol,
        atol=1e-8,
        regularise=regularise,
    )


def off(f, slope):
    """Distance of a slope from differences of order four at the best of several lengths: truncation against rounding.

    Short last steps have errors near rounding, and E^(1/q) makes that rounding large: the lengths are not small.
    """
    return min(
        abs((8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h) - slope) for h in (1e-2, 3e-3, 1e-3, 3e-4, 1e-4)
    )


@pytest.mark.parametrize(
    "solver",
    [
        "Tsit5",
        pytest.param("Dopri5", marks=pytest.mark.slow),
        pytest.param("Heun", marks=pytest.mark.slow),
        "Kvaerno5",
    ],
)
def test_gradients_against_central_differences_on_the_recorded_grid(solver):
    problem = problem_of(solver, rtol=1e-4 if solver == "Heun" else 1e-6)
    theta = problem.layout.start
    grid = problem.grid(theta)
    assert grid.failed is None
    kinds = KINDS if solver in ("Tsit5", "Dopri5") else KINDS[:3]
    for kind in kinds:
        total, g = value_and_gradient(problem, kind, theta, grid)
        assert total == pytest.approx(value(problem, kind, theta, grid), rel=1e-12)
        for e in np.eye(2):
            assert (
                off(lambda x, e=e, kind=kind: value(problem, kind, theta + x * e, grid), g @ e)
                <= 1e-5 * np.abs(g).max()
            ), kind


def test_gradient_of_a_shared_grid_and_of_a_network():
    z = np.random.default_rng(0).standard_normal((3, 2))
    problem = dynamics.trajectories(
        twist_field,
        [np.array([1.0])] * 3,
        [row[None] for row in z],
        unknown=network(1, (4, 5, 3)),
        initial=[np.append(row, 0.0) for row in z],
        start=0.0,
        observe=lambda y: y[:2],
        grid="shared",
        solver="Tsit5",
        rtol=1e-6,
        atol=1e-6,
    )
    theta = problem.layout.start
    grid = problem.grid(theta)
    d = np.random.default_rng(1).standard_normal(theta.size)
    for kind in KINDS:
        _, g = value_and_gradient(problem, kind, theta, grid)
        assert off(lambda x, kind=kind: value(problem, kind, theta + x * d, grid), g @ d) <= 1e-5 * abs(g @ d), kind


def test_value_is_the_sum_over_the_steps():
    problem = problem_of("Tsit5")
    theta = problem.layout.start
    grid = problem.grid(theta)
    from sciopt.dynamics.plan import lanes_at, starts
    from sciopt.dynamics.replay import replay_forward
    from sciopt.linearise.autodiff import double

    with double():
        point, arrays = jnp.asarray(theta), problem.arrays
        y0 = starts(problem.program, point, arrays)
        played = replay_forward(
            problem.program.flow,
            0,
            point,
            arrays.fixed,
            y0,
            lanes_at(problem.program, point, arrays),
            grid.steps,
            arrays.rtol,
            grid.atol,
        )
    E, h, S = (np.asarray(a)[0] for a in (played.error, played.h, played.stiffness))
    assert value(problem, "error", theta, grid) == pytest.approx((E * h).sum(), rel=1e-12)
    assert value(problem, "error2", theta, grid) == pytest.approx((E**2 * h).sum(), rel=1e-12)
    assert value(problem, "steps", theta, grid) == pytest.approx((E**0.2 * E**2 / (E**2 + 1e-8)).sum(), rel=1e-12)
    assert value(problem, "steps", theta, grid) == pytest.approx((E**0.2)[E > 1e-3].sum(), rel=1e-2)
    assert value(problem, "stiffness", theta, grid) == pytest.approx(S.sum(), rel=1e-12)


@pytest.mark.slow
def test_smooth_step_count_follows_the_number_of_steps():
    """As mu grows, R_N and the number of steps grow alike; the accumulated error stays pinned by the controller."""
    problem = problem_of("Tsit5", rtol=1e-7)
    rows = []
    for mu in np.linspace(0.5, 8.0, 9):
        theta = np.array([mu, 1.0])
        grid = problem.grid(theta)
        rows.append([grid.accepted, value(problem, "steps", theta, grid), value(problem, "error", theta, grid)])
    count, smooth, error = np.array(rows).T
    assert np.corrcoef(count, smooth)[0, 1] > 0.9
    assert np.ptp(smooth / count) < 0.15
    assert np.ptp(count) / count.mean() > 3 * abs(np.polyfit(count / count.mean(), error / error.mean(), 1)[0]) * 0.1


@pytest.mark.parametrize("kind", ["steps", "error"])
def test_local_estimate_has_the_right_mean(kind):
    """Drawn steps, each counting for all: the mean over many draws is the sum (the value is that of whole steps)."""
    problem = problem_of("Tsit5")
    theta = problem.layout.start
    grid = problem.grid(theta)
    exact = value(problem, kind, theta, grid)
    rng = np.random.default_rng(0)
    estimates = [local_value_and_gradient(problem, kind, theta, grid, rng, 4)[0] for _ in range(150)]
    assert np.mean(estimates) == pytest.approx(exact, abs=4 * np.std(estimates) / np.sqrt(150))
    _, g = local_value_and_gradient(problem, kind, theta, grid, rng, 4)
    assert np.isfinite(g).all()
    assert g.any()


def test_zero_error_has_zero_derivative():
    import jax

    from sciopt.linearise.autodiff import double

    with double():
        slope = jax.grad(lambda e: contribution((1.0, 0.0, 0.0, 0.0), 5, e, 1.0, 0.0))(0.0)
    assert float(slope) == 0.0


def test_row_jacobian_against_differences():
    problem = problem_of("Tsit5", dynamics.Regulariser("steps", mode="rows", weight=1e-2))
    assert problem.names[-1] == "solver_cost"
    theta = problem.layout.start
    frame = problem.frame(theta)
    lin = linearise(problem, theta, frame, Work())
    row = lin.rows["solver_cost"]
    R = value(problem, "steps", theta, frame.extra)
    assert float(lin.r[row][0]) == pytest.approx(np.sqrt(1e-2 * 14 * R), rel=1e-12)
    for j, e in enumerate(np.eye(2)):
        slope = float(lin.dense()[row, j][0])
        assert off(lambda x, e=e: float(lin.at(theta + x * e).r[row][0]), slope) <= 1e-5 * abs(slope)


def test_a_failed_solve_has_no_regulariser():
    """No finite value, no silent zero gradient: the evaluation fails as a whole."""
    problem = dynamics.trajectories(
        lambda t, y, p: p.k * y**2,
        np.linspace(0.1, 2.0, 5),
        np.ones(5),
        unknown={"k": 0.1},
        initial=1.0,
        start=0.0,
        sigma=0.1,
        solver="Tsit5",
        regularise=dynamics.Regulariser("steps", mode="null_space"),
    )
    lin = linearise(problem, work=Work())
    assert lin.secondary() is not None
    wild = lin.at(np.array([5.0]))
    assert wild.failed
    assert wild.secondary() is None
    assert wild.f == np.inf


def test_null_space_needs_a_secondary_objective():
    problem = problem_of("Tsit5")
    with pytest.raises(OptionError, match="no secondary objective"):
        so.solve(problem, methods.NullSpace(methods.LevenbergMarquardt()))


def test_null_space_is_chosen_by_shape():
    rule = dynamics.Regulariser("steps")
    assert rule.mode_of(problem_of("Tsit5")) == "rows"  # 14 data of known error, 2 unknowns
    assert dynamics.Regulariser("steps", mode="null_space").mode_of(problem_of("Tsit5")) == "null_space"


@pytest.mark.slow
def test_twist_becomes_cheap_at_equal_error():
    """64 points: root mean squared error at most 3e-4 with at most 125 evaluations of the field at prediction."""
    fit = fit_twist(64, 0, regularise="steps", steps=300)
    assert isinstance(fit.method, methods.NullSpace)
    assert rmse(fit) <= 3e-4
    grid = fit.problem.grid(fit.theta)
    assert 6 * (grid.steps.count[0] + grid.rejected[0]) + 1 <= 125


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"kind": "energy"}, "unknown regulariser 'energy'"),
        ({"mode": "dual"}, "mode='dual'"),
        ({"weight": 0.0}, "weight"),
        ({"level": np.inf}, "level"),
        ({"cut": 1.0}, "cut"),
        ({"local": -1}, "local"),
    ],
)
def test_bad_options_are_named(options, told):
    with pytest.raises(OptionError, match=told):
        dynamics.Regulariser(**options)
