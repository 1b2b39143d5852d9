"""Elimination of linear unknowns: same answers, fewer steps, covariance of all; what is not linear is named."""

import numpy as np
import pytest

import sciopt as so
from sciopt._errors import OptionError, ParameterError
from sciopt.linearise.eliminated import Eliminated, reduced
from sciopt.methods import GaussNewton, LevenbergMarquardt
from sciopt.parameters import Parameter

X = np.linspace(0.0, 1.15, 24)
NAMES = ("b1", "b2", "b3", "b4", "b5", "b6")
TRUTH = (0.0951, 1.0, 0.8607, 3.0, 1.5576, 5.0)
AMPLITUDES = ("b1", "b3", "b5")


def exponentials(x, b1, b2, b3, b4, b5, b6):
    return b1 * np.exp(-b2 * x) + b3 * np.exp(-b4 * x) + b5 * np.exp(-b6 * x)


def lanczos(start, digits=None, **options):
    """Sum of three exponentials (Lanczos 1956): exact, or rounded to decimals as the certified sets are."""
    y = exponentials(X, *TRUTH)
    whole = so.curve(
        exponentials, X, y if digits is None else np.round(y, digits), start=dict(zip(NAMES, start, strict=True))
    )
    return whole, so.Problem(whole.conditions, whole.unknown, linear=AMPLITUDES, **options)


FAR, NEAR = (1.2, 0.3, 5.6, 5.5, 6.5, 7.6), (0.5, 0.7, 3.6, 4.2, 4.0, 6.3)


@pytest.mark.parametrize("elimination", ["kaufman", "full"])
@pytest.mark.parametrize("start", [FAR, NEAR], ids=["far", "near"])
def test_sum_of_exponentials_has_the_same_answer(elimination, start):
    whole, smaller = lanczos(start, elimination=elimination)
    a, b = so.solve(whole), so.solve(smaller)
    assert a.success
    assert b.success
    assert b.theta == pytest.approx(a.theta, rel=1e-8)
    assert b.theta == pytest.approx(TRUTH, rel=1e-8)


def test_sum_of_exponentials_takes_fewer_evaluations():
    total = {"whole": 0, "reduced": 0}
    for start in (FAR, NEAR):
        for digits in (None, 6):
            whole, smaller = lanczos(start, digits)
            a, b = so.solve(whole), so.solve(smaller)
            assert b.theta == pytest.approx(a.theta, rel=1e-6)
            total["whole"] += a.nfev + a.columns
            total["reduced"] += b.nfev + b.columns  # those for the basis included
    assert total["reduced"] < 0.6 * total["whole"]


def test_solution_covers_all_parameters():
    rng = np.random.default_rng(1)
    y = 2 * np.exp(-X / 0.3) + 0.5 + 0.01 * rng.standard_normal(X.size)
    whole = so.curve(lambda x, A=1.0, tau=1.0, c=0.0: A * np.exp(-x / tau) + c, X, y, sigma=0.01)
    a, b = so.solve(whole), so.solve(so.Problem(whole.conditions, whole.unknown, linear=("A", "c")))
    assert b.names == a.names == ("A", "tau", "c")
    assert b.theta == pytest.approx(a.theta, rel=1e-9)
    np.testing.assert_allclose(b.covariance, a.covariance, rtol=1e-6)
    assert b.chi2 == pytest.approx(a.chi2, rel=1e-12)
    assert (b.dof, b.rank) == (a.dof, a.rank)
    assert b.start == a.start
    assert "tau" in repr(b)
    assert b.predict(0.2) == pytest.approx(a.predict(0.2), rel=1e-9)


def test_start_of_linear_unknowns_does_not_matter():
    answers = []
    for A in (1e-3, 1.0, -1e6):
        y = 2 * np.exp(-X / 0.3)
        whole = so.curve(lambda x, A, tau: A * np.exp(-x / tau), X, y, start={"A": A, "tau": 1.0})
        s = so.solve(so.Problem(whole.conditions, whole.unknown, linear="A"))
        assert s.success
        answers.append((s.theta, s.nit))
    for theta, nit in answers[1:]:
        assert theta == pytest.approx([2.0, 0.3], rel=1e-12)
        assert nit == answers[0][1]


@pytest.mark.parametrize("elimination", ["kaufman", "full"])
def test_reduced_jacobian_against_differences(elimination):
    rng = np.random.default_rng(5)
    _, smaller = lanczos(NEAR)
    problem = Eliminated(smaller, elimination)
    theta = np.array([0.9, 3.5, 6.0]) * (1 + 0.05 * rng.standard_normal(3))
    lin = so.linearise(problem, theta)
    J = lin.dense()
    h = 1e-5
    difference = np.stack([(lin.at(theta + h * e).r - lin.at(theta - h * e).r) / (2 * h) for e in np.eye(3)], axis=1)
    np.testing.assert_allclose(J.T @ lin.r, difference.T @ lin.r, rtol=1e-5, atol=1e-14)  # both have the gradient
    if elimination == "full":
        np.testing.assert_allclose(J, difference, rtol=1e-5, atol=1e-9)
    else:
        assert np.abs(J - difference).max() > 1e-7


def test_priors_weights_and_several_conditions():
    prior = so.Normal(1.0, 0.1)
    tree = {"A": Parameter(2.0, prior=prior), "k": 1.0, "m": np.array([0.1, 0.2])}
    data = so.Condition(
        lambda A, k, x: A * np.exp(-k * x), points=X, target=2 * np.exp(-2 * X), sigma=0.3, batched=True
    )
    smooth = so.Condition(lambda m, k, x: m[0] + m[1] * x - k, points=X, weight=2.0, batched=True)
    a = so.solve(so.Problem([data, smooth], tree))
    b = so.solve(so.Problem([data, smooth], tree, linear=("A", "m")))
    assert b.theta == pytest.approx(a.theta, rel=1e-7)
    np.testing.assert_allclose(b.covariance, a.covariance, rtol=1e-5, atol=1e-12)


def test_complex_amplitudes_and_other_methods():
    w = np.linspace(-2, 2, 41)
    y = (1.5 - 0.5j) / (1 + 2j * (w - 0.3))
    whole = so.curve(lambda w, a, q, w0: a / (1 + 1j * q * (w - w0)), w, y, start={"a": 1 + 0j, "q": 1.0, "w0": 0.0})
    for method in ("auto", GaussNewton(), LevenbergMarquardt()):
        s = so.solve(so.Problem(whole.conditions, whole.unknown, linear=("a",)), method)
        assert s.success or s.status == "rounding_floor"
        assert s.values["a"] == pytest.approx(1.5 - 0.5j, rel=1e-7)
        assert s.values["w0"] == pytest.approx(0.3, rel=1e-7)


def test_redundant_linear_unknowns_stay_nearest_to_their_start():
    y = 3 * np.exp(-2 * X)
    whole = so.curve(lambda x, a, b, k: (a + b) * np.exp(-k * x), X, y, start={"a": 2.0, "b": 0.0, "k": 1.0})
    s = so.solve(so.Problem(whole.conditions, whole.unknown, linear=("a", "b")))
    assert s.success
    assert s.theta == pytest.approx([2.5, 0.5, 2.0], rel=1e-9)
    assert s.rank == 2


def test_jax_model_is_evaluated_for_all_columns_at_once():
    jnp = pytest.importorskip("jax.numpy")

    def model(x, A=1.0, tau=1.0, c=0.0):
        return A * jnp.exp(-x / tau) + c

    whole = so.curve(model, X, 2 * np.exp(-X / 0.3) + 0.5, jacobian="forward")
    s = so.solve(so.Problem(whole.conditions, whole.unknown, linear=("A", "c")))
    assert s.theta == pytest.approx([2.0, 0.3, 0.5], rel=1e-10)


def test_resume_and_budget():
    _, smaller = lanczos(FAR)
    whole = so.solve(smaller)
    half = so.solve(smaller, steps=5)
    assert half.status == "budget"
    assert so.solve(smaller, start=half).theta.tobytes() == whole.theta.tobytes()
    assert so.solve(smaller, evaluations=6).status == "budget"
    plain = lanczos(FAR)[0]
    with pytest.raises(OptionError, match="moves 3 unknowns, this problem 6; go on with the same linear="):
        so.solve(plain, start=half)
    assert so.solve(plain, start=half.values).success


def test_saved_solution_goes_on(tmp_path):
    _, smaller = lanczos(FAR)
    so.solve(smaller, steps=5).save(tmp_path / "half.npz")
    on = so.solve(smaller, start=so.load(tmp_path / "half.npz"))
    assert on.theta.tobytes() == so.solve(smaller).theta.tobytes()


@pytest.mark.parametrize(
    ("linear", "message"),
    [
        (("tau",), "not linear in 'tau'"),
        (("A", "tau"), "not linear in 'tau'"),
        (("A", "B"), "'A' and 'B' together"),
        (("A", "gone"), "'gone' is not a free parameter"),
        (("d",), "'d' is declared linear but has bounds"),
        (("f",), "'f' is not a free parameter"),
    ],
)
def test_what_is_not_linear_is_named(linear, message):
    tree = {"A": 1.0, "B": 2.0, "tau": 0.5, "d": Parameter(0.1, bounds=(0, None)), "f": Parameter(1.0, fixed=True)}
    condition = so.Condition(
        lambda A, B, tau, d, f, x: A * B * np.exp(-x / (1 + tau**2)) + d + f,
        points=X,
        target=X,
        sigma=1.0,
        batched=True,
    )
    with pytest.raises(ParameterError, match=message):
        so.solve(so.Problem(condition, tree, linear=linear))


def test_other_losses_and_structures_are_refused():
    counts = so.curve(lambda x, A=1.0, k=1.0: A * np.exp(-k * x), X, np.ones(X.size), loss="poisson")
    with pytest.raises(OptionError, match="its loss is 'poisson'"):
        so.solve(so.Problem(counts.conditions, counts.unknown, linear="A"))
    with pytest.raises(OptionError, match="structure='square'"):
        so.Problem(lambda u: u, {"u": 1.0}, structure="square", linear="u")
    with pytest.raises(OptionError, match="elimination"):
        so.Problem(lambda u: u, {"u": 1.0}, elimination="exact")


def test_wholly_linear_problem_is_left_as_it_is():
    problem = so.curve(lambda x, a=0.0, b=0.0: a + b * x, X, 1 + 2 * X)
    linear = so.Problem(problem.conditions, problem.unknown, linear=("a", "b"))
    assert reduced(linear) is linear
    assert so.solve(linear).theta == pytest.approx([1.0, 2.0], rel=1e-12)
