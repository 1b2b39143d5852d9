"""Unknown functions of a solution: evaluation, operators, grids, plots; points that follow the residual."""

import jax.numpy as jnp
import numpy as np
import pytest

import sciopt as so
from sciopt._errors import DataError, OptionError
from sciopt.pde._refine import PATIENCE, refined
from sciopt.points import Batch

pde = so.pde


@pytest.fixture(scope="module")
def heat():
    domain = pde.Time(0, 1) * pde.Interval(0, 1)

    @so.condition(points=domain.interior(400))
    def diffusion(u, x):
        return pde.dt(u)(x) - 0.1 * pde.laplacian(u)(x)

    start = pde.initial(domain.initial(30), lambda x: jnp.sin(jnp.pi * x[1]))
    return so.solve(
        so.Problem([diffusion, start, pde.dirichlet(domain.boundary(40))], so.models.tensor_basis(domain, 14))
    )


def test_values_and_operators_at_points(heat):
    x = np.random.default_rng(0).uniform(size=(7, 3, 2))
    exact = np.exp(-0.1 * np.pi**2 * x[..., 0]) * np.sin(np.pi * x[..., 1])
    assert np.abs(heat.u(x) - exact).max() < 1e-9
    assert heat.u(x[0, 0]).shape == ()
    bent = heat.u.map(pde.laplacian)
    assert np.abs(bent(x) + np.pi**2 * exact).max() < 1e-6, "time is no coordinate of space"
    assert bent.name == "laplacian(u)"
    assert heat.u.map(pde.grad)(x).shape == (7, 3, 1)


def test_points_outside_are_named_or_left_out(heat):
    with pytest.raises(DataError, match=r"1 of 2 points lie outside .* point 1 = \[0.5, 1.5\]"):
        heat.u([[0.5, 0.5], [0.5, 1.5]])
    assert np.isnan(heat.u([0.5, 1.5], outside="nan"))
    assert np.isfinite(heat.u([0.5, 1.5], outside="extrapolate"))
    with pytest.raises(OptionError, match="outside='wrap'"):
        heat.u([0.5, 0.5], outside="wrap")
    with pytest.raises(DataError, match=r"need shape \(n, 2\)"):
        heat.u([0.5])
    with pytest.raises(AttributeError, match="'v'"):
        heat.v  # noqa: B018


def test_xarray_has_named_coordinates(heat):
    table = heat.u.to_xarray(5, 9)
    assert table.dims == ("t", "x")
    assert float(table.sel(t=0.5, x=0.5)) == pytest.approx(np.exp(-0.05 * np.pi**2), rel=1e-8)
    row = heat.u.to_xarray(9, at={"t": 0.25})
    assert row.dims == ("x",)
    assert float(row["t"]) == 0.25
    with pytest.raises(OptionError, match="holds every coordinate"):
        heat.u.to_xarray(at={"t": 0.0, "x": 0.0})


def test_pictures(heat):
    image = heat.plot.field(counts=(9, 9))
    assert (image.get_xlabel(), image.get_ylabel()) == ("t", "x")
    line = heat.plot.field(at={"t": 0.5}, counts=(11,)).lines[0]
    assert line.get_ydata()[5] == pytest.approx(np.exp(-0.05 * np.pi**2), rel=1e-6)
    assert len(heat.plot.field_frames(times=3).axes) == 3
    dots = heat.plot.field_residual("diffusion", n=64).collections[0]
    assert dots.get_offsets().shape == (64, 2)
    with pytest.raises(OptionError, match="no condition 'wave'"):
        heat.plot.field_residual("wave")
    disk = pde.Disk()
    bowl = pde.Field(lambda x: x[0] ** 2 + x[1] ** 2, disk, "r2")
    mesh = so.plot.field(bowl, counts=(21, 21)).collections[0]
    assert np.ma.count_masked(mesh.get_array()) > 0, "nothing is drawn outside the disk"
    ball = pde.Field(lambda x: x, pde.Ball(), "v")
    with pytest.raises(OptionError, match="one or two free coordinates"):
        so.plot.field(ball)
    assert so.plot.field(ball, at={"z": 0.0}, component=0, counts=(5, 5)).collections


def test_residuals_on_fresh_points_tell_when_points_are_too_few():
    line = pde.Interval(0, 1)

    def layer(u, x):
        return pde.laplacian(u)(x) - 40.0 * jnp.tanh(20 * (x[0] - 0.41))

    few = so.Condition(layer, "layer", line.interior(18, refine=0.0), weight=1.0)
    found = so.solve(so.Problem([few, pde.dirichlet(line.boundary(2))], so.models.tensor_basis(line, 20)))
    own, fresh = pde.held_out(found)["layer"]
    assert own < 1e-9
    assert fresh > 1.0
    assert "dirichlet(x-,x+)" in pde.held_out(found)


def test_points_follow_the_residual_only_where_fresh_points_disagree():
    rng = np.random.default_rng(0)
    batch = Batch(rng.uniform(0.0, 0.5, (200, 1)), 200)

    def draw(n):
        return rng.uniform(0.0, 1.0, (n, 1))

    assert refined(batch, draw, lambda x: np.ones(len(x)), 0.5, False, rng) is batch
    peak = lambda x: 1e-3 + (x[:, 0] > 0.9)  # noqa: E731  (large where the batch has no points)
    new = refined(batch, draw, peak, 0.5, False, rng)
    assert len(new.coords) == 200
    assert np.mean(new.coords[:100, 0] > 0.9) > 0.4, "drawn in proportion to the residual"
    assert np.array_equal(new.coords[100:], batch.coords[100:]), "the even part stays"
    last = new
    for _ in range(PATIENCE + 1):
        last, new = (
            new,
            refined(new, draw, lambda x: np.where(x[:, 0] > 2, 0, rng.uniform(size=len(x)) ** 9), 0.5, True, rng),
        )
    assert new is last or refined(new, draw, peak, 0.5, True, rng) is not None


def test_a_verdict_has_to_hold_on_fresh_points():
    """Twelve points cannot see the layer: converged there, the solve goes on with points that can."""
    line = pde.Interval(0, 1)

    def layer(u, x):
        return pde.grad(u)(x)[0] - 50.0 / jnp.cosh(50.0 * (x[0] - 0.5)) ** 2

    begin = pde.dirichlet(line.boundary(1, "x-"), -jnp.tanh(25.0))
    kept, moved = (
        so.solve(
            so.Problem(
                [so.Condition(layer, "layer", line.interior(12, refine=share), weight=1.0), begin],
                so.models.mlp(1, width=12, depth=1, domain=line, key=0),
            ),
            steps=200,
        )
        for share in (0.0, 0.5)
    )
    assert np.array_equal(
        kept.iterate.frame.batches[0].coords,
        line.interior(12, refine=0.0).first(np.random.default_rng([0, 0, 0])).coords,
    )
    assert not np.array_equal(moved.iterate.frame.batches[0].coords, kept.iterate.frame.batches[0].coords)
