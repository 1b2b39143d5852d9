"""One small problem of each kind through the same `iterate`: the seam that all rooms plug into."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest
from scipy import sparse

import sciopt as so
from sciopt.frames import Frame, Stage
from sciopt.iterate import Iterate
from sciopt.layout import Layout
from sciopt.linearise import Linearisation, Work
from sciopt.methods import LevenbergMarquardt, Newton, SketchedGaussNewton, TrustRegion
from sciopt.methods._contract import Step
from sciopt.points import Resampled


def last(problem: Any, method: Any = "auto", steps: int = 200, *, seen: Any = None, **options: Any) -> Iterate:
    """Drive a problem through the public generator and return the last iterate; ``seen`` collects the frames."""
    it = None
    for it in so.iterate(problem, method, **options):
        if seen is not None:
            seen.setdefault(id(it.frame), it)
        if it.number >= steps:
            break
    assert it is not None
    return it


# ---- plain fit -------------------------------------------------------------------------------------------------------
def test_plain_fit():
    t = np.linspace(0, 4, 40)
    it = last(so.curve(lambda t, A=1.0, tau=1.0: A * np.exp(-t / tau), t, 3 * np.exp(-t / 2)))
    assert it.verdict is not None
    assert it.theta == pytest.approx([3.0, 2.0], rel=1e-10)


# ---- network with redrawn points ------------------------------------------------------------------------------------
def test_network_with_redrawn_points():
    jnp = pytest.importorskip("jax.numpy")
    rng = np.random.default_rng(0)
    start = {"W": rng.uniform(-3, 3, 12), "b": rng.uniform(-3, 3, 12), "v": 0.1 * rng.standard_normal(12)}

    @so.condition(points=Resampled(lambda rng, n: rng.uniform(-1, 1, n), 60, every=1), jacobian="per_sample")
    def follows(W, b, v, x):
        return jnp.tanh(W * x + b) @ v - jnp.sin(3 * x)

    problem = so.Problem([follows], unknown=start)
    frames = {}
    it = last(problem, LevenbergMarquardt(), 60, seen=frames, key=3)
    assert len(frames) > 50  # a new batch each step
    x = np.linspace(-1, 1, 200)
    u = problem.layout.tree(it.theta)
    assert np.sqrt(np.mean((np.tanh(np.outer(x, u["W"]) + u["b"]) @ u["v"] - np.sin(3 * x)) ** 2)) < 1e-2


# ---- ODE on a frozen grid -------------------------------------------------------------------------------------------
class FrozenGrid:
    """Growth y' = k y^p from y(0) = 1: an adaptive solve picks the step grid, the frame holds it for all trials."""

    stages = (Stage(),)
    tolerance = 1e-7

    def __init__(self, t, y):
        self.t, self.y = t, y
        self.layout = Layout.of({"k": 0.1, "p": 1.0})

    def frame(self, theta, previous=None, request: Mapping[str, Any] | None = None, key=0, step=0):
        if previous is not None:  # kept while its local errors stay within a factor of the tolerance
            error = max(e for _, e in replay(theta, previous.extra))
            if 0.1 * self.tolerance < error < 3 * self.tolerance:
                return previous
        grid = adaptive(theta, self.t, self.tolerance)
        return previous if grid is None else Frame(step=step, extra=grid)

    def linearise(self, theta, frame, work):
        return FrozenGridLinearisation(self, theta, frame, work)


def bogacki_shampine(theta, y, h):
    """One step of order 3 with its local error; works on complex-step numbers."""
    k, p = theta
    s1 = k * y**p
    s2 = k * (y + h / 2 * s1) ** p
    s3 = k * (y + 3 * h / 4 * s2) ** p
    new = y + h * (2 * s1 + 3 * s2 + 4 * s3) / 9
    s4 = k * new**p
    return new, float(abs(h * (-5 * s1 / 72 + s2 / 12 + s3 / 9 - s4 / 8)))


def replay(theta, grid):
    y, out = 1.0 + 0 * theta[0], [(1.0 + 0 * theta[0], 0.0)]
    with np.errstate(all="ignore"):
        for h in np.diff(grid):
            y, error = bogacki_shampine(theta, y, h)
            out.append((y, error))
    return out


def adaptive(theta, stops, tolerance):
    """Step grid through the stops, or None where the solution blows up."""
    grid, y, h = [0.0], 1.0, 0.1
    for stop in stops:
        while grid[-1] < stop:
            h_now = min(h, stop - grid[-1])
            with np.errstate(all="ignore"):
                new, error = bogacki_shampine(theta, y, h_now)
            if error <= tolerance:
                y = new
                grid.append(stop if h_now == stop - grid[-1] else grid[-1] + h_now)
            factor = 0.9 * (tolerance / max(error, 1e-16)) ** (1 / 3) if np.isfinite(error) else 0.1
            h = h_now * min(max(factor, 0.2), 4.0)
            if h < 1e-6:
                return None
    return np.array(grid)


class FrozenGridLinearisation(Linearisation):
    """Trajectory minus data; a trajectory that blows up is a rejected step and not an exception."""

    def __init__(self, problem, theta, frame, work):
        super().__init__(theta, frame, problem.layout, work)
        self.problem = problem

    def at(self, theta):
        return FrozenGridLinearisation(self.problem, theta, self.frame, self.work)

    def _solve(self, theta):
        y = np.array([value for value, _ in replay(theta, self.frame.extra)])
        return y[np.searchsorted(self.frame.extra, self.problem.t)]

    def _evaluate(self):
        self.work.spend()
        y = self._solve(self.theta)
        if not np.isfinite(y).all() or y.max() > 1e6:
            self._failed = "the trajectory blows up before the last datum"
            return np.inf, np.full(len(self.problem.t), np.nan)
        r = (y - self.problem.y) / 0.01
        return 0.5 * float(r @ r), r

    def _dense(self):
        columns = [np.imag(self._solve(self.theta + 1e-30j * e)) / 1e-30 for e in np.eye(2)]
        return np.stack(columns, axis=1) / 0.01


def test_ode_on_a_frozen_grid():
    t = np.linspace(0.2, 3, 15)
    problem = FrozenGrid(t, 1 / (1 - 0.3 * t))  # y' = 0.3 y^2
    frames = {}
    it = last(problem, "auto", seen=frames)
    assert it.verdict is not None
    assert it.verdict[0] == "converged"
    assert it.theta == pytest.approx([0.3, 2.0], rel=1e-5)
    assert 2 <= len(frames) < it.number  # the grid followed the solution, then stood still
    failing = it.lin.at(np.array([3.0, 2.0]))
    assert failing.failed == "the trajectory blows up before the last datum"
    assert it.lin.reduction(failing) == -np.inf


# ---- symmetric sparse with a changing pattern -------------------------------------------------------------------------
class SemiDual:
    """Entropic transport of two small clouds: marginal error = -gradient, Hessian sparse, constants its null space."""

    def __init__(self):
        rng = np.random.default_rng(5)
        x, y = rng.uniform(size=(12, 2)), rng.uniform(size=(12, 2))
        self.cost = ((x[:, None] - y[None]) ** 2).sum(-1)
        self.layout = Layout.of({"g": np.zeros(12)})
        self.stages = tuple(Stage({"epsilon": e}) for e in (0.3, 0.03, 0.003))

    def frame(self, theta, previous=None, request=None, key=0, step=0):
        request = request or {}
        if previous is None:
            return Frame(stage=0, step=step, settings=self.stages[0].settings)
        if not request.get("stage"):
            return previous
        stage = min(previous.stage + 1, len(self.stages) - 1)
        return Frame(stage=stage, step=step, settings=self.stages[stage].settings)

    def linearise(self, theta, frame, work):
        return SemiDualLinearisation(self, theta, frame, work)


class SemiDualLinearisation(Linearisation):
    structure = "symmetric"
    objective = True

    def __init__(self, problem, theta, frame, work):
        super().__init__(theta, frame, problem.layout, work)
        self.problem, self.null = problem, np.ones(12)

    def at(self, theta):
        return SemiDualLinearisation(self.problem, theta, self.frame, self.work)

    @property
    def offers(self):
        return frozenset({"sparse"})

    def _plan(self):
        eps = self.frame.settings["epsilon"]
        z = (self.theta[None] - self.problem.cost) / eps
        top = z.max(1, keepdims=True)
        e = np.exp(z - top)
        s = e.sum(1, keepdims=True)
        return e / s / 12, float(np.sum(eps * (np.log(s) + top)) / 12)

    def _evaluate(self):
        self.work.spend()
        plan, smooth = self._plan()
        r = plan.sum(0) - 1 / 12  # gradient of the merit
        return smooth - float(self.theta.sum()) / 12, r

    def _sparse(self):
        plan, _ = self._plan()
        plan = np.where(plan > 1e-10 / 12, plan, 0.0)  # the pattern follows the temperature
        return sparse.csr_matrix((np.diag(plan.sum(0)) - 12 * plan.T @ plan) / self.frame.settings["epsilon"])


def test_symmetric_sparse_with_stages():
    problem = SemiDual()
    frames = {}
    it = last(problem, "auto", 100, seen=frames)
    assert isinstance(it.method, Newton)
    stages = {i.frame.stage for i in frames.values()}
    entries = {i.lin.sparse().nnz for i in frames.values()}
    assert stages == {0, 1, 2}
    assert len(entries) > 1
    assert np.abs(it.lin.r).sum() < 1e-9
    assert it.verdict is not None
    assert it.verdict[0] == "converged"


# ---- square sparse grid -----------------------------------------------------------------------------------------------
def test_square_sparse_grid():
    n = 32
    T = sparse.diags([1.0, -2.0, 1.0], [-1, 0, 1], shape=(n, n))  # pyright: ignore[reportArgumentType]
    laplacian = ((sparse.kron(T, sparse.eye(n)) + sparse.kron(sparse.eye(n), T)) * (n + 1) ** 2).tocsr()
    problem = so.Problem(
        lambda u: laplacian @ u + 5 * np.exp(u),
        np.zeros(n * n),
        pattern=laplacian + sparse.eye(n * n),
        structure="square",
    )
    solution = so.solve(problem)
    assert solution.success
    assert isinstance(solution.method, Newton)
    assert np.abs(laplacian @ solution.theta + 5 * np.exp(solution.theta)).max() < 1e-9
    assert solution.columns <= 12 * solution.njev  # columns that share no row are differentiated together


# ---- growing batch with an averaged estimate ----------------------------------------------------------------------------
class Averaged(NamedTuple):
    G: np.ndarray
    average: np.ndarray
    steps: float


@dataclass(frozen=True)
class AdaGrad:
    """First-order steps on row gradients; doubles the batch where their spread hides the mean."""

    lr: float = 0.3

    def init(self, lin):
        return Averaged(np.zeros_like(lin.theta), np.zeros_like(lin.theta), 0.0)

    def step(self, lin, state, key):
        rows = lin.row_gradients()
        n, g = len(rows), rows.mean(0)
        request = {"rows": 2 * n} if rows.var(0).sum() / n > 0.25 * g @ g and n < 20_000 else {}
        G = state.G + g * g
        theta = lin.theta - self.lr * g / np.sqrt(G + 1e-12)
        steps = state.steps + 1
        average = state.average + (theta - state.average) / steps
        return Step(theta, Averaged(G, average, steps), True, {"rows": float(n)}, request, average)


def test_growing_batch_with_averaged_estimate():
    def draw(rng, n):
        x = rng.uniform(-1, 1, n)
        return {"x": x, "y": 2.5 * x + 0.4 + 0.5 * rng.standard_normal(n)}

    @so.condition(points=Resampled(draw, 16, every=1), batched=True, weight=1.0)
    def meets(A, c, x, y):
        return A * x + c - y

    problem = so.Problem([meets], {"A": 1.0, "c": 0.1})
    it = last(problem, AdaGrad(lr=1.0), steps=600)
    assert it.lin.n > 500  # the batch grew
    assert it.theta == pytest.approx([2.5, 0.4], abs=0.06)
    assert it.estimate is not None
    assert not np.array_equal(it.estimate, it.theta)


# ---- zeroth order ---------------------------------------------------------------------------------------------------------
def test_zeroth_order():
    t = np.linspace(0, 4, 40)
    calls = []

    def black_box(A, w):
        calls.append(1)
        return [a * b for a, b in zip(A * np.ones(40), np.cos(w * t), strict=True)] - 2 * np.cos(1.5 * t)

    problem = so.Problem(black_box, {"A": 1.0, "w": 1.4})
    it = last(problem, SketchedGaussNewton(directions=2), steps=60)
    assert it.theta == pytest.approx([2.0, 1.5], rel=1e-5)
    sketched = so.Problem(so.Condition(black_box, jacobian="zeroth", directions=2), {"A": 1.0, "w": 1.4})
    assert last(sketched, TrustRegion()).theta == pytest.approx([2.0, 1.5], rel=1e-6)


def test_another_frame_is_not_comparable():
    problem = so.Problem(lambda v: v - 1.0, np.zeros(2))
    a, b = (so.linearise(problem, work=Work()) for _ in range(2))
    with pytest.raises(ValueError, match="different frames"):
        a.reduction(b)
