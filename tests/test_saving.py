"""Files: everything comes back, a resume repeats every bit, and what does not belong is refused."""

import pickle
from typing import Any

import numpy as np
import pytest

import sciopt as so
from problems.least_squares import nist
from sciopt._errors import OptionError
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
    with pytest.raises(StorageError, match="the data of condition 'decay' differs"):
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


# ---- what differs, and what needs the model -------------------------------------------------------------------------
def decay(t, A=1.0, tau=so.Parameter(1.0, bounds=(0.0, None))):
    return A * np.exp(-t / tau)


TIME = np.linspace(0.0, 4.0, 30)
DATA = 2 * np.exp(-TIME)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"y": DATA + 1.0}, "the data of condition 'decay' differs"),
        ({"x": TIME + 1.0}, "the points of condition 'decay' differs"),
        ({"sigma": 0.2}, "the sigma of condition 'decay' differs"),
        ({"sigma_x": 0.2}, "the sigma_x of condition 'decay'"),
        ({"loss": "huber"}, "the loss of condition 'decay' differs"),
        ({"start": {"tau": so.Parameter(1.0, bounds=(0.5, None))}}, "the bounds differs"),
        ({"start": {"A": so.Parameter(1.0, fixed=True)}}, "names of the free parameters"),
        ({"y": DATA + 1.0, "sigma": 0.2}, "data of condition 'decay', the sigma of condition 'decay' differ"),
    ],
)
def test_what_differs_is_named(change, said, tmp_path):
    given = {"x": TIME, "y": DATA, "sigma": 0.1}
    file = so.solve(so.curve(decay, **given), steps=2).save(tmp_path / "fit.npz")
    so.solve(so.curve(decay, **given), start=so.load(file))
    with pytest.raises(StorageError, match=said):
        so.solve(so.curve(decay, **(given | change)), start=so.load(file))


def test_another_method_is_not_taken_silently(tmp_path):
    file = so.solve(so.curve(decay, TIME, DATA), steps=2).save(tmp_path / "fit.npz")
    saved = so.load(file)
    with pytest.raises(OptionError, match="own method"):
        so.solve(so.curve(decay, TIME, DATA), LevenbergMarquardt(), start=saved)
    again = so.solve(so.curve(decay, TIME, DATA), LevenbergMarquardt(), start=saved.values)
    assert again.values["tau"] == pytest.approx(1.0)


def test_a_file_written_again_is_the_same_file(tmp_path):
    first = so.fit(decay, TIME, DATA, sigma=0.1).save(tmp_path / "one.npz")
    second = so.load(first).save(tmp_path / "two.npz")
    assert first.read_bytes() == second.read_bytes()


def test_plots_of_a_file_are_those_that_need_no_model(tmp_path):
    saved = so.load(so.fit(decay, TIME, DATA + 0.01 * TIME, sigma=0.1).save(tmp_path / "one.npz"))
    saved.plot.convergence()
    saved.plot.spectrum()
    saved.plot.correlation()
    for call in (
        saved.plot.fit,
        lambda: saved.plot.profile("tau"),
        lambda: saved.plot.contour("A", "tau"),
        lambda: saved.predict(TIME),
        lambda: saved.limit("tau"),
    ):
        with pytest.raises(StorageError, match="does not hold the model"):
            call()


def test_fixed_complex_array_and_tied_parameters_come_back(tmp_path):
    def model(
        t,
        A=1 + 0j,
        k: Any = so.Parameter(1.0, fixed=True),
        w: Any = so.Parameter(tied=lambda p: 2 * p.k),
        c=np.zeros(2),
    ):
        return A * np.exp(-k * t) + c[0] + c[1] * t + 0 * w

    fit = so.fit(model, TIME, (2 - 1j) * np.exp(-TIME) + 0.5 + 0.1 * TIME, sigma=0.1)
    saved = so.load(fit.save(tmp_path / "fit.npz"))
    assert repr(saved) == repr(fit)
    assert saved.values["A"] == fit.values["A"]
    assert saved.error_reasons == fit.error_reasons
    np.testing.assert_array_equal(saved.values["c"], fit.values["c"])


def test_jax_networks_are_saved_resumed_and_pickled(tmp_path):
    jnp = pytest.importorskip("jax.numpy")
    start = {"w": np.linspace(-1, 1, 5), "b": np.zeros(5), "c": np.linspace(1, -1, 5)}

    def problem():
        @so.condition(points=np.linspace(0, 1, 20), target=np.sin(np.linspace(0, 1, 20)), sigma=0.1)
        def rows(w, b, c, x):
            return jnp.sum(c * jnp.tanh(w * x + b))

        return so.Problem([rows], start)

    whole = so.solve(problem(), LevenbergMarquardt(), steps=8)
    half = so.solve(problem(), LevenbergMarquardt(), steps=4)
    again = so.solve(problem(), start=so.load(half.save(tmp_path / "net.npz")), steps=4)
    np.testing.assert_array_equal(whole.theta, again.theta)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(half)).theta, half.theta)
