"""Profiles, limits and contours against MINOS and closed forms."""

import pickle

import numpy as np
import pytest
from scipy.optimize import minimize

import sciopt as so

iminuit = pytest.importorskip("iminuit")
LeastSquares = pytest.importorskip("iminuit.cost").LeastSquares
T = np.linspace(0, 4, 25)
Y = 2 * np.exp(-T / 1.3) + 0.4 + 0.15 * np.random.default_rng(3).standard_normal(25)
COUNTS = np.random.default_rng(4).poisson(20 * np.exp(-T / 1.3) + 2)


def decay(t, A=1.0, tau=1.0, c=0.1):
    return A * np.exp(-t / tau) + c


def minuit(cost, **start):
    m = iminuit.Minuit(cost, **start)
    m.strategy, m.tol, m.print_level = 2, 1e-8, 0
    m.migrad()
    return m


@pytest.mark.parametrize("name", ["A", "tau", "c"])
def test_profile_agrees_with_minos(name):
    fit = so.fit(decay, T, Y, sigma=0.15)
    m = minuit(LeastSquares(T, Y, 0.15, decay), A=2, tau=1.3, c=0.4)
    m.minos(cl=0.68)
    interval = fit.profile(name)
    assert interval.lower == pytest.approx(m.values[name] + m.merrors[name].lower, abs=1e-5 * fit.errors[name])
    assert interval.upper == pytest.approx(m.values[name] + m.merrors[name].upper, abs=1e-5 * fit.errors[name])
    assert np.all(np.diff(interval.scan) > 0)


def test_counts_agree_with_minos():
    fit = so.fit(decay, T, COUNTS, loss="poisson", start={"A": 15.0, "tau": 1.0, "c": 1.0})

    def cost(A, tau, c):
        mu = decay(T, A, tau, c)
        return 2 * np.sum(mu - COUNTS * np.log(mu)) if np.all(mu > 0) else np.inf

    setattr(cost, "errordef", 1.0)  # noqa: B010
    m = minuit(cost, A=15, tau=1, c=1)
    m.minos(cl=0.68)
    best = cost(*fit.theta)
    for place, name in enumerate(("A", "tau", "c")):
        assert fit.values[name] == pytest.approx(m.values[name], abs=1e-5 * m.errors[name])
        for end, minos in zip(fit.profile(name), (m.merrors[name].lower, m.merrors[name].upper), strict=True):
            assert end == pytest.approx(m.values[name] + minos, abs=5e-4 * m.errors[name])  # MINOS stops early
            others = np.delete(fit.theta, place)
            found = minimize(
                lambda p, end=end, place=place: cost(*np.insert(p, place, end)),
                others,
                method="Nelder-Mead",
                options={"xatol": 1e-10, "fatol": 1e-12, "maxiter": 4000},
            )
            assert found.fun - best == pytest.approx(0.98894648, rel=1e-5)  # chi2 quantile, one degree


def test_profile_of_a_linear_fit_is_the_error_bar():
    x = np.arange(10.0)
    fit = so.fit(lambda x, a=0.0, b=0.0: a + b * x, x, 1 + 2 * x + np.sin(x))
    lower, upper = fit.profile("b", 0.6826894921370859)
    assert (upper - lower) / 2 == pytest.approx(fit.errors["b"], rel=1e-7)


def test_upper_limit_of_an_absent_signal():
    # flat background known, counts below it: the best signal is zero, the limit solves 2 (lnL(0) - lnL(s)) = 1.6449^2
    fit = so.fit(
        lambda x, s: s + 3.0 + 0 * x,
        np.arange(4.0),
        [2, 3, 1, 4],
        loss="poisson",
        start={"s": so.Parameter(0.5, bounds=(0, None))},
    )
    assert fit.at_bound == {"s": "lower"}
    s = fit.limit("s")
    rise = 2 * (4 * s - 10 * np.log((s + 3.0) / 3.0))
    assert rise == pytest.approx(2.705543454, rel=1e-7)
    assert fit.profile("s").lower is None
    assert fit.profile("s").reasons["lower"] == "the parameter is at this bound"


def test_contour_lies_at_its_level():
    fit = so.fit(decay, T, Y, sigma=0.15)
    ((level, points),) = fit.contour("A", "tau", (0.68,))
    assert level == 0.68
    m = minuit(LeastSquares(T, Y, 0.15, decay), A=2, tau=1.3, c=0.4)
    m.fixed["A"] = m.fixed["tau"] = True
    for a, tau in points[::8]:
        m.values["A"], m.values["tau"] = a, tau
        m.migrad()
        assert m.fval - fit.chi2 == pytest.approx(2.2788685663767291, rel=1e-5)  # chi2 quantile, two degrees


def test_names_and_levels_are_checked():
    fit = so.fit(decay, T, Y, sigma=0.15)
    with pytest.raises(ValueError, match="no free parameter named 'B'"):
        fit.profile("B")
    with pytest.raises(TypeError, match="level"):
        fit.profile("A", 1.5)
    with pytest.raises(TypeError, match="side"):
        fit.limit("A", side="left")


def test_profiles_of_eliminated_and_of_pickled_solutions_are_the_same():
    fit = so.fit(decay, T, Y, sigma=0.15)
    eliminated = so.fit(decay, T, Y, sigma=0.15, linear=("A", "c"))
    again = pickle.loads(pickle.dumps(fit))
    for name in ("A", "tau"):
        ends = tuple(fit.profile(name))
        assert tuple(eliminated.profile(name)) == pytest.approx(ends, rel=1e-9)
        assert tuple(again.profile(name)) == pytest.approx(ends, rel=1e-9)
