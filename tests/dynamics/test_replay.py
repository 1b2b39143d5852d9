"""Frozen grids: the replay follows the exact solution, and its derivatives are those of the discrete solution."""

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sciopt.dynamics.flow import Flow
from sciopt.dynamics.lanes import Lanes, Steps
from sciopt.dynamics.replay import replay, replay_forward
from sciopt.dynamics.sensitivities import sensitivities
from sciopt.dynamics.state import StateSpec
from sciopt.dynamics.tableau import tableau_of
from sciopt.dynamics.walk import walk
from sciopt.layout import Layout
from sciopt.linearise.program import Spec


@pytest.fixture(autouse=True)
def _double():
    with jax.enable_x64(True):
        yield


def oscillator(t, y, p):
    """Driven oscillator with a cubic term: nonlinear, depends on t and on three parameters."""
    return jnp.stack([y[1], p["f"] * jnp.cos(t) - p["w"] * y[0] - p["c"] * y[0] ** 3])


UNKNOWN = {"w": 2.0, "c": 0.3, "f": 0.5}


def setup(solver, rtol=1e-6, stops=(0.0, 1.0, 2.5), runs=1, jumps=False):
    layout = Layout.of(UNKNOWN)
    flow = Flow(oscillator, StateSpec.of(np.zeros(2)), Spec.of(layout), tableau_of(solver), columns=3, jumps=jumps)
    K = len(stops)
    lanes = Lanes(
        jnp.zeros(runs),
        jnp.tile(jnp.array(stops), (runs, 1)),
        jnp.full(runs, K - 1),
        jnp.zeros((runs, K), bool),
        jnp.zeros((runs, K, 2)),
    )
    theta = jnp.asarray(layout.start)
    y0 = jnp.array([[1.0, 0.2], [0.3, -1.0], [2.0, 0.0]])[:runs]
    atol = jnp.full((runs, 2), rtol)
    return flow, lanes, theta, y0, atol


def frozen(flow, lanes, theta, y0, atol, rtol=1e-6, shared=False):
    walked = walk(flow, 512, theta, (), y0, lanes, rtol, atol, shared)
    assert (np.asarray(walked.status) == 1).all()
    slots = int(np.max(walked.steps.count)) + 3  # some padding, which must not matter
    interval, lo, hi = (a[:, :slots] for a in walked.steps[:3])
    return Steps(interval, lo, hi, walked.steps.count), slots


def rows(flow, slots, steps, lanes, atol, rtol=1e-6, forward=False):
    """Flat vector of everything a replay returns, as a function of (y0, theta) of one lane."""
    run = replay_forward if forward else replay

    def function(z):
        out = run(flow, slots, z[2:], (), z[None, :2], lanes, steps, rtol, atol)
        return jnp.concatenate([out.states.ravel(), out.error.ravel(), out.stiffness.ravel()])

    return function


@pytest.mark.parametrize("solver", ["Tsit5", "Dopri5", "Heun", "Bosh3", "Kvaerno3", "Kvaerno5"])
def test_tangents_agree_with_forward_reverse_and_differences(solver):
    flow, lanes, theta, y0, atol = setup(solver, stops=(0.0, 0.3, 0.5))
    steps, slots = frozen(flow, lanes, theta, y0, atol)
    z = jnp.concatenate([y0[0], theta])
    forward = np.asarray(jax.jacfwd(rows(flow, slots, steps, lanes, atol, forward=True))(z))
    weights = np.random.default_rng(0).standard_normal(len(forward))
    function = rows(flow, slots, steps, lanes, atol)
    reverse = np.asarray(jax.grad(lambda z: weights @ function(z))(z))
    found = sensitivities(flow, theta, (), y0, jnp.eye(2)[None], lanes, steps, 1e-6, atol, False, True)
    n = found.dstates.size // 5
    states = np.asarray(found.dstates).reshape(-1, 5)
    assert states == pytest.approx(forward[:n], rel=1e-11, abs=1e-12)
    rounding = 1e-9  # eps |h k| / tolerance: the error estimate is a difference of stages
    assert np.asarray(found.derror).reshape(-1, 5) == pytest.approx(forward[n : n + slots], rel=1e-9, abs=rounding)
    assert reverse == pytest.approx(weights @ forward, rel=1e-8, abs=1e-7)
    if found.dstiffness is not None:
        stiff = forward[n + slots :]
        assert np.asarray(found.dstiffness).reshape(-1, 5) == pytest.approx(
            stiff, rel=1e-5, abs=1e-7 * np.abs(stiff).max()
        )
    v = np.random.default_rng(1).standard_normal(5)
    plain = jax.jit(function)
    h = 1e-5
    difference = (np.asarray(plain(z + h * v)) - np.asarray(plain(z - h * v)))[: n + slots] / (2 * h)
    exact = (forward @ v)[: n + slots]
    assert difference[:n] == pytest.approx(exact[:n], rel=1e-5, abs=1e-6)
    assert difference[n:] == pytest.approx(exact[n:], rel=1e-5, abs=rounding / (2 * h))


@pytest.mark.parametrize(("solver", "order"), [("Tsit5", 5), ("Heun", 2), ("Kvaerno3", 3)])
def test_order_of_convergence_on_equal_steps(solver, order):
    flow, lanes, theta, y0, atol = setup(solver, stops=(0.0, 1.0))
    exact = diffrax.diffeqsolve(
        diffrax.ODETerm(lambda t, y, args: oscillator(t, y, UNKNOWN)),
        diffrax.Dopri8(),
        0.0,
        1.0,
        None,
        y0[0],
        stepsize_controller=diffrax.PIDController(rtol=1e-13, atol=1e-13),
    ).ys
    assert exact is not None
    exact = exact[0]
    errors = []
    for n in (10, 20):
        edge = np.linspace(0.0, 1.0, n + 1)
        steps = Steps(np.zeros((1, n), np.int32), edge[None, :-1], edge[None, 1:], np.array([n]))
        end = replay_forward(flow, 0, theta, (), y0, lanes, steps, 1e-10, atol).states[0, -1]
        errors.append(float(np.abs(end - exact).max()))
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.45)


def test_walk_takes_the_steps_of_the_tolerance_and_agrees_with_diffrax():
    flow, lanes, theta, y0, atol = setup("Tsit5", stops=(0.0, 10.0))
    walked = walk(flow, 512, theta, (), y0, lanes, 1e-6, atol)
    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(lambda t, y, args: oscillator(t, y, UNKNOWN)),
        diffrax.Tsit5(),
        0.0,
        10.0,
        None,
        y0[0],
        stepsize_controller=diffrax.PIDController(rtol=1e-6, atol=1e-6),
    )
    assert solution.ys is not None
    assert np.asarray(walked.state[0]) == pytest.approx(np.asarray(solution.ys[0]), abs=2e-5)
    assert int(walked.steps.count[0]) == pytest.approx(int(solution.stats["num_accepted_steps"]), rel=0.15)


def test_error_estimates_of_an_accepted_grid_are_below_one_and_count_the_steps():
    flow, lanes, theta, y0, atol = setup("Tsit5", stops=(0.0, 20.0))
    steps, slots = frozen(flow, lanes, theta, y0, atol)
    out = replay(flow, slots, theta, (), y0, lanes, steps, 1e-6, atol)
    n = int(steps.count[0])
    E = np.asarray(out.error)[0]
    assert E[:n].max() <= 1.0
    assert (E[n:] == 0).all()
    assert np.asarray(out.h)[0, :n].sum() == pytest.approx(20.0, rel=1e-12)
    assert np.sum(E ** (1 / 5)) == pytest.approx(0.88 * n, rel=0.12)


def test_shared_grid_is_that_of_one_system_and_its_error_has_the_joint_derivative():
    flow, lanes, theta, y0, atol = setup("Tsit5", stops=(0.0, 2.0), runs=3)
    steps, slots = frozen(flow, lanes, theta, y0, atol, shared=True)
    assert (np.ptp(np.asarray(steps.lo), axis=0) == 0).all()

    def total(theta):
        out = replay(flow, slots, theta, (), y0, lanes, steps, 1e-6, atol, True)
        return jnp.sum(out.error[0] ** 0.2)

    found = sensitivities(flow, theta, (), y0, jnp.zeros((3, 2, 0)), lanes, steps, 1e-6, atol, True, True)
    E = np.asarray(found.replayed.error)[0]
    n = int(steps.count[0])
    mine = sum(0.2 * E[j] ** -0.8 * np.asarray(found.derror)[:, j].sum(0) for j in range(n))
    assert mine == pytest.approx(np.asarray(jax.grad(total)(theta)), rel=1e-9)


def test_dose_is_added_after_the_stop_and_the_sides_of_a_jump_are_seen():
    layout = Layout.of({"k": 1.0})

    def switched(t, y, p):
        return jnp.where(t < 1.0, p["k"], -p["k"]) * jnp.ones(1)

    flow = Flow(switched, StateSpec.of(np.zeros(1)), Spec.of(layout), tableau_of("Tsit5"), jumps=True, columns=1)
    dose = jnp.zeros((1, 3, 1)).at[0, 1, 0].set(10.0)
    lanes = Lanes(
        jnp.zeros(1),
        jnp.array([[0.0, 1.0, 2.0]]),
        jnp.array([2]),
        jnp.array([[False, True, False]]),
        dose,
    )
    steps, _ = frozen(flow, lanes, jnp.ones(1), jnp.zeros((1, 1)), jnp.full((1, 1), 1e-6))
    out = replay_forward(flow, 0, jnp.ones(1), (), jnp.zeros((1, 1)), lanes, steps, 1e-6, jnp.full((1, 1), 1e-6))
    assert np.asarray(out.states)[0, :, 0] == pytest.approx([0.0, 1.0, 10.0], abs=1e-8)
    assert int(steps.count[0]) <= 12


def test_blow_up_and_too_many_steps_are_reported():
    layout = Layout.of({"k": 1.0})
    flow = Flow(
        lambda t, y, p: p["k"] * y**2, StateSpec.of(np.zeros(1)), Spec.of(layout), tableau_of("Tsit5"), columns=1
    )
    lanes = Lanes(
        jnp.zeros(1), jnp.array([[0.0, 2.0]]), jnp.ones(1, int), jnp.zeros((1, 2), bool), jnp.zeros((1, 2, 1))
    )
    atol = jnp.full((1, 1), 1e-8)
    blown = walk(flow, 512, jnp.ones(1), (), jnp.ones((1, 1)), lanes, 1e-8, atol)
    assert int(blown.status[0]) == 3
    assert float(blown.time[0]) == pytest.approx(1.0, rel=1e-2)  # 1 / (1 - t)
    short = walk(flow, 4, jnp.full(1, 0.1), (), jnp.ones((1, 1)), lanes, 1e-8, atol)
    assert int(short.status[0]) == 2
