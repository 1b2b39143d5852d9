"""Pictures show the numbers of the solution."""

import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.container import ErrorbarContainer

from sciopt import plot
from sciopt._errors import OptionError
from tests.plot.fakes import decay, deficient, figure_of, image, line_basis, resonance, two_sets, xs, ys


@pytest.mark.parametrize("style", ["dark_background", "ggplot"])
def test_other_styles_work(style):
    with plt.style.context(style):
        figure = figure_of(plot.fit(decay()))
        points = figure.axes[0].containers[0]
        assert isinstance(points, ErrorbarContainer)
        assert points.lines[0] is not None
        colour = to_rgb(points.lines[0].get_color())
        background = to_rgb(figure.axes[0].get_facecolor())
        assert np.abs(np.subtract(colour, background)).max() > 0.4


def test_fit_shows_data_bars_curve_band_and_pulls():
    solution = decay()
    figure = figure_of(plot.fit(solution, label="time (s)"))
    top, below = figure.axes
    data = solution.data["curve"]
    bars = top.containers[0]
    assert isinstance(bars, ErrorbarContainer)
    points, _, (segments,) = bars.lines
    assert points is not None
    np.testing.assert_array_equal(points.get_xydata(), np.stack([data["x"], data["y"]], 1))
    half = [0.5 * np.ptp(s[:, 1]) for s in segments.get_segments()]
    np.testing.assert_allclose(half, data["sigma"])
    (curve,) = [line for line in top.lines if line.get_label() == "model"]
    x = xs(curve)
    assert x.size == 400
    np.testing.assert_allclose(ys(curve), line_basis(x) @ solution.theta)
    (band,) = top.collections[-1:]
    edge = band.get_paths()[0].vertices
    np.testing.assert_allclose(
        edge[:, 1].max(), (solution.predict(x[:1], band=True)[0] + solution.predict(x[:1], band=True)[1])[0]
    )
    pulls = below.lines[-1]
    np.testing.assert_allclose(pulls.get_xydata(), np.stack([data["x"], data["pulls"]], 1))
    assert below.get_xlabel() == "time (s)"
    assert top.get_shared_x_axes().joined(top, below)


def test_line_options_reach_the_curve():
    _, ax = plt.subplots()
    plot.fit(decay(), ax=ax, color="C4", linewidth=5)
    (curve,) = [line for line in ax.lines if line.get_label() == "model"]
    assert curve.get_color() == "C4"
    assert curve.get_linewidth() == 5
    with pytest.raises(AttributeError, match="colour"):
        plot.fit(decay(), ax=ax, colour="red")


def test_several_sets_are_laid_over_each_other_or_chosen():
    figure = figure_of(plot.fit(two_sets()))
    legend = figure.axes[0].get_legend()
    assert legend is not None
    assert [t.get_text() for t in legend.get_texts()] == ["run 1", "run 2"]
    one = figure_of(plot.fit(two_sets(), condition="run 2"))
    (curve,) = [line for line in one.axes[0].lines if line.get_label() == "model"]
    assert ys(curve).min() > 1.0
    with pytest.raises(OptionError, match="run 3"):
        plot.fit(two_sets(), condition="run 3")
    mixed = decay()
    mixed.data["spot"] = image().data["spot"]
    with pytest.raises(OptionError, match="condition="):
        plot.fit(mixed)


def test_without_the_model_the_curve_goes_through_the_data_points():
    solution = decay()
    solution.basis = None
    (curve,) = [line for line in figure_of(plot.fit(solution)).axes[0].lines if line.get_label() == "model"]
    np.testing.assert_array_equal(ys(curve), solution.data["curve"]["model"])


@pytest.mark.parametrize("x", [None, np.array(list("ab") * 20), np.zeros((40, 2)), (np.zeros(40), np.ones(40))])
def test_without_one_coordinate_the_index_is_used(x):
    solution = decay()
    solution.data["curve"]["x"] = x
    figure = figure_of(plot.fit(solution))
    assert figure.axes[-1].get_xlabel() == "index"
    np.testing.assert_array_equal(xs(figure.axes[-1].lines[-1]), np.arange(40))


def test_missing_data_keep_their_pulls_in_place():
    solution = decay()
    data = solution.data["curve"]
    data["y"] = data["y"].copy()
    data["y"][[3, 7]] = np.nan
    data["pulls"] = np.delete(data["pulls"], [3, 7])
    pulls = figure_of(plot.fit(solution)).axes[1].lines[-1]
    drawn = np.isfinite(ys(pulls))
    np.testing.assert_array_equal(xs(pulls)[drawn], np.delete(data["x"], [3, 7]))
    np.testing.assert_array_equal(ys(pulls)[drawn], data["pulls"])
    spot = image()
    picture = spot.data["spot"]
    picture["keep"] = picture["y"] < 50
    picture["pulls"] = picture["pulls"][picture["keep"].ravel()]
    shown = [ax.images[0] for ax in figure_of(plot.fit(spot)).axes if ax.images][2]
    left_out = np.ma.getmaskarray(np.ma.masked_invalid(np.ma.getdata(shown.get_array())))
    np.testing.assert_array_equal(left_out, picture["y"] >= 50)


def test_logarithmic_coordinates_get_a_logarithmic_axis():
    solution = decay()
    solution.data["curve"]["x"] = np.geomspace(0.01, 100, 40)
    assert figure_of(plot.fit(solution)).axes[0].get_xscale() == "log"


def test_complex_data_have_modulus_phase_and_plane():
    solution = resonance()
    modulus, phase, plane = figure_of(plot.fit(solution)).axes
    assert plane.get_aspect() == 1.0
    data = solution.data["S11"]
    bars = phase.containers[0]
    assert isinstance(bars, ErrorbarContainer)
    assert bars.lines[0] is not None
    drawn = ys(bars.lines[0])
    np.testing.assert_allclose(np.exp(1j * drawn), data["y"] / np.abs(data["y"]))
    assert np.abs(np.diff(drawn)).max() < 1.0, "the phase jumps by 2 pi"
    assert modulus.get_ylabel() == "modulus"
    assert phase.get_xlabel() == "frequency (GHz)"


def test_image_pulls_have_a_symmetric_scale():
    panels = figure_of(plot.fit(image())).axes
    shown = [ax.images[0] for ax in panels if ax.images]
    assert shown[0].get_clim() == shown[1].get_clim()
    low, high = shown[2].get_clim()
    assert low == -high
    pulls = image().data["spot"]["pulls"]
    np.testing.assert_array_equal(np.asarray(shown[2].get_array()).ravel(), pulls)


def test_scaled_errors_scale_the_pulls():
    solution = decay()
    solution.errors_kind, solution.chi2, solution.dof = "scaled", 4.0, 1.0
    figure = figure_of(plot.residuals(solution))
    np.testing.assert_allclose(ys(figure.axes[0].lines[-1]), solution.data["curve"]["pulls"] / 2)
    assert figure.axes[0].get_ylabel() == "residual / rms"


def test_histogram_has_unit_area():
    right = figure_of(plot.residuals(two_sets())).axes[1]
    area = sum(p.get_width() * p.get_height() for p in right.patches)
    assert area == pytest.approx(1.0)


def test_convergence_marks_rejected_steps():
    ax = plot.convergence(decay())
    (crosses,) = [line for line in ax.lines if line.get_label() == "rejected"]
    np.testing.assert_array_equal(xs(crosses), [2])
    assert ax.get_yscale() == "log"
    above = plot.convergence(decay(), above_best=True)
    np.testing.assert_allclose(ys(above.lines[0]), [881.8, 131.8, 141.8, 5.8, 0.1, np.nan], rtol=1e-9)


def test_spectrum_shows_what_is_cut_and_names_it():
    ax = plot.spectrum(deficient())
    labels = {line.get_label(): line for line in ax.lines}
    np.testing.assert_array_equal(ys(labels["kept: rank 4 of 6"]), [1.9, 1.1, 0.35, 0.004])
    assert xs(labels["cut"])[0] == 4.5
    np.testing.assert_array_equal(xs(labels["cut: 2 not identified"]), [5])  # the zero is an arrow at the edge
    assert any(line.get_marker() == "v" and list(xs(line)) == [6] for line in ax.lines)
    assert "5: 0.71 A - 0.71 B" in "\n".join(t.get_text() for t in ax.texts)
    full = plot.spectrum(decay())
    assert not any(line.get_label() == "cut" for line in full.lines)


def test_spectrum_counts_unknowns_without_rows_as_zero():
    solution = deficient()
    solution.singular_values = solution.singular_values[:3]
    solution.rank = 3
    assert "kept: rank 3 of 6" in {line.get_label() for line in plot.spectrum(solution).lines}


def test_plots_refuse_what_is_not_there():
    solution = decay()
    solution.singular_values = None
    with pytest.raises(OptionError, match="singular values"):
        plot.spectrum(solution)
    solution.history = {"gradient": np.ones(3)}
    with pytest.raises(OptionError, match="merit"):
        plot.convergence(solution)
    solution.data = {}
    with pytest.raises(OptionError, match="no data"):
        plot.fit(solution)


def test_correlation_writes_numbers_and_crosses():
    solution = decay()
    ax = plot.correlation(solution)
    numbers = [t.get_text().replace("\N{MINUS SIGN}", "-") for t in ax.texts]
    np.testing.assert_allclose(np.array(numbers, float).reshape(2, 2), solution.correlation, atol=0.005)
    solution.covariance = np.array([[1.0, np.nan], [np.nan, np.nan]])
    assert [t.get_text() for t in plot.correlation(solution).texts] == ["1.00", "×", "×", "×"]


def test_profile_and_contour_show_levels_and_units():
    ax = plot.profile(decay(), "A", level=0.95)
    assert ax.get_xlabel() == "A (mV)"
    np.testing.assert_allclose([ys(line)[0] for line in ax.lines if line.get_linestyle() == ":"], 3.841459, rtol=1e-6)
    ax = plot.contour(decay(), "A", "c", levels=(0.5, 0.9))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("A (mV)", "c (mV)")
    legend = ax.get_legend()
    assert legend is not None
    assert {t.get_text() for t in legend.get_texts()} == {"50 %", "90 %", "best fit"}
    outer = max(ax.lines, key=lambda line: np.ptp(xs(line)))
    assert (xs(outer)[0], ys(outer)[0]) == (xs(outer)[-1], ys(outer)[-1]), "the contour is not closed"


def test_dollar_signs_are_shown():
    solution = decay()
    solution.names = ["$A", "c_$x$"]
    solution.units = {"$A": "US$"}
    profile, correlation = plot.profile(solution, "$A"), plot.correlation(solution)
    for ax in (profile, correlation):
        figure_of(ax).canvas.draw()  # an unescaped dollar would start a formula and raise here
    assert "A" in profile.get_xlabel()
    assert len(correlation.get_xticklabels()) == 2


def test_accessor_takes_the_options_of_the_functions():
    accessor = plot.PlotAccessor(decay())
    _, (a, b, c, d, e, f, g) = plt.subplots(1, 7)
    assert accessor.fit(ax=a, label="t", color="k") is a
    assert accessor.residuals(ax=b) is b
    assert accessor.convergence(ax=c, above_best=True) is c
    assert accessor.spectrum(ax=d) is d
    assert accessor.correlation(ax=e, cmap="PuOr") is e
    assert accessor.profile("A", level=0.9, ax=f) is f
    assert accessor.contour("A", "c", levels=(0.5,), ax=g) is g
    figure = plt.figure()
    assert accessor.fit(fig=figure) is figure
    assert "spectrum" in repr(accessor)


def test_importing_the_room_does_not_import_matplotlib():
    code = "import sys, sciopt.plot; sciopt.plot.fit; assert 'matplotlib' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
