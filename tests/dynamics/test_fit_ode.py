"""Fits of trajectories against fits of the exact solution, and what is said about bad input."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import sciopt as so
from problems import CASES
from sciopt._errors import ConditionError
from sciopt.dynamics import fit_ode, trajectories
from sciopt.linearise import Work

OPTIONS = {"solver": "Bosh3", "rtol": 1e-8, "shooting": "single"}  # few stages compile fast


def decay(t, y, p):
    return -p["k"] * y


def decaying(t, k=1.3, y0=2.0, noise=0.01, seed=0):
    return y0 * np.exp(-k * t) + noise * np.random.default_rng(seed).standard_normal(len(t))


def predator(t, y, p):
    product = y.hare * y.lynx
    return {"lynx": p.d * product - p.g * y.lynx, "hare": p.a * y.hare - p.b * product}


def logarithms(t, y, p):
    return {k: jnp.log(v) for k, v in y.items()}


@pytest.mark.parametrize("scale", ["log", "linear"])
def test_lynx_and_hare_agree_with_the_reference(scale):
    case = CASES[f"lynx_hare/{scale}"]()
    start, y = dict(zip(case.parameters, case.starts[0], strict=True)), np.asarray(case.y)
    fit = fit_ode(
        predator,
        case.x,
        {"hare": y[:, 0], "lynx": y[:, 1]},
        unknown={k: start[k] for k in "abgd"},
        initial={"hare": so.Parameter(start["x0"]), "lynx": so.Parameter(start["y0"])},
        observe=logarithms if scale == "log" else None,
    )
    names = ["a", "b", "g", "d", "initial.hare", "initial.lynx"]
    assert fit.success
    assert [fit.values[n] for n in names] == pytest.approx(case.answers[0].parameters, rel=1e-6)
    assert [fit.errors[n] for n in names] == pytest.approx(case.published["std"], rel=1e-3)
    assert fit.chi2 == pytest.approx(case.answers[0].rss, rel=1e-6)
    assert fit.dof == 36
    assert "not stiff" in fit.reason


def test_runs_of_unequal_length_with_missing_data_and_replicates_agree_with_the_exact_fit():
    t1, t2 = np.linspace(0.0, 2.0, 9), np.array([0.0, 0.5, 0.5, 0.5, 1.7])
    y1, y2 = decaying(t1), decaying(t2, y0=0.7, seed=1)
    y1[3] = np.nan
    fit = fit_ode(
        decay,
        [t1, t2],
        [y1, y2],
        unknown={"k": 1.0},
        initial=[so.Parameter(1.8), so.Parameter(0.6)],
        sigma=0.01,
        nan="omit",
        **OPTIONS,
    )
    keep = np.isfinite(y1)
    t, y, run = np.concatenate([t1[keep], t2]), np.concatenate([y1[keep], y2]), np.repeat([0, 1], [8, 5])
    exact = so.fit(
        lambda t, run, k=1.0, a=1.8, b=0.6: np.where(run == 0, a, b) * np.exp(-k * t), (t, run), y, sigma=0.01
    )
    assert [fit.values[n] for n in fit.names] == pytest.approx(list(exact.theta), rel=1e-6)
    assert [fit.errors[n] for n in fit.names] == pytest.approx(list(exact.errors.values()), rel=1e-5)
    assert fit.chi2 == pytest.approx(exact.chi2, rel=1e-6)
    assert fit.dof == exact.dof == 10
    assert fit.names == ("k", "initial[0]", "initial[1]")
    x = np.array([0.3, 3.0])
    value, band = fit.predict(x, band=True, run=1)
    curve, error = exact.predict((x, np.array([1, 1])), band=True)
    assert value == pytest.approx(curve, rel=1e-6)
    assert band == pytest.approx(error, rel=1e-4)


@pytest.mark.parametrize(("unit", "zero"), [(1e-18, 0.0), (1.0, 2460676.5)])
def test_the_unit_and_the_zero_of_time_do_not_matter(unit, zero):
    t = np.linspace(0.0, 2.0, 9)
    y = decaying(t)
    common = {"initial": so.Parameter(1.5), "sigma": 0.01, **OPTIONS}
    plain = fit_ode(decay, t, y, unknown={"k": 3.0}, **common)
    other = fit_ode(decay, zero + unit * t, y, unknown={"k": 3.0 / unit}, **common)
    assert other.success
    assert other.values["k"] * unit == pytest.approx(plain.values["k"], rel=1e-8)
    assert other.errors["k"] * unit == pytest.approx(plain.errors["k"], rel=1e-6)


def test_all_ways_to_the_jacobian_agree():
    t = np.linspace(0.0, 2.0, 5)
    y = {"x": np.cos(t), "v": -np.sin(t)}

    def spring(t, y, p):
        return {"x": y.v, "v": -p.w * y.x}

    found = {}
    for mode in ("auto", "forward", "reverse"):
        problem = trajectories(
            spring,
            t,
            y,
            unknown={"w": 1.2},
            initial={"x": so.Parameter(1.1), "v": 0.0},
            solver="Bosh3",
            rtol=1e-5,
            jacobian=mode,
        )
        lin = so.linearise(problem)
        found[mode] = lin.dense()
        if mode == "auto":
            assert so.check_jacobian(lin) < 1e-4
    assert found["auto"] == pytest.approx(found["forward"], rel=1e-11, abs=1e-12)
    assert found["auto"] == pytest.approx(found["reverse"], rel=1e-11, abs=1e-12)


def test_reverse_sweeps_of_lanes_with_one_datum_agree_with_forward_mode(monkeypatch):
    from sciopt.dynamics import block

    def spring(t, y, p):
        return jnp.stack([y[1], -p["w"] * y[0] ** 3])

    ends = [np.array([0.5]), np.array([0.8]), np.array([0.3])]
    given = {"unknown": {"w": 1.2}, "initial": [np.array([1.0, v]) for v in (0.0, 0.5, -0.5)], "start": 0.0}
    options = {"solver": "Bosh3", "rtol": 1e-5, "observe": lambda t, y, p: p["w"] * y[:1]}
    data = [np.ones((1, 1))] * 3
    forward = so.linearise(trajectories(spring, ends, data, jacobian="forward", **given, **options)).dense()
    monkeypatch.setattr(block, "MANY", 0)
    called = []
    real = block.endpoint_jacobian
    monkeypatch.setattr(block, "endpoint_jacobian", lambda *a: called.append(1) or real(*a))
    assert so.linearise(trajectories(spring, ends, data, **given, **options)).dense() == pytest.approx(
        forward, rel=1e-12
    )
    assert called


def test_an_unknown_start_time_is_fitted():
    t = np.linspace(1.0, 3.0, 9)
    y = np.exp(-0.8 * (t - 0.3))
    fit = fit_ode(
        decay, t, y, unknown={"k": 1.0}, initial=1.0, start=so.Parameter(0.0, bounds=(None, 0.9)), sigma=1e-3, **OPTIONS
    )
    assert fit.values["start"] == pytest.approx(0.3, abs=1e-5)
    assert fit.values["k"] == pytest.approx(0.8, abs=1e-5)


def test_a_dose_and_a_datum_at_its_instant():
    t = np.array([0.0, 1.0, 2.0])  # the datum at t = 1 is that before the dose
    y = np.array([1.0, np.exp(-1.0), (np.exp(-1.0) + 3.0) * np.exp(-1.0)])
    fit = fit_ode(decay, t, y, unknown={"k": 0.7}, initial=1.0, doses=[(1.0, 3.0)], sigma=1e-3, **OPTIONS)
    assert fit.values["k"] == pytest.approx(1.0, rel=1e-6)
    assert fit.chi2 < 1e-6


def test_a_trajectory_that_blows_up_is_a_failed_evaluation_and_the_fit_goes_on():
    t = np.linspace(0.0, 1.0, 6)
    problem = trajectories(
        lambda t, y, p: p["k"] * y**2,
        t,
        1 / (1 - 0.5 * t),
        unknown={"k": 0.1},
        initial=1.0,
        solver="Bosh3",
        max_steps=2000,
    )
    lin = so.linearise(problem)
    blown = lin.at(np.array([3.0]))
    assert blown.failed is not None
    assert "got to time 0.33" in blown.failed
    assert lin.reduction(blown) == -np.inf
    solution = so.solve(problem)
    assert solution.success
    assert solution.values["k"] == pytest.approx(0.5, rel=1e-6)
    with pytest.raises(ConditionError, match="not finite at the start"):
        so.solve(problem, start={"k": 3.0})


def test_other_data_of_the_same_shape_compile_nothing(caplog):
    import jax

    t = np.linspace(0.0, 2.0, 9)
    common = {"unknown": {"k": 1.0}, "initial": 2.0, "sigma": 0.01, **OPTIONS}
    fit_ode(decay, t, decaying(t), **common)
    from sciopt.dynamics import plan, walk

    compiled: list[Any] = [walk.walk, plan.predictions, plan.linear]
    before = [f._cache_size() for f in compiled]
    fit_ode(decay, 1.1 * t, decaying(t, seed=5), **common)
    assert [f._cache_size() for f in compiled] == before
    del jax


T = np.linspace(0.0, 1.0, 5)
Y = {"x": np.ones(5), "v": np.ones(5)}
STATE = {"x": 1.0, "v": 0.0}


def spring(t, y, p):
    return {"x": y["v"], "v": -p["w"] * y["x"]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"t": np.array([0.0, 0.2, 0.1, 0.3, 0.4])}, "t decreases at index 2"),
        ({"t": np.array([0.0, 0.2, np.nan, 0.3, 0.4])}, "t is nan at index 2"),
        ({"y": {"x": np.array([1.0, np.nan, 1, 1, 1]), "v": np.ones(5)}}, r"x is NaN at index \(1,\); say nan='omit'"),
        ({"y": {"x": np.ones(4), "v": np.ones(5)}}, r"x has shape \(4,\)"),
        ({"y": np.ones((5, 3))}, "name the data by entries of the state"),
        ({"y": {"z": np.ones(5)}}, "the state has"),
        ({"initial": {"x": 1.0, "v": np.zeros(2)}}, "shape"),
        ({"initial": {"x": 1.0, "v": np.nan}}, "initial: entry v is nan"),
        ({"initial": "guess"}, "initial='guess'"),
        ({"start": 0.5}, "before its start"),
        ({"solver": "Euler"}, "solver='Euler' is no Runge-Kutta pair with an error estimate"),
        ({"sigma": {"x": 0.1, "v": 0.0}}, "sigma of v is 0"),
        ({"sigma": {"x": 0.1}}, "sigma has another structure"),
        ({"unknown": {"w": 1.0, "initial": 2.0}}, "a name kept for the fit itself"),
        ({"field": lambda t, y, p: {"x": y["v"]}}, "another structure than the state"),
        ({"field": lambda t, y, p: {"x": y["v"], "v": jnp.zeros(3)}}, "the field returned shape"),
        ({"field": lambda t, y, p: {"x": y["v"], "v": p["omega"]}}, "failed at the start: KeyError"),
        ({"observe": lambda t, y, p: y["x"]}, "observe returns"),
        ({"doses": [(0.5, {"x": 1.0})]}, "dose at time 0.5 has another structure"),
        ({"rtol": 2.0}, "rtol must lie"),
        ({"max_steps": 0}, "max_steps must be a positive integer"),
        ({"shooting": "twice"}, "shooting='twice'"),
        ({"grid": "one"}, "grid must be"),
        ({"nan": "drop"}, "nan must be"),
        ({"errors": "absolute"}, "errors='absolute' needs sigma="),
    ],
)
def test_bad_input_is_named(change, message):
    given = {"field": spring, "t": T, "y": Y, "unknown": {"w": 1.0}, "initial": STATE, "solver": "Bosh3", **change}
    field, t, y = given.pop("field"), given.pop("t"), given.pop("y")
    with pytest.raises((ValueError, TypeError), match=message):
        fit_ode(field, t, y, **given)


def test_the_order_of_keys_does_not_matter():
    t = np.linspace(0.0, 1.0, 5)
    exact = {"v": -np.sin(t), "x": np.cos(t)}
    backwards = trajectories(
        lambda t, y, p: dict(reversed(spring(t, y, p).items())),
        t,
        exact,
        unknown={"w": 1.0},
        initial=STATE,
        solver="Bosh3",
    )
    lin = so.linearise(backwards, work=Work())
    assert np.abs(lin.r).max() < 1e-5
