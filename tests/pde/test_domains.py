"""Domains: membership, measures, faces and normals by the divergence theorem, and the algebra of domains."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import erf

import sciopt as so
from sciopt._errors import DataError, OptionError

pde = so.pde
ELL = [(0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2)]

MEASURES = [
    (pde.Interval(-1, 2), 3.0, 2.0),
    (pde.Box((0, 1), (0, 2), (1, 4)), 6.0, 22.0),
    (pde.Disk((0.1, 0.2), 1.5), np.pi * 1.5**2, 2 * np.pi * 1.5),
    (pde.Annulus(0.5, 1.0), np.pi * 0.75, 2 * np.pi * 1.5),
    (pde.Ball((0, 0, 1), 2.0), 32 * np.pi / 3, 16 * np.pi),
    (pde.Ball((0, 0, 1), 2.0, hole=1.0), 28 * np.pi / 3, 20 * np.pi),
    (pde.Polygon(ELL), 3.0, 8.0),
    (pde.Polygon(ELL[::-1]), 3.0, 8.0),
    (pde.Disk() * pde.Interval(0, 2, "z"), 2 * np.pi, 2 * np.pi + 4 * np.pi),
]


@pytest.mark.parametrize(("domain", "volume", "area"), MEASURES, ids=map(str, range(len(MEASURES))))
def test_measures_membership_and_divergence_theorem(domain, volume, area):
    rng = np.random.default_rng(0)
    inside, wall = domain.interior(600), domain.boundary(600, rule="gauss")
    assert domain.measure == pytest.approx(volume, rel=1e-12)
    assert wall.measure == pytest.approx(area, rel=1e-12)
    assert domain.contains(inside.coords).all()
    assert len(inside.coords) == 600
    x, n = wall.coords, wall.normals
    assert np.allclose(np.linalg.norm(n, axis=1), 1.0)
    assert domain.contains(x).all()
    size = 1e-5 * np.max(domain.sizes)
    assert domain.contains(x - size * n).all()
    assert not domain.contains(x + size * n).any()
    # integral of x . n over the boundary = dimension times volume
    w = wall.first(rng).weights
    assert wall.measure * np.sum(w * np.sum(x * n, axis=1)) == pytest.approx(domain.dim * volume, rel=1e-10)


@pytest.mark.parametrize("domain", [m[0] for m in MEASURES], ids=map(str, range(len(MEASURES))))
def test_gauss_points_integrate_to_high_order(domain):
    def f(x):
        return np.exp(0.6 * x[:, 0]) * np.cos(0.5 * x[:, -1])

    values = []
    for n in (6000, 20000):
        points = domain.interior(n if domain.dim > 1 else min(n, 40), "gauss")
        values.append(points.measure * np.sum(points.first(np.random.default_rng(0)).weights * f(points.coords)))
    assert values[0] == pytest.approx(values[1], rel=2e-7)
    sobol = domain.interior(8192).coords
    assert domain.measure * f(sobol).mean() == pytest.approx(values[1], rel=2e-2)


def test_gauss_weights_against_a_known_integral():
    points = pde.Disk((0, 0), 3.0).interior(900, "gauss")
    w = points.first(np.random.default_rng(0)).weights
    value = points.measure * np.sum(w * np.exp(-np.sum(points.coords**2, axis=1)))
    assert value == pytest.approx(np.pi * (1 - np.exp(-9.0)), rel=1e-12)
    line = pde.Interval(-1, 2).interior(30, "gauss")
    w = line.first(np.random.default_rng(0)).weights
    assert 3 * np.sum(w * np.exp(-(line.coords[:, 0] ** 2))) == pytest.approx(
        np.sqrt(np.pi) / 2 * (erf(2) + erf(1)), rel=1e-12
    )


@pytest.mark.parametrize(
    ("domain", "volume", "area"),
    [
        (pde.Box((0, 2), (0, 2)) - pde.Disk((1, 1), 0.5), 4 - np.pi / 4, 8 + np.pi),
        (pde.Box((0, 2), (0, 2)) | pde.Disk((2, 1), 0.5), 4 + np.pi / 8, 7 + np.pi / 2),
        (pde.Box((0, 2), (0, 2)) & pde.Disk((2, 1), 0.5), np.pi / 8, 1 + np.pi / 2),
        (pde.Box((0, 2), (0, 2)) - pde.Box((1, 2), (1, 2)), 3.0, 8.0),
        (pde.Box((0, 1), (0, 1)) | pde.Box((1, 2), (0, 1)), 2.0, 6.0),  # a common edge is no boundary
        (pde.Box((0, 1), (0, 1)) | pde.Box((0, 1), (0, 2)), 2.0, 6.0),  # common stretches count once
    ],
)
def test_combined_domains(domain, volume, area):
    assert domain.measure == pytest.approx(volume, rel=1e-3)
    wall = domain.boundary(4096)
    assert wall.measure == pytest.approx(area, rel=1e-3)
    flux = wall.measure * np.mean(np.sum(wall.coords * wall.normals, axis=1))
    assert flux == pytest.approx(2 * volume, rel=5e-3)
    assert domain.contains(domain.interior(500).coords).all()
    assert domain.contains(wall.coords - 1e-5 * wall.normals).all()
    assert not domain.contains(wall.coords + 1e-5 * wall.normals).any()


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-5, 5), st.floats(0.1, 5)), min_size=1, max_size=4),
    st.sampled_from(["sobol", "uniform", "grid", "gauss"]),
    st.integers(1, 60),
)
def test_points_of_any_box_lie_in_it(sides, rule, n):
    box = pde.Box(*[(a, a + s) for a, s in sides])
    points = box.interior(n, rule)
    assert box.contains(points.coords).all()
    assert len(points.coords) == n or rule in ("grid", "gauss")
    assert len(points.coords) <= max(n, 1)
    assert points.normals is None


def test_time_comes_first_and_its_faces_are_no_boundary():
    domain = pde.Time(0, 2) * pde.Box((0, 1), (0, 1), periodic="x")
    assert domain.names == ("t", "x", "y")
    assert domain.space == (1, 2)
    assert domain.has_time
    assert domain.faces == ("y-", "y+")
    assert np.all(domain.initial(9).coords[:, 0] == 0.0)
    assert np.all(domain.final(9).coords[:, 0] == 2.0)
    assert set(domain.boundary(40).coords[:, 2]) == {0.0, 1.0}
    assert domain.contains([0.5, 7.0, 0.5]), "periodic coordinates have no outside"
    assert not domain.contains([2.5, 0.5, 0.5])


def test_points_are_reproducible_and_stratified():
    square = pde.Box((0, 1), (0, 3))
    wall = square.boundary(80)
    a, b = (wall.first(np.random.default_rng(3)).coords for _ in range(2))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, wall.first(np.random.default_rng(4)).coords)
    counts = {f: np.sum(square.boundary(80, f).domain.contains(a) & _on(a, f)) for f in square.faces}
    assert counts == {"x-": 30, "x+": 30, "y-": 10, "y+": 10}


def _on(x, face):
    i, value = {"x-": (0, 0), "x+": (0, 1), "y-": (1, 0), "y+": (1, 3)}[face]
    return x[:, i] == value


@pytest.mark.parametrize(
    ("make", "error", "told"),
    [
        (lambda: pde.Box((1, 0)), OptionError, "lower < upper"),
        (lambda: pde.Box((0, 1), periodic="z"), OptionError, "periodic='z'"),
        (lambda: pde.Box((0, 1), (0, 1)).boundary(5, "z-"), OptionError, r"no face 'z-'; its faces: x-, x\+, y-, y\+"),
        (lambda: pde.Box((0, 1)).at([[2.0]]), DataError, r"point 0 = \[2.0\]"),
        (lambda: pde.Box((0, 1)).at([[1j]]), DataError, "must be real"),
        (lambda: pde.Box((0, 1)).at([[0.1, 0.2]]), DataError, r"shape \(n, 1\)"),
        (lambda: pde.Box((0, 1)).initial(5), OptionError, "has no time"),
        (lambda: pde.Interval(0, 1) * pde.Time(0, 1), OptionError, "time comes first"),
        (lambda: pde.Interval(0, 1) * pde.Interval(0, 1), OptionError, "both factors have a coordinate 'x'"),
        (lambda: pde.Annulus(2, 1), OptionError, "hole < radius"),
        (lambda: pde.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]), OptionError, "cross"),
        (lambda: pde.Box((0, 1)).interior(0), OptionError, "positive integer"),
        (lambda: pde.Box((0, 1)).interior(5, "random"), OptionError, "rule='random'"),
        (lambda: (pde.Box((0, 1), (0, 1)) - pde.Disk()).interior(9, "gauss").coords, OptionError, "use 'sobol'"),
        (lambda: pde.Box((0, 1), periodic="x").boundary(5), OptionError, "no boundary"),
    ],
)
def test_mistakes_are_named(make, error, told):
    with pytest.raises(error, match=told):
        make()


def test_numbers_of_points_do_not_depend_on_units():
    for scale in (1.0, 1e-6, 1e3):
        tube = pde.Time(0, 2 * scale) * pde.Interval(0, 1)
        x = tube.interior(100, "grid").coords
        assert [len(np.unique(x[:, i])) for i in (0, 1)] == [10, 10]
        assert len(tube.boundary(30, rule="gauss").coords) == 30
