"""Sequence fits: exact recovery, batches, missing values, and what is refused."""

import numpy as np
import pytest

import sciopt as so
from problems.dynamics.pendulum import energy, pendulum_flow, pendulum_sequences
from sciopt import dynamics, models
from sciopt._errors import DataError, OptionError


@pytest.fixture(scope="module")
def teacher():
    """Sequences made by a small cell itself: they can be fitted exactly."""
    rng = np.random.default_rng(0)
    x, dt = rng.standard_normal((30, 8, 1)), rng.uniform(0.1, 1.0, (30, 8))
    return x, dt, np.asarray(models.cfc(1, units=2, backbone=(3,), key=7)(x, dt))


def student(key=1):
    return models.cfc(1, units=3, backbone=(4,), key=key)


def test_small_cell_by_the_default_method(teacher):
    x, dt, y = teacher
    fit = dynamics.fit_sequences(student(key=2), x, dt, y, steps=40)
    assert np.sqrt(np.mean((np.asarray(fit.params(x, dt)) - y) ** 2)) < 0.005 * y.std()


def test_batches_and_a_falling_rate(teacher):
    x, dt, y = teacher
    fit = dynamics.fit_sequences(student(), x, dt, y, batch=10, steps=150, lr=2e-2)
    assert fit.status is so.Status.budget
    assert np.mean((np.asarray(fit.params(x, dt)) - y) ** 2) < 0.2 * y.var()


def test_missing_values_do_not_matter(teacher):
    x, dt, y = teacher
    holes, other = y.copy(), y.copy()
    holes[3:9, 2] = np.nan
    other[3:9, 2] = 99.0
    a = dynamics.sequence_problem(student(), x, dt, holes, nan="omit", sigma=0.1)
    from sciopt.linearise import linearise

    assert linearise(a).n == y.size - 6
    batched = linearise(dynamics.sequence_problem(student(), x, dt, holes, nan="omit", sigma=0.1, batch=30))
    assert batched.f == pytest.approx(linearise(a).f, rel=1e-12)


def test_pendulum_data():
    x, dt, y = pendulum_sequences(5, 6, damping=0.0, key=2)
    assert (x.shape, dt.shape, y.shape) == ((5, 6, 1), (5, 6), (5, 6, 2))
    np.testing.assert_array_equal(x[:, 1:, 0], y[:, :-1, 0])
    np.testing.assert_allclose(energy(y) - energy(y)[:, :1], 0.0, atol=1e-9)
    small = pendulum_flow(np.array([1e-5, 0.0]), 2.0)
    np.testing.assert_allclose(small, 1e-5 * np.array([np.cos(2.0), -np.sin(2.0)]), atol=1e-14)


@pytest.mark.slow
def test_variants_in_their_published_order():
    """Default < no gate < pure; without the elapsed time the error is more than 20 times larger."""
    from problems.dynamics.sequence_study import error_of

    default, no_gate, pure, blind = (error_of(v) for v in ("default", "no_gate", "pure", "no time"))
    assert default < no_gate < pure
    assert blind > 20 * default


@pytest.mark.parametrize(
    ("change", "error", "told"),
    [
        ({"dt": np.ones((30, 7))}, DataError, r"dt \(30, 7\)"),
        ({"dt": -np.ones((30, 8))}, DataError, r"negative at \(0, 0\)"),
        ({"y": np.full((30, 8, 1), np.nan)}, DataError, r"y is not finite at \(0, 0, 0\)"),
        ({"y": np.full((30, 8, 1), np.nan), "nan": "omit"}, DataError, "no entry of y"),
        ({"x": np.full((30, 8, 1), np.inf)}, DataError, "x is not finite"),
        ({"model": np.sin}, OptionError, "evaluate"),
        ({"nan": "skip"}, OptionError, "'skip'"),
        ({"sigma": np.linspace(1, 2, 240).reshape(30, 8, 1), "batch": 3}, OptionError, "one number"),
    ],
)
def test_bad_calls_are_named(teacher, change, error, told):
    x, dt, y = teacher
    chosen = {"model": student(), "x": x, "dt": dt, "y": y, **change}
    with pytest.raises(error, match=told):
        dynamics.sequence_problem(chosen.pop("model"), chosen.pop("x"), chosen.pop("dt"), chosen.pop("y"), **chosen)
