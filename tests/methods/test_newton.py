"""Newton: square systems, objectives with a Hessian, null vectors, singular matrices."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import sparse

import sciopt as so
from sciopt._errors import OptionError
from sciopt.frames import Frame
from sciopt.layout import Layout
from sciopt.linearise import Linearisation, Work
from sciopt.methods import Newton


class Objective:
    """A scalar function with its gradient and Hessian, as a problem of its own."""

    def __init__(self, f, gradient, hessian, start, null=None):
        self.parts, self.null = (f, gradient, hessian), null
        self.layout = Layout.of(np.asarray(start, float))

    def frame(self, theta, previous=None, request=None, key=0, step=0):
        return previous or Frame()

    def linearise(self, theta, frame, work):
        return ObjectiveLinearisation(self, theta, frame, work)


class ObjectiveLinearisation(Linearisation):
    structure = "symmetric"
    objective = True

    def __init__(self, problem, theta, frame, work):
        super().__init__(theta, frame, problem.layout, work)
        self.problem, self.null = problem, problem.null

    def at(self, theta):
        return ObjectiveLinearisation(self.problem, theta, self.frame, self.work)

    def _evaluate(self):
        f, gradient, _ = self.problem.parts
        return f(self.theta), gradient(self.theta)

    def _dense(self):
        return self.problem.parts[2](self.theta)


def steps_of(problem, method=None, most=100):
    out = list(so.iterate(problem, method or Newton()))
    assert len(out) < most
    return out


def verdict_of(out):
    assert out[-1].verdict is not None
    return out[-1].verdict[0]


@pytest.mark.parametrize("how", ["auto", "direct", "gmres"])
def test_broyden_tridiagonal_by_each_solver(how):
    # More, Garbow, Hillstrom (1981), problem 30: (3 - 2 x_i) x_i - x_(i-1) - 2 x_(i+1) + 1 = 0
    n = 400

    def rows(x):
        left, right = np.concatenate([[0 * x[0]], x[:-1]]), np.concatenate([x[1:], [0 * x[0]]])
        return (3 - 2 * x) * x - left - 2 * right + 1

    pattern = np.eye(n) + np.eye(n, k=1) + np.eye(n, k=-1)
    solution = so.solve(so.Problem(rows, -np.ones(n), pattern=pattern, structure="square"), Newton(how=how))
    assert solution.success
    assert np.abs(rows(solution.theta)).max() < 1e-12
    assert solution.nit <= 8
    assert solution.columns <= 3 * solution.njev + 3  # three colours, and the check of the complex step


def test_order_of_convergence_is_two():
    def rows(v):
        return np.array([v[0] ** 2 + v[1] ** 2 - 4.0, np.exp(v[0]) + v[1] - 1.0])

    errors = []
    out = steps_of(so.Problem(rows, np.array([1.0, -1.0]), structure="square"))
    for it in out[:-1]:
        errors.append(np.linalg.norm(it.theta - out[-1].theta))
    errors = [e for e in errors if 1e-12 < e < 0.1]
    orders = np.diff(np.log(errors))[1:] / np.diff(np.log(errors))[:-1]
    assert orders[-1] > 1.7
    assert verdict_of(out) == "converged"


def test_far_start_needs_the_line_search():
    out = steps_of(so.Problem(lambda v: np.arctan(v), np.array([20.0]), structure="square"))
    assert min(it.info.get("length", 1.0) for it in out) < 1.0  # the full step diverges beyond 1.39
    assert abs(out[-1].theta[0]) < 1e-12


def test_goes_to_a_minimum_and_not_to_a_saddle():
    # f = (x^2 - 1)^2 + y^2 has a saddle at the origin, where the plain Newton step from (0.1, 0.5) leads
    problem = Objective(
        lambda v: (v[0] ** 2 - 1) ** 2 + v[1] ** 2,
        lambda v: np.array([4 * v[0] * (v[0] ** 2 - 1), 2 * v[1]]),
        lambda v: np.diag([12 * v[0] ** 2 - 4, 2.0]),
        [0.1, 0.5],
    )
    out = steps_of(problem, None)
    assert out[-1].theta == pytest.approx([1.0, 0.0], abs=1e-9)
    assert verdict_of(out) == "converged"
    assert all(b.info["f"] <= a.info["f"] + 1e-15 for a, b in pairwise(out))


@pytest.mark.parametrize("how", ["auto", "direct", "cg", "minres"])
def test_null_vector_is_kept_out_of_the_step(how):
    n = 30
    rng = np.random.default_rng(4)
    graph = sparse.random_array((n, n), density=0.3, rng=rng).toarray()
    graph = graph + graph.T
    L = np.diag(graph.sum(0)) - graph  # graph Laplacian: constants are its null space
    b = rng.standard_normal(n)
    b -= b.mean()
    start = np.full(n, 0.7)
    problem = Objective(
        lambda v: 0.5 * v @ L @ v - b @ v + np.sum(np.cosh(np.diff(v)) - 1),
        lambda v: L @ v - b + np.diff(np.concatenate([[0], -np.sinh(np.diff(v)), [0]])),
        lambda v: L + _edges(np.cosh(np.diff(v))),
        start,
        null=np.ones(n),
    )
    out = steps_of(problem, Newton(how=how))
    assert verdict_of(out) == "converged"
    assert np.abs(out[-1].lin.r).max() < 1e-11
    assert out[-1].theta.mean() == pytest.approx(0.7, abs=1e-12)


def _edges(c):
    D = np.diff(np.eye(len(c) + 1), axis=0)
    return D.T @ (c[:, None] * D)


def test_singular_square_system_takes_the_shortest_step():
    rows = np.array([1.0, 2.0, 3.0])
    problem = so.Problem(lambda v: (v[0] + v[1] - 1.0) * rows, np.array([0.2, 0.0, 5.0]), structure="square")
    out = steps_of(problem)
    assert out[-1].theta == pytest.approx([0.6, 0.4, 5.0], abs=1e-12)


def test_no_root_is_not_called_a_success():
    out = steps_of(so.Problem(lambda v: v**2 + 1.0, np.array([0.7]), structure="square"))
    assert verdict_of(out) == "stalled"


def test_units_do_not_matter():
    def solve(u):
        rows = lambda v: np.array([u * (v[0] ** 2 - 4.0), v[0] * v[1] - 6.0])  # noqa: E731
        return so.solve(so.Problem(rows, np.array([1.0, 1.0]), structure="square"))

    for u in (1e-6, 1.0, 1e6):
        assert solve(u).success
        assert solve(u).theta == pytest.approx([2.0, 3.0], rel=1e-12)


def test_refuses_what_is_not_square():
    with pytest.raises(OptionError, match="3 rows, 2 unknowns"):
        next(so.iterate(so.Problem(lambda v: np.zeros(3) + v[0], np.zeros(2), structure="square"), Newton()))
    with pytest.raises(OptionError, match="structure='rectangular'"):
        next(so.iterate(so.Problem(lambda v: v, np.ones(2)), Newton()))
    with pytest.raises(OptionError, match="how"):
        Newton(how="lu")  # pyright: ignore[reportArgumentType]


def test_objective_reports_its_own_gradient_and_reduction():
    problem = Objective(lambda v: float(v @ v) + 3.0, lambda v: 2 * v, lambda v: 2 * np.eye(2), [1.0, 2.0])
    lin = so.linearise(problem, work=Work())
    assert lin.gradient().tolist() == [2.0, 4.0]
    assert lin.reduction(lin.at(np.zeros(2))) == 5.0
