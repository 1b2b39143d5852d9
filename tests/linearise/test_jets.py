"""Conditions on linear ansaetze: jets against automatic differentiation of the model itself, linearity, locality, solves."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import sciopt as so
from sciopt import models
from sciopt.linearise import Work, linearise
from sciopt.linearise.build import blocks_of
from sciopt.linearise.jets import JetBlock
from sciopt.linearise.stacked import Stacked

RNG = np.random.default_rng(5)
POINTS = RNG.uniform(0, 1, (40, 2))


def d2(u, i):
    def first(x):
        return jax.jvp(u, (x,), (jnp.eye(2)[i],))[1]

    return lambda x: jax.jvp(first, (x,), (jnp.eye(2)[i],))[1]


def bending(u, x):
    return d2(d2(u, 0), 1)(x) + u(x) ** 2


def flow(w, x):
    J = jax.jacfwd(w)(x)
    return J @ w(x) + 3.0 * w(x)


def wave(u, k, x):
    return d2(u, 0)(x) + k * k * u(x) + 1j * u(x)


def linear(u, x):
    return d2(u, 0)(x) - x[1] * u(x) + jnp.sin(x[0])


def far(u, x):
    return u(x) - u(x + jnp.array([1.0, 0.0]))


def started(model):
    c = RNG.standard_normal(model.coefficients.shape) / np.sqrt(model.size)
    return jax.tree_util.tree_map(lambda _: c, model)


def rows_and_jacobian(problem, jets):
    """Return r and J by jets, or by differentiating the model like any other module."""
    theta = problem.layout.start
    frame, work = problem.frame(theta), Work()
    if not jets:
        from sciopt.linearise.autodiff import JaxBlock

        n = len(problem.conditions)
        work.modes["blocks"] = (
            JaxBlock(tuple(range(n)), list(problem.conditions), list(problem.bindings), problem.layout),
        )
    lin = linearise(problem, theta, frame, work)
    J = lin.sparse().toarray() if "sparse" in lin.offers else lin.dense()
    return lin, lin.r, J


BASES = {
    "tensor": lambda m: models.tensor_basis([(0, 1), (0, 1)], (5, 4), outputs=m),
    "features": lambda m: models.random_features([(0, 1), (0, 1)], 15, outputs=m, key=1),
    "cross": lambda m: models.cross_basis([(0, 1), (0, 1)], 6, outputs=m),
    "splines": lambda m: models.tensor_basis(
        None, outputs=m, axes=(models.chebyshev(0, 1, 4), models.spline(np.linspace(0, 1, 90), 3))
    ),
}


@pytest.mark.parametrize(
    ("basis", "function"),
    [("tensor", bending), ("tensor", flow), ("features", bending), ("cross", linear), ("splines", linear)],
    ids=["tensor-bending", "tensor-flow", "features-bending", "cross-linear", "splines-linear"],
)
def test_rows_and_jacobian_equal_those_of_the_model_differentiated(basis, function):
    model = started(BASES[basis](2 if function is flow else None))
    problem = so.Problem([so.condition(function, points=POINTS[:12])], unknown=model)
    lin, r, J = rows_and_jacobian(problem, jets=True)
    assert isinstance(lin, Stacked)
    assert isinstance(lin.pieces[0], JetBlock)
    assert lin.linear == (function is linear)
    _, r2, J2 = rows_and_jacobian(problem, jets=False)
    assert np.allclose(r, r2, rtol=1e-9, atol=1e-9 * np.abs(r2).max())
    assert np.allclose(J, J2, rtol=1e-8, atol=1e-9 * np.abs(J2).max())


def test_further_unknowns_and_complex_rows():
    unknown = {"u": started(BASES["tensor"](None)), "k": so.Parameter(1.5), "fixed": so.Parameter(2.0, fixed=True)}
    problem = so.Problem([so.condition(wave, points=POINTS)], unknown=unknown)
    lin, r, J = rows_and_jacobian(problem, jets=True)
    assert isinstance(lin, Stacked)
    assert isinstance(lin.pieces[0], JetBlock)
    _, r2, J2 = rows_and_jacobian(problem, jets=False)
    assert J.shape == (80, 21)
    assert np.allclose(r, r2, rtol=1e-10)
    assert np.allclose(J, J2, rtol=1e-9, atol=1e-9)


def test_a_condition_that_looks_elsewhere_is_differentiated_as_usual():
    problem = so.Problem([so.condition(far, points=POINTS)], unknown=started(BASES["tensor"](None)))
    blocks = blocks_of(problem, problem.layout.start, problem.frame(problem.layout.start), Work())
    assert not any(isinstance(b, JetBlock) for b in blocks)


def test_more_points_than_a_chunk_and_other_bases_compile_nothing():
    from sciopt.linearise import jet_program

    compiled: Any = jet_program.evaluate

    def curved(u, x):
        return d2(u, 1)(x) - u(x)

    for size, n in ((4, 30), (7, 700), (9, 1100)):
        model = models.tensor_basis([(0, 1), (0, 1)], size)
        problem = so.Problem([so.condition(curved, points=RNG.uniform(0, 1, (n, 2)))], unknown=model)
        before = compiled._cache_size()
        lin = linearise(problem)
        assert lin.dense().shape == (n, size * size)
        if n > 30:
            assert compiled._cache_size() == before


def test_linear_conditions_are_solved_in_one_step():
    model = models.tensor_basis([(0, 1), (0, 1)], 6)

    def value(u, x):
        return u(x) - x[0] ** 3 * x[1]

    solution = so.solve(so.Problem([so.condition(value, points=POINTS)], unknown=model))
    assert solution.success
    assert solution.nit == 1
    assert abs(float(solution.params([0.3, 0.9])) - 0.3**3 * 0.9) < 1e-13
