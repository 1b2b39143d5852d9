"""The catalogue's answers are true, and its judge rejects false ones."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from problems import CASES, TASKS
from problems._case import Answer, Case
from problems.least_squares import MINPACK_STARTS, counting, lynx_hare, mgh, nist, rank_deficient
from problems.least_squares._solve import scoring

BUILT = {name: factory() for name, factory in CASES.items()}
POINTS = [(name, k) for name, case in BUILT.items() for k, a in enumerate(case.answers) if a.parameters is not None]
NIST = [name for name in BUILT if name.startswith("nist/")]
TARGETS = [(name, k) for name, case in BUILT.items() for k in range(len(case.targets or ()))]


def central_differences(case, theta):
    theta = np.asarray(theta, dtype=float)
    columns = []
    for j in range(theta.size):
        h = 1e-6 * max(abs(theta[j]), 1e-3)
        step = np.zeros(theta.size)
        step[j] = h
        columns.append((case.residual(theta + step) - case.residual(theta - step)) / (2 * h))
    return np.stack(columns, axis=1)


def test_sizes_of_the_families():
    families = [name.split("/")[0] for name in CASES]
    assert families.count("nist") == 27
    assert sum(len(BUILT[name].starts) for name in NIST) == 54
    numbers = {BUILT[name].published["number"] for name in mgh.CASES}
    assert numbers == set(range(1, 36))
    three = {BUILT[name].published["number"] for name in mgh.CASES if len(BUILT[name].starts) == 3}
    assert len(three) >= 18
    assert len(rank_deficient.CASES) >= 10


@pytest.mark.parametrize("name", CASES)
def test_case_is_named_by_its_key_and_starts_are_distinct_and_finite(name):
    case = BUILT[name]
    assert case.name == name
    assert len(set(case.starts)) == len(case.starts)
    assert all(np.all(np.isfinite(case.residual(start))) for start in case.starts)


@pytest.mark.parametrize(("name", "index"), POINTS)
def test_answer_is_stationary_and_has_its_sum_of_squares(name, index):
    case = BUILT[name]
    answer = case.answers[index]
    assert answer.parameters is not None
    rss, gradient = case.rss(answer.parameters), np.max(np.abs(case.gradient(answer.parameters)))
    hit, which = case.check(answer.parameters)
    assert hit
    assert which == index
    if answer.rss == 0.0 or answer.judged_by == "parameters":
        assert rss < 1e-18
        assert gradient < 1e-9
    else:
        assert rss == pytest.approx(answer.rss, rel=1e-9)
        # The lynx-hare reference is known to about nine digits, the others to rounding.
        assert gradient < (1e-7 if name.startswith("lynx_hare") else 2e-9) * np.sqrt(rss)


@pytest.mark.parametrize("name", [name for name in CASES if "linear" not in name])
def test_complex_step_jacobian_agrees_with_central_differences(name):
    case = BUILT[name]
    theta = np.asarray(case.starts[0])
    exact, differences = case.jacobian(theta), central_differences(case, theta)
    scale = np.max(np.abs(exact), axis=0) + 1e-6 * np.max(np.abs(case.residual(theta)))
    assert np.max(np.abs(exact - differences) / np.where(scale == 0, 1, scale)) < 1e-3


@pytest.mark.parametrize("name", NIST)
def test_certified_values_give_the_certified_sum_of_squares(name):
    case = BUILT[name]
    certified, found = case.published["rss"], case.rss(case.published["certified"])
    if name == "nist/Lanczos1":
        assert found < 1e-20
    else:
        assert found == pytest.approx(certified, rel=1.1e-10)
    assert case.digits(case.published["certified"]) > 10
    degrees = case.published["nobs"] - len(case.parameters)
    assert case.published["dof"] == degrees
    assert case.published["rsd"] == pytest.approx(np.sqrt(certified / degrees), rel=1e-9)


@pytest.mark.parametrize("name", [name for name in NIST if name != "nist/Lanczos1"])
def test_certified_errors_follow_from_the_jacobian(name):
    case = BUILT[name]
    jacobian = case.jacobian(case.published["ext_values"])
    scale = np.linalg.norm(jacobian, axis=0)
    _, s, vt = np.linalg.svd(jacobian / scale, full_matrices=False)
    std = np.linalg.norm(vt.T / s, axis=1) / scale * np.sqrt(case.published["ext_rss"] / case.published["dof"])
    np.testing.assert_allclose(std, case.published["ext_std"], rtol=1e-8)
    np.testing.assert_allclose(std, case.published["certified_std"], rtol=1e-8)
    assert s[0] / s[-1] == pytest.approx(case.published["cond_colscaled_jac"], rel=1e-2)


def test_nist_file_holds_the_original_fields():
    records = json.loads(nist.DATA.read_text(encoding="utf-8"))["problems"]
    assert {r["name"] for r in records} == set(nist.MODELS)
    assert all(len(r["x"]) == len(r["y"]) == r["nobs"] for r in records)
    assert all(len(r["ext_values"]) == len(r["params"]) == len(r["ext_corr"]) for r in records)
    assert all(len(r["sha256_dat"]) == 64 for r in records)


def test_nelson_has_two_predictors_and_log_response():
    case = BUILT["nist/Nelson"]
    record = next(r for r in json.loads(nist.DATA.read_text())["problems"] if r["name"] == "Nelson")
    assert case.x is not None
    assert case.x.shape == (2, 128)
    np.testing.assert_array_equal(case.y, np.log(record["y"]))


@pytest.mark.parametrize("name", [name for name in CASES if name != "nist/Lanczos1"])
def test_check_rejects_a_sum_of_squares_just_outside_the_tolerance(name):
    case = BUILT[name]
    theta = case.starts[0]
    for answer in case.answers:
        near = 1.5e-12 if answer.rss == 0 else answer.rss * (1 + 3 * answer.tolerance)
        assert not answer.reached(theta, near)
        assert answer.reached(theta, 0.5e-12 if answer.rss == 0 else answer.rss * (1 + 0.5 * answer.tolerance))
    assert case.check(theta, float("nan")) == (False, None)
    assert case.check(theta, float("inf")) == (False, None)


@pytest.mark.parametrize("name", CASES)
def test_check_rejects_an_unfinished_fit(name):
    case = BUILT[name]
    stationary = name in {"mgh/chebyquad_n1_m8"}
    if not stationary:
        assert case.check(case.starts[-1]) == (False, None)


def test_lanczos1_is_judged_by_its_parameters():
    case = BUILT["nist/Lanczos1"]
    values = np.array(case.published["ext_values"])
    assert case.check(values * (1 + 1e-7))[0]
    assert not case.check(values * (1 + 1e-5))[0]
    assert not case.check(values[[2, 3, 0, 1, 4, 5]], rss=1e-25)[0]


@settings(max_examples=20, deadline=None)
@given(st.floats(1e-13, 1e-1), st.integers(0, 2))
def test_digits_is_minus_log10_of_the_worst_relative_error(error, which):
    answer = Answer(0.0, (2.0, -3e5, 7e-9))
    theta = np.array(answer.parameters)
    theta[which] *= 1 + error
    assert answer.digits(theta) == pytest.approx(-np.log10(error), abs=2e-3)


def test_digits_at_the_edges():
    answer = Answer(0.0, (1.0, 0.0))
    assert answer.digits((1.0, 0.0)) == 16.0
    assert answer.digits((1.0, 1e-5)) == pytest.approx(5.0)
    assert answer.digits((5.0, 0.0)) == 0.0
    assert answer.digits((float("nan"), 0.0)) == 0.0
    assert np.isnan(Answer(1.0).digits((1.0,)))


def test_minpack_driver_has_53_distinct_starts():
    assert len(MINPACK_STARTS) == len(set(MINPACK_STARTS)) == 53
    assert all(start < len(BUILT[name].starts) for name, start in MINPACK_STARTS)
    assert BUILT["mgh/watson_n6"].starts[1:] == ((10.0,) * 6, (100.0,) * 6)
    assert BUILT["mgh/meyer"].starts[1] == (0.2, 40000.0, 2500.0)


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("freudenstein_roth", 48.9842),
        ("jennrich_sampson", 124.362),
        ("bard", 8.21487e-3),
        ("bard", 17.4286),
        ("gaussian", 1.12793e-8),
        ("meyer", 87.9458),
        ("kowalik_osborne", 3.07505e-4),
        ("brown_dennis", 85822.2),
        ("osborne_1", 5.46489e-5),
        ("biggs_exp6", 5.65565e-3),
        ("osborne_2", 4.01377e-2),
        ("watson_n6", 2.28767e-3),
        ("watson_n9", 1.39976e-6),
        ("watson_n12", 4.72238e-10),
        ("penalty_1_n4", 2.24997e-5),
        ("penalty_1_n10", 7.08765e-5),
        ("penalty_2_n4", 9.37629e-6),
        ("penalty_2_n10", 2.93660e-4),
        ("trigonometric_n10", 2.79506e-5),
        ("chebyquad_n8", 3.51687e-3),
        ("chebyquad_n10", 6.50395e-3),
        ("beale", 0.452009),
    ],
)
def test_minima_are_the_published_ones(name, published):
    assert any(a.rss == pytest.approx(published, rel=1e-5) for a in BUILT[f"mgh/{name}"].answers)


@pytest.mark.parametrize(
    "name", [n for n, c in BUILT.items() if n.startswith("mgh/") and "rank_deficient" not in c.tags]
)
def test_finite_minimum_has_full_rank_unless_tagged(name):
    case = BUILT[name]
    for answer in case.answers:
        if answer.parameters is None:
            continue
        jacobian = case.jacobian(answer.parameters)
        scaled = jacobian / np.linalg.norm(jacobian, axis=0)
        assert np.linalg.matrix_rank(scaled, 1e-9) == len(case.parameters)


@pytest.mark.parametrize(("name", "rank"), [("freudenstein_roth", 1), ("jennrich_sampson", 1), ("chebyquad_n8", 7)])
def test_square_system_is_singular_where_its_residual_is_not_zero(name, rank):
    case = BUILT[f"mgh/{name}"]
    (local,) = [a for a in case.answers if a.rss > 0 and a.parameters is not None]
    assert np.linalg.matrix_rank(case.jacobian(local.parameters), 1e-7) == rank


def test_minima_at_infinity_are_limits():
    x1 = float(np.mean(mgh.data.BARD))
    assert BUILT["mgh/bard"].check((x1, 1e9, 1e9)) == (True, 1)
    beale = BUILT["mgh/beale"]
    assert beale.check((13.875 / 14 * 1e6, 1 - 1e-6)) == (True, 1)
    assert beale.check((13.875 / 14 * 10, 1 - 0.1)) == (False, None)
    assert BUILT["mgh/jennrich_sampson"].check((-1e3, 0.3314852779)) == (True, 1)


@pytest.mark.parametrize(("name", "start"), TARGETS)
def test_target_is_a_minimum_and_the_nearest_one(name, start):
    case = BUILT[name]
    assert case.targets is not None
    target, origin = np.array(case.targets[start]), np.array(case.starts[start])
    assert case.check(target)[0]
    assert case.target_digits(target, start) == 16.0
    assert np.max(np.abs(case.gradient(target))) < 1e-11 * (1 + np.linalg.norm(target))
    # Nearest: no part of the way back to the start lies in the tangent space of the solution set.
    _, s, vt = np.linalg.svd(case.jacobian(target))
    null = vt[np.sum(s > 1e-9 * s[0]) :]
    assert 1 <= len(null) < len(target)
    assert np.max(np.abs(null @ (origin - target))) < 1e-11 * (1 + np.linalg.norm(origin))


@pytest.mark.parametrize(
    ("name", "curve"),
    [
        ("product_of_gains", lambda u, p: (u, p[0] * p[1] / u, p[2])),
        ("enzyme", lambda u, p: (u, p[0] * p[1] / u, p[2])),
        ("amplitude_and_log", lambda u, p: (u, p[1] + np.log(p[0] / u), p[2])),
    ],
)
def test_target_on_a_curve_beats_every_other_point_of_it(name, curve):
    case = BUILT[f"rank_deficient/{name}"]
    assert case.targets is not None
    for start, target in zip(case.starts, case.targets, strict=True):
        grid = np.geomspace(1e-2, 1e2, 4001)
        others = np.array([curve(u, target) for u in grid])
        assert case.check(others[1234])[0]
        best = np.min(np.linalg.norm(others - start, axis=1))
        assert np.linalg.norm(np.subtract(target, start)) <= best + 1e-12


def test_linear_targets_agree_with_the_pseudoinverse():
    for rank in (1, 2, 4):
        case = BUILT[f"rank_deficient/linear_{rank}_of_6"]
        assert case.targets is not None
        for start, target in zip(case.starts, case.targets, strict=True):
            found = np.array(start) + np.linalg.pinv(case.x, rcond=1e-10) @ (case.y - case.x @ np.array(start))
            np.testing.assert_allclose(found, target, rtol=1e-10, atol=1e-10)


def test_target_digits_reject_another_point_of_the_solution_set():
    case = BUILT["rank_deficient/sum_of_rates"]
    assert case.targets is not None
    elsewhere = np.array(case.targets[0]) + [0.0, 1e-3, -1e-3]
    assert case.check(elsewhere)[0]
    assert case.target_digits(elsewhere, 0) < 4


def test_flat_spectrum_answer_is_the_mean():
    case = BUILT["counting/flat_spectrum"]
    assert case.y is not None
    mean = float(np.mean(case.y))
    assert case.answers[0].parameters == pytest.approx((mean,), rel=1e-14)
    assert case.published["fisher_errors"] == pytest.approx((np.sqrt(mean / 100),), rel=1e-12)
    assert not np.array_equal(counting.draw_flat_spectrum(1), counting.draw_flat_spectrum(2))


@pytest.mark.parametrize("name", counting.CASES)
def test_counting_answer_is_a_minimum_of_the_deviance(name):
    case = BUILT[name]
    values, errors = np.array(case.answers[0].parameters), np.array(case.published["fisher_errors"])
    best = case.rss(values)
    for j in range(values.size):
        for sign in (-1, 1):
            moved = values.copy()
            moved[j] += sign * 0.1 * errors[j]
            assert case.rss(moved) > best
    assert np.all(np.abs(values - case.published["truth"]) < 4 * errors)
    assert case.rss(-values) == float("inf")
    assert case.y is not None
    assert name != "counting/exponential_decay" or np.sum(case.y == 0) > 20


@pytest.mark.parametrize("name", [name for name in counting.CASES if name != "counting/flat_spectrum"])
def test_counting_answers_agree_with_migrad(name):
    minuit = pytest.importorskip("iminuit").Minuit
    case = BUILT[name]
    values, errors = np.array(case.answers[0].parameters), np.array(case.published["fisher_errors"])
    m = minuit(case.rss, values + 0.3 * errors, name=case.parameters)
    m.errordef, m.strategy, m.tol = 1, 2, 1e-6
    m.migrad()
    assert m.valid
    assert np.max(np.abs(np.array(m.values) - values) / errors) < 1e-4


def test_log_linear_fisher_errors_are_the_inverse_hessian():
    case = BUILT["counting/log_linear_decay"]
    values = np.array(case.answers[0].parameters)
    hessian = np.zeros((2, 2))
    assert case.model is not None
    for j in range(2):
        step = np.zeros(2)
        step[j] = 1e-5

        def half_gradient(theta):
            mu = case.residual(theta) + case.y
            return case.jacobian(theta).T @ (1 - case.y / mu)

        hessian[:, j] = (half_gradient(values + step) - half_gradient(values - step)) / 2e-5
    np.testing.assert_allclose(np.sqrt(np.diag(np.linalg.inv(hessian))), case.published["fisher_errors"], rtol=1e-8)


def test_lotka_volterra_series_conserves_its_invariant():
    a, b, g, d = 0.55, 0.028, 0.8, 0.024
    orbit = lynx_hare.populations(np.arange(21.0), a, b, g, d, 34.0, 6.0).real
    x, y = orbit.T
    invariant = d * x - g * np.log(x) + b * y - a * np.log(y)
    np.testing.assert_allclose(invariant, invariant[0], rtol=1e-12)


@pytest.mark.parametrize("scale", ["log", "linear"])
def test_lynx_hare_errors_follow_from_the_jacobian(scale):
    case = BUILT[f"lynx_hare/{scale}"]
    answer = case.answers[0]
    jacobian = case.jacobian(answer.parameters)
    std = np.sqrt(np.diag(np.linalg.inv(jacobian.T @ jacobian)) * answer.rss / case.published["dof"])
    np.testing.assert_allclose(std, case.published["std"], rtol=1e-6)


def test_scoring_reports_a_start_from_which_it_cannot_converge():
    x = np.linspace(0.0, 1.0, 5)
    with np.errstate(all="ignore"), pytest.raises((ArithmeticError, np.linalg.LinAlgError)):
        scoring(lambda a, k: a * np.exp(-k * x), np.exp(-x), (1.0, -300.0))


def test_a_case_refuses_to_contradict_itself():
    with pytest.raises(ValueError, match="exactly one"):
        Case("t", "residual", ("a",), ((1.0,),), ())
    with pytest.raises(ValueError, match="needs x and y"):
        Case("t", "curve", ("a",), ((1.0,),), (), model=lambda x, a: a)
    with pytest.raises(ValueError, match="start 0 has 2 values for 1"):
        Case("t", "residual", ("a",), ((1.0, 2.0),), (), function=lambda t: t)
    with pytest.raises(ValueError, match="an answer has 2"):
        Case("t", "residual", ("a",), ((1.0,),), (Answer(0.0, (1.0, 2.0)),), function=lambda t: t)


@pytest.mark.parametrize(("name", "parameters"), [("toy_1d", 593), ("dense_quartic", 673), ("additive_cubic", 673)])
def test_regression_tasks(name, parameters):
    task, again = TASKS[f"sven/{name}"](), TASKS[f"sven/{name}"]()
    assert task.parameter_count == parameters
    assert len(task.x) == len(task.y) == len(task.x_validation) == len(task.y_validation) == 10_000
    assert np.mean(task.y) == pytest.approx(0, abs=1e-12)
    assert np.std(task.y) == pytest.approx(1, rel=1e-12)
    assert 0.8 < np.std(task.y_validation) < 1.2
    np.testing.assert_array_equal(task.y_validation, again.y_validation)


def test_dense_quartic_is_spanned_by_its_210_monomials_and_no_fewer():
    from problems.least_squares.sven_tasks import monomial_exponents

    task = TASKS["sven/dense_quartic"]()
    exponents = monomial_exponents(6, 4)
    assert len(exponents) == 210

    def misfit(chosen):
        features = np.stack([np.prod(task.x**p, axis=1) for p in chosen], axis=1)
        found = np.linalg.lstsq(features, task.y, rcond=None)[0]
        return np.sqrt(np.mean((features @ found - task.y) ** 2))

    assert misfit(exponents) < 1e-11
    assert misfit(exponents[exponents.sum(axis=1) < 4]) > 0.1


def test_additive_cubic_is_spanned_by_nineteen_features():
    task = TASKS["sven/additive_cubic"]()
    features = np.hstack([np.ones((10_000, 1)), task.x, task.x**2, task.x**3])
    assert features.shape[1] == 19
    found = np.linalg.lstsq(features, task.y, rcond=None)[0]
    assert np.max(np.abs(features @ found - task.y)) < 1e-11


def test_data_files_are_inside_the_catalogue():
    folder = Path(nist.__file__).parent / "data"
    assert {p.name for p in folder.iterdir()} >= {"nist_strd.json", "mgh_minima.json", "lynx_hare.json"}
