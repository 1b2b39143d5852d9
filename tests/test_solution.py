"""Predictions with bands, where all or only some combinations are known."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import sciopt as so

T = np.linspace(0.0, 5.0, 40)


def line(x, a=1.0, b=1.0):
    return a + b * x


def product(t, A=1.0, B=1.0, tau=1.0):
    return A * B * np.exp(-t / tau)


def test_band_of_a_line_is_the_closed_form():
    fit = so.fit(line, T, 2 + 3 * T, sigma=0.5)
    x = np.array([-1.0, 2.5, 9.0])
    value, band = fit.predict(x, band=True)
    exact = 0.5 * np.sqrt(1 / 40 + (x - T.mean()) ** 2 / np.sum((T - T.mean()) ** 2))
    np.testing.assert_allclose(value, 2 + 3 * x)
    np.testing.assert_allclose(band, exact, rtol=1e-9)


def test_scaled_band_takes_its_scale_from_the_scatter():
    y = 2 + 3 * T + 0.1 * np.sin(9 * T)
    fit = so.fit(line, T, y)
    known = so.fit(line, T, y, sigma=np.sqrt(fit.chi2 / fit.dof))
    np.testing.assert_allclose(fit.predict(T, band=True)[1], known.predict(T, band=True)[1], rtol=1e-9)


def test_band_is_known_though_two_amplitudes_are_not():
    y = 4 * np.exp(-T / 2) + 0.01 * np.cos(9 * T)
    fit = so.fit(product, T, y, sigma=0.01)
    plain = so.fit(lambda t, A=1.0, tau=1.0: A * np.exp(-t / tau), T, y, sigma=0.01)
    assert fit.rank == 2
    value, band = fit.predict(T, band=True)
    expected, error = plain.predict(T, band=True)
    np.testing.assert_allclose(value, expected, rtol=1e-8)
    np.testing.assert_allclose(band, error, rtol=1e-6)


def test_band_is_nan_only_where_the_open_direction_is_felt():
    half = T[T < 2.5]

    def kinked(x, a=1.0, b=1.0):  # b acts beyond 3 only, where there are no data
        return a * x + b * np.where(x > 3, x - 3, 0.0)

    fit = so.fit(kinked, half, 2 * half, sigma=0.1)
    band = fit.predict(np.array([1.0, 2.9, 3.5]), band=True)[1]
    np.testing.assert_allclose(band[:2], 0.1 / np.sqrt(np.sum(half**2)) * np.array([1.0, 2.9]), rtol=1e-8)
    assert np.isnan(band[2])


def test_band_takes_a_parameter_at_its_bound_as_exact():
    fit = so.fit(lambda x, a=so.Parameter(1.0, bounds=(0, None)), b=0.0: a * x + b, T, 3 - T, sigma=0.1)
    np.testing.assert_allclose(fit.predict(T, band=True)[1], 0.1 / np.sqrt(40))


def test_band_of_complex_output_has_two_parts():
    w = np.linspace(-1, 1, 21)
    fit = so.fit(lambda w, g=0.5, d=0.1: (g + 1j * d) * (1 + 1j * w), w, (2 + 1j) * (1 + 1j * w), sigma=0.3)
    band = fit.predict(w, band=True)[1]
    error = 0.3 / np.sqrt(np.sum(1 + w**2))  # g and d each move a unit vector field of this length
    np.testing.assert_allclose(band, error * np.sqrt(1 + w**2) * (1 + 1j), rtol=1e-8)


def test_prediction_of_a_shared_fit_names_its_condition():
    one = so.curve(lambda x, a=1.0: a * x, T, 2 * T, sigma=1.0)
    two = so.curve(line, T, 1 + 2 * T, sigma=1.0).renamed(b="a", a="c")
    fit = so.solve(one + two)
    np.testing.assert_allclose(fit.predict(3.0, condition="line"), 7.0)
    with pytest.raises(so_errors().ConditionError, match=r"'nothing'.*line"):
        fit.predict(3.0, condition="nothing")


def test_prediction_names_a_missing_column():
    fit = so.fit(lambda x, y, a=1.0: a * x * y, {"x": T, "y": T}, T * T)
    with pytest.raises(so_errors().ParameterError, match="'y'"):
        fit.predict({"x": T})


def so_errors():
    import sciopt._errors as errors

    return errors


def test_prediction_of_a_pointwise_condition():
    @so.condition(points=T, target=2 * T, sigma=1.0)
    def rows(a, x):
        return a * x if x < 2.5 else a * x + 0.0  # a branch on one point: works only point by point

    fit = so.solve(so.Problem([rows], unknown={"a": 1.0}))
    np.testing.assert_allclose(fit.predict(np.array([1.0, 4.0])), [2.0, 8.0])


def test_jax_prediction_is_in_double_precision():
    jnp = pytest.importorskip("jax.numpy")
    fit = so.fit(lambda t, k=1.0: jnp.exp(-k * t), T, np.exp(-0.7 * T), sigma=0.01)
    value, band = fit.predict(T, band=True)
    assert value.dtype == np.float64
    np.testing.assert_allclose(value, np.exp(-0.7 * T), rtol=1e-10)
    np.testing.assert_allclose(band, T * np.exp(-0.7 * T) * fit.errors["k"], rtol=1e-8, atol=1e-14)


# ---- pickles, copies, threads ---------------------------------------------------------------------------------------
def test_solution_of_a_named_model_survives_a_pickle_whole():
    fit = so.fit(line, T, 2 + 3 * T + 0.1 * np.sin(5 * T), sigma=0.5)
    again = pickle.loads(pickle.dumps(fit))
    assert repr(again) == repr(fit)
    np.testing.assert_array_equal(again.covariance, fit.covariance)
    np.testing.assert_array_equal(again.predict(T), fit.predict(T))
    assert so.solve(again.problem, start=again).success


def test_solution_of_a_lambda_pickles_without_its_model_and_says_so():
    fit = so.fit(lambda x, a=1.0: a * x, T, 2 * T, sigma=0.5)
    again = pickle.loads(pickle.dumps(fit))
    assert again.values == fit.values
    assert again.errors == fit.errors
    assert again.chi2 == fit.chi2
    assert repr(again) == repr(fit)
    with pytest.raises(so_errors().SciOptError, match=r"pickle.*lambda"):
        again.predict(T)
    assert repr(pickle.loads(pickle.dumps(again))) == repr(fit)


def test_deep_copy_is_independent():
    fit = so.fit(lambda x, a=1.0: a * x, T, 2 * T, sigma=0.5)
    other = copy.deepcopy(fit)
    other.theta[0] = 99.0
    assert fit.values["a"] == pytest.approx(2.0)
    np.testing.assert_allclose(copy.deepcopy(fit).predict(T), 2 * T)


def test_fits_in_threads_and_inside_fits_equal_the_single_one():
    def one(k: int) -> np.ndarray:
        return so.fit(product, T, (1 + k) * np.exp(-T / 2) + 0.01 * np.cos(9 * T), sigma=0.01).theta

    alone = [one(k) for k in range(8)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(one, range(8)))
    np.testing.assert_array_equal(alone, together)

    def nested(x, a=1.0):
        inner = so.fit(lambda t, b=1.0: b * t, T, np.real(a) * T).values["b"]
        return (a - np.real(a)) * x + inner * x

    assert so.fit(nested, T, 3 * T).values["a"] == pytest.approx(3.0)
