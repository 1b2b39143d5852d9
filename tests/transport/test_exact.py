"""Exact plans: against linear programming, assignment and quantiles; certificates, forbidden pairs, scales."""

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment, linprog
from scipy.sparse import coo_matrix

from sciopt._errors import DataError, OptionError
from sciopt.transport.cost import as_cost, cityblock, periodic, power, sphere
from sciopt.transport.exact import exact_plan
from sciopt.transport.exact_line import exact_line, is_convex_on_line
from sciopt.transport.exact_paths import Candidates, PathFlow, integer_masses
from sciopt.transport.exact_simplex import network_simplex
from sciopt.transport.measure import Measure, as_measure
from sciopt.transport.pairs import pairs

COSTS = ("sqeuclidean", "euclidean", power(3), power(0.5), cityblock(), periodic([1.0, 2.0]), sphere(2.0), "matrix")


def weights(rng, n, zeros=False):
    w = rng.random(n) + 1e-3
    if zeros:
        w[rng.random(n) < 0.3] = 0.0
        w[0] = 0.5
    return w / w.sum()


def problem(rng, n, m, cost, zeros=False):
    a, b = weights(rng, n, zeros), weights(rng, m, zeros)
    if isinstance(cost, str) and cost == "matrix":
        return pairs(as_measure(None, a), as_measure(None, b), as_cost(rng.random((n, m)))), a, b
    x, y = rng.standard_normal((n, 2)), rng.random((m, 2)) + 0.1
    return pairs(Measure.of(x, a), Measure.of(y, b), as_cost(cost)), a, b


def by_linear_programming(C, a, b):
    n, m = C.shape
    k = np.arange(n * m)
    A = coo_matrix((np.ones(2 * n * m), (np.concatenate([k // m, n + k % m]), np.concatenate([k, k])))).tocsr()
    # masses scaled to about 1: HiGHS stops at absolute tolerances
    found = linprog(C.ravel() / C.max(), A_eq=A, b_eq=np.concatenate([a, b]) * n, method="highs-ds")
    return found.fun * C.max() / n


@pytest.mark.parametrize("cost", COSTS, ids=str)
@pytest.mark.parametrize("zeros", [False, True])
def test_plan_is_optimal_feasible_and_certified(cost, zeros):
    rng = np.random.default_rng(3)
    for n, m in ((1, 1), (1, 7), (12, 9), (25, 30)):
        P, a, b = problem(rng, n, m, cost, zeros)
        exact, C = exact_plan(P, a, b), P.dense()
        truth = by_linear_programming(C, a, b)
        assert exact.cost == pytest.approx(truth, rel=1e-7, abs=1e-12)
        assert exact.lower <= exact.cost <= exact.upper
        assert exact.upper - exact.lower <= 1e-11 * C.max()
        assert (exact.f[:, None] + exact.g <= C).all()
        assert np.asarray(exact.plan.sum(1)).ravel() == pytest.approx(a, abs=1e-14)
        assert np.asarray(exact.plan.sum(0)).ravel() == pytest.approx(b, abs=1e-14)


def test_assignment_of_random_costs():
    C = np.random.default_rng(0).random((200, 200))
    w = np.full(200, 1 / 200)
    exact = exact_plan(pairs(as_measure(None, w), as_measure(None, w), as_cost(C)), w, w)
    i, j = linear_sum_assignment(C)
    assert exact.cost == pytest.approx(C[i, j].mean(), rel=1e-13)
    assert len(exact.rows) == 200


def test_clouds_are_solved_level_by_level(monkeypatch):
    monkeypatch.setattr("sciopt.transport.exact.LEVELS_ABOVE", 1000)
    rng = np.random.default_rng(5)
    for cost, n, m in (("sqeuclidean", 600, 600), ("euclidean", 500, 700), (periodic([1.0, 1.0]), 300, 400)):
        x, y = rng.random((n, 2)), rng.random((m, 2)) ** 2
        a, b = (np.full(n, 1 / n), np.full(m, 1 / m)) if n == m else (weights(rng, n), weights(rng, m))
        P = pairs(Measure.of(x, a), Measure.of(y, b), as_cost(cost))
        exact = exact_plan(P, a, b)
        basis = network_simplex(P.store(), *integer_masses(a, b))
        truth = P.dense()[basis.rows, basis.columns] @ basis.masses / basis.masses.sum()
        assert exact.optimal
        assert exact.cost == pytest.approx(truth, rel=1e-12)
        assert exact.upper - exact.lower <= 1e-10 * truth


def test_forbidden_pairs_are_avoided():
    inf = np.inf
    C = np.array(
        [
            [250.275352, 374.653218, 2413.52736, inf, 0.0015175154],
            [213.08203, 328.812836, 2294.87946, inf, 0.1371098],
            [197.333083, 309.175848, 2242.5055, inf, 2.46506283],
            [inf, inf, inf, 5.26223432, 2.5e31],
            [38.4690152, 80.9465684, 333.064175, 2.5e31, 0.0],
        ]
    )
    w = np.array([1, 1, 1, 1, 4]) / 8
    exact = exact_plan(pairs(as_measure(None, w), as_measure(None, w), as_cost(C)), w, w)
    assert exact.cost == pytest.approx(57.5432103832, rel=1e-11)
    D = np.array([[inf, 1.0], [inf, 1.0]])
    half = np.full(2, 0.5)
    with pytest.raises(DataError, match="forbids"):
        exact_plan(pairs(as_measure(None, half), as_measure(None, half), as_cost(D)), half, half)


@pytest.mark.parametrize("scale", [1e-15, 1e-12, 1.0, 1e15])
def test_cost_scales_with_its_unit(scale):
    rng = np.random.default_rng(8)
    C, a, b = rng.random((40, 30)), weights(rng, 40), weights(rng, 30)
    one = exact_plan(pairs(as_measure(None, a), as_measure(None, b), as_cost(C)), a, b)
    other = exact_plan(pairs(as_measure(None, a), as_measure(None, b), as_cost(scale * C)), a, b)
    assert other.cost == pytest.approx(scale * one.cost, rel=1e-13)


def test_tiny_masses_and_far_coordinates():
    x, y = np.array([1e8, 1e8 + 1, 1e8 + 3]), np.array([1e8 + 5, 1e8 + 6, 1e8 + 8])
    a = np.array([1e-300, 0.5, 0.5])
    b = np.full(3, 1 / 3)
    exact = exact_plan(pairs(Measure.of(x, a), Measure.of(y, b), power(2)), a, b)
    line = exact_line(x, y, a, b, power(2))
    assert exact.cost == pytest.approx(line.cost, rel=1e-14)
    assert exact.lower <= line.upper
    assert line.lower <= exact.upper


# ---- the line ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("p", [1.0, 1.5, 2.0, 4.0])
def test_line_agrees_with_the_simplex(p):
    rng = np.random.default_rng(int(10 * p))
    for n, m in ((1, 1), (1, 5), (30, 30), (41, 27)):
        x, y, a, b = rng.standard_normal(n), rng.random(m), weights(rng, n, True), weights(rng, m)
        line = exact_line(x, y, a, b, power(p))
        P = pairs(Measure.of(x, a), Measure.of(y, b), power(p))
        assert line.cost == pytest.approx(exact_plan(P, a, b).cost, rel=1e-12)
        assert line.lower <= line.cost <= line.upper
        assert line.upper - line.lower <= 1e-11 * P.scale
        assert (line.f[:, None] + line.g <= P.dense() + 1e-18).all()
        assert np.asarray(line.plan.sum(1)).ravel() == pytest.approx(a, abs=1e-14)


def test_line_of_exact_values():
    third = np.full(3, 1 / 3)
    x, y = np.array([3.0, 0.0, 1.0]), np.array([8.0, 5.0, 6.0])
    assert exact_line(x, y, third, third, power(1)).cost == pytest.approx(5.0, rel=1e-14)
    assert exact_line(x, y, third, third, power(2)).cost == pytest.approx(25.0, rel=1e-14)
    plan = exact_line(np.arange(2.0), np.arange(2.0), np.full(2, 0.5), np.array([0.2, 0.8]), power(1))
    assert plan.cost == pytest.approx(0.3, rel=1e-14)


def test_line_refuses_what_sorting_does_not_solve():
    third = np.full(3, 1 / 3)
    assert not is_convex_on_line(periodic(1.0), 1)
    assert not is_convex_on_line(power(2), 2)
    with pytest.raises(OptionError, match="convex"):
        exact_line(np.arange(3.0), np.arange(3.0), third, third, power(0.5))
    with pytest.raises(DataError, match="y has 2 positions"):
        exact_line(np.arange(3.0), np.arange(2.0), third, third, power(2))


# ---- paths ---------------------------------------------------------------------------------------------------------
def test_integer_masses_are_small_for_equal_masses_and_sum_up():
    s, t = integer_masses(np.full(6, 1 / 6), np.full(4, 1 / 4))
    assert s.tolist() == [2] * 6
    assert t.tolist() == [3] * 4
    rng = np.random.default_rng(1)
    a, b = weights(rng, 50), weights(rng, 70)
    s, t = integer_masses(a, b)
    assert s.sum() == t.sum()
    assert s / s.sum() == pytest.approx(a, rel=1e-12)


def test_paths_from_any_potentials_and_cut_off_rows_told():
    rng = np.random.default_rng(2)
    C = rng.random((30, 30))
    rows, columns = np.divmod(np.arange(900), 30)
    one = np.ones(30, np.int64)
    for g in (np.zeros(30), rng.standard_normal(30)):
        flow = PathFlow(one, one, Candidates.of(rows, columns, C.ravel(), 30, 30), g)
        assert len(flow.solve()) == 0
        i, j, mass = flow.entries
        assert (mass == 1).all()
        assert C[i, j].sum() == pytest.approx(C[linear_sum_assignment(C)].sum(), rel=1e-13)
        assert (flow.f[:, None] + flow.g <= C + 1e-13).all()
    few = Candidates.of(np.arange(3), np.array([0, 0, 1]), np.ones(3), 3, 3)
    stuck = PathFlow(one[:3], one[:3], few, np.zeros(3))
    assert set(stuck.solve()) == {0, 1}
