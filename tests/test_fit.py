"""Fits on certified data, with default settings."""

import numpy as np
import pytest

import sciopt as so
from problems.least_squares import nist

RUNS = [(name, k) for name in nist.CASES for k in (0, 1)]


@pytest.mark.parametrize(("name", "k"), RUNS)
def test_nist_from_both_starts(name, k):
    case = nist.CASES[name]()
    assert case.model is not None
    fit = so.fit(case.model, case.x, case.y, start=dict(zip(case.parameters, case.starts[k], strict=True)))
    assert fit.success, fit.message
    assert case.digits(fit.theta) >= 6


def test_absolute_errors_need_sigma():
    with pytest.raises(so_error(), match="sigma"):
        so.fit(lambda x, a=1.0: a * x, np.arange(3.0), np.arange(3.0), errors="absolute")


def so_error():
    from sciopt._errors import SciOptError

    return SciOptError


def test_nan_in_data_is_named_or_omitted():
    x, y = np.arange(6.0), 2 * np.arange(6.0)
    y[3] = np.nan
    with pytest.raises(so_error(), match=r"index \(3,\)"):
        so.fit(lambda x, a=1.0: a * x, x, y)
    assert so.fit(lambda x, a=1.0: a * x, x, y, nan="omit").values["a"] == pytest.approx(2.0, rel=1e-12)


def test_not_finite_at_the_start_names_the_row():
    with pytest.raises(so_error(), match="not finite at the start"):
        so.fit(lambda x, a=-1.0: np.sqrt(a) * x, np.arange(1.0, 4.0), np.ones(3))


def test_product_of_two_amplitudes_is_reported_as_one_combination():
    t = np.linspace(0, 5, 40)
    fit = so.fit(
        lambda t, A=1.0, B=1.0, tau=1.0: A * B * np.exp(-t / tau), t, 4 * np.exp(-t / 2) + 0.01 * np.cos(9 * t)
    )
    assert fit.rank == 2
    assert fit.errors["A"] is None
    assert "not identified" in fit.error_reasons["A"]
    assert fit.values["A"] == pytest.approx(fit.values["B"], rel=1e-6)  # nearest to the start (1, 1)


def test_bound_is_held_and_flagged():
    x = np.arange(5.0)
    fit = so.fit(lambda x, a=so.Parameter(1.0, bounds=(0, None)), b=0.0: a * x + b, x, 3 - x)
    assert fit.at_bound == {"a": "lower"}
    assert fit.errors["a"] is None
    assert fit.values["b"] == pytest.approx(1.0)


def test_shared_parameters_of_two_curves():
    t = np.linspace(0, 3, 20)
    p1 = so.curve(lambda t, A=1.0, tau=1.0: A * np.exp(-t / tau), t, 2 * np.exp(-t / 1.5), sigma=0.1)
    p2 = so.curve(lambda t, A=1.0, tau=1.0: A * np.exp(-t / tau), t, 5 * np.exp(-t / 1.5), sigma=0.1)
    s = so.solve(p1.renamed(A="A1") + p2.renamed(A="A2"))
    assert s.values == pytest.approx({"A1": 2.0, "A2": 5.0, "tau": 1.5}, rel=1e-9)


def test_change_of_unit_changes_nothing_but_the_unit():
    t = np.linspace(0, 4, 30)
    y = 2 * np.exp(-t / 1.3) + 0.02 * np.sin(7 * t)
    a = so.fit(lambda t, A=1.0, tau=2.0: A * np.exp(-t / tau), t, y)
    b = so.fit(lambda t, A=1.0, tau=2e6: A * np.exp(-t / (tau * 1e-6)), t, y)
    assert b.values["tau"] * 1e-6 == pytest.approx(a.values["tau"], rel=1e-10)
    assert b.errors["tau"] * 1e-6 == pytest.approx(a.errors["tau"], rel=1e-8)


def test_resumed_solve_is_bit_exact():
    case = nist.CASES["nist/MGH09"]()
    assert case.model is not None
    problem = so.curve(case.model, case.x, case.y, start=dict(zip(case.parameters, case.starts[0], strict=True)))
    whole = so.solve(problem, steps=20)
    half = so.solve(problem, start=so.solve(problem, steps=10), steps=10)
    assert np.array_equal(whole.theta, half.theta)
    assert whole.status is so.Status.budget


def test_callback_stops_at_the_first_call():
    fit = so.fit(lambda x, a=1.0: a * x, np.arange(3.0), 2 * np.arange(3.0), callback=lambda it: True)
    assert fit.status is so.Status.stopped_by_callback
    assert not fit.success


def test_jax_model_is_fitted_in_double_precision():
    jnp = pytest.importorskip("jax.numpy")
    t = np.linspace(0, 4, 30)
    fit = so.fit(lambda t, A=1.0, tau=2.0: A * jnp.exp(-t / tau), t, 2 * np.exp(-t / 1.3))
    assert fit.success
    assert fit.values["tau"] == pytest.approx(1.3, rel=1e-12)
