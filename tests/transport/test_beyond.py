"""Beyond the distance: Gaussians, divergence, gradients, unbalanced and partial, barycentres, interpolation, batches."""

import numpy as np
import pytest

from sciopt import transport
from sciopt._errors import DataError, OptionError
from sciopt.status import Status
from sciopt.transport import KL, Partial, relative


def clouds(n=12, m=15, d=2, seed=0):
    rng = np.random.default_rng(seed)
    a, b = rng.random(n), rng.random(m)
    return rng.random((n, d)), rng.random((m, d)), a / a.sum(), b / b.sum()


# ---- Gaussians -----------------------------------------------------------------------------------------------------
def test_gaussians_on_a_line():
    found = transport.gaussian(0.0, 1.0, 1.0, 1.5**2, epsilon=2.0)
    assert found.regularised == pytest.approx(2.8206376, abs=5e-8)
    assert found.cross.item() == pytest.approx(1.0811388, abs=5e-8)
    assert transport.gaussian(0.0, 1.0, 1.0, 2.25).cost == pytest.approx(1.25)
    assert float(transport.gaussian(0.0, 1.0, 3.0, 1.0)) == pytest.approx(3.0)


def test_gaussian_map_pushes_the_covariance_forward():
    rng = np.random.default_rng(1)
    A, B = (v @ v.T + 0.1 * np.eye(3) for v in rng.standard_normal((2, 3, 3)))
    found = transport.gaussian(np.zeros(3), A, np.ones(3), B)
    assert found.matrix @ A @ found.matrix.T == pytest.approx(B, rel=1e-10)
    assert found.map(np.zeros(3)) == pytest.approx(np.ones(3))
    assert found.cost == pytest.approx(3 + np.trace(A + B - 2 * found.cross), rel=1e-12)
    soft = transport.gaussian(np.zeros(3), A, np.ones(3), B, epsilon=0.7)
    joint = np.block([[A, soft.cross], [soft.cross.T, B]])
    kl = 0.5 * (np.linalg.slogdet(A)[1] + np.linalg.slogdet(B)[1] - np.linalg.slogdet(joint)[1])
    assert soft.regularised == pytest.approx(soft.cost + 0.7 * kl, rel=1e-10)
    assert transport.gaussian(np.zeros(3), A, np.ones(3), B, epsilon=1e-9).regularised == pytest.approx(
        found.cost, rel=1e-6
    )


def test_gaussian_input_is_checked():
    with pytest.raises(DataError, match="cov_y has shape"):
        transport.gaussian([0, 0], np.eye(2), [0, 0], np.eye(3))
    with pytest.raises(DataError, match="negative eigenvalue"):
        transport.gaussian(0.0, 1.0, 0.0, -1.0)
    with pytest.raises(DataError, match="symmetric"):
        transport.gaussian([0, 0], [[1, 0.5], [0, 1]], [0, 0], np.eye(2))
    with pytest.raises(OptionError, match="epsilon"):
        transport.gaussian(0.0, 1.0, 0.0, 1.0, epsilon=-1.0)


# ---- divergence ----------------------------------------------------------------------------------------------------
def test_divergence_vanishes_for_equal_measures_and_is_positive_else():
    x, y, a, b = clouds()
    assert abs(float(transport.divergence(x, x, 0.05))) <= 1e-8
    some = transport.divergence(x, y, 0.05, weights=(a, b))
    assert some.value > 0
    assert some.status is Status.converged
    parts = some.between.regularised - some.of_x.regularised / 2 - some.of_y.regularised / 2
    assert float(some) == pytest.approx(parts, rel=1e-14)
    assert float(transport.divergence([0.0], [3.0], 0.5)) == pytest.approx(9.0)


def test_divergence_gradient_of_weights():
    x, y, a, b = clouds()
    h = 1e-5
    step = np.zeros(12)
    step[3], step[8] = h, -h
    value = [transport.divergence(x, y, 0.05, weights=(a + s * step, b), tol=1e-12).value for s in (1, -1)]
    g, _ = transport.divergence(x, y, 0.05, weights=(a, b), tol=1e-12).weight_gradients
    assert g[3] - g[8] == pytest.approx((value[0] - value[1]) / (2 * h), abs=1e-6)


# ---- gradients -----------------------------------------------------------------------------------------------------
COSTS = ("sqeuclidean", "euclidean", transport.power(3), transport.cityblock(), transport.periodic([1.0, 1.0]))


@pytest.mark.parametrize("epsilon", [0.05, None])
@pytest.mark.parametrize("cost", COSTS, ids=str)
def test_gradient_agrees_with_differences(cost, epsilon):
    x, y, a, b = clouds()
    options = {"weights": (a, b), "cost": cost, "epsilon": epsilon, "tol": 1e-12}
    got = transport.gradient(transport.distance(x, y, **options))
    h = 1e-6
    for i, k in ((3, 1), (7, 0)):
        step = np.zeros_like(x)
        step[i, k] = h
        value = [transport.distance(x + s * step, y, **options).regularised for s in (1, -1)]
        assert got.x[i, k] == pytest.approx((value[0] - value[1]) / (2 * h), abs=1e-6)
        step = np.zeros_like(y)
        step[i, k] = h
        value = [transport.distance(x, y + s * step, **options).regularised for s in (1, -1)]
        assert got.y[i, k] == pytest.approx((value[0] - value[1]) / (2 * h), abs=1e-6)
    if epsilon:
        options["epsilon"] = epsilon * (1 + h)
        up = transport.distance(x, y, **options).regularised
        options["epsilon"] = epsilon * (1 - h)
        down = transport.distance(x, y, **options).regularised
        assert got.epsilon == pytest.approx((up - down) / (2 * h * epsilon), abs=1e-6)


def test_gradient_of_shifted_points_and_of_coincident_ones():
    x, _, _, _ = clouds()
    v = np.array([0.3, -0.1])
    far = transport.gradient(transport.distance(x, x + v))
    assert far.x == pytest.approx(np.broadcast_to(-2 * v / 12, x.shape), abs=1e-13)
    same = transport.gradient(transport.distance(x, x, cost="euclidean"))
    assert (same.x == 0).all()
    with pytest.raises(DataError, match="not known"):
        transport.gradient(transport.distance(x, x, cost=lambda p, q: ((p - q) ** 2).sum(-1)))


# ---- JAX -----------------------------------------------------------------------------------------------------------
@pytest.fixture
def jax():
    module = pytest.importorskip("jax")
    with module.enable_x64(True):
        yield module


def jax_value(jax):
    x, y, a, b = clouds(8, 9)

    def value(x, a):
        return transport.entropic_value(((x[:, None] - y) ** 2).sum(-1), a, b, epsilon=0.05)

    return value, jax.numpy.asarray(x), jax.numpy.asarray(a)


def test_jax_gradients_agree_with_differences_to_second_order(jax):
    value, x, a = jax_value(jax)
    h = 1e-5
    step = np.zeros(x.shape)
    step[3, 1] = h
    gradient, by_weight = jax.jit(jax.grad(value)), jax.jit(jax.grad(value, 1))
    assert gradient(x, a)[3, 1] == pytest.approx(float(value(x + step, a) - value(x - step, a)) / (2 * h), abs=1e-6)
    second = (gradient(x + step, a) - gradient(x - step, a)) / (2 * h)
    forward, backward = jax.jit(jax.jacfwd(gradient))(x, a), jax.jit(jax.jacrev(gradient))(x, a)
    assert np.asarray(forward[:, :, 3, 1]) == pytest.approx(np.asarray(second), abs=1e-4 * float(abs(second).max()))
    assert np.asarray(backward) == pytest.approx(np.asarray(forward), abs=1e-12)
    move = np.zeros(8)
    move[2], move[5] = h, -h
    slope = float(value(x, a + move) - value(x, a - move)) / (2 * h)
    assert by_weight(x, a)[2] - by_weight(x, a)[5] == pytest.approx(slope, abs=1e-6)
    mixed = jax.jit(jax.jacfwd(gradient, 1))(x, a)
    differences = (gradient(x, a + move) - gradient(x, a - move)) / (2 * h)
    assert np.asarray(mixed[:, :, 2] - mixed[:, :, 5]) == pytest.approx(np.asarray(differences), abs=1e-4)


def test_jax_value_jits_vmaps_and_scales(jax):
    value, x, a = jax_value(jax)
    many = jax.vmap(lambda t: value(t * x, a))(jax.numpy.array([1.0, 1.1]))
    assert np.asarray(many) == pytest.approx([float(value(x, a)), float(value(1.1 * x, a))], rel=1e-13)
    assert float(jax.jit(value)(x, a)) == pytest.approx(float(value(x, a)), rel=1e-14)
    assert np.asarray(jax.grad(lambda v: 3 * value(v, a))(x)) == pytest.approx(3 * np.asarray(jax.grad(value)(x, a)))
    f, g = transport.entropic_potentials(np.array([[0.0, 1], [1, 0]]), [0.5, 0.5], [0.5, 0.5], epsilon=0.3)
    assert float(f.sum() + g.sum()) / 2 == pytest.approx(0.1974284293, abs=1e-10)


def test_jax_points_without_mass_have_no_nan(jax):
    C = np.abs(np.arange(3.0)[:, None] - np.arange(3.0))
    grad = jax.grad(lambda C: transport.entropic_value(C, [0.5, 0.0, 0.5], [0.0, 1.0, 0.0], epsilon=0.3))
    assert np.asarray(grad(C)) == pytest.approx(np.array([[0, 0.5, 0], [0, 0, 0], [0, 0.5, 0]]), abs=1e-12)
    with pytest.raises(OptionError, match="epsilon"):
        transport.entropic_value(C, np.ones(3), np.ones(3), epsilon=0.0)
    with pytest.raises(OptionError, match="shape"):
        transport.entropic_value(C, np.ones(2), np.ones(3), epsilon=0.1)


# ---- unbalanced ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("c", [0.0, 0.5])
def test_two_points_of_different_mass(c):
    found = transport.distance([0.0], [c**0.5], weights=([1.0], [4.0]), unbalanced=KL(1.0), epsilon=1e-7)
    assert found.value == pytest.approx(5 - 4 * np.exp(-c / 2), abs=1e-9)
    assert found.mass == pytest.approx(2 * np.exp(-c / 2), abs=1e-6)
    low, high = found.interval
    assert low <= 5 - 4 * np.exp(-c / 2) <= high
    assert found.status is Status.converged


@pytest.mark.parametrize("rho", [0.01, 1.0, 100.0])
def test_penalised_plan_is_stationary_and_certified(rho):
    x, y, a, b = clouds(30, 40)
    b = 1.5 * b
    fine = transport.distance(x, y, weights=(a, b), unbalanced=rho, epsilon=1e-4)
    eps = 0.02
    found = transport.distance(x, y, weights=(a, b), unbalanced=KL(rho), epsilon=eps)
    C = ((x[:, None] - y) ** 2).sum(-1)
    P = found.plan
    row, column = found.marginals
    # stationarity of the primal: C + rho log(row/a) + rho log(column/b) + eps log(P/Q) = 0
    Q = np.outer(a, b) / np.sqrt(a.sum() * b.sum())
    slope = C + rho * np.log(row / a)[:, None] + rho * np.log(column / b) + eps * np.log(P / Q)
    assert slope == pytest.approx(0 * slope, abs=1e-6 * max(1.0, rho))
    assert found.interval[0] <= fine.interval[1]
    assert fine.interval[0] <= found.interval[1]
    assert found.value == pytest.approx(found.transport + found.penalty)
    assert fine.interval[1] - fine.interval[0] <= 1e-3 * fine.value


def test_large_penalty_is_balanced_transport():
    x, y, a, b = clouds(20, 20)
    exact = transport.distance(x, y, weights=(a, b)).cost
    assert transport.distance(x, y, weights=(a, b), unbalanced=KL(1e4), epsilon=1e-4).value == pytest.approx(
        exact, rel=1e-2
    )


def test_partial_transport():
    one = transport.distance([0.0], [2**0.5], weights=([1.0], [1.0]), unbalanced=Partial(0.3))
    assert one.value == pytest.approx(0.6, rel=1e-12)
    x, y, a, b = clouds(20, 25)
    b = 2 * b
    found = transport.distance(x, y, weights=(a, b), unbalanced=Partial(0.6))
    row, column = found.marginals
    assert found.mass == pytest.approx(0.6, rel=1e-12)
    assert (row <= a + 1e-14).all()
    assert (column <= b + 1e-14).all()
    soft = transport.distance(x, y, weights=(a, b), unbalanced=Partial(0.6), epsilon=1e-4)
    assert soft.value == pytest.approx(found.value, rel=2e-2)
    assert found.interval[0] <= found.value <= found.interval[1]
    all_of_it = transport.distance(x, y, weights=(a, b / 2), unbalanced=Partial(1.0))
    assert all_of_it.value == pytest.approx(transport.distance(x, y, weights=(a, b / 2)).cost, rel=1e-10)
    with pytest.raises(OptionError, match="lighter measure has 1"):
        transport.distance(x, y, weights=(a, b), unbalanced=Partial(1.5))


def test_unbalanced_options_are_checked():
    for bad in (KL, Partial):
        with pytest.raises(OptionError, match="positive"):
            bad(-1.0)
    with pytest.raises(OptionError, match="unbalanced="):
        transport.distance([0.0], [1.0], unbalanced="kl")
    with pytest.raises(OptionError, match="memory"):
        transport.distance([0.0, 1.0], [1.0], unbalanced=KL(1.0), memory=10)


# ---- barycentres ---------------------------------------------------------------------------------------------------
def test_barycentre_of_two_points():
    found = transport.barycentre([[0.0], [10.0]], weights=[0.3, 0.7], support=np.arange(11.0))
    assert found.measure.weights == pytest.approx(np.eye(11)[7], abs=1e-6)
    free = transport.barycentre([[0.0], [10.0]], weights=[0.3, 0.7])
    assert free.measure.points.item() == pytest.approx(7.0)


def test_barycentre_keeps_the_width():
    x = np.linspace(-5, 5, 101)
    bells = [transport.Density(np.exp(-0.5 * ((x - m) / 0.5) ** 2), x) for m in (-1, 1)]
    found = transport.barycentre(bells, support=x, epsilon=0.05)
    w = found.measure.weights
    assert found.status is Status.converged
    assert w @ x == pytest.approx(0.0, abs=1e-9)
    assert np.sqrt(w @ x**2) == pytest.approx(0.5, rel=1e-5)


def test_free_barycentre_of_shifted_clouds_and_errors():
    x, _, _, _ = clouds(40)
    found = transport.barycentre([x, x + np.array([4.0, 0.0])])
    assert found.measure.points == pytest.approx(x + np.array([2.0, 0.0]), abs=1e-12)
    short = transport.barycentre([x, x[:30] * 2], size=20, most=1)
    assert short.status is Status.budget
    with pytest.raises(DataError, match="empty"):
        transport.barycentre([])
    with pytest.raises(DataError, match="one weight"):
        transport.barycentre([x, x], weights=[1.0])
    with pytest.raises(OptionError, match="sqeuclidean"):
        transport.barycentre([x, x], cost="euclidean")


# ---- interpolation -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("cost", ["sqeuclidean", transport.power(3), transport.periodic([1.0, 1.0])], ids=str)
def test_interpolation_is_a_geodesic(cost):
    x, y, a, b = clouds(30, 20)
    way = transport.distance(x, y, weights=(a, b), cost=cost)
    middle = transport.interpolate(way, t=0.3)
    assert middle.mass == pytest.approx(1.0)
    assert len(middle.weights) <= 49
    assert float(transport.distance(x, middle, weights=(a, None), cost=cost)) == pytest.approx(
        0.3 * float(way), rel=1e-6
    )


def test_interpolation_takes_the_short_way_round():
    box = transport.periodic(1.0)
    assert transport.interpolate([0.9], [0.3], 0.5, cost=box).points.item() == pytest.approx(0.1)
    degrees = transport.sphere(degrees=True)
    assert transport.interpolate([[0.0, 0.0]], [[90.0, 0.0]], 0.5, cost=degrees).points == pytest.approx(
        np.array([[45.0, 0.0]]), abs=1e-12
    )
    with pytest.raises(OptionError, match="between 0 and 1"):
        transport.interpolate([0.0], [1.0], 2.0)
    with pytest.raises(DataError, match="no ways"):
        transport.interpolate(transport.distance(cost=np.ones((2, 2))), t=0.5)


# ---- batches, shortcuts --------------------------------------------------------------------------------------------
def test_batch_equals_the_loop():
    rng = np.random.default_rng(3)
    x, y = rng.random((64, 10, 2)), rng.random((64, 12, 2))
    a, b = rng.random((64, 10)), rng.random((64, 12))
    a, b = a / a.sum(1, keepdims=True), b / b.sum(1, keepdims=True)
    found = transport.batch(x, y, weights=(a, b))
    loop = [transport.distance(p, q, weights=(u, v)) for p, q, u, v in zip(x, y, a, b, strict=True)]
    assert found.cost == pytest.approx([d.cost for d in loop], rel=1e-12)
    assert found.distance == pytest.approx([float(d) for d in loop], rel=1e-12)
    assert (found.lower <= found.upper).all()
    again = transport.batch(x, y, weights=(a, b), threads=2)
    assert (again.cost == found.cost).all()
    C = ((x[:, :, None] - y[:, None]) ** 2).sum(-1)
    assert transport.batch(cost=C, weights=(a, b)).cost == pytest.approx(found.cost, rel=1e-12)
    with pytest.raises(DataError, match="agree in the number"):
        transport.batch(x, y[:3])
    with pytest.raises(DataError, match="a batch needs matrices"):
        transport.batch(cost=np.ones((3, 3)))


def test_plan_and_map_in_one_call():
    x, y, a, b = clouds()
    P = transport.distance(x, y, weights=(a, b)).plan
    assert np.asarray(P.sum(1)).ravel() == pytest.approx(a)
    target, spread = transport.map(x, y, weights=(a, b))
    assert a @ target == pytest.approx(b @ y)
    assert (spread >= 0).all()


def test_multiscale_through_distance():
    x, y, _, _ = clouds(700, 800)
    a = np.ones(700)
    a[:50] = 0.0
    weights = (a / a.sum(), np.full(800, 1 / 800))
    exact = transport.distance(x, y, weights=weights)
    rough = transport.distance(x, y, weights=weights, method=transport.Multiscale(32))
    assert rough.interval[0] <= exact.cost <= rough.interval[1]
    assert rough.marginal_errors.total <= 1e-12
    assert rough.status is Status.converged
    full = transport.distance(x, y, weights=weights, method=transport.Multiscale(None))
    assert full.cost == pytest.approx(exact.cost, rel=1e-9)
    with pytest.raises(OptionError, match="positions"):
        transport.distance(cost=np.ones((2, 2)), method=transport.Multiscale())
    with pytest.raises(OptionError, match="no epsilon"):
        transport.distance(x, y, method=transport.Multiscale(), epsilon=relative(1e-2))
