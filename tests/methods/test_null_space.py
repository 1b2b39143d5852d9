"""The secondary objective is made small among the points that fit, and nowhere else."""

import numpy as np
import pytest

import sciopt as so
from sciopt import methods
from sciopt._errors import OptionError
from sciopt.frames import Frame, Stage
from sciopt.layout import Layout
from sciopt.linearise import Linearisation
from sciopt.methods.null_space import unseen


class Curve:
    """One row u v = 1 in three unknowns; secondary objective |theta - (3, 1, 2)|^2 (or none)."""

    stages = (Stage(),)
    layout = Layout.of({"u": 2.0, "v": 0.6, "w": 0.0})

    def frame(self, theta, previous=None, request=None, key=0, step=0):
        return previous or Frame()

    def linearise(self, theta, frame, work):
        return CurveLinearisation(theta, frame, self.layout, work)


class CurveLinearisation(Linearisation):
    def at(self, theta):
        return CurveLinearisation(theta, self.frame, self.layout, self.work)

    def _evaluate(self):
        self.work.spend()
        r = np.array([self.theta[0] * self.theta[1] - 1.0])
        return 0.5 * float(r @ r), r

    def _dense(self):
        return np.array([[self.theta[1], self.theta[0], 0.0]])

    def secondary(self):
        d = self.theta - np.array([3.0, 1.0, 2.0])
        return float(d @ d), 2 * d


def nearest():
    """Point of u v = 1 nearest to (3, 1), by a fine search."""
    u = np.linspace(0.5, 4.0, 400_001)
    k = np.argmin((u - 3) ** 2 + (1 / u - 1) ** 2)
    return np.array([u[k], 1 / u[k], 2.0])


@pytest.mark.parametrize("cut", [0.0, 1e-3])
def test_nearest_point_of_a_curve(cut):
    inner = methods.LevenbergMarquardt(damping="nielsen", geodesic=False)
    s = so.solve(Curve(), methods.NullSpace(inner, level=1e-5, cut=cut, flat=1e-8), steps=400)
    assert s.success
    assert s.theta == pytest.approx(nearest(), abs=2e-2)
    assert abs(s.theta[0] * s.theta[1] - 1) <= 1e-5 * 0.2 * 1.001


@pytest.mark.parametrize("n", [3, 9])
def test_projector(n, rng):
    """The exact one kills the row space; the soft one is mu (J^T J + mu)^-1, primal and dual alike."""

    class Fixed(CurveLinearisation):
        def _dense(self):
            return J

        def _evaluate(self):
            return 0.0, np.zeros(n)

    J, v = rng.standard_normal((n, 5)) @ np.diag([1, 1, 1, 1, 1e-9 if n > 5 else 1]), rng.standard_normal(5)
    lin = Fixed(np.zeros(3), Frame(), Curve.layout)
    hard = unseen(lin, v, 0.0)
    if n == 3:
        np.testing.assert_allclose(J @ hard, 0.0, atol=1e-12)
    mu = (0.1 * np.linalg.svd(J)[1][0]) ** 2
    np.testing.assert_allclose(unseen(lin, v, 0.1), mu * np.linalg.solve(J.T @ J + mu * np.eye(5), v), atol=1e-12)


@pytest.mark.parametrize(
    "options", [{"method": methods.TrustRegion}, {"level": 0.0}, {"cut": 1.5}, {"length": -1.0}, {"flat": 0.0}]
)
def test_bad_options(options):
    with pytest.raises(OptionError, match="NullSpace"):
        methods.NullSpace(**{"method": methods.TrustRegion(), **options})
