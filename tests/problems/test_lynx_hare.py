"""Lynx and hare: the integrator and the reference errors."""

import numpy as np
import pytest

from problems.least_squares import lynx_hare

BUILT = {name: factory() for name, factory in lynx_hare.CASES.items()}


def test_lotka_volterra_series_conserves_its_invariant():
    a, b, g, d = 0.55, 0.028, 0.8, 0.024
    x, y = np.real(lynx_hare.populations(np.arange(21.0), a, b, g, d, 34.0, 6.0)).T
    invariant = d * x - g * np.log(x) + b * y - a * np.log(y)
    np.testing.assert_allclose(invariant, invariant[0], rtol=1e-12)


@pytest.mark.parametrize("scale", ["log", "linear"])
def test_lynx_hare_errors_follow_from_the_jacobian(scale):
    case = BUILT[f"lynx_hare/{scale}"]
    answer = case.answers[0]
    assert answer.parameters is not None
    jacobian = case.jacobian(answer.parameters)
    std = np.sqrt(np.diag(np.linalg.inv(jacobian.T @ jacobian)) * answer.rss / case.published["dof"])
    np.testing.assert_allclose(std, case.published["std"], rtol=1e-6)
