"""The contract, for every method: one row in METHODS is all that a new method adds here."""

import io
import json
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np
import pytest

from sciopt.condition import Condition
from sciopt.methods._contract import Method
from sciopt.methods.dogleg import Dogleg
from sciopt.methods.first_order import FirstOrder
from sciopt.methods.gauss_newton import GaussNewton
from sciopt.methods.gradient_normalised import GradientNormalised
from sciopt.methods.half_inverse import HalfInverse
from sciopt.methods.levenberg_marquardt import LevenbergMarquardt
from sciopt.methods.newton import Newton
from sciopt.methods.ratio_targeting import RatioTargeting
from sciopt.methods.regularised_newton import RegularisedNewton
from sciopt.methods.spring import Spring
from sciopt.methods.ssbroyden import SSBroyden
from sciopt.methods.sven import Sven
from sciopt.methods.zeroth import SketchedGaussNewton, Spsa
from sciopt.parameters import Parameter
from sciopt.problem import Problem
from sciopt.storage import pack, unpack


@dataclass(frozen=True)
class Row:
    """A method, how fast it must close in on the easy fit within ``steps``, and whether it only ever descends.

    ``rate``: "quadratic" (order of convergence at least 1.6), "superlinear" (the last two contractions below 0.05 in
    the mean), "linear" (mean contraction below ``contraction``), "sublinear" (distance reduced by ``contraction``).
    """

    method: Any
    rate: str
    steps: int = 60
    contraction: float = 1.0
    descends: bool = True
    structure: str = "rectangular"


METHODS = [
    Row(LevenbergMarquardt(), "superlinear"),
    Row(LevenbergMarquardt(geodesic=False, scaling="more"), "superlinear"),
    Row(LevenbergMarquardt(damping="nielsen"), "superlinear"),
    Row(GaussNewton(), "quadratic"),
    Row(RatioTargeting(), "quadratic"),
    Row(GradientNormalised(), "superlinear"),
    Row(GradientNormalised(acceptance="literal"), "superlinear"),
    Row(RegularisedNewton("super_universal"), "superlinear"),
    Row(RegularisedNewton("cubic"), "superlinear"),
    Row(RegularisedNewton("gradient"), "linear", 400, 0.995),
    Row(Sven(), "quadratic"),
    Row(Sven(safeguarded=False), "quadratic", descends=False),
    Row(Sven(kappa=2.0, lr=0.5, safeguarded=False), "linear", 60, 0.9, descends=False),
    Row(Sven(param_fraction=0.7), "linear", 300, 0.97),
    Row(HalfInverse(lr=0.3), "linear", 300, 0.95, descends=False),
    Row(Spring(momentum=0.5, line_search=True), "linear", 60, 0.7),
    Row(Spring(momentum=0.9, lr=0.3, norm=None), "linear", 200, 0.95, descends=False),
    Row(Dogleg(), "quadratic"),
    Row(Newton(), "quadratic", structure="square"),
    Row(SSBroyden(), "superlinear"),
    Row(SSBroyden(update="bfgs"), "superlinear"),
    Row(Spsa(a=0.05, c=1e-3, A=30), "sublinear", 1000, 0.3, descends=False),
    Row(SketchedGaussNewton(), "superlinear"),
    Row(SketchedGaussNewton(directions=2), "linear", 200, 0.9),
    Row(FirstOrder("adam", lr=0.03), "sublinear", 500, 0.1, descends=False),
    Row(FirstOrder("momentum", lr=3e-3), "linear", 500, 0.99, descends=False),
    Row(FirstOrder("lbfgs", lr=1.0), "superlinear"),
]
IDS = [repr(row.method) for row in METHODS]
OPTIMUM = np.array([2.0, 1.3, 0.5])
T = np.linspace(0.0, 3.0, 40)

every = pytest.mark.parametrize("row", METHODS, ids=IDS)


def decay(v):
    """Residual of an exponential decay with exact data."""
    return v[0] * np.exp(-v[1] * T) + v[2] - (2.0 * np.exp(-1.3 * T) + 0.5)


def easy(row: Row) -> Problem:
    start = np.array([1.2, 0.9, 0.2])
    if row.structure == "square":
        return Problem(lambda v: decay(v)[[0, 13, 39]], unknown=start, structure="square")
    return Problem(decay, unknown=start)


def leaves(state: Any) -> list[Any]:
    if is_dataclass(state):
        return [x for f in fields(state) for x in leaves(getattr(state, f.name))]
    if isinstance(state, dict):
        return [x for v in state.values() for x in leaves(v)]
    if isinstance(state, tuple | list):
        return [x for v in state for x in leaves(v)]
    return [state]


@every
def test_is_a_method_without_hidden_state(row):
    assert isinstance(row.method, Method)
    assert is_dataclass(row.method)
    assert row.method.__dataclass_params__.frozen  # type: ignore[union-attr]


@every
def test_reaches_the_optimum_at_its_rate(row, drive):
    out = drive(row.method, easy(row), row.steps)
    errors = [np.linalg.norm(easy(row).layout.start - OPTIMUM)]
    errors += [np.linalg.norm(s.theta - OPTIMUM) for s in out.steps if s.accepted]
    errors = np.array([e for e in errors if e > 1e-11])
    if row.rate == "sublinear":
        assert errors[-1] < row.contraction * errors[0]
        return
    assert errors[-1] < 1e-4
    contractions = errors[1:] / errors[:-1]
    if row.rate == "linear":
        assert (errors[-1] / errors[0]) ** (1.0 / (len(errors) - 1)) < row.contraction
    elif row.rate == "superlinear":
        assert np.linalg.norm(out.theta - OPTIMUM) < 1e-7
        assert np.sqrt(contractions[-1] * contractions[-2]) < 0.05
    else:
        orders = np.log(contractions[1:]) / np.log(contractions[:-1])
        assert np.linalg.norm(out.theta - OPTIMUM) < 1e-9
        assert max(orders[-2:]) > 1.6


@every
def test_decreases_only_where_it_says_so(row, drive):
    out = drive(row.method, easy(row), 30)
    assert np.isfinite(out.merits).all()
    for step, before, after in zip(out.steps, out.merits[:-1], out.merits[1:], strict=True):
        if not step.accepted:
            assert after == before
        else:
            assert step.info["reduction"] == pytest.approx(before - after, rel=1e-6, abs=1e-12 * before)
            if row.descends:
                assert after <= before * (1 + 1e-12)


@every
def test_same_key_same_bits_and_resume(row, drive):
    whole = drive(row.method, easy(row), 12, key=7)
    again = drive(row.method, easy(row), 12, key=7)
    assert whole.theta.tobytes() == again.theta.tobytes()
    if whole.verdict is not None and len(whole.steps) <= 6:
        pytest.skip("finished before the middle")
    half = drive(row.method, easy(row), 6, key=7)
    rest = drive(row.method, easy(row), 6, key=7, first=6, state=half.state, theta=half.theta)
    assert rest.theta.tobytes() == whole.theta.tobytes()
    for a, b in zip(leaves(rest.state), leaves(whole.state), strict=True):
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes()


@every
def test_state_is_numbers_and_arrays_and_survives_a_file(row, drive):
    half = drive(row.method, easy(row), 4, key=3)
    for leaf in leaves(half.state):
        assert np.asarray(leaf).dtype.kind in "fiub"
    spec, arrays = pack(half.state)
    file = io.BytesIO()
    np.savez(file, **{f"leaf{i}": x for i, x in enumerate(arrays)})
    file.seek(0)
    stored = np.load(file, allow_pickle=False)
    back = unpack(json.loads(json.dumps(spec)), [stored[f"leaf{i}"] for i in range(len(arrays))])
    assert type(back) is type(half.state)
    if half.verdict is None:
        on = drive(row.method, easy(row), 3, key=3, first=4, state=half.state, theta=half.theta)
        off = drive(row.method, easy(row), 3, key=3, first=4, state=back, theta=half.theta)
        assert on.theta.tobytes() == off.theta.tobytes()


@every
def test_a_region_that_cannot_be_evaluated_is_stepped_around(row, drive):
    def height(v):
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.log(v / 0.01)  # nan below zero, where the full linear step leads

    out = drive(
        row.method,
        Problem(height, unknown=np.array([4.0]), jacobian=lambda v: np.diag(1.0 / v), structure=row.structure),
        100,
    )
    assert np.isfinite(out.merits).all()
    assert out.lin.f < out.merits[0] or not row.descends
    if row.rate in ("quadratic", "superlinear") and row.descends:
        assert out.theta[0] == pytest.approx(0.01, rel=1e-3)


@every
def test_a_jacobian_that_is_not_finite_ends_with_a_verdict(row, drive):
    broken = np.full((2, 2), np.nan)
    problem = Problem(lambda v: v - [1.0, 2.0], unknown=np.zeros(2), jacobian=lambda v: broken, structure=row.structure)
    out = drive(row.method, problem, 10)
    if isinstance(row.method, Spsa | SketchedGaussNewton):  # they never look at it
        assert out.lin.f < out.merits[0]
        return
    assert out.verdict is not None
    assert out.verdict[0] == "nonfinite"
    assert out.theta.tolist() == [0.0, 0.0]


@every
def test_rank_deficient_jacobian(row, drive):
    rows = np.array([1.0, 2.0, 3.0])
    start = np.array([0.2, 0.0, 5.0])
    problem = Problem(lambda v: (v[0] + v[1] - 1.0) * rows + 0.0 * v[2], unknown=start, structure=row.structure)
    out = drive(row.method, problem, row.steps)
    assert np.isfinite(out.theta).all()
    assert out.lin.f < (0.1 if row.rate == "sublinear" else 1e-8) * out.merits[0]
    if not isinstance(row.method, Spsa | SketchedGaussNewton):
        assert out.theta[2] == pytest.approx(5.0, abs=1e-12)


@every
def test_zero_residual_at_the_start(row, drive):
    out = drive(row.method, Problem(lambda v: v - 3.0, unknown=np.full(2, 3.0), structure=row.structure), 3)
    assert out.theta == pytest.approx([3.0, 3.0], abs=1e-9)
    assert out.verdict is None or out.verdict[0] in ("converged", "rounding_floor", "stalled")


@every
def test_bounds_are_kept(row, drive):
    unknown = {"a": Parameter(0.5, bounds=(0.0, 1.0)), "b": Parameter(0.0)}
    rows = 2 if row.structure == "square" else 3
    problem = Problem(lambda a, b: np.array([a - 2.0, b - a, 0.5 * b])[:rows], unknown=unknown, structure=row.structure)
    out = drive(row.method, problem, row.steps)
    assert all(0.0 <= s.theta[0] <= 1.0 for s in out.steps)
    assert out.lin.f < out.merits[0]


@every
def test_user_function_is_traced_once(row, drive):
    import jax.numpy as jnp

    traces = []

    def model(u, t):
        traces.append(0)
        return u["A"] * jnp.exp(-u["k"] * t)

    t = np.linspace(0.0, 2.0, 2 if row.structure == "square" else 16)
    condition = Condition(model, "decay", points=t, target=2.0 * np.exp(-1.3 * t), sigma=0.1)
    unknown = {"A": jnp.asarray(1.5), "k": jnp.asarray(1.0)}
    drive(row.method, Problem(condition, unknown, structure=row.structure), 2)
    first = len(traces)
    drive(row.method, Problem(condition, unknown, structure=row.structure), 12)
    assert len(traces) - first <= 1  # the check that it can be traced, once a problem


def test_every_row_is_another_method():
    assert len(set(IDS)) == len(IDS)
