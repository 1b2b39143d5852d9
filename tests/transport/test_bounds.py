"""Certified intervals: the exact value lies inside, whatever the potentials; widths; exact roundings."""

import math
from fractions import Fraction

import numpy as np
import pytest

from sciopt import transport
from sciopt.transport.bounds import c_transform, dual_bound, dual_value, plan_bound, sparse_bound
from sciopt.transport.bounds_kernels import monotone_minima, product_minima
from sciopt.transport.cost import as_cost
from sciopt.transport.exact import exact_plan
from sciopt.transport.measure import Measure, as_measure
from sciopt.transport.pairs import pairs

KINDS = (
    "sqeuclidean",
    "euclidean",
    "cityblock",
    transport.power(3),
    transport.power(0.5),
    transport.periodic([1.0, 1.0]),
    transport.sphere(),
    "matrix",
    "ties",
)


def random_problem(rng, largest, kind):
    n, m = rng.integers(2, largest, 2)
    a, b = rng.random(n) ** 3 + 1e-12, rng.random(m)
    if rng.random() < 0.3:
        a, b = np.ones(n), np.ones(m)
    a, b = a / a.sum(), b / b.sum()
    if kind in ("matrix", "ties"):
        C = rng.random((n, m)) if kind == "matrix" else rng.integers(0, 4, (n, m)).astype(float)
        return pairs(as_measure(None, a), as_measure(None, b), as_cost(C)), a, b
    x, y = rng.random((n, 2)), rng.random((m, 2)) + 0.05
    return pairs(Measure.of(x, a), Measure.of(y, b), as_cost(kind)), a, b


def few_sinkhorn_steps(P, a, b, epsilon, steps):
    C = P.dense()
    f, g = np.zeros(len(a)), np.zeros(len(b))
    for _ in range(steps):
        v = (g - C) / epsilon + np.log(b)
        f = -epsilon * np.logaddexp.reduce(v, axis=1)
        g = -epsilon * np.logaddexp.reduce((f[:, None] - C) / epsilon + np.log(a)[:, None], axis=0)
    return f, g


def contained(rng, largest, kind):
    """Whether the interval of few steps at a random temperature holds the exact value."""
    P, a, b = random_problem(rng, largest, kind)
    scale = P.scale
    epsilon = scale * 10.0 ** rng.uniform(-4, -1)
    f, g = few_sinkhorn_steps(P, a, b, epsilon, int(rng.integers(1, 30)))
    low, high = dual_bound(P, a, b, [g, 2 * g]).value, plan_bound(P, a, b, f, g, epsilon).value
    truth = exact_plan(P, a, b)
    assert truth.upper - truth.lower <= 1e-11 * scale
    return low <= truth.upper and truth.lower <= high


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_interval_contains_the_exact_value(kind):
    rng = np.random.default_rng([1, KINDS.index(kind)])
    assert all(contained(rng, 60, kind) for _ in range(20))


@pytest.mark.slow
def test_interval_contains_the_exact_value_in_a_thousand_problems():
    rng = np.random.default_rng(2024)
    assert sum(contained(rng, 300, KINDS[k % len(KINDS)]) for k in range(1000)) == 1000


def families(n=500):
    rng = np.random.default_rng(0)
    t = np.linspace(0, 1, n)
    bells = [np.exp(-0.5 * ((t - m) / s) ** 2) for m, s in ((0.2, 0.05), (0.6, 0.1), (0.35, 0.08), (0.8, 0.04))]
    a, b = np.maximum(bells[0] + bells[1], 1e-3), np.maximum(bells[2] + 0.8 * bells[3], 1e-3)
    k = round(math.sqrt(n))
    grid = np.stack(np.meshgrid(np.arange(k), np.arange(k), indexing="ij"), -1).reshape(-1, 2) / k
    one, two = (np.maximum(np.exp(-((grid - c) ** 2).sum(1) / 0.03), 0.01) for c in ((0.3, 0.4), (0.7, 0.5)))
    line = np.abs(t[:, None] - t)
    yield "lap", rng.random((n, n)), np.ones(n), np.ones(n)
    yield "d2", line**2, a, b
    yield "d1", line, a, b
    yield "img2", ((grid[:, None] - grid) ** 2).sum(-1), one, two
    yield "img1", np.abs(grid[:, None] - grid).sum(-1), one, two
    x, y = rng.standard_normal((n, 3)), 0.7 * rng.standard_normal((n, 3)) + 1
    yield "cloud", ((x[:, None] - y) ** 2).sum(-1), rng.random(n), rng.random(n)


@pytest.mark.parametrize("family", list(families()), ids=lambda f: f[0])
def test_accuracy_is_met_on_all_families(family):
    _, C, a, b = family
    found = transport.distance(cost=C / C.max(), weights=(a / a.sum(), b / b.sum()), accuracy=transport.relative(1e-3))
    low, high = found.interval
    assert high - low <= 1e-3 * low
    assert low <= found.cost <= high


@pytest.mark.parametrize("family", [f for f in families(100) if f[0] in ("lap", "d1", "cloud")], ids=lambda f: f[0])
@pytest.mark.parametrize("part", [1e-2, 1e-3])
def test_width_is_a_small_multiple_of_epsilon(family, part):
    _, C, a, b = family
    C, a, b = C / C.max(), a / a.sum(), b / b.sum()
    found = transport.distance(cost=C, weights=(a, b), epsilon=part, tol=1e-6)
    assert found.gap <= 1.5 * part
    exact = transport.distance(cost=C, weights=(a, b))
    assert found.interval[0] <= exact.interval[1]
    assert exact.interval[0] <= found.interval[1]


def test_exact_value_inside_for_four_thousand_points():
    rng = np.random.default_rng(0)
    x = rng.random((4096, 2))
    y = np.concatenate([0.08 * rng.standard_normal((2048, 2)) + 0.3, 0.12 * rng.standard_normal((2048, 2)) + 0.7])
    w = np.full(4096, 1 / 4096)
    rough = transport.cloud_bounds(x, y, w, w, transport.power(2), clusters=512)
    exact = transport.cloud_bounds(x, y, w, w, transport.power(2), clusters=None)
    assert exact.exact
    assert exact.upper - exact.lower <= 1e-11 * exact.upper
    assert rough.lower <= exact.lower
    assert exact.upper <= rough.upper
    assert math.sqrt(exact.upper) == pytest.approx(0.22258085800659486, rel=1e-11)  # assignment by the Hungarian method


# ---- roundings -----------------------------------------------------------------------------------------------------
def test_c_transform_is_feasible_in_exact_arithmetic():
    rng = np.random.default_rng(4)
    C = rng.random((30, 40)) * 10.0 ** rng.integers(-8, 8, (30, 1))
    P = pairs(as_measure(None, np.ones(30)), as_measure(None, np.ones(40)), as_cost(C))
    f = c_transform(P, rng.standard_normal(40))
    g = c_transform(P, f, columns=True)
    assert all(Fraction(f[i]) + Fraction(g[j]) <= Fraction(C[i, j]) for i in range(30) for j in range(40))
    assert ((C - g).min(1) - f).max() <= 1e-14 * np.abs(g).max() + 1e-15 * C.max()


def test_c_transform_of_positions_is_feasible_in_exact_arithmetic(monkeypatch):
    rng = np.random.default_rng(5)
    x, y = rng.random((40, 2)) + 1e3, rng.random((50, 2)) + 1e3
    for pairs_above in (10**9, 0):  # all pairs, and by trees
        monkeypatch.setattr("sciopt.transport.bounds.TREE_ABOVE", pairs_above)
        P = pairs(Measure.of(x), Measure.of(y), as_cost("sqeuclidean"))
        f = c_transform(P, 1e-3 * rng.standard_normal(50))
        g = c_transform(P, f, columns=True)
        for i in range(40):
            for j in range(50):
                exact = sum((Fraction(u) - Fraction(v)) ** 2 for u, v in zip(x[i], y[j], strict=True))
                assert Fraction(f[i]) + Fraction(g[j]) <= exact


def test_values_are_rounded_outward():
    rng = np.random.default_rng(6)
    a, f = rng.random(100), rng.standard_normal(100)
    b, g = a[::-1].copy(), rng.standard_normal(100)
    exact = sum(Fraction(u) * Fraction(v) for u, v in zip([*a, *b], [*f, *g], strict=True))
    assert Fraction(dual_value(a, b, f, g)) <= exact
    assert float(exact) - dual_value(a, b, f, g) <= 1e-13
    costs = rng.random(100)
    moved = sum(Fraction(u) * Fraction(v) for u, v in zip(a, costs, strict=True))
    total = math.fsum(a)
    assert Fraction(sparse_bound(costs, a, total, 1.0)) >= moved
    assert sparse_bound(costs, 0.5 * a, total, 1.0) >= 0.5 * total  # what is missing counts at the largest cost


def test_bound_without_finite_potentials_is_still_a_bound():
    rng = np.random.default_rng(7)
    P, a, b = random_problem(rng, 20, "euclidean")
    g = np.full(len(b), -np.inf)
    assert dual_bound(P, a, b, [g]).value <= exact_plan(P, a, b).upper
    zero = np.zeros(len(a)), np.zeros(len(b))
    far = plan_bound(P, a, b, *zero, 1e-5 * P.scale)  # everything underflows: independent coupling
    assert far.value == pytest.approx(a @ P.dense() @ b, rel=1e-10)


def test_lower_envelopes_agree_with_all_pairs():
    rng = np.random.default_rng(8)
    x, y = np.sort(rng.random(37)), np.sort(rng.random(53))
    g = rng.standard_normal((6, 53))
    for p in (1.0, 1.5, 2.0, 3.0):
        C = np.abs(x[:, None] - y) ** p
        truth = (C - g[:, None, :]).min(2)
        for kernel in (monotone_minima, product_minima):
            out = np.empty((6, 37))
            kernel(C, g, 0, 6, out)
            assert out == pytest.approx(truth, abs=1e-14)
