"""Trees, exact minima, and intervals between large clouds."""

import numpy as np
import pytest

from sciopt._errors import DataError, OptionError
from sciopt.transport.clusters import Cone, Tree
from sciopt.transport.cost import as_cost, cityblock, periodic, power, sphere
from sciopt.transport.exact import exact_plan
from sciopt.transport.large import cloud_bounds
from sciopt.transport.measure import Measure
from sciopt.transport.pairs import pairs

COSTS = (
    power(2),
    power(1),
    power(1.5),
    power(3),
    power(0.5),
    cityblock(),
    cityblock(3),
    periodic([1.0, 0.7, 3.0]),
    sphere(2.0),
)
COSTS = (*COSTS, sphere(1.0, p=2))


def clouds(n, m, d=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.random((n, d)), 0.3 * rng.standard_normal((m, d)) + 0.4


def prepared(x, y, cost):
    return cost.prepare(Measure.of(x)), cost.prepare(Measure.of(y))


@pytest.mark.parametrize("cost", COSTS, ids=lambda c: c.name)
@pytest.mark.parametrize("steep", [0.0, 3.0])
def test_branch_and_bound_finds_what_visiting_all_pairs_finds(cost, steep):
    x, y = prepared(*clouds(400, 700), cost)
    rng = np.random.default_rng(1)
    g = 0.05 * rng.standard_normal(len(y)) + steep * y @ np.array([1.0, -0.5, 0.2]) - 0.3 * (y**2).sum(1)
    tree = Tree(y)
    cone = Cone(tree, g[tree.order], cost)
    C = pairs(Measure.of(x), Measure.of(y), cost).dense()
    low, arg = cone.minima(x)
    assert low == pytest.approx((C - g).min(1), abs=1e-13)
    assert (C - g)[np.arange(400), tree.order[arg]] == pytest.approx(low, abs=1e-13)
    assert (cone.lowered(low) <= (C - g).min(1)).all()
    few, costs = cone.few(x, 5)
    assert C[np.arange(400)[:, None], tree.order[few]] == pytest.approx(costs, abs=1e-13)
    assert costs - g[tree.order[few]] == pytest.approx(np.sort(C - g, axis=1)[:, :5], abs=1e-13)
    pointers, columns, _ = cone.below(x, low + 0.05)
    assert np.diff(pointers) == pytest.approx((C - g <= low[:, None] + 0.05).sum(1))
    assert len(columns) == pointers[-1]
    smooth = cone.smoothed(x, 0.02, reach=40.0)
    assert smooth == pytest.approx(low - 0.02 * np.log(np.exp((low[:, None] - C + g) / 0.02).sum(1)), abs=1e-12)


def test_affine_majorants_leave_few_pairs_to_visit():
    x, y = clouds(4000, 4000, 2)
    tree, order = Tree(y), Tree(x)
    g = 2.0 * y[tree.order] @ np.array([1.0, 1.0]) - 0.1 * (y[tree.order] ** 2).sum(1)
    cone = Cone(tree, g, power(2))
    cone.minima(order.points)
    assert cone.visited < 100 * len(x)


def test_clusters_have_the_moments_of_their_points():
    x, _ = clouds(1000, 10)
    w = np.random.default_rng(2).random(1000)
    tree = Tree(x + 1e6)
    c = tree.clusters(4, w[tree.order])
    assert len(c.masses) == 16
    assert c.masses.sum() == pytest.approx(w.sum())
    part = slice(c.begin[3], c.begin[4])
    points, masses = x[tree.order][part], w[tree.order][part]
    mean = masses @ points / masses.sum()
    assert c.means[3] - 1e6 == pytest.approx(mean, abs=1e-9)
    assert c.spread[3] == pytest.approx(masses @ ((points - mean) ** 2).sum(1) / masses.sum(), rel=1e-8)
    assert c.reach[3] == pytest.approx(np.sqrt(((points - mean) ** 2).sum(1)).max(), rel=1e-8)
    assert len(tree.clusters(20, w[tree.order]).masses) == 1000


@pytest.mark.parametrize("cost", COSTS, ids=lambda c: c.name)
@pytest.mark.parametrize("weighted", [False, True])
def test_interval_contains_the_exact_value_at_every_level(cost, weighted):
    n, m = 300, 400
    x, y = prepared(*clouds(n, m, seed=4), cost)
    rng = np.random.default_rng(5)
    a, b = (rng.random(n), rng.random(m)) if weighted else (np.ones(n), np.ones(m))
    a, b = a / a.sum(), b / b.sum()
    truth = exact_plan(pairs(Measure.of(x, a), Measure.of(y, b), cost), a, b)
    widths = []
    for clusters in (1, 16, 64, None):
        found = cloud_bounds(x, y, a, b, cost, clusters=clusters)
        assert found.lower <= truth.upper
        assert found.upper >= truth.lower
        i, j = np.arange(n), np.arange(m)
        C = pairs(Measure.of(x), Measure.of(y), cost).dense()
        assert (found.f[i, None] + found.g[j] <= C).all()
        widths.append(found.upper - found.lower)
    assert found.exact
    assert widths[-1] <= 1e-10 * truth.cost
    assert widths[2] < widths[0]


def test_accuracy_is_reached_and_refinement_ends_there():
    x, y = clouds(6000, 6000, 2)
    w = np.full(6000, 1 / 6000)
    rough = cloud_bounds(x, y, w, w, power(2), clusters=None, accuracy=0.05)
    assert rough.upper - rough.lower <= 0.05 * rough.upper
    assert len(rough.level.f) < 6000
    low, high = rough.distance_interval
    assert low == pytest.approx(rough.lower**0.5)
    assert high == pytest.approx(rough.upper**0.5)


def test_plan_between_clusters_has_the_given_marginals():
    x, y = clouds(900, 1100, 2)
    rng = np.random.default_rng(0)
    a, b = rng.random(900), rng.random(1100)
    a, b = a / a.sum(), b / b.sum()
    found = cloud_bounds(x, y, a, b, power(2), clusters=32)
    plan = found.plan
    i, j = plan.sample(7, 200_000)
    assert (plan.sample(7, 10)[0] == plan.sample(7, 10)[0]).all()
    assert np.bincount(i, minlength=900) / 2e5 == pytest.approx(a, abs=8e-4)
    assert np.bincount(j, minlength=1100) / 2e5 == pytest.approx(b, abs=8e-4)
    assert plan.sum(1) == pytest.approx(a, rel=1e-12)
    assert plan.sum(0) == pytest.approx(b, rel=1e-12)
    P = plan.sparse()
    assert np.asarray(P.sum(1)).ravel() == pytest.approx(a, rel=1e-12)
    assert plan @ y == pytest.approx(P @ y, rel=1e-12)
    assert plan.T @ x == pytest.approx(P.T @ x, rel=1e-12)
    C = ((x[:, None] - y) ** 2).sum(-1)
    assert found.upper == pytest.approx(P.multiply(C).sum(), rel=1e-11)  # the bound is the cost of this plan


def test_threads_give_the_same_bits():
    x, y = clouds(5000, 5000, 2)
    w = np.full(5000, 1 / 5000)
    one = cloud_bounds(x, y, w, w, power(2), clusters=256, threads=1)
    two = cloud_bounds(x, y, w, w, power(2), clusters=256, threads=2)
    assert one.interval == two.interval
    assert (one.f == two.f).all()


def test_far_coordinates_and_duplicates():
    x, y = clouds(512, 512, 2)
    w = np.full(512, 1 / 512)
    here = cloud_bounds(x, y, w, w, power(2), clusters=None)
    there = cloud_bounds(x + 2.0**30, y + 2.0**30, w, w, power(2), clusters=None)
    assert there.upper == pytest.approx(here.upper, rel=1e-6)
    same = cloud_bounds(np.repeat(x[:8], 64, axis=0), np.repeat(x[:8], 64, axis=0), w, w, power(2), clusters=None)
    assert same.upper <= 1e-12
    assert same.lower <= same.upper


def test_bad_input_is_named():
    x, y = clouds(20, 20)
    w = np.full(20, 0.05)
    with pytest.raises(OptionError, match="positions"):
        cloud_bounds(x, y, w, w, as_cost(np.ones((20, 20))))
    with pytest.raises(OptionError, match="clusters=0"):
        cloud_bounds(x, y, w, w, power(2), clusters=0)
    with pytest.raises(OptionError, match="accuracy"):
        cloud_bounds(x, y, w, w, power(2), accuracy=0.0)
    with pytest.raises(DataError, match="b: masses"):
        cloud_bounds(x, y, w, np.append(np.full(19, 1 / 19), 0.0), power(2))
