"""Pictures are tidy: nothing overlaps or leaves the canvas, and nothing outside the axes given is touched."""

from collections.abc import Iterable

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.axis import Tick
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

import sciopt as so
from sciopt import plot
from tests.plot.fakes import decay, figure_of, image, resonance, two_sets, xs, ys

SINGLE = {
    "convergence": lambda s, ax: plot.convergence(s, ax=ax),
    "spectrum": lambda s, ax: plot.spectrum(s, ax=ax),
    "correlation": lambda s, ax: plot.correlation(s, ax=ax),
    "profile": lambda s, ax: plot.profile(s, "A", ax=ax),
    "contour": lambda s, ax: plot.contour(s, "A", "c", ax=ax),
    "fit": lambda s, ax: plot.fit(s, ax=ax),
    "residuals": lambda s, ax: plot.residuals(s, ax=ax),
}
MANY = {"fit", "residuals"}


def in_view(ticks: Iterable[Tick], low: float, high: float) -> list[Text]:
    """Labels of the ticks that are drawn."""
    low, high = min(low, high), max(low, high)
    return [tick.label1 for tick in ticks if low <= float(tick.get_loc()) <= high]


def overlaps(figure: Figure) -> list[str]:
    """Texts of axes that leave the canvas or lie over each other."""
    figure.canvas.draw()
    frame = figure.bbox
    boxes: list[tuple[str, Bbox]] = []
    for ax in figure.axes:
        texts: list[Text] = [ax.xaxis.label, ax.yaxis.label, ax.title]
        texts += in_view(ax.xaxis.get_major_ticks(), *ax.get_xlim())
        texts += in_view(ax.yaxis.get_major_ticks(), *ax.get_ylim())
        boxes += [(t.get_text(), t.get_window_extent()) for t in texts if t.get_visible() and t.get_text()]
    faults = [
        text for text, box in boxes if min(box.x0, box.y0) < -1 or box.x1 > frame.width + 1 or box.y1 > frame.height + 1
    ]
    for i, (text, box) in enumerate(boxes):
        faults += [f"{text} / {other}" for other, b in boxes[i + 1 :] if box.overlaps(b)]
    return faults


@pytest.mark.parametrize("name", SINGLE)
def test_draws_into_the_axes_given_and_changes_no_style(name):
    before = dict(matplotlib.rcParams)
    figure, (left, right) = plt.subplots(1, 2)
    returned = SINGLE[name](decay(), left)
    assert returned is left
    assert left.has_data()
    assert not right.has_data()
    assert left.get_xlabel() or name == "correlation"
    assert plt.get_fignums() == [figure.number]
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("name", SINGLE)
def test_new_figures_are_tidy(name):
    drawn = SINGLE[name](decay(), None)
    assert isinstance(drawn, Figure if name in MANY else Axes)
    assert overlaps(figure_of(drawn)) == []


@pytest.mark.parametrize("case", [decay, two_sets, resonance, image, lambda: image(True)])
@pytest.mark.parametrize("draw", [plot.fit, plot.residuals])
def test_every_kind_of_data_is_drawn_tidily(case, draw):
    assert overlaps(figure_of(draw(case()))) == []


def test_the_check_finds_what_is_untidy():
    figure, (left, right) = plt.subplots(1, 2, figsize=(3, 2))
    right.set_ylabel("a label that lies over the ticks", labelpad=-40)
    left.set_xlabel("below", labelpad=60)
    faults = overlaps(figure)
    assert "below" in faults
    assert any(fault.startswith("a label") or "/ a label" in fault for fault in faults)


def test_real_counts_have_the_error_bars_of_the_model():
    t = np.linspace(0.0, 5.0, 30)
    n = np.random.default_rng(2).poisson(30 * np.exp(-t) + 3)
    solution = so.fit(lambda t, A=20.0, b=1.0: A * np.exp(-t) + b, t, n, loss="poisson")
    top = figure_of(plot.fit(solution)).axes[0]
    (segments,) = top.containers[0].lines[2]
    half = [0.5 * np.ptp(s[:, 1]) for s in segments.get_segments()]
    np.testing.assert_allclose(half, np.sqrt(solution.predict(t)))


def test_real_omitted_data_are_left_out():
    t = np.linspace(0.0, 5.0, 30)
    y = 2.0 * np.exp(-t) + 0.01 * np.cos(9 * t)
    y[[3, 7]] = np.nan
    solution = so.fit(lambda t, A=1.0, k=2.0: A * np.exp(-k * t), t, y, sigma=0.01, nan="omit")
    top, below = figure_of(plot.fit(solution)).axes
    assert np.isnan(ys(top.containers[0].lines[0])[[3, 7]]).all()
    assert np.isnan(ys(below.lines[-1])[[3, 7]]).all()
    assert np.isfinite(ys(below.lines[-1])).sum() == 28


def test_a_real_fit_is_drawn():
    t = np.linspace(0.0, 5.0, 40)
    y = 2.5 * np.exp(-t / 1.3) + 0.4 + 0.02 * np.random.default_rng(7).standard_normal(40)
    solution = so.fit(lambda t, A=2.0, tau=1.0, c=0.0: A * np.exp(-t / tau) + c, t, y, sigma=0.02)
    figure = figure_of(plot.fit(solution))
    assert figure.axes[1].get_xlabel() == "t"
    (curve,) = [line for line in figure.axes[0].lines if line.get_label() == "model"]
    x = xs(curve)
    np.testing.assert_allclose(ys(curve), 2.5 * np.exp(-x / 1.3) + 0.4, atol=0.05)
    pulls = ys(figure.axes[1].lines[-1])
    assert pulls @ pulls == pytest.approx(solution.chi2)
    assert overlaps(figure) == []
    for drawn in (
        plot.residuals(solution),
        plot.convergence(solution),
        plot.spectrum(solution),
        plot.correlation(solution),
    ):
        assert overlaps(figure_of(drawn)) == []
