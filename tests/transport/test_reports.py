"""What users of transport libraries reported, one test a report, with exact values."""

import numpy as np
import pytest

from sciopt import Status, transport
from sciopt._errors import DataError
from sciopt.transport import Exact, Sinkhorn, SparseNewton, distance, relative

PAIR = np.array([[0.0, 1.0], [1.0, 0.0]])
HALF = np.array([0.5, 0.5])


def two_points(d, eps):
    """P_11, <P, C> and the value of two points at distance d with equal masses."""
    e = np.exp(-d / eps)
    return 1 / (2 * (1 + e)), d * e / (1 + e), -eps * np.log((1 + e) / 2)


@pytest.mark.parametrize("eps", [1e-8, 1e-4, 0.05, 0.3, 1.0])
@pytest.mark.parametrize("method", [SparseNewton(), Sinkhorn()])
def test_two_points_in_closed_form(eps, method):
    d = distance(cost=PAIR, epsilon=eps, method=method)
    P11, cost, value = two_points(1.0, eps)
    assert d.status is Status.converged
    assert d.plan.dense()[0, 0] == pytest.approx(P11, abs=1e-14)
    assert d.cost == pytest.approx(cost, abs=1e-14)
    assert d.regularised == pytest.approx(value, rel=1e-13)
    assert d.interval[0] <= 0.0 <= d.interval[1]


def test_two_points_to_ten_digits():
    d = distance(cost=PAIR, epsilon=0.3)
    assert [d.plan.dense()[0, 0], d.cost, d.regularised] == pytest.approx(
        [0.4827774022, 0.0344451957, 0.1974284293], abs=5e-11
    )


@pytest.mark.parametrize("eps", [1e-6, 1e-3, 0.1, 10.0])
def test_points_without_mass(eps):
    x = np.array([0.0, 1.0, 2.0])
    d = distance(x, x, weights=([0.5, 0, 0.5], [0, 1, 0]), cost="euclidean", epsilon=eps)
    floor = max(1e-14, 1e-15 / eps)  # rounding of costs over epsilon
    assert d.plan.dense()[:, 1] == pytest.approx([0.5, 0, 0.5], abs=floor)
    assert d.cost == pytest.approx(1.0, rel=10 * floor)
    assert np.isfinite(d.potentials.f).all()
    assert np.isfinite(d.potentials.g).all()
    # the potential of a point without mass is its soft c-transform
    assert d.potentials.f[1] == pytest.approx(d.potential(np.array([1.0]))[0], abs=1e-12)


def test_tiny_epsilon_underflows_nothing():
    d = distance(cost=PAIR, epsilon=1e-8)
    assert d.plan.dense() == pytest.approx(np.eye(2) / 2, abs=1e-15)


@pytest.mark.parametrize("method", [SparseNewton(), Sinkhorn()])
def test_one_pass_is_not_convergence_but_the_interval_holds(method):
    rng = np.random.default_rng(0)
    x, y = rng.random((30, 2)), rng.random((30, 2))
    exact = distance(x, y).cost
    d = distance(x, y, epsilon=relative(1e-3), budget=1, method=method)
    assert d.status is Status.budget
    assert d.interval[0] <= exact <= d.interval[1]


@pytest.mark.parametrize("method", [SparseNewton(), Sinkhorn()])
def test_the_flag_is_the_recomputed_error(method):
    rng = np.random.default_rng(1)
    x, y = rng.random((40, 2)), rng.random((30, 2))
    for tol in (1e-3, 1e-6, 1e-9):
        d = distance(x, y, epsilon=0.02, tol=tol, method=method)
        assert d.status is Status.converged
        assert d.marginal_errors.total <= 1.01 * tol + 1e-15


@pytest.mark.parametrize("method", [SparseNewton(), Sinkhorn()])
def test_tolerance_is_used(method):
    rng = np.random.default_rng(1)
    x, y = rng.random((40, 2)), rng.random((40, 2))
    loose, tight = (distance(x, y, epsilon=0.004, tol=tol, method=method) for tol in (1e-2, 1e-9))
    assert loose.nfev < tight.nfev


def test_single_precision_masses():
    a = np.ones(5, np.float32) / np.float32(5)
    rng = np.random.default_rng(3)
    C = rng.random((5, 5))
    d = distance(weights=(a, np.ones(5) / 5), cost=C)
    from scipy.optimize import linear_sum_assignment

    i, j = linear_sum_assignment(C)
    assert d.cost == pytest.approx(C[i, j].mean(), rel=1e-6)
    d = distance(weights=(a, np.ones(960) / 960), cost=rng.random((5, 960)), epsilon=0.1)
    assert d.status is Status.converged


def test_unequal_masses_are_an_error_that_names_both():
    with pytest.raises(DataError, match=r"sum to 1, of y to 1\.1"):
        distance([0.0, 1.0], [0.0, 1.0], weights=(HALF, [0.5, 0.6]))
    with pytest.raises(DataError, match=r"shape \(3,\)"):
        distance([0.0, 1.0], [0.0, 1.0], weights=(HALF, [0.5, 0.25, 0.25]))


def test_two_points_on_a_line():
    d = distance([0, 1], [0, 1], weights=(HALF, [0.2, 0.8]), cost="euclidean")
    assert d.cost == pytest.approx(0.3, abs=1e-15)


FORBIDDEN = np.array(
    [
        [250.275352, 374.653218, 2413.52736, np.inf, 0.0015175154],
        [213.08203, 328.812836, 2294.87946, np.inf, 0.1371098],
        [197.333083, 309.175848, 2242.5055, np.inf, 2.46506283],
        [np.inf, np.inf, np.inf, 5.26223432, 2.5e31],
        [38.4690152, 80.9465684, 333.064175, 2.5e31, 0],
    ]
)
MASSES = np.array([1, 1, 1, 1, 4]) / 8


def test_forbidden_pairs():
    d = distance(weights=(MASSES, MASSES), cost=FORBIDDEN)
    assert d.cost == pytest.approx(57.5432103832, rel=1e-11)
    C = np.where(FORBIDDEN > 1e30, np.inf, FORBIDDEN)
    d = distance(weights=(MASSES, MASSES), cost=C, epsilon=0.5)
    P = d.plan.dense()
    assert d.status is Status.converged
    assert (P[np.isinf(C)] == 0).all()
    assert d.interval[0] <= 57.5432103832 <= d.interval[1] * (1 + 1e-11)


def test_masses_that_no_allowed_pair_can_carry():
    C = np.array([[0.0, np.inf], [0.0, 1.0]])  # the second column must take 0.7, but only row 2 reaches it
    d = distance(weights=(HALF, [0.3, 0.7]), cost=C, epsilon=0.1, budget=200)
    assert d.status is Status.infeasible


@pytest.mark.parametrize("s", [1e-15, 1e-12, 1e-3, 1e6, 1e15])
def test_scale_equivariance(s):
    rng = np.random.default_rng(4)
    C, a, b = rng.random((20, 30)), rng.random(20), rng.random(30)
    a, b = a / a.sum(), b / b.sum()
    one = distance(weights=(a, b), cost=C, epsilon=0.01)
    scaled = distance(weights=(a, b), cost=s * C, epsilon=0.01 * s)
    assert scaled.status is Status.converged
    assert scaled.regularised == pytest.approx(s * one.regularised, rel=1e-8)
    exact, other = (distance(weights=(a, b), cost=c * C).cost / c for c in (1.0, s))
    assert other == pytest.approx(exact, rel=1e-12)


def test_a_large_constant_in_the_cost_changes_nothing():
    rng = np.random.default_rng(5)
    C = np.round(rng.random((30, 30)) * 2**20) / 2**20  # exact after adding 1e6
    one, far = (distance(cost=C + shift, epsilon=1e-3) for shift in (0.0, 1e6))
    assert far.status is Status.converged
    # what is left of the marginal error weighs 1e6 each
    assert far.cost - 1e6 == pytest.approx(one.cost, abs=1e6 * far.marginal_errors.total + 1e-9)


def test_rounding_floor_is_said():
    rng = np.random.default_rng(5)
    C = rng.random((30, 30))
    d = distance(cost=C, epsilon=1e-9, tol=1e-14)
    assert d.status in (Status.rounding_floor, Status.converged)
    d = distance(cost=C, epsilon=1e-5, tol=1e-15)
    assert d.status is Status.rounding_floor
    assert d.marginal_errors.total < 1e-8


def test_points_and_weights_are_permuted_together():
    rng = np.random.default_rng(6)
    x, y, a, b = rng.random(9), rng.random(7), rng.random(9), rng.random(7)
    a, b = a / a.sum(), b / b.sum()
    p = rng.permutation(9)
    for kind in ("euclidean", "sqeuclidean"):
        assert distance(x[p], y, weights=(a[p], b), cost=kind).cost == pytest.approx(
            distance(x, y, weights=(a, b), cost=kind).cost, rel=1e-12
        )
    assert distance([0, 1, 3], [5, 6, 8], cost="euclidean").distance == pytest.approx(5, rel=1e-14)
    assert distance([0, 1, 3], [5, 6, 8]).cost == pytest.approx(25, rel=1e-14)


@pytest.mark.parametrize("shift", [0.0, 0.02, 0.37])
def test_circle(shift):
    x, y = np.array([0.1, 0.11, 0.4, 0.6]), np.array([0.21, 0.15, 0.7, 0.95])
    circle = transport.periodic(1.0, p=1)
    assert distance((x + shift) % 1, (y + shift) % 1, cost=circle).cost == pytest.approx(0.12, rel=1e-12)


@pytest.mark.parametrize("p", [1, 2, 3])
def test_root_and_power(p):
    d = distance([[0.0, 0.0]], [[3.0, 0.0]], cost=transport.power(p))
    assert float(d) == pytest.approx(3, rel=1e-14)
    assert d.cost == pytest.approx(3**p, rel=1e-14)
    d = distance([[0.0, 0.0]], [[3.0, 0.0]], cost=transport.power(p), epsilon=0.1)
    assert float(d) == pytest.approx(3, rel=1e-12)


def test_gaussians_at_a_finite_epsilon():
    """N(0, 1) and N(1, 1.5^2), cost (x - y)^2, epsilon 2, on a fine grid: value and covariance of the plan."""
    x = np.linspace(-9, 11, 401)
    a = transport.Density(np.exp(-0.5 * x**2), x)
    b = transport.Density(np.exp(-0.5 * ((x - 1) / 1.5) ** 2), x)
    a = transport.Grid(a.weights / a.mass, axes=(x,))
    b = transport.Grid(b.weights / b.mass, axes=(x,))
    d = distance(a, b, epsilon=2.0)
    assert d.regularised == pytest.approx(2.8206376, abs=5e-6)
    P = d.plan.dense()
    assert P.sum(1) @ x == pytest.approx(0, abs=1e-9)
    assert x @ P @ (x - 1) == pytest.approx(1.0811388, abs=1e-6)


def test_identical_single_points():
    d = distance([1.0], [1.0], epsilon=0.1)
    assert d.status is Status.converged
    assert d.cost == 0.0
    assert d.plan.dense().tolist() == [[1.0]]
    assert distance([1.0], [1.0]).cost == 0.0
    assert distance([1.0], [1.0], epsilon=relative(1e-3)).status is Status.converged


def test_gauge_and_feasibility_of_potentials():
    rng = np.random.default_rng(7)
    x, y, a, b = rng.random((12, 2)), rng.random((9, 2)), rng.random(12), rng.random(9)
    a[3] = b[2] = 0
    a, b = a / a.sum(), b / b.sum()
    for d in (distance(x, y, weights=(a, b), epsilon=0.05), distance(x, y, weights=(a, b))):
        f, g = d.potentials
        assert a @ f == pytest.approx(b @ g, abs=1e-13)
    C = ((x[:, None] - y[None]) ** 2).sum(-1)
    assert (f[:, None] + g[None] <= C + 1e-15).all()


def test_histograms_are_not_positions():
    a, b = np.array([0.2, 0.3, 0.5]), np.array([0.5, 0.3, 0.2])
    with pytest.raises(DataError, match=r"Histogram\(counts, edges\)"):
        distance(a, b)
    d = distance(transport.Histogram(a, [0, 1, 2, 3]), transport.Histogram(b, [0, 1, 2, 3]), cost="euclidean")
    assert d.cost == pytest.approx(0.6, rel=1e-14)


def test_translation_far_from_the_origin():
    rng = np.random.default_rng(8)
    x, y = np.round(rng.random((20, 2)) * 1024) / 1024, np.round(rng.random((20, 2)) * 1024) / 1024
    near, far = (distance(x + s, y + s, epsilon=0.01).cost for s in (0.0, 2.0**30))
    assert far == pytest.approx(near, rel=1e-12)


def test_exact_method_refuses_epsilon():
    with pytest.raises(TypeError, match="no epsilon"):
        distance([0.0], [1.0], epsilon=0.1, method=Exact())
