"""Pictures of transport show the plan, its marginals and its interval."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.collections import LineCollection

from sciopt import plot, transport
from sciopt._errors import DataError, OptionError


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def clouds(n=40, m=50):
    rng = np.random.default_rng(0)
    return rng.random((n, 2)), rng.random((m, 2)) + 0.5


def bells():
    t = np.linspace(0, 1, 60)
    heights = [np.exp(-0.5 * ((t - m) / 0.1) ** 2) for m in (0.3, 0.6)]
    return [transport.Density(h / np.trapezoid(h, t), t) for h in heights]


def drawn(figure):
    figure.canvas.draw()
    return figure


def test_lines_join_what_the_plan_couples():
    solution = transport.distance(*clouds())
    axes = plot.transport_pairs(solution)
    drawn(axes.figure)
    P = solution.plan.tocoo()
    (lines,) = [c for c in axes.collections if isinstance(c, LineCollection)]
    assert len(lines.get_segments()) == len(P.data)
    ends = {tuple(np.round(s.ravel(), 12)) for s in lines.get_segments()}
    x, y = clouds()
    assert ends == {tuple(np.round([*x[i], *y[j]], 12)) for i, j in zip(P.row, P.col, strict=True)}
    assert axes.get_title() == f"{len(P.data)} pairs"
    few = solution.plot.pairs(most=10)
    assert few.get_title() == f"10 of {len(P.data)} pairs"
    with pytest.raises(DataError, match="dimension"):
        plot.transport_pairs(transport.distance([0.0, 1.0], [1.0, 2.0]))


@pytest.mark.parametrize("epsilon", [None, 0.01])
def test_plan_shows_all_mass_and_the_marginals(epsilon):
    x, y = bells()
    solution = transport.distance(x, y, epsilon=epsilon)
    figure = drawn(solution.plot.plan(bins=30))
    centre, left, top = figure.axes
    (image,) = centre.images
    assert float(np.sum(image.get_array())) == pytest.approx(solution.setting.mass, rel=1e-6)
    assert np.asarray(image.get_array()).shape == (30, 30)
    sums = np.asarray(image.get_array()).sum(1)
    assert sums == pytest.approx(solution.setting.a.reshape(30, 2).sum(1), rel=1e-5, abs=1e-12)
    assert left.get_xlabel() == "mass"
    assert top.get_ylabel() == "mass"


def test_densities_and_their_map():
    solution = transport.distance(*bells())
    densities, map_axes = drawn(solution.plot.densities(label="energy (eV)")).axes
    assert densities.get_xlabel() == "energy (eV)"
    curve = densities.lines[0]
    assert np.trapezoid(*np.asarray(curve.get_xydata()).T[::-1]) == pytest.approx(solution.setting.mass, rel=1e-2)
    line = map_axes.lines[0]
    assert np.asarray(line.get_ydata()) == pytest.approx(solution.map.target[:, 0])
    drawn(transport.distance(np.random.default_rng(0).random(200), np.linspace(0, 1, 150)).plot.densities())
    with pytest.raises(DataError, match="on a line"):
        plot.transport_densities(transport.distance(*clouds()))


def test_strip_goes_from_x_to_y():
    image = np.zeros((8, 8))
    image[1, 1] = 1.0
    other = np.zeros((8, 8))
    other[5, 3] = 1.0
    solution = transport.distance(transport.Grid(image), transport.Grid(other))
    panels = drawn(solution.plot.strip(times=(0.0, 0.5, 1.0))).axes
    assert [np.argmax(p.images[0].get_array()) for p in panels] == [9, 3 * 8 + 2, 5 * 8 + 3]
    assert [p.get_title() for p in panels] == ["t = 0", "t = 0.5", "t = 1"]
    assert len(drawn(transport.distance(*clouds()).plot.strip(shape=(10, 10))).axes) == 5
    with pytest.raises(DataError, match="plane"):
        plot.transport_strip(transport.distance([0.0], [1.0]))


def test_convergence_shows_errors_and_the_interval():
    solution = transport.distance(*clouds(), epsilon=1e-3)
    errors, interval = drawn(solution.plot.convergence()).axes
    shown = np.asarray(errors.lines[0].get_ydata(), float)
    assert shown[-1] == pytest.approx(solution.history["error"][-1])
    band = interval.patches[0].get_extents().transformed(interval.transData.inverted())
    assert (band.y0, band.y1) == pytest.approx(solution.distance_interval)
    with pytest.raises(OptionError, match="no history"):
        plot.transport_convergence(transport.distance(*clouds()))
    many = transport.distance(*clouds(300, 300), method=transport.Multiscale(16))
    (axes,) = drawn(many.plot.convergence()).axes
    assert axes.get_xlabel() == "clusters"
    drawn(many.plot.pairs(most=50).figure)
    drawn(many.plot.plan())
    assert "pairs" in repr(many.plot)
