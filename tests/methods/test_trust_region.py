"""The scaled trust region: what is not covered by the contract of all methods."""

import numpy as np
import pytest

import sciopt as so
from problems.least_squares import CASES
from sciopt.methods import TrustRegion
from sciopt.methods._trial import extrapolated


def test_extrapolation_solves_a_steady_geometric_sequence():
    rng = np.random.default_rng(0)
    error, rate = rng.standard_normal(4), 0.4
    last = -(1 - rate) * error  # x_{k+1} - x_k for errors e, rate e, rate^2 e, ...
    step = rate * last
    assert rate * error + extrapolated(step, last) * step == pytest.approx(0.0 * error, abs=1e-15)


@pytest.mark.parametrize(
    ("step", "last"),
    [
        ([0.0, 0.4], [1.0, 0.0]),  # another direction
        ([0.9, 0.0], [1.0, 0.0]),  # hardly shrinking: not to be trusted
        ([0.001, 0.0], [1.0, 0.0]),  # converging fast enough
        ([0.4, 0.0], [0.0, 0.0]),
    ],
)
def test_no_extrapolation_of_other_sequences(step, last):
    assert extrapolated(np.array(step), np.array(last)) == 1.0


def test_linear_convergence_is_cut_short(monkeypatch):
    case = CASES["nist/MGH09"]()
    model = case.model
    assert model is not None
    start = dict(zip(case.parameters, case.starts[1], strict=True))

    def solved():
        return so.fit(model, case.x, case.y, start=start)

    fast = solved()
    monkeypatch.setattr("sciopt.methods.trust_region.extrapolated", lambda step, last: 1.0)
    slow = solved()
    assert fast.success
    assert slow.success
    assert fast.theta == pytest.approx(slow.theta, rel=1e-9)
    assert fast.nit < 0.5 * slow.nit


def test_overflowing_squares_of_the_jacobian_are_told():
    solution = so.solve(so.Problem(lambda v: 1e160 * (v - 2.0) + 1.0, np.full(2, 2.0)), TrustRegion())
    assert solution.status.value == "nonfinite"
    assert "overflow" in solution.message
