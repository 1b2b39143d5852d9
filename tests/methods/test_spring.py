import numpy as np
import pytest

from sciopt.linearise import linearise
from sciopt.methods.spring import Spring
from sciopt.problem import Problem


@pytest.fixture
def lin(rng):
    A, b = rng.standard_normal((8, 20)), rng.standard_normal(8)
    return linearise(Problem(lambda v: np.sin(A @ v) - b, unknown=0.1 * rng.standard_normal(20)))


def test_direction_is_the_published_formula_and_minimises_its_proximal_form(lin, rng):
    method = Spring(damping=0.05, momentum=0.8, lr=1.0, decay=0.0, norm=None)
    previous = rng.standard_normal(20)
    step = method.step(lin, method.init(lin)._replace(direction=previous), 0)
    J, r, mu, lam = lin.dense(), lin.r, 0.8, 0.05
    zeta = -r - mu * J @ previous
    phi = mu * previous + J.T @ np.linalg.solve(J @ J.T + lam * np.eye(8), zeta)
    assert step.theta - lin.theta == pytest.approx(phi, rel=1e-9)
    assert step.state.direction == pytest.approx(phi, rel=1e-9)
    stacked = np.concatenate([J, np.sqrt(lam) * np.eye(20)])
    rhs = np.concatenate([-r, np.sqrt(lam) * mu * previous])
    assert phi == pytest.approx(np.linalg.lstsq(stacked, rhs, rcond=None)[0], rel=1e-9)


def test_norm_constraint_and_decay(lin):
    free = Spring(damping=1e-3, lr=0.5, decay=0.5, norm=None)
    bound = Spring(damping=1e-3, lr=0.5, decay=0.5, norm=1e-3)
    for steps in (0, 4):
        state = free.init(lin)._replace(steps=steps)
        long = free.step(lin, state, 0).theta - lin.theta
        short = bound.step(lin, state, 0).theta - lin.theta
        phi = -lin.dense().T @ np.linalg.solve(lin.dense() @ lin.dense().T + 1e-3 * np.eye(8), lin.r)
        assert long == pytest.approx(phi * 0.5 / (1 + 0.5 * steps), rel=1e-9)
        assert np.sum(long**2) > 1e-3
        assert np.sum(short**2) == pytest.approx(1e-3)
        assert short / np.linalg.norm(short) == pytest.approx(long / np.linalg.norm(long))


def test_line_search_takes_the_best_of_the_grid(lin):
    method = Spring(damping=1e-6, momentum=0.0, line_search=True)
    step = method.step(lin, method.init(lin), 0)
    assert step.lin is not None
    phi = step.state.direction
    merits = [lin.at(lin.theta + phi / 2**i).f for i in range(31)]
    assert step.lin.f == pytest.approx(min(merits))
    assert step.info["length"] == 2.0 ** -int(np.argmin(merits))


def test_momentum_helps_on_rows_drawn_anew(drive, rng):
    """Kaczmarz-like: consistent linear rows, four at a time; momentum carries what other batches have fixed."""
    from sciopt.condition import Condition
    from sciopt.points import Minibatch

    A = rng.standard_normal((200, 40)) * 10.0 ** np.linspace(0, -1, 40)
    x = rng.standard_normal(40)
    condition = Condition(lambda v, a: a @ v, "rows", points=Minibatch(A, 4), target=A @ x, batched=True)
    problem = Problem(condition, unknown=np.zeros(40))

    def error(momentum, lr):
        out = drive(Spring(damping=1e-3, momentum=momentum, lr=lr, decay=0.0, norm=None), problem, 400)
        return np.linalg.norm(A @ (out.theta - x))

    assert error(0.95, 0.1) < 0.2 * min(error(0.0, lr) for lr in (0.1, 0.5, 1.0))
