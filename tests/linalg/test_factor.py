import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from sciopt._errors import DataError, OptionError
from sciopt.linalg import Filter, HalfInverse, Pinv, Tikhonov, Truncated, choose, factor, needs_qr
from tests.linalg.matrices import damped, relative, with_spectrum

COMPLETE = ["svd", "qr", "gram", "cholesky", "pivoted_cholesky"]
ALL = [*COMPLETE, "sketch", "krylov"]
SHAPES = [(60, 20), (20, 60), (30, 30)]


def problem(shape, decades=5, seed=1):
    rng = np.random.default_rng(seed)
    n, P = shape
    J = with_spectrum(rng, n, P, np.logspace(0, -decades, min(shape)))
    return J, rng.standard_normal(n), np.exp(rng.standard_normal(P))


@pytest.mark.parametrize("how", ALL)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scaled", [False, True])
def test_damped_step_agrees_with_qr_of_the_augmented_matrix(how, shape, scaled):
    J, r, D = problem(shape)
    D = D if scaled else None
    f = factor(J, r, how=how, scale=D)
    s1 = float(np.linalg.norm(J if D is None else J / D, 2))
    damping = 1e-6 * s1**2
    expected = damped(J, r, damping, D)
    assert f.shape == shape
    assert f.side == ("dual" if shape[0] < shape[1] else "primal")
    assert f.how == how
    assert f.flag.startswith(f"{how}/{f.side}")
    assert relative(f.step(Tikhonov(damping)), expected) < 1e-8
    assert relative(f.steps([1.0, damping])[1], expected) < 1e-8
    assert f.spectrum[0] == pytest.approx(s1)
    rhs = np.random.default_rng(5).standard_normal(shape[0])
    assert relative(f.solve(rhs, damping), damped(J, rhs, damping, D)) < 1e-8


@pytest.mark.parametrize("how", ALL)
@pytest.mark.parametrize("shape", SHAPES)
def test_predictions_norms_and_radii_fit_the_steps(how, shape):
    J, r, D = problem(shape, decades=3)
    f = factor(J, r, how=how, scale=D)
    dampings = np.array([1e-6, 1e-3, 1.0]) * f.spectrum[0] ** 2
    steps = f.steps(dampings)

    def model(step):
        return 0.5 * np.sum((r + J @ step) ** 2)

    decreases = [model(np.zeros(shape[1])) - model(step) for step in steps]
    np.testing.assert_allclose(f.predicted_many(dampings), decreases, rtol=1e-8)
    np.testing.assert_allclose([f.predicted(step) for step in steps], decreases, rtol=1e-10)
    lengths = np.linalg.norm(D * steps, axis=1)
    np.testing.assert_allclose(f.norms(dampings), lengths, rtol=1e-8)
    for length, damping in zip(lengths, dampings, strict=True):
        found = f.damping_for(length)
        assert f.norms(found)[0] == pytest.approx(length, rel=2e-3 if how == "cholesky" else 1e-8)
        assert found == pytest.approx(damping, rel=1e-2 if how == "cholesky" else 1e-5)
    full = f.norms(0.0)[0]
    assert f.damping_for(1.01 * full) == 0.0
    assert f.damping_for(0.99 * full) > 0.0
    anything = np.random.default_rng(3).standard_normal(shape[1])
    assert f.predicted(anything) == pytest.approx(model(np.zeros(shape[1])) - model(anything))


@pytest.mark.parametrize("how", COMPLETE)
@pytest.mark.parametrize("shape", SHAPES)
def test_pseudoinverse_and_filters_match_the_svd(how, shape):
    J, r, D = problem(shape, decades=3)
    U, S, Vt = np.linalg.svd(J / D, full_matrices=False)
    f = factor(J, r, how=how, scale=D)
    np.testing.assert_allclose(f.spectrum, S, rtol=1e-8)
    np.testing.assert_allclose(np.abs(f.g), np.abs(U.T @ r), rtol=1e-6, atol=1e-7)
    assert f.rank == min(shape)
    filters: list[Filter] = [Pinv(), Truncated(k=5, rtol=1e-9), HalfInverse(1e-9), Pinv(rtol=0.05), lambda s: s]
    for phi in filters:
        expected = -(Vt.T @ (phi(S) * (U.T @ r))) / D
        assert relative(f.step(phi), expected) < 1e-8
    assert relative(f.steps(0.0)[0], -(np.linalg.pinv(J / D) @ r) / D) < 1e-8


@pytest.mark.parametrize("how", ["svd", "qr"])
def test_accuracy_without_squaring_survives_a_tiny_damping(how):
    # The direction error of Gram methods grows like eps * s1^2 / damping, that of QR like its root.
    J, r, _ = problem((300, 60), decades=16)
    exact = {lam: damped(J, r, lam) for lam in (1e-4, 1e-8, 1e-12, 1e-14)}
    accurate = {lam: relative(factor(J, r, how=how).step(Tikhonov(lam)), x) for lam, x in exact.items()}
    for lam, error in accurate.items():
        assert error < 200 * np.finfo(float).eps / np.sqrt(lam)
    for squared in ("gram", "cholesky"):
        f = factor(J, r, how=squared)
        errors = {lam: relative(f.step(Tikhonov(lam)), x) for lam, x in exact.items()}
        assert errors[1e-4] < 1e-10
        assert errors[1e-8] < 1e-6
        assert errors[1e-12] < 1e-2
        assert errors[1e-14] > 1e3 * accurate[1e-14]
        assert errors[1e-14] > errors[1e-8] > errors[1e-4]
        # The damped model is flat at its minimum: it loses the square of the direction error only.
        best, found = (f.predicted(x) - 0.5e-12 * x @ x for x in (exact[1e-12], f.step(Tikhonov(1e-12))))
        assert abs(best - found) < 1e-8 * best


def test_needs_qr_is_the_rule_of_a_trillionth():
    assert needs_qr(0.9e-12 * 9.0, 3.0)
    assert not needs_qr(1.1e-12 * 9.0, 3.0)


@pytest.mark.parametrize("how", COMPLETE)
@pytest.mark.parametrize("shape", [(40, 12), (12, 40)])
def test_rank_deficient_null_space_projection_and_covariance(how, shape):
    rng = np.random.default_rng(7)
    J = with_spectrum(rng, shape[0], shape[1], np.array([3.0, 1.0, 0.5, 0.1]))
    D, r = np.exp(rng.standard_normal(shape[1])), rng.standard_normal(shape[0])
    f = factor(J, r, how=how, scale=D)
    assert f.rank == 4
    basis = f.null_basis()
    assert basis.shape == (shape[1], shape[1] - 4)
    np.testing.assert_allclose(J @ basis, 0.0, atol=1e-7)
    np.testing.assert_allclose((D[:, None] * basis).T @ (D[:, None] * basis), np.eye(shape[1] - 4), atol=1e-12)
    v = rng.standard_normal(shape[1])
    inside = f.null_project(v)
    np.testing.assert_allclose(J @ inside, 0.0, atol=1e-7)
    np.testing.assert_allclose(f.null_project(inside), inside, atol=1e-9)
    # What was removed is D-orthogonal to the null space.
    np.testing.assert_allclose((D[:, None] * basis).T @ (D * (v - inside)), 0.0, atol=1e-8)
    A = J / D
    expected = np.linalg.pinv(A.T @ A, rcond=1e-8) / np.outer(D, D)
    np.testing.assert_allclose(f.covariance(), expected, rtol=1e-6, atol=1e-7 * np.abs(expected).max())
    step = f.step(Pinv())
    assert relative(step, -(np.linalg.pinv(A, rcond=1e-6) @ r) / D) < 1e-6
    assert f.predicted(step) == pytest.approx(f.predicted_many(0.0)[0])


@pytest.mark.parametrize("how", ALL)
def test_awkward_matrices(how):
    rng = np.random.default_rng(11)
    J = rng.standard_normal((25, 6))
    r = rng.standard_normal(25)
    twice = factor(np.vstack([J, J]), np.concatenate([r, r]), how=how)
    assert relative(twice.step(Tikhonov(0.2)), damped(J, r, 0.1)) < 1e-10
    zero_column = J.copy()
    zero_column[:, 2] = 0.0
    f = factor(zero_column, r, how=how, scale=np.linalg.norm(zero_column, axis=0))
    step = f.step(Pinv())
    assert step[2] == pytest.approx(0.0, abs=1e-12)
    others = [0, 1, 3, 4, 5]
    assert relative(step[others], -np.linalg.lstsq(J[:, others], r)[0]) < 1e-9
    still = factor(J, np.zeros(25), how=how)
    np.testing.assert_array_equal(still.steps([0.0, 1.0]), np.zeros((2, 6)))
    assert still.predicted_many([0.0, 1.0]).tolist() == [0.0, 0.0]
    assert still.damping_for(1.0) == 0.0
    dead = factor(np.zeros((25, 6)), r, how=how)
    np.testing.assert_array_equal(dead.steps([0.0, 1.0]), np.zeros((2, 6)))
    assert dead.rank == 0
    assert dead.damping_for(1.0) == 0.0


@pytest.mark.parametrize("how", COMPLETE)
def test_a_full_rank_problem_has_no_null_space(how):
    J, r, _ = problem((60, 20), decades=2)
    f = factor(J, r, how=how)
    np.testing.assert_array_equal(f.null_project(np.ones(20)), np.zeros(20))
    assert f.null_basis().shape == (20, 0)
    np.testing.assert_allclose(f.covariance(), np.linalg.inv(J.T @ J), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("unit", [1e-60, 1e60])
def test_units_of_the_parameters_change_nothing(unit):
    J, r, _ = problem((60, 20), decades=4)
    D = np.linalg.norm(J, axis=0)
    there = factor(J, r, scale=D)
    here = factor(J * unit, r, scale=D * unit)
    np.testing.assert_allclose(here.spectrum, there.spectrum, rtol=1e-9)
    radius = 0.3 * there.norms(0.0)[0]
    damping = here.damping_for(radius)
    assert damping == pytest.approx(there.damping_for(radius), rel=1e-6)
    np.testing.assert_allclose(here.steps(damping) * unit, there.steps(damping), rtol=1e-8)


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**32 - 1), st.floats(-12, 6))
@settings(max_examples=20, deadline=None)
def test_any_shape_meets_its_radius_with_the_best_step(n, P, seed, exponent):
    rng = np.random.default_rng(seed)
    J, r = rng.standard_normal((n, P)) * 10.0 ** rng.uniform(-4, 4, P), rng.standard_normal(n)
    f = factor(J, r)
    radius = 10.0**exponent * f.norms(0.0)[0]
    damping = f.damping_for(radius)
    step = f.steps(damping)[0]
    assert np.linalg.norm(step) <= radius * (1 + 1e-8)
    # Optimal in the ball: gradient of the model anti-parallel to the step.
    gradient = J.T @ (r + J @ step)
    size = np.linalg.norm(J, 2) * (np.linalg.norm(r) + np.linalg.norm(J, 2) * np.linalg.norm(step))
    assert np.linalg.norm(gradient + damping * step) <= 1e-9 * size


def test_float32_is_promoted_before_the_gram_matrix():
    J, r, _ = problem((200, 80), decades=8)
    J32 = J.astype(np.float32)
    f = factor(J32, r.astype(np.float32), how="gram")
    assert f.spectrum.dtype == np.float64
    expected = damped(J32.astype(float), r.astype(np.float32).astype(float), 1e-9)
    assert relative(f.step(Tikhonov(1e-9)), expected) < 1e-4


@pytest.mark.parametrize("how", ["auto", "gram", "krylov"])
def test_bad_input_is_named(how):
    J, r = np.ones((3, 2)), np.ones(3)
    bad = J.copy()
    bad[1, 1] = np.nan
    with pytest.raises(DataError, match=r"row 1, column 1"):
        factor(bad, r, how=how)
    with pytest.raises(DataError, match=r"r\[2\] is inf"):
        factor(J, [1.0, 2.0, np.inf], how=how)
    with pytest.raises(DataError, match=r"r has 2 rows"):
        factor(J, np.ones(2), how=how)
    with pytest.raises(DataError, match=r"scale\[0\] is -1"):
        factor(J, r, how=how, scale=[-1.0, 1.0])
    with pytest.raises(DataError, match="complex"):
        factor(J * 1j, r, how=how)
    with pytest.raises(DataError, match="at least one"):
        factor(np.ones((3, 0)), r, how=how)
    f = factor(J, r, how=how)
    with pytest.raises(DataError, match="radius"):
        f.damping_for(0.0)
    with pytest.raises(DataError, match="dampings"):
        f.steps([1.0, -1.0])
    with pytest.raises(DataError, match="step has shape"):
        f.predicted(np.ones(3))
    with pytest.raises(DataError, match="rhs has shape"):
        f.solve(np.ones(2), 1.0)


def test_huge_finite_entries_are_not_called_infinite():
    f = factor(np.full((2, 1), 1e308), np.ones(2), scale=[1e308])
    assert f.step(Pinv())[0] == pytest.approx(-1e-308)


def test_unknown_options_raise():
    with pytest.raises(OptionError, match="choose from auto, svd"):
        factor(np.ones((2, 1)), np.ones(2), how="lu")  # pyright: ignore[reportArgumentType]
    with pytest.raises(OptionError, match="choose from auto, high"):
        factor(np.ones((2, 1)), np.ones(2), accuracy="low")  # pyright: ignore[reportArgumentType]
    with pytest.raises(OptionError, match="krylov"):
        factor(scipy.sparse.eye_array(3), np.ones(3), how="gram")


def test_auto_goes_by_shape_accuracy_and_memory():
    assert choose(250, 9) == "qr"
    assert choose(1060, 1185) == "cholesky"
    assert choose(1060, 1185, "high") == "qr"
    assert choose(1000, 48, "fast") == "cholesky"
    assert choose(20_000, 30_000) == "sketch"
    assert choose(10**6, 100, "high", memory=10**7) == "cholesky"
    assert choose(5000, 5000, memory=10**6) == "sketch"
    J, r, _ = problem((200, 90))
    assert factor(J, r).how == "cholesky"
    assert factor(J, r, accuracy="high").how == "qr"


def test_scaled_dual_gram_in_blocks_is_the_same():
    J, r, D = problem((30, 200))
    whole = factor(J, r, how="gram", scale=D)
    blocks = factor(J, r, how="gram", scale=D, memory=30 * 8 * 7)
    np.testing.assert_allclose(blocks.spectrum**2, whole.spectrum**2, rtol=0, atol=1e-14 * whole.spectrum[0] ** 2)
    assert relative(blocks.step(Tikhonov(1e-3)), whole.step(Tikhonov(1e-3))) < 1e-10
