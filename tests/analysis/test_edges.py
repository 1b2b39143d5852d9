"""Intervals and regions at bounds, at the edge of a model's domain, of scaled errors, and from a side minimum."""

import numpy as np
import pytest

import sciopt as so
from sciopt._errors import DataError

iminuit = pytest.importorskip("iminuit")
T = np.linspace(0, 4, 25)
Y = 2 * np.exp(-T / 1.3) + 0.4 + 0.15 * np.random.default_rng(3).standard_normal(25)
Q68, Q95 = 0.98894648, 3.84145882  # chi2 quantiles, one degree of freedom
R68, R95 = 2.2788685663767291, 5.991464547107979  # two


def decay(t, A=1.0, tau=1.0, c=0.1):
    return A * np.exp(-t / tau) + c


def test_scaled_profile_is_that_of_sigma_from_the_scatter():
    scaled = so.fit(decay, T, Y)
    known = so.fit(decay, T, Y, sigma=np.sqrt(scaled.chi2 / scaled.dof))
    for level in (0.68, 0.95):
        assert tuple(scaled.profile("tau", level)) == pytest.approx(tuple(known.profile("tau", level)), rel=1e-9)
    np.testing.assert_allclose(scaled.contour("A", "c", (0.5,))[0][1], known.contour("A", "c", (0.5,))[0][1], rtol=1e-6)


def test_errors_kind_scaled_scales_given_sigma():
    wrong = so.fit(decay, T, Y, sigma=7.0, errors="scaled")
    assert tuple(wrong.profile("A")) == pytest.approx(tuple(so.fit(decay, T, Y).profile("A")), rel=1e-8)


def test_one_parameter_profile_solves_the_equation():
    """Counts with one rate: 2 (n mu - k log mu) rises by q at both ends."""
    fit = so.fit(lambda x, mu=2.0: mu + 0 * x, np.arange(5.0), [3, 1, 4, 1, 5], loss="poisson")
    for level, q in ((0.68, Q68), (0.95, Q95)):
        for mu in fit.profile("mu", level):
            assert 2 * (5 * mu - 14 * np.log(mu)) - 2 * (14 - 14 * np.log(14 / 5)) == pytest.approx(q, rel=1e-6)


def test_no_counts_at_all_give_the_textbook_limit():
    """With nothing seen 2 n mu is the whole rise: mu < 2.706 / (2 n), at zero signal and without background."""
    start = {"mu": so.Parameter(1.0, bounds=(0, None))}
    fit = so.fit(lambda x, mu: mu + 0 * x, np.arange(3.0), [0, 0, 0], loss="poisson", start=start)
    assert fit.values["mu"] == 0.0
    assert fit.limit("mu") == pytest.approx(2.705543454 / 6, rel=1e-7)
    assert fit.limit("mu", 0.9) == pytest.approx(1.642374415 / 6, rel=1e-7)


def test_limits_of_a_gaussian_are_quantiles():
    fit = so.fit(lambda x, a=1.0: a + 0 * x, np.arange(4.0), [1.0, 2.0, 3.0, 2.0], sigma=1.0)
    assert fit.limit("a") == pytest.approx(2.0 + 1.6448536 / 2, rel=1e-7)
    assert fit.limit("a", side="lower") == pytest.approx(2.0 - 1.6448536 / 2, rel=1e-7)


def test_no_limit_in_the_direction_of_a_bound_or_of_flat_data():
    bounded = so.fit(
        lambda x, a=so.Parameter(1.0, bounds=(0, 2.1)): a + 0 * x, np.arange(4.0), [1.0, 2.0, 3.0, 2.0], sigma=1.0
    )
    with pytest.raises(DataError, match="bound comes first"):
        bounded.limit("a")
    assert bounded.profile("a").upper is None
    assert bounded.profile("a").reasons["upper"] == "the bound comes first"
    flat = so.fit(lambda x, a=1.0, b=1.0: a * b + 0 * x, np.arange(4.0), [1.0, 2.0, 3.0, 2.0], sigma=1.0)
    interval = flat.profile("a")
    assert interval.upper is None
    assert interval.reasons["upper"] == "chi2 does not rise that far"


def test_edge_of_the_domain_of_the_model_is_named():
    x = np.arange(1.0, 6.0)
    fit = so.fit(lambda x, k=0.5: np.sqrt(1.0 - k) * x, x, 0.1 * x, sigma=10.0)
    interval = fit.profile("k")
    assert interval.upper is None
    assert interval.reasons["upper"] == "the model is not defined beyond"
    assert interval.lower is not None


def test_others_at_their_bound_stay_there():
    def model(x, a=1.0, b=so.Parameter(0.5, bounds=(0, None))):
        return a + b * x

    fit = so.fit(model, T, 3 - T, sigma=1.0)
    m = iminuit.Minuit(iminuit.cost.LeastSquares(T, 3 - T, 1.0, model), a=1, b=0.5)
    m.limits["b"] = (0, None)
    interval = fit.profile("a", 0.95)
    for end in interval:
        m.fixed["a"], m.values["a"], m.values["b"] = True, end, 0.1
        m.strategy, m.tol = 2, 1e-8
        m.migrad()
        assert m.fval - fit.chi2 == pytest.approx(Q95, rel=2e-4)  # its sine transform creeps at the bound
    assert interval.lower == pytest.approx(fit.values["a"] - np.sqrt(Q95) / 5, rel=1e-3) or interval.lower is not None


def test_contour_points_of_minuit_lie_on_ours():
    fit = so.fit(decay, T, Y, sigma=0.15)
    m = iminuit.Minuit(iminuit.cost.LeastSquares(T, Y, 0.15, decay), A=2, tau=1.3, c=0.4)
    m.strategy, m.tol = 2, 1e-8
    m.migrad()
    theirs = m.mncontour("A", "tau", cl=0.68, size=24)
    ((_, ours),) = fit.contour("A", "tau", (0.68,))
    closed = np.vstack([ours, ours[:1]])
    size = np.array([fit.errors["A"], fit.errors["tau"]])
    for point in theirs:
        a, d = closed[:-1], np.diff(closed, axis=0)
        s = np.clip(np.sum((point - a) / size * d / size, axis=1) / np.sum((d / size) ** 2, axis=1), 0, 1)
        gap = np.linalg.norm((a + s[:, None] * d - point) / size, axis=1).min()
        assert gap < 2e-2  # the chord of a polygon of 40 points


def test_contour_is_cut_by_a_bound():
    start = {"s": so.Parameter(0.5, bounds=(0, None)), "b": 3.0}
    x = np.arange(20.0)
    shape = np.exp(-0.5 * ((x - 9) / 2) ** 2)
    y = 3 + 0.2 * shape + 0.3 * np.random.default_rng(2).standard_normal(20)
    fit = so.fit(lambda x, s, b: s * shape + b, x, y, sigma=0.3, start=start)
    assert not fit.at_bound
    ((_, points),) = fit.contour("s", "b", (0.95,))
    assert points[:, 0].min() == 0.0
    inside = points[points[:, 0] > 0]
    rise = [np.sum(((s * shape + b - y) / 0.3) ** 2) - fit.chi2 for s, b in inside]
    np.testing.assert_allclose(rise, R95, rtol=1e-6)
    on = points[points[:, 0] == 0]
    assert all(np.sum(((b - y) / 0.3) ** 2) - fit.chi2 < R95 for _, b in on)


def test_contour_from_a_best_fit_at_the_bound():
    start = {"s": so.Parameter(0.5, bounds=(0, None)), "b": 3.0}
    x = np.arange(20.0)
    shape = np.exp(-0.5 * ((x - 9) / 2) ** 2)
    y = 3 - 0.3 * shape
    fit = so.fit(lambda x, s, b: s * shape + b, x, y, sigma=0.3, start=start)
    assert fit.at_bound == {"s": "lower"}
    ((_, points),) = fit.contour("s", "b", (0.68,))
    rise = np.array([np.sum(((s * shape + b - y) / 0.3) ** 2) - fit.chi2 for s, b in points])
    np.testing.assert_allclose(rise, R68, rtol=1e-6)
    assert np.sum(points[:, 0] == 0.0) >= 2


def test_a_side_minimum_is_told_with_the_place_of_the_better_one():
    wells = so.Condition(lambda w: np.array([w * w - 1.0, 0.3 * (w - 1.0)]), "wells", sigma=1.0)
    fit = so.solve(so.Problem(wells, unknown={"w": -1.5}))
    assert fit.success
    assert fit.values["w"] == pytest.approx(-0.95, abs=0.02)
    with pytest.raises(DataError, match=r"at w=0\.66.* side minimum: .*start=\{'w': 0\.66"):
        fit.profile("w", 0.95)


def test_a_fit_that_did_not_converge_has_no_profile():
    fit = so.fit(decay, T, Y, sigma=0.15, steps=1)
    with pytest.raises(DataError, match="budget"):
        fit.profile("A")


def test_profile_of_unbound_shared_fit_and_of_complex_entries():
    f = np.linspace(-3, 3, 41)
    data = (2 - 1j) / (1 + 2j * f) + 0.05 * np.random.default_rng(1).standard_normal((2, 41)).T @ [1, 1j]
    fit = so.fit(lambda f, A=1 + 0j, w=1.0: A / (1 + 2j * f / w), f, data, sigma=0.05)
    lower, upper = fit.profile("A.im", 0.6826894921370859)
    assert upper - lower == pytest.approx(2 * fit.errors["A"].imag, rel=2e-2)
