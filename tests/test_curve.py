"""How arguments, columns, data and errors of a curve are read; faults are named."""

from typing import Any

import numpy as np
import pytest

import sciopt as so
from sciopt import lineshapes
from sciopt._errors import DataError, ParameterError, SciOptError

T = np.linspace(0.0, 4.0, 30)

# K. Pearson (1901) with the weights of D. York (1966)
PEARSON_X = np.array([0.0, 0.9, 1.8, 2.6, 3.3, 4.4, 5.2, 6.1, 6.5, 7.4])
PEARSON_Y = np.array([5.9, 5.4, 4.4, 4.6, 3.5, 3.7, 2.8, 2.8, 2.4, 1.5])
YORK_WX = np.array([1e3, 1e3, 5e2, 8e2, 2e2, 8e1, 6e1, 2e1, 1.8, 1.0])
YORK_WY = np.array([1.0, 1.8, 4.0, 8.0, 20.0, 20.0, 70.0, 70.0, 100.0, 500.0])


def plane(x, y, a=1.0, b=1.0, c=0.0):
    return a * x + b * y + c


X, Y = np.meshgrid(np.linspace(0, 1, 5), np.linspace(0, 2, 4))
IMAGE = plane(X, Y, 2.0, -3.0, 0.5)


@pytest.mark.parametrize(
    "x",
    [(X, Y), {"x": X, "y": Y}, {"y": Y, "x": X}, {"u": X, "v": Y}],
    ids=["tuple", "by name", "by name, other order", "in order"],
)
def test_several_columns(x):
    assert so.fit(plane, x, IMAGE).values == pytest.approx({"a": 2.0, "b": -3.0, "c": 0.5}, abs=1e-12)


@pytest.mark.parametrize("start", [[1.0, 1.0, 0.0], {"a": 1.0, "b": 1.0, "c": 0.0}])
def test_columns_when_the_start_is_given_apart(start):
    fit = so.fit(lambda x, y, a, b, c: a * x + b * y + c, (X, Y), IMAGE, start=start)
    assert fit.values == pytest.approx({"a": 2.0, "b": -3.0, "c": 0.5}, abs=1e-12)


@pytest.mark.parametrize("start", [None, [1.0]])
def test_one_coordinate_argument_gets_all_columns(start):
    fit = so.fit(lambda x, a=1.0: a * x[0] * x[1], (X, Y), 2 * X * Y, start=start)
    assert fit.values["a"] == pytest.approx(2.0, rel=1e-12)


def test_predict_reads_columns_by_name():
    fit = so.fit(plane, {"x": X, "y": Y}, IMAGE)
    assert fit.predict({"y": 3.0, "x": 1.0}) == pytest.approx(plane(1.0, 3.0, 2.0, -3.0, 0.5))


def test_parameter_before_the_coordinate():
    assert so.fit(lambda a, x: a * x, T, 3 * T, start={"a": 1.0}).values["a"] == pytest.approx(3.0)


def test_star_parameters():
    fit = so.fit(lambda x, *p: p[0] + p[1] * x, T, 1 + 2 * T, start=[0.0, 0.0])
    assert fit.values == pytest.approx({"p0": 1.0, "p1": 2.0})


def test_keyword_only_arguments_are_settings():
    assert so.fit(lambda x, a=1.0, *, power=2: a * x**power, T, 3 * T**2).names == ("a",)


def test_any_object_reaches_the_model_untouched():
    class Bench:
        gain = 2.0

    bench = Bench()
    assert so.fit(lambda x, a=1.0: a * x.gain * T, bench, 6 * T).values["a"] == pytest.approx(3.0)


def twins(x, a: Any = so.Parameter(1.0, name="k"), k=1.0):
    return a * k * x


@pytest.mark.parametrize(
    ("model", "x", "start", "said"),
    [
        (lambda x, a, b=1.0: a * x + b, T, None, "'a' has no start"),
        (lambda x, a=1.0: a * x, T, {"q": 1.0}, "'q'"),
        (lambda x, a, b: a * x + b, T, [1.0, 2.0, 3.0], "3 values"),
        (lambda x, a, b: a * x + b, T, [1.0], "1 values"),
        (lambda x, y, z, a=1.0: a * x, (T, T), None, "'z' has no start"),
        (lambda x, y, a=1.0: a * x, (T, T, T), None, "3 column"),
        (lambda x, y, a=1.0: a * x, {"x": T, "w": T}, None, "'w'"),
        (lambda x, t=1.0: t * x, {"x": T, "t": T}, None, "column of x and a parameter"),
        (lambda x: x, T, None, "no parameters"),
        (twins, T, None, "'k'"),
        (lambda x, a=1.0, *p: a * x, T, [1.0], "by name"),
        (3.0, T, None, "function"),
    ],
)
def test_arguments_that_do_not_fit_are_named(model, x, start, said):
    with pytest.raises(ParameterError, match=said):
        so.fit(model, x, T, start=start)


# ---- data -----------------------------------------------------------------------------------------------------------
def test_complex_data_and_parameters():
    f = np.linspace(-3, 3, 41)
    truth = (2 - 1j) / (1 + 2j * (f - 0.3) / 0.8)
    fit = so.fit(lambda f, A=1 + 0j, f0=0.0, w=1.0: A / (1 + 2j * (f - f0) / w), f, truth, sigma=0.1)
    assert fit.success
    assert fit.values["A"] == pytest.approx(2 - 1j, rel=1e-9)
    assert fit.dof == 82 - 4


def test_a_number_as_data_is_a_datum_for_each_row():
    fit = so.fit(lambda x, a=1.0: a + 0.1 * np.cos(x), T, 2.0)
    model = 0.1 * np.cos(T)
    assert fit.dof == len(T) - 1
    assert fit.values["a"] == pytest.approx(2.0 - model.mean(), rel=1e-12)
    assert fit.errors["a"] == pytest.approx(model.std(ddof=1) / np.sqrt(len(T)), rel=1e-9)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.int16, np.uint8, list])
def test_narrow_types_are_fitted_in_double_precision(kind):
    x = [0, 1, 2, 3, 20] if kind is list else np.array([0, 1, 2, 3, 20], dtype=kind)
    y = [1, 3, 9, 19, 801] if kind is list else np.array([1, 3, 9, 19, 801 if kind is not np.uint8 else 0], dtype=kind)
    if kind is np.uint8:
        y = np.array([1, 3, 9, 19, 801])
    fit = so.fit(lambda x, a=1.0, b=0.0: a * x * x + b, x, y)
    assert fit.values == pytest.approx({"a": 2.0, "b": 1.0}, rel=1e-12)


def test_masked_data_are_left_out():
    y = np.ma.masked_array(2 * T, mask=T > 3)
    y.data[T > 3] = 1e6
    fit = so.fit(lambda x, a=1.0: a * x, T, y)
    assert fit.values["a"] == pytest.approx(2.0, rel=1e-12)
    assert fit.dof == np.sum(T <= 3) - 1


def test_nan_in_x_is_named_or_omitted():
    x = T.copy()
    x[4] = np.nan
    with pytest.raises(DataError, match=r"x is not finite at index \(4,\)"):
        so.curve(lambda x, a=1.0: a * x, x, T)
    fit = so.fit(lambda x, a=1.0: a * x, x, 2 * T, nan="omit")
    assert fit.values["a"] == pytest.approx(2.0, rel=1e-12)
    assert fit.dof == len(T) - 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"sigma": 0.0}, "sigma"),
        ({"sigma": -np.ones(30)}, "index 0"),
        ({"sigma": np.where(np.arange(30) == 7, np.nan, 1.0)}, "index 7"),
        ({"sigma": np.ones(7)}, r"\(7,\)"),
        ({"sigma": (np.ones(30), np.ones((7, 2)))}, r"\(7, 2\)"),
        ({"loss": "poisson", "sigma": 1.0}, "drop sigma"),
        ({"loss": "possion"}, "possion"),
        ({"errors": "relative"}, "relative"),
        ({"errors": "absolute"}, "sigma"),
        ({"errors": "absolute", "loss": "huber"}, "sigma"),
        ({"nan": "drop"}, "drop"),
        ({"sigma_x": -1.0}, "sigma_x is -1"),
        ({"sigma_x": np.ones(7)}, r"sigma_x has shape \(7,\)"),
        ({"sigma_x": 0.1, "sigma": np.eye(30)}, "covariance"),
        ({"sigma_x": 0.1, "sigma": (1.0, np.ones(30))}, "independent"),
        ({"sigma_x": 0.1, "loss": "poisson"}, "drop sigma"),
        ({"sigma_x": 0.1, "jacobian": lambda x, a: x}, "jacobian"),
        ({"linear": ("q",)}, "'q'"),
    ],
)
def test_options_and_errors_that_cannot_be_used_are_named(options, said):
    with pytest.raises(SciOptError, match=said):
        so.fit(lambda x, a=1.0: a * x + 1.0, T, 2 * T + 1.0, **options)


def test_negative_counts_are_named():
    with pytest.raises(DataError, match="index 2"):
        so.fit(lambda x, a=1.0: a + 0 * x, np.arange(4.0), np.array([1, 2, -1, 3]), loss="poisson")


@pytest.mark.parametrize("y", [[], ["a", "b"], [None, 1.0], [np.nan, np.nan]])
def test_data_that_are_none(y):
    with pytest.raises(DataError, match="y"):
        so.fit(lambda x, a=1.0: a * x, np.arange(len(y)), y)


def test_fewer_data_than_parameters_names_both():
    with pytest.raises(DataError, match=r"3 free parameters \(a, b, c\) but only 2 data"):
        so.fit(lambda x, a=1.0, b=1.0, c=1.0: a + b * x + c * x**2, np.arange(2.0), np.arange(2.0))


def test_shape_of_the_model_is_compared_with_the_data():
    with pytest.raises(SciOptError, match=r"\(30, 1\)"):
        so.fit(lambda x, a=1.0: a * x, T, T[:, None])


@pytest.mark.parametrize("errors", ["absolute", "scaled"])
def test_errors_kind(errors):
    y = 2 * T + 0.1 * np.sin(9 * T)
    fit = so.fit(lambda x, a=1.0: a * x, T, y, sigma=0.5, errors=errors)
    scale = 1.0 if errors == "absolute" else np.sqrt(fit.chi2 / fit.dof)
    assert fit.errors_kind == errors
    assert fit.errors["a"] == pytest.approx(scale * 0.5 / np.sqrt(np.sum(T**2)), rel=1e-10)


# ---- errors of x ----------------------------------------------------------------------------------------------------
def test_line_with_errors_of_both_coordinates_is_yorks():
    fit = so.fit(
        lambda x, a=5.0, b=-0.5: a + b * x,
        PEARSON_X,
        PEARSON_Y,
        sigma=YORK_WY**-0.5,
        sigma_x=YORK_WX**-0.5,
    )
    assert fit.success
    assert fit.values["a"] == pytest.approx(5.47991022, abs=1e-8)
    assert fit.values["b"] == pytest.approx(-0.480533407, abs=1e-9)
    assert fit.chi2 == pytest.approx(11.8663531941, rel=1e-10)
    # York et al. (2004), equation 13, with fitted coordinates in place of the data: the expected information
    assert fit.errors["a"] == pytest.approx(0.2949707, rel=0.05)
    assert fit.errors["b"] == pytest.approx(0.0579850, rel=0.05)


def test_york_is_stationary_for_independent_formula():
    """The gradient of sum (y - a - b x)^2 / (sy^2 + b^2 sx^2) vanishes at the fit (derivative by hand)."""
    sx, sy = YORK_WX**-0.5, YORK_WY**-0.5
    fit = so.fit(lambda x, a=5.0, b=-0.5: a + b * x, PEARSON_X, PEARSON_Y, sigma=sy, sigma_x=sx)
    a, b = fit.theta
    w = 1 / (sy**2 + b**2 * sx**2)
    r = PEARSON_Y - a - b * PEARSON_X
    assert abs(np.sum(w * r)) < 1e-8 * np.sum(w * np.abs(r))
    assert abs(np.sum(w * r * PEARSON_X + b * sx**2 * w**2 * r**2)) < 1e-8 * np.sum(w * np.abs(r * PEARSON_X))


def test_sigma_x_does_not_depend_on_the_unit_or_origin_of_x():
    x = np.linspace(1.0, 3.0, 12)
    y = np.exp(0.7 * x) * (1 + 0.01 * np.cos(5 * x))
    one = so.fit(lambda x, k=0.5: np.exp(k * x), x, y, sigma=0.02, sigma_x=0.01)
    other = so.fit(lambda x, k=0.5: np.exp(k * (x - 5e9) * 1e-3), 5e9 + 1e3 * x, y, sigma=0.02, sigma_x=10.0)
    assert other.values["k"] == pytest.approx(one.values["k"], rel=1e-7)
    slope = one.values["k"] * np.exp(one.values["k"] * x)
    pulls = (np.exp(one.values["k"] * x) - y) / np.sqrt(0.02**2 + (slope * 0.01) ** 2)
    assert one.chi2 == pytest.approx(float(np.sum(pulls**2)), rel=1e-9)


def test_sigma_x_of_several_columns_and_at_the_edge_of_the_domain():
    data = np.sqrt(X) + Y * Y
    model = lambda x, y, a=0.8, b=0.9: a * np.sqrt(x) + b * y * y  # noqa: E731
    fit = so.fit(model, (X, Y), data + 1e-3 * np.cos(7 * X + 3 * Y), sigma=0.01, sigma_x=(None, 0.02))
    slope = 2 * fit.values["b"] * Y
    r = model(X, Y, *fit.theta) - data - 1e-3 * np.cos(7 * X + 3 * Y)
    assert fit.chi2 == pytest.approx(float(np.sum(r**2 / (0.01**2 + (slope * 0.02) ** 2))), rel=1e-9)
    edge = so.fit(lambda x, a=0.9, b=0.0: a * x**1.5 + b, T, T**1.5 + 0.1, sigma=0.1, sigma_x=0.01)
    assert edge.values == pytest.approx({"a": 1.0, "b": 0.1}, rel=1e-8)


def test_data_with_errors_of_x_are_drawn_as_given():
    fit = so.fit(lambda x, a=1.0: a * x, T, 2 * T, sigma=0.1, sigma_x=0.2)
    data = fit.data_of()
    np.testing.assert_array_equal(data["y"], 2 * T)
    np.testing.assert_allclose(data["model"], 2 * T)
    assert (data["sigma"], data["sigma_x"]) == (0.1, 0.2)
    assert fit.predict(np.array([1.0]), band=True)[0] == pytest.approx([2.0])


# ---- ready line shapes ----------------------------------------------------------------------------------------------
def test_line_shapes_start_themselves_within_their_bounds():
    x = np.linspace(-3, 5, 80)
    y = lineshapes.gaussian(x, 3.0, 1.2, 0.6, 0.2)
    problem = so.curve(lineshapes.gaussian, x, y, start={"width": so.Parameter(unit="nm")})
    assert dict(zip(problem.layout.names, problem.layout.lower, strict=True))["width"] == 0.0
    fit = so.solve(problem)
    assert fit.values == pytest.approx({"amplitude": 3.0, "centre": 1.2, "width": 0.6, "offset": 0.2}, rel=1e-9)
    assert fit.units["width"] == "nm"


def test_spot_in_an_image():
    X, Y = np.meshgrid(np.linspace(-2, 2, 30), np.linspace(-1, 3, 25))
    truth = (2.0, 0.3, 0.8, 0.5, 0.7, 0.4, 0.1)
    fit = so.fit(lineshapes.gaussian_2d, (X, Y), lineshapes.gaussian_2d((X, Y), *truth), sigma=0.01)
    assert fit.success
    assert fit.theta == pytest.approx(np.array(truth), rel=1e-8)
