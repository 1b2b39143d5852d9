"""Equations next to data act as constraints: error bars are those of the data, whatever the weights."""

import jax.numpy as jnp
import numpy as np
import pytest

import sciopt as so
from problems.pde.inverse_diffusion import inverse_diffusion

pde = so.pde


def test_error_bar_is_the_statistical_limit_whatever_the_weights():
    errors = []
    for weight in (0.1, 10.0):
        case = inverse_diffusion(weight=weight)
        solution = so.solve(case.problem)
        assert solution.success, solution.message
        D, error = solution.values["D"], solution.errors["D"]
        assert abs(D - case.truth) < 3 * case.limit
        assert solution.errors_kind == "absolute"
        errors.append(error)
    assert errors[1] == pytest.approx(case.limit, rel=0.03)
    assert np.ptp(errors) < 0.1 * errors[1]


def test_weights_of_the_constraints_are_in_the_history():
    case = inverse_diffusion()
    solution = so.solve(case.problem, steps=1)
    assert solution.history["weight:diffusion"][0] > 1e3
    assert 150 < solution.dof < 200
    assert set(solution.chi2_by_condition) == {"observed"}


@pytest.mark.slow
def test_balanced_weights_follow_units():
    """Lengths in millimetres: the same merit and the same steps after balancing."""
    merits = []
    for length in (1.0, 1000.0):
        rod = pde.Interval(0, length)

        def source(u, x, length=length):
            return length**2 * 0 + pde.laplacian(u)(x) + (jnp.pi / length) ** 2 * jnp.sin(jnp.pi * x[0] / length)

        c = so.Condition(source, "source", rod.interior(40, "grid"), weight=1.0)
        u = so.pde.scaled(so.models.mlp(1, width=5, key=0), rod)
        problem = pde.balanced(so.Problem([c, pde.dirichlet(rod.boundary(2))], u))
        merits.append(so.solve(problem, steps=12).history["f"])
    assert np.allclose(*merits, rtol=1e-5)
    assert merits[0][-1] < 1e-2 * merits[0][0]


@pytest.mark.slow
def test_coverage_of_one_sigma_over_200_draws():
    pulls = []
    for seed in range(200):
        case = inverse_diffusion(seed=seed)
        solution = so.solve(case.problem)
        pulls.append((solution.values["D"] - case.truth) / solution.errors["D"])
    inside = np.mean(np.abs(pulls) < 1)
    assert 0.60 <= inside <= 0.76, inside
