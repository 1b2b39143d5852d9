"""Files: everything comes back, a resume repeats every bit, and what does not belong is refused."""

import pickle

import numpy as np
import pytest

import sciopt as so
from problems.least_squares import nist
from sciopt.methods import GaussNewton, LevenbergMarquardt
from sciopt.points import Minibatch
from sciopt.storage import StorageError


def hard():
    case = nist.CASES["nist/MGH09"]()
    assert case.model is not None
    return so.curve(case.model, case.x, case.y, start=dict(zip(case.parameters, case.starts[0], strict=True)))


@pytest.mark.parametrize("method", ["auto", LevenbergMarquardt(), GaussNewton()])
def test_resume_from_a_file_repeats_every_bit(method, tmp_path):
    whole = so.solve(hard(), method, steps=20)
    so.solve(hard(), method, steps=10).save(tmp_path / "run")
    again = so.solve(hard(), start=so.load(tmp_path / "run"), steps=10)
    assert np.array_equal(whole.theta, again.theta)
    assert np.array_equal(whole.history["f"], again.history["f"])


def test_resume_of_mini_batches_repeats_every_bit(tmp_path):
    x = np.linspace(0, 3, 200)
    y = 2 * np.exp(-x) + 0.01 * np.sin(50 * x)

    def problem():
        rows = so.Condition(
            lambda A, k, x: A * np.exp(-k * x), "rows", Minibatch(x, 32), target=y, weight=1.0, batched=True
        )
        return so.Problem([rows], {"A": 1.0, "k": 0.5})

    whole = so.solve(problem(), LevenbergMarquardt(), steps=20, key=7)
    so.solve(problem(), LevenbergMarquardt(), steps=10, key=7).save(tmp_path / "run.npz")
    again = so.solve(problem(), start=so.load(tmp_path / "run.npz"), steps=10)
    assert np.array_equal(whole.theta, again.theta)


def test_every_number_comes_back(tmp_path):
    t = np.linspace(0, 4, 30)
    fit = so.fit(
        lambda t, A=1.0, tau=so.Parameter(1.0, unit="s"): A * np.exp(-t / tau), t, 2 * np.exp(-t) + 0.01 * t, sigma=0.02
    )
    saved = so.load(fit.save(tmp_path / "fit.npz"))
    assert saved.values == fit.values
    assert saved.errors == fit.errors
    assert saved.status is fit.status
    assert np.array_equal(saved.covariance, fit.covariance)
    assert saved.summary() == fit.summary()
    assert saved._repr_html_() == fit._repr_html_()
    with pytest.raises(StorageError, match="does not hold the model"):
        saved.predict(t)
    with np.load(tmp_path / "fit.npz", allow_pickle=False) as plain:
        assert np.array_equal(plain["theta"], fit.theta)


def test_another_problem_is_refused_by_name(tmp_path):
    t = np.linspace(0, 4, 30)

    def decay(t, A=1.0, tau=1.0):
        return A * np.exp(-t / tau)

    so.fit(decay, t, 2 * np.exp(-t)).save(tmp_path / "fit.npz")
    with pytest.raises(StorageError, match="condition 'decay' differ"):
        so.solve(so.curve(decay, t, 3 * np.exp(-t)), start=so.load(tmp_path / "fit.npz"))
    so_far = tmp_path / "cut.npz"
    so_far.write_bytes((tmp_path / "fit.npz").read_bytes()[:200])
    with pytest.raises(StorageError):
        so.load(so_far)


def module_level_model(t, A=1.0, tau=1.0):
    return A * np.exp(-t / tau)


def test_solutions_of_importable_models_pickle():
    t = np.linspace(0, 4, 30)
    fit = so.fit(module_level_model, t, 2 * np.exp(-t), sigma=0.1)
    copy = pickle.loads(pickle.dumps(fit))
    assert copy.values == fit.values
    assert copy.errors == fit.errors
    assert np.array_equal(copy.predict(t), fit.predict(t))
    assert copy.summary() == fit.summary()
