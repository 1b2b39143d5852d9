import numpy as np
import pytest

from sciopt._errors import OptionError, SolveFailed
from sciopt.frames import Stage
from sciopt.pde import Grid, GridProblem, branch


def bratu(u, grid, lam):
    return grid.laplacian(u) + lam * np.exp(u)


def folds(grid, points=14, **options):
    problem = GridProblem(bratu, grid, settings={"lam": 1.0})
    found = list(branch(problem, "lam", step=1.0, points=points, **options))
    assert all(p.solution.success for p in found)
    return found, [p.fold for p in found if p.fold is not None]


def test_fold_of_bratu_on_a_line_to_five_digits():
    """lam* = 3.513830719125; the grid's own fold differs by order h^2, taken out by two grids."""
    coarse, fine = (folds(Grid((0, 1), shape=n), largest=1.0)[1] for n in (99, 199))
    assert len(coarse) == len(fine) == 1
    assert (4 * fine[0] - coarse[0]) / 3 == pytest.approx(3.513830719125, abs=3e-5)


def test_fold_of_bratu_on_a_square():
    """lam* = 6.808124423 on the unit square."""
    found, fold = folds(Grid((0, 1), (0, 1), shape=31), points=13)
    assert fold == pytest.approx([6.808124423], rel=5e-4)
    top = [p.values["u"].max() for p in found]
    assert np.all(np.diff(top) > 0)  # on to the upper branch
    assert found[-1].parameter < 6.0
    assert found[0].slope > 0 > found[-1].slope


def test_multigrid_passes_the_fold_as_well():
    """Above 4000 unknowns the bordered systems are solved with a multigrid cycle."""
    found, fold = folds(Grid((0, 1), (0, 1), shape=(65, 64)), points=12, largest=3.0)
    assert found[-1].solution.iterate.lin.preconditioner() is not None
    assert fold == pytest.approx([6.808124423], rel=2e-4)


def test_both_branches_solve_the_equation():
    found, _ = folds(Grid((0, 1), shape=49))
    grid = Grid((0, 1), shape=49)
    for p in found:
        assert np.abs(bratu(p.values["u"], grid, p.parameter)).max() < 1e-7
        assert p.values["lam"] == p.parameter
    arcs = [p.arc for p in found]
    assert np.all(np.diff(arcs) > 0)


def test_direction_and_a_traced_residual():
    import jax.numpy as jnp

    def traced(u, grid, lam):
        return grid.laplacian(jnp.asarray(u)) + lam * jnp.exp(u)

    problem = GridProblem(traced, Grid((0, 1), shape=31), settings={"lam": 2.0})
    down = [p.parameter for p in branch(problem, "lam", step=0.3, points=3, towards=-1.0)]
    assert down[0] > down[1] > down[2]


def test_bad_input_is_named():
    problem = GridProblem(bratu, Grid((0, 1), shape=9), settings={"lam": 1.0})
    with pytest.raises(OptionError, match="no setting 'mu'"):
        next(branch(problem, "mu"))
    with pytest.raises(OptionError, match="step=0"):
        next(branch(problem, "lam", step=0.0))
    staged = GridProblem(bratu, Grid((0, 1), shape=9), stages=[Stage({"lam": 1.0}), Stage({"lam": 2.0})])
    with pytest.raises(OptionError, match="several stages"):
        next(branch(staged, "lam"))
    hopeless = GridProblem(bratu, Grid((0, 1), shape=9), settings={"lam": 40.0})
    with pytest.raises(SolveFailed, match=r"stalled|budget"):  # no solution beyond the fold
        next(branch(hopeless, "lam"))
