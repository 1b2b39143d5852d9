"""Line shapes at points where they are known, units, and bad input."""

import subprocess
import sys

import numpy as np
import pytest

from sciopt import lineshapes as ls
from sciopt._errors import DataError, OptionError, ParameterError


def test_formulas_at_points_where_they_are_known():
    assert ls.gaussian(3.0, 2.0, 1.0, 2.0, 5.0) == pytest.approx(2.0 * np.exp(-0.5) + 5.0)
    assert ls.lorentzian(3.0, 2.0, 1.0, 2.0, 5.0) == pytest.approx(6.0)
    assert ls.pseudo_voigt(3.0, 2.0, 1.0, 2.0, 0.3, 5.0) == pytest.approx(6.0)
    assert ls.exponential_decay(2.0, 3.0, 2.0, 1.0) == pytest.approx(3.0 / np.e + 1.0)
    assert ls.power_law(4.0, 3.0, -0.5) == pytest.approx(1.5)
    assert ls.damped_oscillation(0.5, 2.0, 1.0, 0.0, 0.5, 1.0) == pytest.approx(1.0 - 2.0 / np.e)
    assert ls.polynomial(2)(2.0, 1.0, 2.0, 3.0) == pytest.approx(17.0)
    assert ls.polynomial(0)(np.ones(3), 4.0) == pytest.approx(4.0 * np.ones(3))
    assert ls.gaussian_2d((1.0, 2.0), 2.0, 0.0, 2.0, 1.0, 1.0, 0.0, 0.0) == pytest.approx(2.0 * np.exp(-0.5))
    assert ls.resonator_notch(5.0, 2j, 5.0, 1e3, 0.25, 7.0) == pytest.approx(1.5j)
    assert ls.resonator_transmission(5.0, 2j, 5.0, 1e3, 1.0) == pytest.approx(1.0 + 2j)
    half_width = 5.0 * (1 + 0.5e-3)
    assert abs(ls.resonator_transmission(half_width, 1.0, 5.0, 1e3, 0.0)) ** 2 == pytest.approx(0.5)


def test_tilted_spot_is_the_bivariate_normal(rng):
    C = np.array([[4.0, -1.2], [-1.2, 1.0]])
    points = rng.standard_normal((2, 20))
    d = points - np.array([[0.3], [-0.2]])
    truth = np.exp(-0.5 * np.sum(d * np.linalg.solve(C, d), axis=0))
    np.testing.assert_allclose(ls.gaussian_2d(points, 1.0, 0.3, -0.2, 2.0, 1.0, -0.6, 0.0), truth, rtol=1e-12)


def test_units_are_filled_in():
    assert ls.damped_oscillation.unit_labels(x="s", y="V") == {
        "amplitude": "V",
        "frequency": "1/s",
        "phase": "rad",
        "tau": "s",
        "offset": "V",
    }
    assert ls.polynomial(2).unit_labels(x="s", y="m") == {"c0": "m", "c1": "m/s", "c2": "m/s^2"}


def test_masked_data_and_integer_data_are_taken():
    x = np.arange(40)
    y = np.round(100 * ls.gaussian(x, 1.0, 20.0, 4.0, 0.5)).astype(int)
    assert ls.gaussian.guess(x, y)["centre"] == pytest.approx(20.0, abs=0.5)
    hole = y.astype(float)
    hole[10] = np.nan
    assert ls.gaussian.guess(x, hole)["centre"] == pytest.approx(20.0, abs=0.5)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: ls.gaussian.guess([1, 2, 3], [1, 2, 1]), DataError, "at least 4"),
        (lambda: ls.gaussian.guess([1, 2, 3], [1, 2]), DataError, "must agree"),
        (lambda: ls.power_law.guess([0.0, 1.0, 2.0], [1, 2, 3]), DataError, "x > 0"),
        (lambda: ls.resonator_notch.guess(np.arange(9.0), np.ones(9)), DataError, "frequencies > 0"),
        (lambda: ls.gaussian_2d.guess((np.zeros(9), np.arange(9.0)), np.ones(9)), DataError, "two dimensions"),
        (lambda: ls.polynomial(3).guess([1, 2, 3], [1, 2, 3]), DataError, "degree 3"),
        (lambda: ls.polynomial(-1), OptionError, "degree=-1"),
        (lambda: ls.polynomial(1.5), OptionError, "integer"),  # pyright: ignore[reportArgumentType]
        (lambda: ls.gaussian(1.0, 2.0), ParameterError, "1 values"),
        (lambda: ls.gaussian(1.0, 2.0, 1.0, 1.0, ofset=2.0), ParameterError, r"wrong: \['ofset'\]"),
    ],
)
def test_bad_input_is_named(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_flat_data_give_a_finite_start():
    x = np.linspace(1, 2, 50)
    for shape in (
        ls.gaussian,
        ls.lorentzian,
        ls.pseudo_voigt,
        ls.exponential_decay,
        ls.power_law,
        ls.damped_oscillation,
    ):
        start = shape.guess(x, np.full(50, 3.0))
        assert np.isfinite(list(start.values())).all(), shape.name
        assert np.isfinite(shape(x, **start)).all()


def test_importing_line_shapes_loads_no_heavy_package():
    code = "import sys, sciopt.lineshapes; sys.exit('jax' in sys.modules or 'scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
