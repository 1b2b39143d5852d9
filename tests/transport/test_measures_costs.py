"""Measures are checked at the door; costs agree with their formulas whichever way they are evaluated."""

import numpy as np
import pytest

from sciopt import transport
from sciopt._errors import DataError, OptionError
from sciopt.transport.cost import as_cost, cityblock, function, periodic, power, sphere
from sciopt.transport.cost_kernels import pair_cost
from sciopt.transport.measure import Density, Grid, Histogram, Measure, as_measure, look_like_histograms, matched_masses
from sciopt.transport.pairs import pairs


def clouds(d=3, n=7, m=9):
    rng = np.random.default_rng(0)
    return Measure.of(rng.normal(size=(n, d)), rng.random(n)), Measure.of(rng.normal(size=(m, d)), rng.random(m))


def units(v):
    return v / np.linalg.norm(v, axis=-1, keepdims=True)


def wrapped(D):
    return np.stack([D[..., 0] - np.round(D[..., 0]), D[..., 1] - 2 * np.round(D[..., 1] / 2), D[..., 2]], axis=-1)


FORMULAS = {
    "squared": (power(2), lambda x, y: ((x - y) ** 2).sum(-1)),
    "euclidean": (power(1), lambda x, y: np.linalg.norm(x - y, axis=-1)),
    "cube": (power(3), lambda x, y: np.linalg.norm(x - y, axis=-1) ** 3),
    "root": (power(0.5), lambda x, y: np.linalg.norm(x - y, axis=-1) ** 0.5),
    "cityblock": (cityblock(), lambda x, y: np.abs(x - y).sum(-1)),
    "cityblock cubed": (cityblock(3), lambda x, y: (np.abs(x - y) ** 3).sum(-1)),
    "periodic": (periodic([1, 2, np.inf]), lambda x, y: (wrapped(x - y) ** 2).sum(-1)),
    "periodic distance": (periodic([1, 2, np.inf], p=1), lambda x, y: np.linalg.norm(wrapped(x - y), axis=-1)),
    "sphere": (sphere(2.0), lambda x, y: 2 * np.arccos((units(x) * units(y)).sum(-1))),
    "function": (function(lambda x, y: np.abs(x - y).max(-1)), lambda x, y: np.abs(x - y).max(-1)),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_costs_agree_with_their_formula(name):
    cost, formula = FORMULAS[name]
    x, y = clouds()
    expected = formula(x.points[:, None], y.points[None])
    between = pairs(x, y, cost)
    assert between.dense() == pytest.approx(expected, rel=1e-13, abs=1e-15)
    assert between.rows(2, 5) == pytest.approx(expected[2:5], rel=1e-13)
    assert between.transposed().dense() == pytest.approx(expected.T, rel=1e-13)
    single = [[pair_cost(*between.arguments, i, j) for j in range(9)] for i in range(7)]
    assert np.array(single) == pytest.approx(expected, rel=1e-13)
    some = between.restricted(np.array([1, 4]), np.array([0, 3, 8]))
    assert some.dense() == pytest.approx(expected[np.ix_([1, 4], [0, 3, 8])], rel=1e-13)
    assert between.scale >= expected.max() * (1 - 1e-14)


def test_differences_and_never_squares_of_coordinates():
    x, y = Measure.of([[1e8, 1e8]]), Measure.of([[1e8 + 0.5, 1e8]])
    assert pairs(x, y, power(2)).dense()[0, 0] == 0.25


def test_sphere_is_exact_near_and_at_antipodes():
    x = Measure.of([[0.0, 0.0]])
    y = Measure.of([[1e-9, 0.0], [180.0, 0.0], [179.999999, 0.0]])
    found = pairs(x, y, sphere(degrees=True)).dense()[0]
    assert found == pytest.approx(np.radians([1e-9, 180.0, 179.999999]), rel=1e-14)


def test_grids_separate():
    rng = np.random.default_rng(1)
    x, y = Grid(rng.random((3, 4)), spacing=(1, 2)), Grid(rng.random((2, 5)), origin=(0.5, -1))
    for cost in (power(2), cityblock(), cityblock(3), periodic([3.0, 7.0])):
        between = pairs(x, y, cost)
        parts = between.axis_costs(x, y)
        assert parts is not None
        total = parts[0][:, None, :, None] + parts[1][None, :, None, :]
        assert between.dense() == pytest.approx(total.reshape(12, 10), rel=1e-13)
    assert pairs(x, y, power(1)).axis_costs(x, y) is None
    assert pairs(x, Measure.of(y.points), power(2)).axis_costs(x, y) is not None
    assert pairs(x, y, power(2)).axis_costs(x, Measure.of(y.points)) is None


def test_kinds_of_measure():
    image = np.array([[0, 255], [3, 4]], dtype=np.uint8)
    grid = Grid(image, axes=([0.0, 1.0], [5.0, 7.0]))
    assert grid.weights.dtype == float
    assert grid.points[1].tolist() == [0.0, 7.0]
    assert grid.shape == (2, 2)
    assert Histogram([1, 2], [0, 1, 3]).points.ravel().tolist() == [0.5, 2.0]
    assert Density(np.ones(3, np.float32), [0, 1, 2]).mass == 2.0
    assert as_measure(grid, image * 0 + 1).mass == 4.0
    assert as_measure(None, [1, 2]).points.shape == (2, 0)
    assert Measure.of(np.arange(3)).points.shape == (3, 1)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Measure.of(np.zeros((0, 2)), name="y"), "y is empty"),
        (lambda: Measure.of([[0.0, np.nan]]), r"x\[0, 1\] is nan"),
        (lambda: Measure.of(np.zeros((2, 2, 2))), r"shape \(2, 2, 2\).*Grid"),
        (lambda: Measure.of(np.zeros(2), [1.0, -1.0]), r"weights of x: entry \[1\] is -1.0"),
        (lambda: Measure.of(np.zeros(2), [0.0, 0.0]), "all are zero"),
        (lambda: Measure.of(np.zeros(2), [np.nan, 0.0]), r"entry \[0\] is nan"),
        (lambda: Measure.of(np.zeros(2), [1.0]), r"shape \(1,\), but x has 2 points"),
        (lambda: Measure.of(np.zeros(2, complex)), "complex128"),
        (lambda: matched_masses(np.ones(2), np.ones(3)), "sum to 2.*3"),
        (lambda: Histogram([1, 2], [0, 1, 2, 3]), "2 counts need 3 edges"),
        (lambda: Grid(np.ones((2, 2)), spacing=0), "positive"),
        (lambda: as_cost(np.array([[0.0, np.nan]])), r"cost\[0, 1\] is nan"),
        (lambda: as_cost(np.array([[0.0, -np.inf]])), r"cost\[0, 1\] is -inf"),
        (lambda: as_cost(np.zeros(3)), r"shape \(3,\)"),
        (lambda: pairs(*clouds(), as_cost(np.zeros((2, 2)))), r"shape \(2, 2\), but there are 7"),
        (lambda: pairs(*clouds(), periodic([1.0])), "dimension 3, the periodic box 1"),
        (lambda: pairs(*clouds(), function(lambda x, y: 1.0)), r"returned shape \(\)"),
        (lambda: pairs(clouds(2)[0], clouds(3)[1], power(2)), "dimension 2, y has dimension 3"),
        (lambda: pairs(as_measure(None, [1.0]), clouds()[1], power(2)), "x has no positions"),
    ],
)
def test_bad_input_is_named(make, words):
    with pytest.raises(DataError, match=words):
        make()


def test_unknown_options():
    for make in (lambda: as_cost("manhattan"), lambda: power(-1), lambda: periodic([0.0]), lambda: sphere(0)):
        with pytest.raises(OptionError):
            make()
    with pytest.raises(OptionError, match="memory"):
        pairs(*clouds(), function(lambda x, y: abs(x - y).sum(-1)), memory=10)


def test_single_precision_masses_are_rescaled():
    a, b, factor = matched_masses(np.ones(5) / 5, np.asarray(np.ones(960, np.float32) / 960, float))
    assert b.sum() == pytest.approx(a.sum(), rel=1e-15)
    assert factor == pytest.approx(1.0, abs=1e-6)


def test_histograms_given_as_positions_are_seen():
    a = np.array([0.2, 0.3, 0.5])
    assert look_like_histograms(a, a[::-1])
    assert not look_like_histograms(np.array([0.0, 1.0, 3.0]), np.array([5.0, 6.0, 8.0]))
    assert look_like_histograms(np.ones((9, 9), np.uint8), np.ones((9, 9), np.uint8))
    assert not look_like_histograms(Histogram(a, a.cumsum()), a)


def test_room_lists_its_names():
    assert {"Grid", "Histogram", "power", "periodic", "sphere"} <= set(dir(transport))
    assert transport.power(2).exponent == 2.0
