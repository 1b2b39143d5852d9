"""Multiple shooting: cuts, first states at the cuts, gaps and their Jacobian, and a start that single shooting cannot use."""

import jax
import numpy as np
import pytest

import sciopt as so
from sciopt.dynamics import fit_ode, trajectories
from sciopt.dynamics.shooting import cut_times, explained, node_states


def spring(t, y, p):
    return {"x": y["v"], "v": -p["w"] * y["x"]}


T = np.linspace(0.0, 6.0, 25)
GIVEN = {"unknown": {"w": 1.0}, "initial": {"x": so.Parameter(1.0), "v": so.Parameter(0.0)}}


def problem(names=("x", "v"), w=1.0, **options):
    exact = {"x": np.cos(T), "v": -np.sin(T)}
    unknown = {**GIVEN, "unknown": {"w": w}}
    return trajectories(
        spring, T, {k: exact[k] for k in names}, solver="Bosh3", rtol=1e-6, sigma=0.01, **unknown, **options
    )


def test_cuts():
    single = problem()
    (two,) = cut_times(single, 2)
    assert two.tolist() == [3.0]
    (many,) = cut_times(single, "multiple")
    assert len(many) == 11  # twelve segments of two intervals
    assert set(many) <= set(T)
    assert cut_times(single, [1.5, 2.25])[0].tolist() == [1.5, 2.25]
    with pytest.raises(TypeError, match="shooting=0"):
        cut_times(single, 0)


def test_hidden_states_begin_where_the_field_gives_the_slopes_of_the_data():
    single = problem(("x",), w=1.3)  # a wrong parameter that the slope of x does not feel
    (cuts,) = cut_times(single, 4)
    states = node_states(single, [cuts], None)
    v, x = states.T  # entries of the state in the order of their names
    assert x == pytest.approx(np.cos(cuts), abs=1e-12)
    assert v == pytest.approx(-np.sin(cuts), abs=0.02)
    guessed = node_states(single, [cuts], lambda t, row: {"x": row["x"], "v": 7.0})
    assert (guessed[:, 0] == 7.0).all()


def test_jacobian_of_segments_and_gaps():
    single = problem(w=1.2)
    (cuts,) = cut_times(single, 3)
    rng = np.random.default_rng(0)
    cut = single.shot([cuts], node_states(single, [cuts], None) + 0.1 * rng.standard_normal((2, 2)))
    assert cut.names == ("v", "x", "continuity")
    assert len(cut.stages) == 3
    lin = so.linearise(cut)
    assert so.check_jacobian(lin) < 1e-4
    assert lin.rows["continuity"] == slice(50, 54)
    with jax.enable_x64(True):
        nodes = np.stack([-np.sin(cuts), np.cos(cuts)], 1)
    exact = so.linearise(problem().shot([cuts], nodes))
    assert np.abs(exact.r).max() < 0.05  # a few times the solver's error in units of sigma


@pytest.mark.slow
def test_a_start_far_away_is_reached_by_segments_and_not_without():
    rng = np.random.default_rng(2)
    t = np.linspace(0.0, 30.0, 101)
    data = {"x": np.cos(2 * t), "v": -2 * np.sin(2 * t)}
    noisy = {k: v + 0.02 * rng.standard_normal(t.size) for k, v in data.items()}
    given = {**GIVEN, "unknown": {"w": 1.0}, "sigma": 0.02}
    stuck = fit_ode(spring, t, noisy, shooting="single", **given)
    assert stuck.chi2 / stuck.dof > 100
    fit = fit_ode(spring, t, noisy, **given)
    assert fit.success
    assert fit.shooting is not None
    assert fit.values["w"] == pytest.approx(4.0, rel=1e-3)
    assert 0.7 < fit.chi2 / fit.dof < 1.3


def test_explained_share():
    assert explained(problem(), problem().layout.start) == pytest.approx(1.0, abs=1e-6)
    assert explained(problem(w=3.0), problem(w=3.0).layout.start) < 0.5
